"""The compared servers and clients of three projects, and the floor, which no server can beat."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BUILD = HERE.parent / ".bench"


class Peer(NamedTuple):
    """A compared project.

    Attributes:
        name: its name in tables.
        server: the command that runs its server.
        client: the command that runs its client, if it has one.
    """

    name: str
    server: tuple[str, ...]
    client: tuple[str, ...] = ()


def _python(file: str) -> tuple[str, ...]:
    return (sys.executable, str(HERE / file))


def _node(file: str) -> tuple[str, ...]:
    return ("node", "--expose-gc", str(HERE / file))


LONGWIRE = Peer(
    "Longwire", _python("servers/longwire_server.py"), _python("clients/longwire_client.py")
)
NODE = Peer("Node socket.io", _node("servers/node_server.mjs"), _node("clients/node_client.mjs"))
PYTHON_SOCKETIO = Peer(
    "python-socketio",
    _python("servers/python_socketio_server.py"),
    _python("clients/python_socketio_client.py"),
)
FASTAPI = Peer("FastAPI SSE", _python("servers/fastapi_server.py"))
PEERS = (LONGWIRE, NODE, PYTHON_SOCKETIO)


def floor() -> Peer:
    """Return a server that only writes: in C if there is a compiler, otherwise in Python."""
    compiler = shutil.which("cc")
    if compiler is None:
        return Peer("floor (Python)", _python("servers/floor.py"))
    BUILD.mkdir(exist_ok=True)
    program = BUILD / "floor"
    subprocess.run([compiler, "-O2", "-o", program, HERE / "servers/floor.c"], check=True)
    return Peer("floor (C)", (str(program),))
