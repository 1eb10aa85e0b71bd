"""What the commands of one machine agree on: the secret, the server, the token.

LONGWIRE_SECRET   signs and verifies tokens
LONGWIRE_URL      the server of `run`, `watch` and `emit`
LONGWIRE_TOKEN    the token of `run`, `watch` and `emit`, instead of one made from the secret

Without LONGWIRE_SECRET the development secret is used, which `serve --dev`, `demo` and an embedded
`run` make once and keep, readable by its user only, in `$XDG_STATE_HOME/longwire/secret`
(by default `~/.local/state/longwire/secret`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from longwire.cli.signing import sign_token
from longwire.errors import LongwireError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
DEFAULT_URL: Final = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"

# The name under which the commands speak to a server.
SERVICE: Final = "longwire-cli"

# What `GET /healthz` of every Longwire answers.
_HEALTHY: Final = {"status": "ok", "server": "longwire"}

# On the same machine an answer takes a millisecond.
_PROBE_TIMEOUT: Final = 1.0


class NoSecret(LongwireError):
    """There is nothing to sign or verify tokens with."""

    code = "no_secret"

    def __init__(self, remedy: str) -> None:
        super().__init__(f"there is no secret: {remedy}")


class NoStateDirectory(LongwireError):
    """There is no place where this machine's secret and logs could be."""

    code = "no_state_directory"

    def __init__(self) -> None:
        super().__init__("this user has no home directory: set HOME or XDG_STATE_HOME")


def find_secret() -> str | None:
    """Return LONGWIRE_SECRET, else the development secret if this machine has one."""
    given = os.environ.get("LONGWIRE_SECRET")
    if given:
        return given
    try:
        return _secret_file().read_text().strip() or None
    except FileNotFoundError:
        return None


def require_secret() -> str:
    """Return the secret that tokens are signed with.

    Raises:
        NoSecret: there is none.
    """
    secret = find_secret()
    if secret is None:
        raise NoSecret("set LONGWIRE_SECRET, or start `longwire serve --dev` once")
    return secret


def ensure_secret() -> str:
    """Return the secret; make and keep a development secret if there is none."""
    return find_secret() or _make_secret()


def durable_broker(command: str, port: int) -> str:
    """Return where a server of this machine keeps its logs unless it is told otherwise.

    One file for a command and port, so that it goes on after a restart. A server on whatever
    port is free will not be found there again: it keeps them in memory.
    """
    if port == 0:
        return "memory:"
    return f"sqlite:///{quote(str(_made(_state_directory()) / f'{command}-{port}.db'))}"


def _state_directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        home = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    except RuntimeError:  # a container's user, say, of whom the system knows nothing
        raise NoStateDirectory from None
    return home / "longwire"


def _made(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _secret_file() -> Path:
    return _state_directory() / "secret"


def _make_secret() -> str:
    file = _secret_file()
    _made(file.parent)
    draft = file.with_name(f"secret.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(32) + "\n")
    with contextlib.suppress(FileExistsError):  # another command was quicker: its secret counts
        os.link(draft, file)
    draft.unlink()
    return file.read_text().strip()


def service_token() -> Callable[[], str]:
    """Return a source of tokens with which a command may publish and join every room.

    Raises:
        NoSecret: there is neither LONGWIRE_TOKEN nor a secret.
    """
    given = os.environ.get("LONGWIRE_TOKEN")
    if given:
        return lambda: given
    secret = require_secret()
    return lambda: sign_token(secret, SERVICE, service=True)


def token_source() -> str:
    """Return where the tokens of `service_token` come from, in words."""
    if os.environ.get("LONGWIRE_TOKEN"):
        return "LONGWIRE_TOKEN"
    if os.environ.get("LONGWIRE_SECRET"):
        return "a token signed with LONGWIRE_SECRET"
    return "a token signed with this machine's own secret; set LONGWIRE_SECRET to the server's"


def server_url() -> str:
    """Return the server that `watch` and `emit` speak to unless they are told another one."""
    return os.environ.get("LONGWIRE_URL") or DEFAULT_URL


def watch_command(url: str, job_id: str) -> str:
    """Return the command that shows a job of that server in a terminal of this machine."""
    elsewhere = [] if url == server_url() else ["--server", url]
    # `watch` would take some ids for a room's name or for an option.
    is_plain = re.fullmatch(r"[^:-][^:]*", job_id) and job_id != "global"
    name = job_id if is_plain else f"job:{job_id}"
    return shlex.join(["longwire", "watch", *elsewhere, name])


def running_server() -> str | None:
    """Return LONGWIRE_URL, else the default address if a Longwire answers there, else `None`."""
    given = os.environ.get("LONGWIRE_URL")
    if given:
        return given
    return DEFAULT_URL if _answers(DEFAULT_HOST, DEFAULT_PORT) else None


def _answers(host: str, port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        health: object = json.loads(connection.getresponse().read(1000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return health == _HEALTHY
