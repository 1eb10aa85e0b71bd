"""`issue_token` signs standard JSON Web Tokens without PyJWT."""

from __future__ import annotations

import subprocess
import sys
import time

import jwt
import pytest

from longwire import issue_token

SECRET = "a secret of thirty-two characters"


@pytest.mark.parametrize("service", [False, True])
def test_pyjwt_verifies_the_token(service: bool) -> None:
    before = int(time.time())
    token = issue_token(SECRET, "ada", service=service, ttl=60)
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] == pytest.approx(claims["iat"] + 60, abs=1)
    expected = {"sub": "ada", "scope": "service"} if service else {"sub": "ada"}
    assert {name: claims[name] for name in claims if name not in ("iat", "exp", "jti")} == expected
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


def test_each_token_has_an_id_of_its_own_unless_one_is_given() -> None:
    tokens = [issue_token(SECRET, "ada") for _ in range(2)] + [
        issue_token(SECRET, "ada", token_id="7")
    ]
    ids = [jwt.decode(token, SECRET, algorithms=["HS256"])["jti"] for token in tokens]
    assert len(set(ids)) == 3
    assert ids[2] == "7"


def test_the_token_has_the_bytes_that_pyjwt_produces() -> None:
    token = issue_token(SECRET, "ada é")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    signed, _, signature = token.rpartition(".")
    assert jwt.encode(claims, SECRET, algorithm="HS256") == f"{signed}.{signature}"


def test_signing_does_not_load_pyjwt_or_the_server() -> None:
    code = (
        "import sys, longwire; longwire.issue_token('secret', 'ada');"
        "assert not {'jwt', 'longwire.server', 'asyncio'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=15)
