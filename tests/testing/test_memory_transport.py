"""`MemoryTransport` behaves like asyncio's transports over sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire.testing.memory_transport import CHUNK, MemoryTransport


class Recorder(asyncio.Protocol):
    """Records the calls to a protocol."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.calls: list[Any] = []
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> None:
        self.calls.append("eof")

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append(("lost", exc))


class Connection:
    """Both ends of a connection."""

    def __init__(self) -> None:
        self.is_frozen = False
        ends = MemoryTransport.pair(lambda: self.is_frozen)
        self.local, self.remote = map(Recorder, ends)


@pytest.fixture
async def connection() -> Connection:
    return Connection()


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_written_data_arrives_later_and_in_order(connection: Connection) -> None:
    local, remote = connection.local, connection.remote
    local.transport.write(b"one ")
    local.transport.writelines([b"two ", bytearray(b"three")])
    remote.transport.write(b"back")
    assert remote.calls == []
    await turns()
    assert b"".join(remote.calls) == b"one two three"
    assert local.calls == [b"back"]


async def test_large_data_arrives_in_chunks(connection: Connection) -> None:
    connection.local.transport.write(bytes(3 * CHUNK))
    await turns()
    assert [len(piece) for piece in connection.remote.calls] == [CHUNK] * 3


async def test_a_paused_reader_pauses_the_writer(connection: Connection) -> None:
    local, remote = connection.local, connection.remote
    local.transport.set_write_buffer_limits(high=10)
    assert local.transport.get_write_buffer_limits() == (2, 10)
    remote.transport.pause_reading()
    assert not remote.transport.is_reading()
    local.transport.write(bytes(11))
    local.transport.write(bytes(11))
    await turns()
    assert (local.calls, remote.calls) == (["pause"], [])
    assert local.transport.get_write_buffer_size() == 22
    remote.transport.resume_reading()
    assert remote.transport.is_reading()
    await turns()
    assert (local.calls, remote.calls) == (["pause", "resume"], [bytes(22)])


async def test_close_delivers_written_data(connection: Connection) -> None:
    local, remote = connection.local, connection.remote
    remote.transport.pause_reading()
    local.transport.write(b"last words")
    local.transport.close()
    local.transport.write(b"too late")
    assert local.transport.is_closing()
    await turns()
    assert local.calls == []
    remote.transport.resume_reading()
    await turns()
    assert remote.calls == [b"last words", "eof", ("lost", None)]
    assert local.calls == [("lost", None)]


async def test_abort_drops_written_data(connection: Connection) -> None:
    local, remote = connection.local, connection.remote
    local.transport.write(b"never mind")
    local.transport.abort()
    local.transport.abort()
    await turns()
    assert local.calls == [("lost", None)]
    assert remote.calls == ["eof", ("lost", None)]


async def test_cut_resets_both_ends(connection: Connection) -> None:
    connection.local.transport.write(b"never mind")
    connection.local.transport.cut()
    connection.remote.transport.cut()
    await turns()
    for end in (connection.local, connection.remote):
        [(_, error)] = end.calls
        assert isinstance(error, ConnectionResetError)


async def test_both_ends_may_close_at_once(connection: Connection) -> None:
    connection.local.transport.close()
    connection.remote.transport.close()
    await turns()
    assert connection.local.calls[-1] == connection.remote.calls[-1] == ("lost", None)


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_a_frozen_connection_delays_its_close(connection: Connection, ending: str) -> None:
    local, remote = connection.local, connection.remote
    connection.is_frozen = True
    local.transport.write(b"hello")
    remote.transport.write(b"hello yourself")
    getattr(local.transport, ending)()
    await turns()
    assert remote.calls == []
    connection.is_frozen = False
    local.transport.release()
    await turns()
    assert remote.calls[-2:] == ["eof", ("lost", None)]
    assert (b"hello" in remote.calls) is (ending == "close")


async def test_implements_the_transport_interface(connection: Connection) -> None:
    transport = connection.local.transport
    assert transport.get_protocol() is connection.local
    assert transport.get_extra_info("socket") is None
    assert not transport.can_write_eof()
