"""Which broker an address names."""

from __future__ import annotations

from pathlib import Path

import pytest

from longwire.broker import MemoryBroker, SQLiteBroker, open_broker
from longwire.errors import UnsupportedBroker
from tests.broker.recording import RecordingReceiver, note


@pytest.mark.parametrize("url", ["memory", "memory:", "memory://"])
def test_memory(url: str) -> None:
    assert isinstance(open_broker(url), MemoryBroker)


async def test_sqlite_at_an_absolute_path(tmp_path: Path) -> None:
    broker = open_broker(f"sqlite:///{tmp_path}/with%20space.db")
    assert isinstance(broker, SQLiteBroker)

    await broker.start(RecordingReceiver())
    await broker.publish("room", note("x"))
    await broker.close()

    assert (tmp_path / "with space.db").is_file()


async def test_sqlite_at_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    broker = open_broker("sqlite:///logs.db")

    await broker.start(RecordingReceiver())
    await broker.close()

    assert (tmp_path / "logs.db").is_file()


@pytest.mark.parametrize(
    "url", ["", "memory:x", "sqlite:", "sqlite:///", "sqlite://x", "postgres://h/db", "x"]
)
def test_what_is_unknown_is_refused_with_what_there_is(url: str) -> None:
    with pytest.raises(UnsupportedBroker, match=r"memory: or sqlite:///"):
        open_broker(url)


@pytest.mark.parametrize("url", ["redis://user:secret@host:6379/0", "rediss://:secret@host"])
def test_redis_is_not_there_yet_and_its_password_is_not_repeated(url: str) -> None:
    with pytest.raises(UnsupportedBroker, match="no Redis broker yet") as refused:
        open_broker(url)
    assert "secret" not in str(refused.value)
    assert "secret" not in refused.value.url
