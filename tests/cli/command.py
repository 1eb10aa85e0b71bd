"""`longwire` as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

LONGWIRE = [sys.executable, "-m", "longwire.cli"]


class Longwire:
    """Runs `longwire` commands with an environment of their own.

    Args:
        state: where the development secret is kept.
        **environment: LONGWIRE_… variables; nothing is taken from who runs the tests.
    """

    def __init__(self, state: Path, **environment: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LONGWIRE_")}
        self.environment = inherited | {"XDG_STATE_HOME": str(state)} | environment

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run to the end."""
        return subprocess.run(
            [*LONGWIRE, *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=15,
            check=False,
        )

    def output(self, *arguments: str) -> str:
        """Run to a good end; return what it printed."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    def refusal(self, *arguments: str) -> tuple[int, str]:
        """Run to a bad end; return the exit code and the one line that says why."""
        ended = self.run(*arguments)
        said = ended.stderr.decode()
        assert ended.returncode != 0
        assert said.count("\n") == 1, said
        assert said.startswith("longwire: "), said
        assert ended.stdout == b""
        return ended.returncode, said.removeprefix("longwire: ").rstrip()

    def start(self, *arguments: str) -> Started:
        """Start, and go on beside it."""
        return Started([*LONGWIRE, *arguments], self.environment)


class Started:
    """A command under way; it does not outlive its `with` block."""

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
        """Wait for the next line on stdout."""
        return self.stdout.readline().decode().rstrip("\n")

    def end(self, timeout: float = 15) -> tuple[int, str, str]:
        """Wait for the end; return the exit code and what was not read yet."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out.decode(), err.decode()
