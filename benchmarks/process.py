"""A process under test: started, pinned to its core, and what it has cost so far."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

SUBJECT_CORE = 0  # what is measured
LOAD_CORE = 1  # what loads it: this process
LISTENING = re.compile(r"Listening on (\d+)")


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(pid, {core})


class Subject:
    """A server or client that is measured; ends with the `with` block."""

    def __init__(self, command: tuple[str, ...], *arguments: str) -> None:
        self._command = (*command, *arguments)
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: pin(0, SUBJECT_CORE),
        )
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def listening(self) -> Self:
        """Wait until it has said at which port it listens."""
        found = LISTENING.search(self.line())
        if found is None:
            raise RuntimeError(f"{self._command} did not start")
        self.port = int(found[1])
        return self

    def line(self) -> str:
        """Wait for the next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def cpu_seconds(self) -> float:
        """Seconds of CPU time of all its threads, user and kernel, exact to the nanosecond."""
        # The clock of another process: what clock_getcpuclockid(3) returns on Linux.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def user_seconds(self) -> float:
        """The part of it outside the kernel, in ticks of 10 ms."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        return int(stat.rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Memory that is the process's own, shared pages in proportion (PSS)."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text("ascii")
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024


class Meter:
    """What a subject, and this process that loads it, spend between `with` and its end.

    Attributes:
        cpu: seconds of the subject's CPU time.
        user: the part of it outside the kernel.
        load: seconds of our own.
        wall: seconds that passed.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.cpu = self.user = self.load = self.wall = 0.0

    def __enter__(self) -> Self:
        self._began = self._read()
        return self

    def __exit__(self, *exc_info: object) -> None:
        pairs = zip(self._began, self._read(), strict=True)
        self.cpu, self.user, self.load, self.wall = (end - start for start, end in pairs)

    def figures(self, units: int) -> dict[str, float]:
        """CPU time per unit in microseconds, and the rate beside it."""
        return {
            "cpu_us": self.cpu / units * 1e6,
            "user_us": self.user / units * 1e6,
            "load_us": self.load / units * 1e6,
            "per_second": units / self.wall,
        }

    def _read(self) -> tuple[float, ...]:
        subject = self._subject
        return (
            subject.cpu_seconds(),
            subject.user_seconds(),
            time.process_time(),
            time.monotonic(),
        )


LAPS = 10


def measured(subject: Subject, units: int, lap: Callable[[], object]) -> dict[str, float]:
    """Do the same `LAPS` times, each time `units` of it; the figures of the least lap.

    What else runs on the machine can only add to CPU time, by what it takes of the caches: the
    shorter a lap, the likelier that one of them was left alone.
    """
    meters: list[Meter] = []
    with Meter(subject) as whole:
        for _ in range(LAPS):
            with Meter(subject) as meter:
                lap()
            meters.append(meter)
    least = min(meters, key=lambda meter: meter.cpu).figures(units)
    # Ticks of 10 ms are too coarse for a lap.
    return {**least, "user_us": whole.user / whole.cpu * least["cpu_us"]}
