"""The broker that `open_broker` returns for a URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from longwire.broker import MemoryBroker, SQLiteBroker, open_broker
from longwire.broker.redis import RedisBroker
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
    "url",
    [
        "redis://user:secret@host:6379/0",
        "redis://host",
        "rediss://:secret@host",
        "unix://user:secret@/run/redis.sock?db=3",
    ],
)
def test_redis(url: str) -> None:
    broker = open_broker(url)

    assert isinstance(broker, RedisBroker)
    assert "secret" not in repr(broker)


@pytest.mark.parametrize(
    "url", ["", "memory:x", "sqlite:", "sqlite:///", "sqlite://x", "postgres://h/db", "x", "redis:"]
)
def test_an_unsupported_url_is_rejected_with_the_supported_ones(url: str) -> None:
    with pytest.raises(UnsupportedBroker, match=r"memory:, sqlite:///.* or redis://"):
        open_broker(url)


@pytest.mark.parametrize(
    "url", ["redis://user:secret@host:port/0", "redis://:sec@ret@host:99999999", "redis://[::1/2"]
)
def test_the_error_for_a_malformed_redis_url_does_not_contain_the_password(url: str) -> None:
    with pytest.raises(UnsupportedBroker) as refused:
        open_broker(url)
    assert "ret" not in str(refused.value)
    assert "ret" not in refused.value.url


def test_redis_without_its_extra_is_rejected_with_the_command_to_install_it() -> None:
    code = """if True:
        import sys
        sys.modules["redis"] = None
        from longwire.broker import open_broker
        from longwire.errors import UnsupportedBroker
        try:
            open_broker("redis://:secret@host")
        except UnsupportedBroker as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "unsupported broker 'redis://…@host': install it first: pip install 'longwire[redis]'\n"
    )
