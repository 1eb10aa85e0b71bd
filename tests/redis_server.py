"""A real Redis for tests: a `redis-server` process on a unix socket."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import redis


class RedisServer:
    """A `redis-server` process that runs during a `with` block.

    Args:
        directory: the directory of the socket and the data; a temporary one by default.
        options: the configuration of redis-server, such as `appendonly="yes"`.
    """

    def __init__(self, directory: Path | None = None, **options: str) -> None:
        self._temporary = tempfile.TemporaryDirectory() if directory is None else None
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.options = options
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def socket(self) -> Path:
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start the process with the data on the disk, and wait until it accepts connections."""
        options: dict[str, str] = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
            "loglevel": "notice",
        } | {name.replace("_", "-"): value for name, value in self.options.items()}
        self._process = subprocess.Popen(
            ["redis-server", *(word for name in options for word in (f"--{name}", options[name]))],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        output: list[str] = []
        for line in self._process.stdout:
            output.append(line)
            if "eady to accept connections" in line:
                return
        raise AssertionError("".join(output))

    def kill(self) -> None:
        """Kill the process, if it is running."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def restart(self) -> None:
        """Kill the process and start another one with the data on the disk."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stop the process without closing its connections, so that it no longer answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue a frozen process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def listen_tls(self) -> int:
        """Also listen for TLS, and return the port, which is a free one."""
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port: int = listener.getsockname()[1]
        self.run("CONFIG", "SET", "tls-port", port)
        return port

    def listen_tcp(self) -> str:
        """Also listen for TCP, on a free port, and return the URL; a proxy can forward to it."""
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port: int = listener.getsockname()[1]
        self.run("CONFIG", "SET", "bind", "127.0.0.1")
        self.run("CONFIG", "SET", "port", port)
        return f"redis://127.0.0.1:{port}"

    def run(self, *command: Any) -> Any:
        """Run one command and return its reply."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            return client.execute_command(*command)
