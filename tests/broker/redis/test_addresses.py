"""Addresses of Redis that can never work fail at once, and say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from longwire.broker.redis import RedisBroker
from longwire.errors import BrokerUnavailable
from longwire.server.rooms.hub import Hub
from tests.redis_server import RedisServer


async def failure(url: str) -> BrokerUnavailable:
    """Return the error with which a broker with this address does not start."""
    broker = RedisBroker(url)
    with pytest.raises(BrokerUnavailable) as raised:
        await broker.start(Hub(broker))
    await broker.close()
    return raised.value


async def test_a_redis_cluster_is_named(tmp_path: Path) -> None:
    """The message was "cannot be used: 13658 127.0.0.1:12026"."""
    with RedisServer(tmp_path, cluster_enabled="yes") as redis:
        error = await failure(redis.url)
    assert "is a node of a Redis Cluster, which Longwire does not support" in str(error)
    assert error.is_permanent


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[str]:
    """A real Sentinel, which watches nothing."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    (tmp_path / "sentinel.conf").write_text(f"port {port}\ndir {tmp_path}\n")
    with subprocess.Popen(
        ["redis-server", tmp_path / "sentinel.conf", "--sentinel"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Sentinel ID" in line:
                break
        yield f"redis://127.0.0.1:{port}"
        process.send_signal(signal.SIGKILL)
        process.communicate()


async def test_a_sentinel_is_named(sentinel: str) -> None:
    """The message was "unknown command 'SCRIPT'", followed by the text of a script."""
    error = await failure(sentinel)
    assert "is a Redis Sentinel, which stores no data: use the address of the primary" in str(error)
    assert error.is_permanent


async def test_another_service_is_named() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        error = await failure(f"redis://127.0.0.1:{port}")
    assert "does not answer like a Redis server; check the address and the port" in str(error)
    assert error.is_permanent


@pytest.mark.parametrize(
    ("query", "user"), [("", ""), ("?db=99", "default:right@"), ("", "default:wrong@")]
)
async def test_wrong_credentials_and_databases_are_permanent(
    query: str, user: str, tmp_path: Path
) -> None:
    with RedisServer(tmp_path, requirepass="right") as redis:
        error = await failure(f"unix://{user}{redis.socket}{query}")
    assert error.is_permanent


async def test_a_redis_that_is_not_there_may_come(tmp_path: Path) -> None:
    assert not (await failure(f"unix://{tmp_path}/redis.sock")).is_permanent
    assert not (await failure("redis://no.such.host.invalid")).is_permanent


async def test_a_replica_may_become_the_primary(tmp_path: Path) -> None:
    with RedisServer(tmp_path, replicaof="127.0.0.1 1") as replica:
        error = await failure(replica.url)
    assert "is a replica; connect to the primary" in str(error)
    assert not error.is_permanent
