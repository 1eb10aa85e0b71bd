"""A real Redis for tests: a `redis-server` process of their own, at no fixed port."""

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
    """`redis-server` on a unix socket in a directory; ends with the `with` block.

    Args:
        options: of redis-server's configuration, such as `appendonly="yes"`.
        directory: holds the socket and the data; a temporary one by default.
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
        """Start the process and wait until it answers; data of an earlier one are loaded."""
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
        said: list[str] = []
        for line in self._process.stdout:
            said.append(line)
            if "eady to accept connections" in line:
                return
        raise AssertionError("".join(said))

    def kill(self) -> None:
        """End the process as a crash would, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def restart(self) -> None:
        """Kill the process and start another one with what is on the disk."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Let the process stand still: it holds its connections and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def listen_tls(self) -> int:
        """Listen for TLS too, at a port that is free."""
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port: int = listener.getsockname()[1]
        self.run("CONFIG", "SET", "tls-port", port)
        return port

    def run(self, *command: Any) -> Any:
        """Run one command and return its reply."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            return client.execute_command(*command)
