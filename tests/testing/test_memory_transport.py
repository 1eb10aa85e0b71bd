"""A connection in memory behaves as one of sockets does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from longwire.testing.memory_transport import CHUNK, MemoryTransport


class Recorder(asyncio.Protocol):
    """What a protocol is told."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.told: list[Any] = []
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> None:
        self.told.append("eof")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(("lost", exc))


class Connection:
    """Both ends, and what they are told."""

    def __init__(self) -> None:
        self.is_frozen = False
        ends = MemoryTransport.pair(lambda: self.is_frozen)
        self.here, self.there = map(Recorder, ends)


@pytest.fixture
async def connection() -> Connection:
    return Connection()


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_written_arrives_later_and_in_order(connection: Connection) -> None:
    here, there = connection.here, connection.there
    here.transport.write(b"one ")
    here.transport.writelines([b"two ", bytearray(b"three")])
    there.transport.write(b"back")
    assert there.told == []
    await turns()
    assert b"".join(there.told) == b"one two three"
    assert here.told == [b"back"]


async def test_much_arrives_in_pieces(connection: Connection) -> None:
    connection.here.transport.write(bytes(3 * CHUNK))
    await turns()
    assert [len(piece) for piece in connection.there.told] == [CHUNK] * 3


async def test_a_reader_that_pauses_slows_the_writer_down(connection: Connection) -> None:
    here, there = connection.here, connection.there
    here.transport.set_write_buffer_limits(high=10)
    assert here.transport.get_write_buffer_limits() == (2, 10)
    there.transport.pause_reading()
    assert not there.transport.is_reading()
    here.transport.write(bytes(11))
    here.transport.write(bytes(11))
    await turns()
    assert (here.told, there.told) == (["pause"], [])
    assert here.transport.get_write_buffer_size() == 22
    there.transport.resume_reading()
    assert there.transport.is_reading()
    await turns()
    assert (here.told, there.told) == (["pause", "resume"], [bytes(22)])


async def test_closing_lets_what_was_written_arrive(connection: Connection) -> None:
    here, there = connection.here, connection.there
    there.transport.pause_reading()
    here.transport.write(b"last words")
    here.transport.close()
    here.transport.write(b"too late")
    assert here.transport.is_closing()
    await turns()
    assert here.told == []
    there.transport.resume_reading()
    await turns()
    assert there.told == [b"last words", "eof", ("lost", None)]
    assert here.told == [("lost", None)]


async def test_aborting_drops_what_was_written(connection: Connection) -> None:
    here, there = connection.here, connection.there
    here.transport.write(b"never mind")
    here.transport.abort()
    here.transport.abort()
    await turns()
    assert here.told == [("lost", None)]
    assert there.told == ["eof", ("lost", None)]


async def test_a_cut_takes_both_ends(connection: Connection) -> None:
    connection.here.transport.write(b"never mind")
    connection.here.transport.cut()
    connection.there.transport.cut()
    await turns()
    for end in (connection.here, connection.there):
        [(_, error)] = end.told
        assert isinstance(error, ConnectionResetError)


async def test_both_ends_may_close_at_once(connection: Connection) -> None:
    connection.here.transport.close()
    connection.there.transport.close()
    await turns()
    assert connection.here.told[-1] == connection.there.told[-1] == ("lost", None)


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_a_frozen_connection_hides_even_its_end(connection: Connection, ending: str) -> None:
    here, there = connection.here, connection.there
    connection.is_frozen = True
    here.transport.write(b"hello")
    there.transport.write(b"hello yourself")
    getattr(here.transport, ending)()
    await turns()
    assert there.told == []
    connection.is_frozen = False
    here.transport.release()
    await turns()
    assert there.told[-2:] == ["eof", ("lost", None)]
    assert (b"hello" in there.told) is (ending == "close")


async def test_what_asyncio_asks_for(connection: Connection) -> None:
    transport = connection.here.transport
    assert transport.get_protocol() is connection.here
    assert transport.get_extra_info("socket") is None
    assert not transport.can_write_eof()
