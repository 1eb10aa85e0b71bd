"""`longwire token`, and the secret that it signs with."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from longwire.cli import settings
from longwire.server import jwt_authenticator
from tests.cli.command import Longwire
from tests.serving import SECRET


def with_secret(tmp_path: Path) -> Longwire:
    return Longwire(tmp_path, LONGWIRE_SECRET=SECRET)


async def test_prints_only_a_token(tmp_path: Path) -> None:
    printed = with_secret(tmp_path).output("token", "--user", "ada")
    assert printed.count("\n") == 1
    identity = await jwt_authenticator(SECRET)(printed.strip())
    assert identity is not None
    assert (identity.user_id, identity.service) == ("ada", False)
    assert identity.expires_at == pytest.approx(time.time() + 3600, abs=20)


async def test_a_service_token_with_a_lifetime(tmp_path: Path) -> None:
    printed = with_secret(tmp_path).output("token", "--user", "worker", "--service", "--ttl", "90m")
    identity = await jwt_authenticator(SECRET)(printed.strip())
    assert identity is not None
    assert identity.service
    assert identity.expires_at == pytest.approx(time.time() + 5400, abs=20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["token"], "Missing option '--user'."),
        (
            ["token", "--user", "a b"],
            "Invalid value for '--user': 'a b' must be a non-empty name without spaces.",
        ),
        (
            ["token", "--user", ""],
            "Invalid value for '--user': '' must be a non-empty name without spaces.",
        ),
        (
            ["token", "--user", "ada", "--ttl", "soon"],
            "Invalid value for '--ttl': 'soon' must be a duration such as 90s, 30m, 1h or 7d.",
        ),
        (
            ["token", "--user", "ada", "--ttl", "0s"],
            "Invalid value for '--ttl': '0s' must be more than 0s and at most 3650d.",
        ),
    ],
)
def test_reports_wrong_options(tmp_path: Path, arguments: list[str], message: str) -> None:
    assert with_secret(tmp_path).failure(*arguments) == (
        2,
        f"{message} See `longwire token --help`.",
    )


def test_needs_a_secret(tmp_path: Path) -> None:
    code, message = Longwire(tmp_path).failure("token", "--user", "ada")
    assert code == 1
    assert message == ("no secret found: set LONGWIRE_SECRET, or run `longwire serve --dev` once")


def test_the_development_secret_is_created_once_and_is_private(
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
def test_reports_a_missing_home_directory(tmp_path: Path) -> None:
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
    assert ended.stderr == (b"longwire: no home directory found: set HOME or XDG_STATE_HOME\n")


def test_keeps_its_state_in_the_home_directory_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LONGWIRE_SECRET", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.ensure_secret()
    assert (tmp_path / ".local/state/longwire/secret").exists()
