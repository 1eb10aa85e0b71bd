"""What a client holds after a million events: as much as after a hundred thousand.

    .venv/bin/python -m benchmarks.flat [EVENTS]

A client follows a job (progress and streamed text), with a handler, a throttled one and an
iterator. What is fed is as much as it takes at once, in slices.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.feeder import ROOM, Feeder, progress
from benchmarks.process import Subject
from longwire.websocket.frames import encode_text

CLIENT = Path(__file__).with_name("clients") / "longwire_watcher.py"
SLICE = 5_000
EVENTS = 1_000_000
LOOK_AT = (0.1, 0.25, 0.5, 0.75, 1.0)


def output(offset: int) -> bytes:
    """The frame of a piece of text, so long that the job's state soon holds as much as it may."""
    text = f"{'streamed ' * 25}{offset}\n"
    data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": offset}
    packet = ["job:output", data, f"{offset}@{ROOM}"]
    return encode_text("42" + json.dumps(packet, separators=(",", ":")))


def frame(offset: int) -> bytes:
    """One of both, in turns."""
    return output(offset) if offset % 2 else progress(offset, positions=True)


def main(events: int) -> None:
    """Feed, and print what the client holds at some points on the way."""
    looks = {int(events * part) // SLICE * SLICE for part in LOOK_AT}
    ends = range(SLICE, events + 1, SLICE)
    with Feeder() as feeder:
        command = (sys.executable, str(CLIENT))
        with Subject(command, str(feeder.port), *map(str, ends)) as client:
            feeder.welcome(positions=True)
            assert client.line() == "ready\n"
            for end in ends:
                feeder.burst([frame(offset) for offset in range(end - SLICE + 1, end + 1)])
                assert client.line() == f"{end}\n"
                if end in looks:
                    print(f"{end:>9,} events  {client.memory_bytes() / 1e6:6.1f} MB", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
