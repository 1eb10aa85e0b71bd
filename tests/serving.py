"""Real servers for tests: `longwire serve` as a process, and ASGI applications in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any, Self

import httpx
import uvicorn

from longwire.tokens import issue_token

LONGWIRE = Path(sys.executable).with_name("longwire")
SECRET = "a secret that only the tests know"
LANE = "longwire.server.uvicorn:WebSocketProtocol"
HTTP = "longwire.server.uvicorn:HTTPProtocol"
PLAIN = "websockets-sansio"
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: bG9uZ3dpcmUncyB0ZXN0cw==\r\n\r\n"
)
LISTENING = re.compile(r"Listening on (http://\S+)")


class ServerProcess:
    """`longwire serve` on a free port; the process ends with the `with` block.

    Args:
        *options: of `longwire serve`.
        port: the port; 0 picks a free one.
        secret: its LONGWIRE_SECRET.
        environment: additional environment variables.
    """

    def __init__(
        self,
        *options: str,
        port: int = 0,
        secret: str = SECRET,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.options = options
        self.environment = environment or {}
        self.port = port
        self.secret = secret
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it listens; later starts use the same port."""
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            [LONGWIRE, "serve", f"--port={self.port}", *self.options],
            env={
                **os.environ,
                "LONGWIRE_SECRET": self.secret,
                "PYTHONUNBUFFERED": "1",
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.url = self._listening()
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, timeout: float = 10) -> None:
        """Terminate the process, and kill it if it does not exit in time."""
        if self._process is None:
            return
        self.thaw()
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def kill(self) -> None:
        """Kill the process, like a crash."""
        assert self._process is not None
        self._process.kill()
        self._reap()

    @property
    def pid(self) -> int | None:
        """The process id; None while there is no process."""
        return None if self._process is None else self._process.pid

    def freeze(self) -> None:
        """Stop the process without closing its connections, so that it no longer answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue a frozen process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def resident_bytes(self) -> int:
        """The resident memory of the process."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _reap(self) -> None:
        assert self._process is not None
        self._process.communicate()
        self._process = None
        assert self._log is not None
        self._log.close()

    def _listening(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = LISTENING.search(line)
            if found:
                return found[1]
        raise AssertionError(f"the server exited before it listened: {self.read_log()}")

    def read_log(self) -> str:
        """Return what the server has written to stderr."""
        assert self._log is not None
        self._log.seek(0)
        return self._log.read()

    def token(self, user: str = "ada", *, service: bool = False, ttl: float = 3600.0) -> str:
        """Return a token that this server accepts."""
        return issue_token(self.secret, user, service=service, ttl=ttl)

    async def publish(self, event: str, data: dict[str, Any], **fields: object) -> dict[str, Any]:
        """Publish over HTTP as a service; return the response body."""
        answer = await self.request("POST", "/api/publish", {"event": event, "data": data} | fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def request(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> httpx.Response:
        """Send a request, with a service token by default."""
        token = self.token("publisher", service=True) if token is None else token
        async with httpx.AsyncClient(trust_env=False, base_url=self.url) as http:
            return await http.request(
                method, path, json=body, headers={"Authorization": f"Bearer {token}"}
            )


class _Uvicorn(uvicorn.Server):
    """A uvicorn server with a `ready` event, which leaves signal handling to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    app: Any, *, host: str = "127.0.0.1", ws: str = LANE, **options: Any
) -> AsyncIterator[str]:
    """Serve an ASGI application from this process on a free port; yield its URL."""
    config = uvicorn.Config(
        app, host=host, port=0, ws=ws, log_level="warning", lifespan="on", **options
    )
    with contextlib.closing(config.bind_socket()) as listener:
        server = _Uvicorn(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        running.add_done_callback(lambda _: server.ready.set())
        await server.ready.wait()
        if not server.started:
            await running
            raise AssertionError("the application did not start")
        try:
            port = listener.getsockname()[1]
            yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await running
