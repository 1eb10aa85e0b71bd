"""The address of Redis: opens connections and prepares them for use.

This is the only module that calls redis-py's connection API, which is not fully documented;
`tests/broker/redis/test_redis_py.py` checks that it behaves as expected.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from redis.asyncio import connection as redis_connection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from longwire.broker.redis.scripts import BEGIN, SCRIPTS
from longwire.errors import BrokerUnavailable

CONNECT_TIMEOUT = 3.0
"""Seconds to connect and to prepare the connection."""

Command = Sequence[bytes | str | int]
Reply = Any


class ReadyConnection(msgspec.Struct, frozen=True):
    """An open connection that is ready for use.

    Attributes:
        lineage: the run ids of Redis processes of which the current one has all data, its own
            first; see `begin.lua`.
    """

    connection: AbstractConnection
    lineage: bytes


class Address:
    """The address of Redis, and the prefix of the broker's keys in it.

    Attributes:
        shown: the address without user and password, for messages.
        database: part of channel names, since pub/sub is not separated by database.
    """

    def __init__(self, url: str, prefix: str) -> None:
        """Parse the URL, without connecting.

        Raises:
            ValueError: the URL is malformed.
        """
        options: dict[str, Any] = dict(redis_connection.parse_url(url))
        self._kind = options.pop("connection_class", redis_connection.Connection)
        options |= {
            "protocol": 2,  # with RESP2, pub/sub messages are ordinary replies in every version
            "decode_responses": False,
            "retry": Retry(NoBackoff(), 0),  # ReconnectingConnection retries
            "socket_timeout": None,
            "socket_connect_timeout": CONNECT_TIMEOUT,
        }
        self._options = options
        self._runs = f"{prefix}:runs"
        self.database = int(options.get("db", 0))
        self.shown = _without_credentials(url, options)

    async def open(self) -> ReadyConnection:
        """Connect, load the scripts, and determine which earlier data Redis still has.

        Raises:
            BrokerUnavailable: Redis cannot be reached, rejects the credentials, or is read-only.
        """
        connection = self._kind(**self._options)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.connect()
                return await self._prepare(connection)
        except (RedisError, OSError, TimeoutError) as error:
            await connection.disconnect(nowait=True)
            message = f"Redis at {self.shown} {self._explain(error)}"
            raise BrokerUnavailable(message, is_permanent=_is_permanent(error)) from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    async def _prepare(self, connection: AbstractConnection) -> ReadyConnection:
        await send_commands(connection, _PREPARATION)
        replies = [await read_reply(connection) for _ in _PREPARATION]
        if isinstance(replies[0], bytes):  # before the scripts, which a Sentinel does not have
            mode = _parse_info(replies[0]).get("redis_mode")
            if mode in _UNSUPPORTED_MODES:
                raise _UnsupportedMode(_UNSUPPORTED_MODES[mode])
        for reply in replies[: len(_REQUIRED)]:
            if isinstance(reply, RedisError):
                raise reply
        server, replication = _parse_info(replies[0]), _parse_info(replies[1])
        if replication.get("role") == "slave":
            raise _IsReplica
        is_durable = _is_durable(replies[len(_REQUIRED) :])
        was_promoted = set(replication.get("master_replid2", "0")) != {"0"}
        if "run_id" not in server:
            raise RedisError("INFO server does not contain run_id")
        begin: list[bytes | str | int] = [b"EVALSHA", BEGIN.sha, 1, self._runs]
        begin += (server["run_id"], int(is_durable), int(was_promoted), secrets.token_hex(8))
        await send_commands(connection, [begin])
        reply = await read_reply(connection)
        if isinstance(reply, RedisError):
            raise reply
        return ReadyConnection(connection, reply)

    def _explain(self, error: Exception) -> str:
        """Describe the error without revealing the password."""
        if isinstance(error, _IsReplica):
            return "is a replica; connect to the primary"
        if isinstance(error, _UnsupportedMode):
            return str(error)
        if isinstance(error, InvalidResponse):
            return "does not answer like a Redis server; check the address and the port"
        if _is_authentication_error(error):
            return "rejects the user or the password"
        if isinstance(error, TimeoutError):
            return f"did not answer within {CONNECT_TIMEOUT:g} s"
        text = str(error) or type(error).__name__
        password = self._options.get("password")
        return f"cannot be used: {text.replace(str(password), '…') if password else text}"


class _IsReplica(RedisError):
    """Redis is a replica of another one."""


class _UnsupportedMode(RedisError):
    """The server is a Redis Cluster's or a Sentinel."""


_UNSUPPORTED_MODES = {
    "cluster": "is a node of a Redis Cluster, which Longwire does not support: use the address of "
    "a single Redis, or of one primary with replicas",
    "sentinel": "is a Redis Sentinel, which stores no data: use the address of the primary, or of "
    "a proxy that follows the Sentinels",
}


# All of these must succeed. An account may lack the right to CONFIG GET; see `_is_durable`.
_REQUIRED: tuple[Command, ...] = (
    ("INFO", "server"),
    ("INFO", "replication"),
    *(("SCRIPT", "LOAD", script.text) for script in SCRIPTS),
)
_PREPARATION: tuple[Command, ...] = (
    *_REQUIRED,
    ("CONFIG", "GET", "appendonly"),
    ("CONFIG", "GET", "appendfsync"),
    ("CONFIG", "GET", "no-appendfsync-on-rewrite"),
)


async def send_commands(connection: AbstractConnection, commands: Sequence[Command]) -> None:
    """Send commands in one write; their replies are to be read in the same order."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)


async def read_reply(connection: AbstractConnection) -> Reply:
    """Return the next reply, without a timeout. An error reply is returned, not raised."""
    try:
        return cast("Reply", await connection.read_response(disconnect_on_error=True))
    except ResponseError as error:
        return error


def _is_authentication_error(error: BaseException | None) -> bool:
    """Whether the error is, or was caused by, a rejected password."""
    while error is not None:
        if isinstance(error, AuthenticationError | AuthenticationWrongNumberOfArgsError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_permanent(error: Exception) -> bool:
    """Whether another attempt with the same address and password would fail, too."""
    permanent = (_UnsupportedMode, InvalidResponse, NoPermissionError)
    is_other_database = "DB index" in str(error)  # redis-py has no class for it
    return isinstance(error, permanent) or _is_authentication_error(error) or is_other_database


def _parse_info(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _is_durable(replies: Sequence[Reply]) -> bool:
    """Whether Redis syncs every write to the disk before it replies; False if that is unknown."""
    return [reply[1] if isinstance(reply, list) else None for reply in replies] == [
        b"yes",
        b"always",
        b"no",
    ]


def _without_credentials(url: str, options: Mapping[str, Any]) -> str:
    scheme = url.partition("://")[0]
    if "path" in options:
        return f"unix://{unquote(str(options['path']))}"
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{options.get('db', 0)}"
