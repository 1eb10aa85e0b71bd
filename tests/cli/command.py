"""Runs `longwire` commands as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

LONGWIRE = [sys.executable, "-m", "longwire.cli"]


class Longwire:
    """Runs `longwire` commands in an isolated environment.

    Args:
        state: the state directory, where the development secret is kept.
        **environment: LONGWIRE_… variables; those of the test run are not inherited.
    """

    def __init__(self, state: Path, **environment: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LONGWIRE_")}
        self.environment = inherited | {"XDG_STATE_HOME": str(state)} | environment

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command and wait for its exit."""
        return subprocess.run(
            [*LONGWIRE, *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=15,
            check=False,
        )

    def output(self, *arguments: str) -> str:
        """Run a command that must succeed; return its stdout."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    def failure(self, *arguments: str) -> tuple[int, str]:
        """Run a command that must fail; return its exit code and its one-line message."""
        ended = self.run(*arguments)
        message = ended.stderr.decode()
        assert ended.returncode != 0
        assert message.count("\n") == 1, message
        assert message.startswith("longwire: "), message
        assert ended.stdout == b""
        return ended.returncode, message.removeprefix("longwire: ").rstrip()

    def start(self, *arguments: str) -> RunningCommand:
        """Start a command in the background."""
        return RunningCommand([*LONGWIRE, *arguments], self.environment)


class RunningCommand:
    """A running command; it is killed at the end of its `with` block."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def stderr(self) -> IO[bytes]:
        assert self.process.stderr is not None
        return self.process.stderr

    def line(self) -> str:
        """Return the next line of stdout."""
        return self.stdout.readline().decode().rstrip("\n")

    def end(self, timeout: float = 15) -> tuple[int, str, str]:
        """Wait for the exit; return the exit code and the unread rest of stdout and stderr."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out.decode(), err.decode()
