"""`kill -9` under load loses nothing that was acknowledged or delivered, and duplicates nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from longwire.broker import SQLiteBroker
from longwire.log.retention import RetentionLimits
from longwire.types import Position
from tests.broker.recording import RecordingReceiver, note

REPOSITORY = Path(__file__).parents[3]
GENEROUS = RetentionLimits(max_entries=1_000_000, max_bytes=1 << 30)


def publish_until_killed(path: Path, first: int, at_a_time: int, lines: int) -> set[str]:
    """Start a process that publishes, kill it after some lines, and return all lines it printed."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.broker.sqlite.publishing_process",
            path,
            str(first),
            str(at_a_time),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    printed += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -9
    return {line.strip() for line in printed if line.endswith("\n")}


@pytest.mark.parametrize("at_a_time", [1, 50])
async def test_a_process_that_is_killed_repeatedly(tmp_path: Path, at_a_time: int) -> None:
    path = tmp_path / "logs.db"
    promised: dict[int, str] = {}
    epochs: set[str] = set()
    for kill in range(4):
        for line in publish_until_killed(path, kill * 100_000, at_a_time, 150 + 37 * kill):
            _, text, offset = line.split()
            assert promised.setdefault(int(offset), text) == text
        broker = SQLiteBroker(path, retention=GENEROUS)
        await broker.start(RecordingReceiver())
        history = await broker.read("room", limit=1_000_000, max_bytes=1 << 30)
        kept = {p.last: msgspec.json.decode(p.data)["text"] for p in history.publications}
        newest, text = max(promised.items())
        repeated = await broker.publish("room", note(text), id=text)
        await broker.close()

        assert promised.items() <= kept.items()
        assert list(kept) == list(range(1, history.position.offset + 1))
        assert len(set(kept.values())) == len(kept)
        assert repeated == Position(history.position.epoch, newest)
        epochs.add(history.position.epoch)
    assert len(epochs) == 1


FULL_DISK = """
import asyncio, resource, sys
from longwire.broker import SQLiteBroker
from longwire.errors import BrokerUnavailable
from tests.broker.recording import RecordingReceiver, note, texts

async def main():
    receiver = RecordingReceiver()
    broker = SQLiteBroker(sys.argv[1])
    await broker.start(receiver)
    await broker.subscribe("room")
    last = await broker.publish("room", note("first"))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    refused = await asyncio.gather(
        *(broker.publish("room", note("x" * 100_000)) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(error, BrokerUnavailable) for error in refused), refused
    assert await broker.position("room") == last
    assert receiver.offsets("room") == [1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    position = await broker.publish("room", note("second"))
    assert (position.epoch, position.offset) == (last.epoch, 2)
    assert receiver.offsets("room") == [1, 2]
    await broker.close()
    broker = SQLiteBroker(sys.argv[1])
    await broker.start(receiver)
    assert await texts(broker, "room") == ["first", "second"]
    await broker.close()

asyncio.run(main())
"""


def test_a_full_disk_rejects_publishes_and_keeps_the_log_intact(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / "logs.db"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
