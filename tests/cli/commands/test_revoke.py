"""`longwire revoke`, through a server and through the broker of servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from longwire import issue_token
from tests.cli.command import Longwire
from tests.redis_server import RedisServer
from tests.serving import SECRET, ServerProcess

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


@pytest.fixture
def longwire(server: ServerProcess, tmp_path: Path) -> Longwire:
    return Longwire(tmp_path / "state", LONGWIRE_SECRET=server.secret, LONGWIRE_URL=server.url)


async def status(server: ServerProcess, token: str) -> int:
    return (await server.request("GET", "/api/jobs", token=token)).status_code


async def test_a_user_is_banned_and_let_in_again(longwire: Longwire, server: ServerProcess) -> None:
    token = server.token("ada")
    assert longwire.output("revoke", "--user", "ada") == "Revoked user ada.\n"
    assert await status(server, token) == 401
    assert longwire.output("revoke", "--user", "ada", "--undo") == "Reinstated user ada.\n"
    assert await status(server, token) == 200


async def test_a_user_is_signed_out_everywhere(longwire: Longwire, server: ServerProcess) -> None:
    claims = {"sub": "dave", "exp": time.time() + 60}
    old = jwt.encode(claims | {"iat": time.time() - 10}, SECRET, algorithm="HS256")
    longwire.output("revoke", "--user", "dave", "--issued-before", "now")
    assert await status(server, old) == 401
    longwire.output("revoke", "--user", "bob", "--issued-before", "2020-01-01T09:30")
    assert await status(server, server.token("bob")) == 200


async def test_one_token_is_refused(longwire: Longwire, server: ServerProcess) -> None:
    leaked, other = server.token("carol"), server.token("carol")
    ended = longwire.run("revoke", "--token", "-", stdin=leaked.encode() + b"\n")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert await status(server, leaked) == 401
    assert await status(server, other) == 200
    longwire.output("revoke", "--token-id", jwt.decode(other, options=UNVERIFIED)["jti"])
    assert await status(server, other) == 401


UNVERIFIED = {"verify_signature": False}


async def test_through_the_broker_of_running_servers(tmp_path: Path) -> None:
    with (
        RedisServer() as redis,
        ServerProcess(f"--broker={redis.url}") as first,
        ServerProcess(f"--broker={redis.url}") as second,
    ):
        longwire = Longwire(tmp_path)
        longwire.output("revoke", "--broker", redis.url, "--user", "ada")
        for server in (first, second):
            assert await status(server, server.token("ada")) == 401
            assert await status(server, server.token("bob")) == 200
        found = (await second.request("GET", "/api/actions")).json()["actions"]
    assert [(action["action"], action["by"]) for action in found] == [("revoke", "longwire-cli")]


async def test_in_the_file_of_a_server_that_is_stopped(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'logs.db'}"
    longwire = Longwire(tmp_path)
    longwire.output("revoke", "--broker", url, "--user", "ada")
    with ServerProcess(f"--broker={url}") as server:
        assert await status(server, server.token("ada")) == 401
        code, message = longwire.failure("revoke", "--broker", url, "--user", "bob")
    assert code == 1
    assert "in use" in message


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "pass exactly one of --user, --token-id and --token."),
        (["--user", "ada", "--token-id", "7"], 2, "pass exactly one of"),
        (["--token-id", "7", "--issued-before", "now"], 2, "--issued-before goes with --user"),
        (["--user", "ada", "--issued-before", "soon"], 2, "'soon' must be now, or a time such as"),
        (["--token", "rubbish"], 2, "it has no id (jti): use --user."),
        (["--user", "ada", "--server", "x", "--broker", "y"], 2, "--server or --broker, not both"),
        (["--user", "ada", "--broker", "memory:"], 1, "memory of the server: use --server"),
        (["--user", "ada", "--server", "http://127.0.0.1:1"], 1, "cannot connect to http://127"),
        (["--user", "a" * 201], 1, "refused: user must have 1 to 200 characters, got 201"),
    ],
)
def test_mistakes(longwire: Longwire, arguments: list[str], code: int, message: str) -> None:
    ended, shown = longwire.failure("revoke", *arguments)
    assert ended == code
    assert message in shown


def test_a_token_without_rights_is_explained(longwire: Longwire) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = issue_token(SECRET, "ada")
    code, message = longwire.failure("revoke", "--user", "bob")
    assert code == 1
    assert "refused: LONGWIRE_TOKEN: this needs a token with the scope 'service'" in message
