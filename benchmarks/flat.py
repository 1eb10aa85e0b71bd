"""The memory of a client after a million events, compared with a hundred thousand.

    .venv/bin/python -m benchmarks.flat [EVENTS]

A client follows a job (progress and streamed text) with a handler, a throttled handler and an
iterator. It receives the events in slices, as fast as it can read them.
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
    """Return the frame of a long text chunk, with which the job's state soon reaches its limit."""
    text = f"{'streamed ' * 25}{offset}\n"
    data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": offset}
    packet = ["job:output", data, f"{offset}@{ROOM}"]
    return encode_text("42" + json.dumps(packet, separators=(",", ":")))


def frame(offset: int) -> bytes:
    """Return the frame of text or progress, in turn."""
    return output(offset) if offset % 2 else progress(offset, positions=True)


def main(events: int) -> None:
    """Send the events, and print the client's memory at some points."""
    looks = {int(events * part) // SLICE * SLICE for part in LOOK_AT}
    ends = range(SLICE, events + 1, SLICE)
    with Feeder() as feeder:
        command = (sys.executable, str(CLIENT))
        with Subject(command, str(feeder.port), *map(str, ends)) as client:
            feeder.accept(positions=True)
            assert client.line() == "ready\n"
            for end in ends:
                feeder.burst([frame(offset) for offset in range(end - SLICE + 1, end + 1)])
                assert client.line() == f"{end}\n"
                if end in looks:
                    print(f"{end:>9,} events  {client.memory_bytes() / 1e6:6.1f} MB", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
