"""Where Redis is, and what is settled with it before a connection is used."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from redis.asyncio import connection as redis_connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    RedisError,
    ResponseError,
)

from longwire.broker.redis.log.script import BEGIN, SCRIPTS
from longwire.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis.asyncio.connection import AbstractConnection

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to be made and to answer the first questions."""

Command = Sequence[bytes | str | int]
Reply = Any


class Opened(msgspec.Struct, frozen=True):
    """A connection that may be used.

    Attributes:
        lineage: the runs of Redis whose data this run has whole, its own first.
        birth: names the data; another one after they were flushed.
    """

    connection: AbstractConnection
    lineage: bytes
    birth: bytes


class Address:
    """Where Redis is, and the prefix of our keys in it.

    Attributes:
        shown: the address without user and password, as errors name it.
        database: pub/sub knows no databases, so the names of channels tell theirs.
    """

    def __init__(self, url: str, prefix: str) -> None:
        """Take an address apart; nothing is connected.

        Raises:
            ValueError: it is malformed.
        """
        options: dict[str, Any] = dict(redis_connection.parse_url(url))
        self._kind = options.pop("connection_class", redis_connection.Connection)
        options |= {
            "protocol": 2,  # bells then come as plain replies, from every Redis
            "decode_responses": False,
            "retry": Retry(NoBackoff(), 0),  # the line that asked comes back by itself
            "socket_timeout": None,
            "socket_connect_timeout": CONNECT_TIMEOUT,
        }
        self._options = options
        self._runs = f"{prefix}:runs"
        self.database = int(options.get("db", 0))
        self.shown = _shown(url, options)

    async def open(self) -> Opened:
        """Connect, load the scripts and learn which data Redis goes on with.

        Raises:
            BrokerUnavailable: it cannot be reached, refuses us, or is not to be written to.
        """
        connection = self._kind(**self._options)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.connect()
                return await self._begin(connection)
        except (RedisError, OSError, TimeoutError) as error:
            await connection.disconnect(nowait=True)
            raise BrokerUnavailable(f"Redis at {self.shown} {self._why(error)}") from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    async def _begin(self, connection: AbstractConnection) -> Opened:
        replies = await _exchange(connection, _QUESTIONS)
        for reply in replies[: len(_NEEDED)]:
            if isinstance(reply, RedisError):
                raise reply
        server, replication = _fields(replies[0]), _fields(replies[1])
        if replication.get("role") == "slave":
            raise _IsReplica
        is_durable = _is_durable(replies[len(_NEEDED) :])
        was_promoted = set(replication.get("master_replid2", "0")) != {"0"}
        begin: list[bytes | str | int] = [b"EVALSHA", BEGIN.sha, 1, self._runs]
        if "run_id" not in server:
            raise RedisError("it does not say which run it is (INFO server)")
        begin += (server["run_id"], int(is_durable), int(was_promoted), secrets.token_hex(8))
        (reply,) = await _exchange(connection, [begin])
        if isinstance(reply, RedisError):
            raise reply
        return Opened(connection, reply[0], reply[1])

    def _why(self, error: Exception) -> str:
        """What went wrong, in words that hold no password."""
        if isinstance(error, _IsReplica):
            return "is a replica: logs are written to the primary"
        if _is_about_password(error):
            return "refuses the user or the password"
        if isinstance(error, TimeoutError):
            return "does not answer"
        text = str(error) or type(error).__name__
        password = self._options.get("password")
        return f"cannot be used: {text.replace(str(password), '…') if password else text}"


class _IsReplica(RedisError):
    """Redis is a replica of another."""


_NEEDED: tuple[Command, ...] = (
    ("INFO", "server"),
    ("INFO", "replication"),
    *(("SCRIPT", "LOAD", script.text) for script in SCRIPTS),
)
_QUESTIONS: tuple[Command, ...] = (
    *_NEEDED,
    ("CONFIG", "GET", "appendonly"),
    ("CONFIG", "GET", "appendfsync"),
    ("CONFIG", "GET", "no-appendfsync-on-rewrite"),
)


async def _exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Reply]:
    """Send commands and read their replies; errors among them are values."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    replies: list[Reply] = []
    for _ in commands:
        try:
            replies.append(await connection.read_response(disconnect_on_error=True))
        except ResponseError as error:
            replies.append(error)
    return replies


def _is_about_password(error: BaseException | None) -> bool:
    """Whether it is, or was caused by, a refused password."""
    while error is not None:
        if isinstance(error, AuthenticationError | AuthenticationWrongNumberOfArgsError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _fields(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _is_durable(replies: Sequence[Reply]) -> bool:
    """Whether Redis answers only what is on its disk; no, if it does not tell."""
    return [reply[1] if isinstance(reply, list) else None for reply in replies] == [
        b"yes",
        b"always",
        b"no",
    ]


def _shown(url: str, options: Mapping[str, Any]) -> str:
    scheme = url.partition("://")[0]
    if "path" in options:
        return f"unix://{unquote(str(options['path']))}"
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{options.get('db', 0)}"
