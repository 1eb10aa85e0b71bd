"""Starts and pins a measured process, and reads its CPU time and memory."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

SUBJECT_CORE = 0  # of the measured process
LOAD_CORE = 1  # of this process, which loads it
LISTENING = re.compile(r"Listening on (\d+)")


def pin(pid: int, core: int) -> None:
    """Pin a process to one core, if there are several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(pid, {core})


class Subject:
    """A measured server or client; it ends with the `with` block."""

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
        """Wait until the server has printed its port."""
        found = LISTENING.search(self.line())
        if found is None:
            raise RuntimeError(f"{self._command} did not start")
        self.port = int(found[1])
        return self

    def line(self) -> str:
        """Return the next line of its stdout."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def cpu_seconds(self) -> float:
        """Return the CPU time of all threads, user and kernel, in seconds."""
        # The clock id of another process, as clock_getcpuclockid(3) returns it on Linux.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def user_seconds(self) -> float:
        """Return the CPU time outside the kernel, in steps of 10 ms."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        return int(stat.rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Return the memory of the process, with a proportional part of shared pages (PSS)."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text("ascii")
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024


class Meter:
    """Measures the CPU time of a subject and of this process during a `with` block.

    Attributes:
        cpu: the subject's CPU time in seconds.
        user: the part of it outside the kernel.
        load: the CPU time of this process.
        wall: the elapsed time.
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
        """Return the CPU time per unit in microseconds, and the rate."""
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
    """Run `lap`, which does `units` of work, `LAPS` times; return the figures of the best lap.

    Other processes can only increase CPU time, because they use the caches. The shorter a lap is,
    the likelier it is that one was not disturbed.
    """
    meters: list[Meter] = []
    with Meter(subject) as whole:
        for _ in range(LAPS):
            with Meter(subject) as meter:
                lap()
            meters.append(meter)
    least = min(meters, key=lambda meter: meter.cpu).figures(units)
    # Steps of 10 ms are too coarse for one lap.
    return {**least, "user_us": whole.user / whole.cpu * least["cpu_us"]}
