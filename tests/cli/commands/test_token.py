"""`longwire token`, and the secret that it signs with."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest

from longwire.cli import settings
from longwire.cli.signing import sign_token
from longwire.server.access.authentication import issue_token, jwt_authenticator
from tests.cli.command import Longwire
from tests.serving import SECRET

NO_USER = "Invalid value for '--user': a user has a name without spaces."


def signing(tmp_path: Path) -> Longwire:
    return Longwire(tmp_path, LONGWIRE_SECRET=SECRET)


async def test_prints_a_token_alone(tmp_path: Path) -> None:
    printed = signing(tmp_path).output("token", "--user", "ada")
    assert printed.count("\n") == 1
    identity = await jwt_authenticator(SECRET)(printed.strip())
    assert identity is not None
    assert (identity.user_id, identity.service) == ("ada", False)
    assert identity.expires_at == pytest.approx(time.time() + 3600, abs=20)


async def test_a_service_that_lasts(tmp_path: Path) -> None:
    printed = signing(tmp_path).output("token", "--user", "worker", "--service", "--ttl", "90m")
    identity = await jwt_authenticator(SECRET)(printed.strip())
    assert identity is not None
    assert identity.service
    assert identity.expires_at == pytest.approx(time.time() + 5400, abs=20)


def test_signs_as_the_server_does() -> None:
    quick = sign_token(SECRET, "ada", service=True, ttl=60)
    ours = jwt.decode(quick, SECRET, algorithms=["HS256"])
    theirs = jwt.decode(
        issue_token(SECRET, "ada", service=True, ttl=60), SECRET, algorithms=["HS256"]
    )
    assert ours.keys() == theirs.keys()
    assert (ours["sub"], ours["scope"]) == (theirs["sub"], theirs["scope"])
    assert jwt.get_unverified_header(quick) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token"], "Missing option '--user'."),
        (
            ["token", "--user", "a b"],
            "Invalid value for '--user': a user has a name without spaces.",
        ),
        (["token", "--user", ""], "Invalid value for '--user': a user has a name without spaces."),
        (
            ["token", "--user", "ada", "--ttl", "soon"],
            "Invalid value for '--ttl': 'soon' is no time such as 90s, 30m, 1h or 7d.",
        ),
        (
            ["token", "--user", "ada", "--ttl", "0s"],
            "Invalid value for '--ttl': '0s' is no time such as 90s, 30m, 1h or 7d.",
        ),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert signing(tmp_path).refusal(*arguments) == (2, f"{said} See `longwire token --help`.")


def test_needs_a_secret(tmp_path: Path) -> None:
    code, said = Longwire(tmp_path).refusal("token", "--user", "ada")
    assert code == 1
    assert said == ("there is no secret: set LONGWIRE_SECRET, or start `longwire serve --dev` once")


def test_the_development_secret_is_made_once_and_kept_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LONGWIRE_SECRET", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: settings.ensure_secret(), range(8)))
    assert len(set(made)) == 1
    assert len(made[0]) >= 32
    file = tmp_path / "longwire" / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]
    assert settings.require_secret() == made[0]
    monkeypatch.setenv("LONGWIRE_SECRET", "given")
    assert settings.require_secret() == "given"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_a_user_without_a_home_is_told(tmp_path: Path) -> None:
    longwire = Longwire(tmp_path)
    del longwire.environment["XDG_STATE_HOME"]
    longwire.environment.pop("HOME", None)
    unknown = "import os; from longwire.cli import main; os.setuid(54321); main()"
    ended = subprocess.run(
        [sys.executable, "-c", unknown, "token", "--user", "ada"],
        env=longwire.environment,
        capture_output=True,
        check=False,
        timeout=15,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        b"longwire: this user has no home directory: set HOME or XDG_STATE_HOME\n"
    )


def test_state_is_kept_at_home_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LONGWIRE_SECRET", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.ensure_secret()
    assert (tmp_path / ".local/state/longwire/secret").exists()
