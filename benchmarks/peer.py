"""A server under test: started, pinned to one core, and what it cost so far."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Self

SERVERS = Path(__file__).with_name("servers")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Peer(NamedTuple):
    """A kind of server that can be measured."""

    name: str
    command: tuple[str, ...]


LONGWIRE = Peer("Longwire", (sys.executable, str(SERVERS / "longwire_server.py")))
NODE = Peer("Node socket.io", ("node", str(SERVERS / "node_server.mjs")))
PYTHON_SOCKETIO = Peer(
    "python-socketio", (sys.executable, str(SERVERS / "python_socketio_server.py"))
)
PEERS = (LONGWIRE, NODE, PYTHON_SOCKETIO)


class RunningPeer:
    """One such server, running; ends with the `with` block."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._peer.command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"Listening on (\d+)", self._process.stdout.readline())
        if found is None:
            raise RuntimeError(f"{self._peer.name} did not start")
        self.port = int(found[1])
        pin(self._process.pid, core=0)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def cpu_seconds(self) -> float:
        """Seconds of CPU time that the process has used, the kernel's part included."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        """Memory that the process holds now."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]) * PAGE


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(pid, {core})
