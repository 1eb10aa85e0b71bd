"""The parts of redis-py's connection API that Longwire uses.

They are not fully documented, so a new version of redis-py may change them. If a test fails here,
adapt `longwire/broker/redis/connection/address.py`, and the bounds of `redis` in `pyproject.toml`.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from redis.asyncio import connection as redis_connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from longwire.broker.redis.connection.address import read_reply, send_commands
from tests.redis_server import RedisServer

OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": False,
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": None,
    "socket_connect_timeout": 3.0,
}
CALLS = {
    "connect": (),
    "disconnect": ("nowait",),
    "pack_commands": ("commands",),
    "send_packed_command": ("command", "check_health"),
    "read_response": ("disconnect_on_error",),
}


@pytest.fixture
async def connection(
    redis_server: RedisServer,
) -> AsyncIterator[redis_connection.AbstractConnection]:
    options = redis_connection.parse_url(redis_server.url)
    kind = options.pop("connection_class")
    connection = kind(**options, **OPTIONS)
    await connection.connect()
    yield connection
    await connection.disconnect(nowait=True)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_still_has_its_parameters(name: str) -> None:
    call = getattr(redis_connection.AbstractConnection, name, None)

    assert call is not None, f"redis-py {redis.__version__} has removed AbstractConnection.{name}"
    missing = set(CALLS[name]) - set(inspect.signature(call).parameters)
    assert not missing, f"redis-py {redis.__version__} has changed AbstractConnection.{name}"


@pytest.mark.parametrize(
    ("url", "kind", "options"),
    [
        ("redis://ada:pw@host:1/2", None, {"host": "host", "port": 1, "db": 2}),
        ("rediss://host", redis_connection.SSLConnection, {"host": "host"}),
        (
            "unix://ada:pw@/path?db=3",
            redis_connection.UnixDomainSocketConnection,
            {"path": "/path", "db": 3, "username": "ada", "password": "pw"},
        ),
    ],
)
def test_urls_are_parsed_into_options(url: str, kind: type | None, options: dict[str, Any]) -> None:
    parsed = dict(redis_connection.parse_url(url))

    assert parsed.pop("connection_class", None) is kind
    assert options.items() <= parsed.items()


async def test_replies_arrive_in_order_and_errors_leave_the_connection_usable(
    connection: redis_connection.AbstractConnection,
) -> None:
    await send_commands(connection, [("ECHO", b"1"), ("NO SUCH COMMAND",), ("ECHO", "2")])

    assert await read_reply(connection) == b"1"
    assert isinstance(await read_reply(connection), redis.ResponseError)
    assert await read_reply(connection) == b"2"


async def test_pub_sub_messages_are_ordinary_replies(
    connection: redis_connection.AbstractConnection, redis_server: RedisServer, prefix: str
) -> None:
    channel = prefix.encode()
    await send_commands(connection, [(b"SUBSCRIBE", channel)])
    assert await read_reply(connection) == [b"subscribe", channel, 1]
    redis_server.run("PUBLISH", channel, b"\xff")

    assert await read_reply(connection) == [b"message", channel, b"\xff"]


async def test_a_lost_connection_raises_a_connection_error(
    connection: redis_connection.AbstractConnection, redis_server: RedisServer
) -> None:
    await send_commands(connection, [("CLIENT", "ID")])
    redis_server.run("CLIENT", "KILL", "ID", await read_reply(connection))

    with pytest.raises(redis.ConnectionError):
        await read_reply(connection)


def test_errors_for_which_a_command_is_repeated_are_response_errors() -> None:
    for name in ("MasterDownError", "NoScriptError", "ReadOnlyError"):
        assert issubclass(getattr(redis.exceptions, name), redis.ResponseError)
