"""The stock Socket.IO clients of Node and Python behind one interface, for one test suite."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import socketio

DRIVER = Path(__file__).with_name("stock_client.mjs")
TIMEOUT = 10.0


class Occurrence(NamedTuple):
    """An occurrence that a client reports: connect, connect_error, disconnect, transport, event."""

    what: str
    args: list[Any]


class StockClient(Protocol):
    """The interface of the stock clients."""

    async def connect(self, url: str, auth: dict[str, Any] | None) -> None:
        """Start to connect; the outcome is reported as an occurrence."""
        ...

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event without asking for an acknowledgement."""
        ...

    async def call(self, event: str, *args: Any) -> list[Any]:
        """Send an event; return the arguments of the acknowledgement."""
        ...

    async def disconnect(self) -> None:
        """Disconnect."""
        ...

    async def expect(self, what: str, name: str | None = None) -> list[Any]:
        """Wait for the next occurrence of this kind, and of this name if it is an event."""
        ...


class Record:
    """Records occurrences in order; each one is returned once."""

    def __init__(self) -> None:
        self._occurrences: list[Occurrence] = []
        self._changed = asyncio.Condition()

    async def add(self, what: str, *args: Any) -> None:
        async with self._changed:
            self._occurrences.append(Occurrence(what, list(args)))
            self._changed.notify_all()

    async def expect(self, what: str, name: str | None = None) -> list[Any]:
        """Return the arguments of the first such occurrence; wait for it if necessary."""

        def take() -> list[Any] | None:
            for index, occurrence in enumerate(self._occurrences):
                if occurrence.what == what and name in (None, occurrence.args[0]):
                    del self._occurrences[index]
                    return occurrence.args if name is None else occurrence.args[1:]
            return None

        try:
            async with asyncio.timeout(TIMEOUT), self._changed:
                while (found := take()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"no {what} {name or ''}; seen: {self._occurrences}") from None


def _pack(value: Any) -> Any:
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case list() | tuple():
            return [_pack(item) for item in value]
        case dict():
            return {key: _pack(item) for key, item in value.items()}
    return value


def _unpack(value: Any) -> Any:
    match value:
        case {"$bytes": text}:
            return base64.b64decode(text)
        case list():
            return [_unpack(item) for item in value]
        case dict():
            return {key: _unpack(item) for key, item in value.items()}
    return value


class NodeClient:
    """socket.io-client in a Node process."""

    def __init__(self, process: asyncio.subprocess.Process, transports: list[str] | None) -> None:
        self._process = process
        self._transports = transports
        self._record = Record()
        self._acks: dict[int, asyncio.Future[list[Any]]] = {}
        self._ids = itertools.count()
        self.expect = self._record.expect

    async def connect(self, url: str, auth: dict[str, Any] | None, **options: Any) -> None:
        if self._transports is not None:
            options["transports"] = self._transports
        self._send("connect", url=url, options={"auth": auth, **options})

    async def emit(self, event: str, *args: Any) -> None:
        self._send("emit", event=event, args=_pack(args))

    async def call(self, event: str, *args: Any) -> list[Any]:
        id = next(self._ids)
        answer = self._acks[id] = asyncio.get_running_loop().create_future()
        self._send("call", id=id, event=event, args=_pack(args))
        async with asyncio.timeout(TIMEOUT):
            return await answer

    async def send_packet(self, packet: dict[str, Any]) -> None:
        """Send a raw packet through the client's parser."""
        self._send("packet", packet=packet)

    async def cut(self) -> None:
        """Close the transport under the socket; the client reconnects by itself."""
        self._send("cut")

    async def disconnect(self) -> None:
        self._send("disconnect")

    async def read_output(self) -> None:
        """Record the output of the process until it exits."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            args = _unpack(message["args"])
            if message["what"] == "ack":
                self._acks.pop(args[0]).set_result(args[1:])
            else:
                await self._record.add(message["what"], *args)

    def _send(self, command: str, **options: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **options}).encode() + b"\n")


@contextlib.asynccontextmanager
async def node_client(transports: list[str] | None) -> AsyncIterator[NodeClient]:
    """Run a Node process with the stock client; None uses the client's default transports."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(DRIVER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    client = NodeClient(process, transports)
    reading = asyncio.create_task(client.read_output())
    try:
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), TIMEOUT)
        if process.returncode is None:
            process.kill()
        await asyncio.gather(process.wait(), reading)


class PythonClient:
    """python-socketio's AsyncClient."""

    def __init__(self, client: socketio.AsyncClient, transports: list[str]) -> None:
        self._client = client
        self._transports = transports
        self._record = Record()
        self._connecting: asyncio.Task[None] | None = None
        self.expect = self._record.expect
        client.on("connect", self._on_connect)
        client.on("connect_error", self._on_connect_error)
        client.on("disconnect", self._on_disconnect)
        client.on("*", self._on_event)

    async def connect(self, url: str, auth: dict[str, Any] | None) -> None:
        with contextlib.suppress(socketio.exceptions.ConnectionError):
            await self._client.connect(url, auth=auth, transports=self._transports)

    async def emit(self, event: str, *args: Any) -> None:
        await self._client.emit(event, args)

    async def call(self, event: str, *args: Any) -> list[Any]:
        answer = await self._client.call(event, args, timeout=int(TIMEOUT))
        return list(answer) if isinstance(answer, tuple) else [answer]

    async def disconnect(self) -> None:
        await self._client.disconnect()

    async def _on_connect(self) -> None:
        await self._record.add("connect", self._client.sid, False)
        await self._record.add("transport", self._client.transport())

    async def _on_connect_error(self, error: Any) -> None:
        refusal = error if isinstance(error, dict) else {"message": error}
        await self._record.add("connect_error", refusal["message"], refusal.get("data"), False)

    async def _on_disconnect(self, reason: str) -> None:
        await self._record.add("disconnect", reason)

    async def _on_event(self, name: str, *args: Any) -> None:
        await self._record.add("event", name, *args)


@contextlib.asynccontextmanager
async def python_client(transports: list[str]) -> AsyncIterator[PythonClient]:
    """Create a python-socketio client; disconnect it at the end."""
    client = socketio.AsyncClient(reconnection=False)
    try:
        yield PythonClient(client, transports)
    finally:
        await client.disconnect()


FLAVOURS = {
    "node-websocket": lambda: node_client(["websocket"]),
    "node-polling": lambda: node_client(["polling"]),
    "node-upgrade": lambda: node_client(["polling", "websocket"]),
    "node-default": lambda: node_client(None),
    "python-websocket": lambda: python_client(["websocket"]),
    "python-polling": lambda: python_client(["polling"]),
}
LAST_TRANSPORT = {
    "node-websocket": ["websocket"],
    "node-polling": ["polling"],
    "node-upgrade": ["polling", "websocket"],
    "node-default": ["polling", "websocket"],
    "python-websocket": ["websocket"],
    "python-polling": ["polling"],
}
