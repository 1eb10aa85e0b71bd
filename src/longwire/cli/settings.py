"""Settings that the commands on one machine share: the secret, the server and the token.

LONGWIRE_SECRET   signs and verifies tokens
LONGWIRE_URL      the server that `run`, `watch` and `emit` use
LONGWIRE_TOKEN    the token that they use, instead of one signed with the secret

Without LONGWIRE_SECRET, the commands use a development secret. `serve --dev`, `demo` and `run`
without a server create it once in `$XDG_STATE_HOME/longwire/secret` (by default
`~/.local/state/longwire/secret`), readable by its user only.
"""

import contextlib
import getpass
import json
import os
import re
import secrets
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from longwire.errors import LongwireError
from longwire.tokens import issue_token

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
DEFAULT_URL: Final = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"

# The user id in the tokens that the commands sign.
SERVICE: Final = "longwire-cli"

# The response of every Longwire server to `GET /healthz`.
_HEALTHY: Final = {"status": "ok", "server": "longwire"}

# A server on the same machine responds within milliseconds.
_PROBE_TIMEOUT: Final = 1.0


class NoSecret(LongwireError):
    """No secret to sign or verify tokens with was found."""

    code = "no_secret"

    def __init__(self, remedy: str) -> None:
        super().__init__(f"no secret found: {remedy}")


class NoStateDirectory(LongwireError):
    """There is no directory to keep the secret and the logs in."""

    code = "no_state_directory"

    def __init__(self) -> None:
        super().__init__("no home directory found: set HOME or XDG_STATE_HOME")


def local_user() -> str:
    """Return the name of the user who runs this command; "operator" if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        return "operator"


def find_secret() -> str | None:
    """Return LONGWIRE_SECRET, else this machine's development secret, else None."""
    given = os.environ.get("LONGWIRE_SECRET")
    if given:
        return given
    try:
        return _secret_file().read_text().strip() or None
    except FileNotFoundError:
        return None


def require_secret() -> str:
    """Return the secret to sign tokens with.

    Raises:
        NoSecret: neither LONGWIRE_SECRET nor a development secret exists.
    """
    secret = find_secret()
    if secret is None:
        raise NoSecret("set LONGWIRE_SECRET, or run `longwire serve --dev` once")
    return secret


def ensure_secret() -> str:
    """Return the secret; create the development secret if there is none."""
    return find_secret() or _make_secret()


def durable_broker(command: str, port: int) -> str:
    """Return the default broker URL of a server: one file for each command and port.

    A restarted server finds its logs there. A server on a random port (0) uses memory, because
    the next one would have another port.
    """
    if port == 0:
        return "memory:"
    return f"sqlite:///{quote(str(_make_directory(_state_directory()) / f'{command}-{port}.db'))}"


def _state_directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        home = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    except RuntimeError:  # for example a container's user without an entry in passwd
        raise NoStateDirectory from None
    return home / "longwire"


def _make_directory(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _secret_file() -> Path:
    return _state_directory() / "secret"


def _make_secret() -> str:
    file = _secret_file()
    _make_directory(file.parent)
    draft = file.with_name(f"secret.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(32) + "\n")
    with contextlib.suppress(FileExistsError):  # another command was faster; use its secret
        os.link(draft, file)
    draft.unlink()
    return file.read_text().strip()


def service_token() -> Callable[[], str]:
    """Return a function that returns a token for publishing and joining every room.

    Raises:
        NoSecret: neither LONGWIRE_TOKEN nor a secret exists.
    """
    given = os.environ.get("LONGWIRE_TOKEN")
    if given:
        return lambda: given
    secret = require_secret()
    return lambda: issue_token(secret, SERVICE, service=True)


def token_source() -> str:
    """Return a description of where `service_token` gets its tokens."""
    if os.environ.get("LONGWIRE_TOKEN"):
        return "LONGWIRE_TOKEN"
    if os.environ.get("LONGWIRE_SECRET"):
        return "a token signed with LONGWIRE_SECRET"
    return "a token signed with the development secret; set LONGWIRE_SECRET to the server's"


def server_url() -> str:
    """Return the default server of `watch` and `emit`."""
    return os.environ.get("LONGWIRE_URL") or DEFAULT_URL


def watch_command(url: str, job_id: str) -> str:
    """Return the `longwire watch` command for a job of the server at `url`."""
    server = [] if url == server_url() else ["--server", url]
    # `watch` would read some ids as a room's name or as an option.
    is_plain = re.fullmatch(r"[^:-][^:]*", job_id) and job_id != "global"
    name = job_id if is_plain else f"job:{job_id}"
    return shlex.join(["longwire", "watch", *server, name])


def running_server() -> str | None:
    """Return LONGWIRE_URL, else the default URL if a Longwire server answers there, else None."""
    given = os.environ.get("LONGWIRE_URL")
    if given:
        return given
    return DEFAULT_URL if _is_longwire(DEFAULT_HOST, DEFAULT_PORT) else None


def _is_longwire(host: str, port: int) -> bool:
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
