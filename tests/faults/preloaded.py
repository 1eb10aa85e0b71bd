"""`longwire serve` as a process that starts quickly, for tests that kill a server often.

A loader process imports everything once. For each line that it reads, it forks a server, writes the
server's process id, and writes `ended` when the server has exited.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import IO, Self

from tests.serving import LISTENING, SECRET, ServerProcess


class PreloadedServer(ServerProcess):
    """A `ServerProcess` that can be killed and started again within milliseconds."""

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        self._loader: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        self._loader = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.preloaded", *self.options],
            env={**os.environ, "LONGWIRE_SECRET": SECRET, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._loader is not None
        assert self._errors is not None
        self.kill()
        self._loader.communicate()
        self._errors.close()

    def start(self) -> None:
        assert self._loader is not None
        assert self._loader.stdin is not None
        print(self.port, file=self._loader.stdin, flush=True)
        self._pid = int(self._read_line())
        found = LISTENING.search(self._read_line())
        assert found is not None
        self.url = found[1]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        assert self._read_line() == "ended\n"

    def _read_line(self) -> str:
        assert self._loader is not None
        assert self._loader.stdout is not None
        assert self._errors is not None
        line = self._loader.stdout.readline()
        self._errors.seek(0)
        assert line, f"the server exited: {self._errors.read()}"
        return line


def fork_servers(options: list[str]) -> None:
    import longwire.cli.commands.serve
    import longwire.cli.embedded_server
    import longwire.web  # noqa: F401 - a server imports it
    from longwire.cli import main

    for port in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(0)
            sys.argv = ["longwire", "serve", f"--port={port.strip()}", *options]
            sys.stdout.write(f"{os.getpid()}\n")
            main()
            return
        os.waitpid(pid, 0)
        sys.stdout.write("ended\n")


if __name__ == "__main__":
    fork_servers(sys.argv[1:])
