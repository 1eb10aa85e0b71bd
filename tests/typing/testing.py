"""The types of the testing tools. Checked by mypy and pyright, never run."""

from typing import assert_type

from longwire import Identity, Server, WebSocketClient
from longwire.client import ClientOptions
from longwire.testing import History, Link, ManualClock, Proof, authenticate_by_name

server = Server(authenticate=authenticate_by_name)


async def use() -> None:
    assert_type(await authenticate_by_name("ada"), Identity | None)
    with ManualClock(start=0.0) as clock:
        assert_type(clock, ManualClock)
        assert_type(clock.time(), float)
        assert_type(await clock.advance(30), None)
        async with Link(server, app=server) as link:
            assert_type(link, Link)
            assert_type(link.server, Server)
            ada = await link.connect("ada", reconnection_attempts=3)
            assert_type(ada, WebSocketClient)
            assert_type(link.client(lambda: "ada"), WebSocketClient)
            assert_type(link.options(), ClientOptions)
            link.cut(ada)
            link.freeze()
            link.cut("ada")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(History().check(), Proof)
