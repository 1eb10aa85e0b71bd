"""`longwire emit`: one event, and where it went."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.command import Longwire
from tests.serving import ServerProcess


def test_reads_the_payload_from_stdin(longwire: Longwire) -> None:
    data = b'{"jobId": "emit-2", "progress": 40, "currentStep": "half"}\n'
    ended = longwire.run("emit", "job:progress", "-", stdin=data)
    assert json.loads(ended.stdout)["room"] == "job:emit-2"
    assert longwire.run("emit", "job:progress", "-", stdin=b"\xff").returncode == 2


def test_a_payload_is_utf8_whatever_the_locale(longwire: Longwire) -> None:
    longwire.environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    data = '{"jobId": "emit-漢", "progress": 40, "currentStep": "half"}'
    assert "job:emit-漢" in longwire.output("emit", "job:progress", data)
    code, said = longwire.refusal("emit", "announcement", os.fsdecode(b'{"message": "\xff"}'))
    assert code == 2
    assert said.startswith("Invalid value for JSON: this is no JSON")


def test_speaks_to_the_server_that_it_is_told(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    longwire.environment["LONGWIRE_URL"] = "http://127.0.0.1:1"
    event = ("announcement", '{"message": "x", "level": "info"}')
    assert json.loads(longwire.output("emit", "--server", running_server.url, *event))


async def test_prints_the_position(longwire: Longwire, running_server: ServerProcess) -> None:
    data = '{"jobId": "emit-1", "progress": 40, "currentStep": "half"}'
    position = json.loads(longwire.output("emit", "job:progress", data))
    assert set(position) == {"room", "epoch", "offset"}
    assert (position["room"], position["offset"]) == ("job:emit-1", 1)
    again = json.loads(longwire.output("emit", "job:progress", data))
    assert again == {**position, "offset": 2}
    state = (await running_server.request("GET", "/api/jobs/emit-1")).json()
    assert (state["progress"], state["currentStep"]) == (40, "half")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["job:progress", "{"], 2, "Invalid value for JSON: this is no JSON"),
        (["job:progress", "[1]"], 2, "Invalid value for JSON: the payload is one JSON object"),
        (["job:progress", '"x"'], 2, "Invalid value for JSON: the payload is one JSON object"),
        (["job:progress"], 2, "Missing argument 'JSON'."),
        (["no:such", "{}"], 1, "unknown event 'no:such'"),
        (["job:progress", "{}"], 1, "job:progress: Required field is missing at $.jobId"),
        (
            ["job:progress", '{"jobId": "1", "progress": 200, "currentStep": ""}'],
            1,
            "job:progress: Expected `float` <= 100.0 at $.progress",
        ),
        (
            ["announcement", '{"message": "x", "level": "info"}', "--room", "no:room"],
            1,
            "room 'no:room' fits",
        ),
    ],
)
def test_says_what_is_wrong(longwire: Longwire, arguments: list[str], code: int, said: str) -> None:
    exit_code, line = longwire.refusal("emit", *arguments)
    assert exit_code == code
    assert line.startswith(said)


def test_a_user_may_not_publish(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    code, said = longwire.refusal("emit", "announcement", '{"message": "x", "level": "info"}')
    assert code == 1
    assert said.startswith("only services may publish: the token needs the scope 'service'")


def test_a_refused_token_is_told_by_where_it_came_from(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = "nonsense"
    code, said = longwire.refusal("emit", "announcement", "{}")
    assert code == 1
    url = running_server.url
    assert said.startswith(f"{url} refuses LONGWIRE_TOKEN: token is invalid")
    del longwire.environment["LONGWIRE_TOKEN"]
    longwire.environment["LONGWIRE_SECRET"] = "another secret"
    said = longwire.refusal("emit", "announcement", "{}")[1]
    assert said.startswith(f"{url} refuses a token signed with LONGWIRE_SECRET: token is invalid")


@pytest.mark.parametrize("command", [["emit", "x", "{}"], ["watch", "1"], ["run", "--", "true"]])
def test_an_unreachable_server(alone: Longwire, command: list[str]) -> None:
    alone.environment["LONGWIRE_SECRET"] = "a secret"
    code, said = alone.refusal(*command)
    assert code == 1
    assert said.startswith("no server answers at http://127.0.0.1:1: ")
    assert said.count("http://127.0.0.1:1") == 1


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://"])
def test_an_address_that_is_none(alone: Longwire, url: str) -> None:
    alone.environment |= {"LONGWIRE_URL": url, "LONGWIRE_SECRET": "a secret"}
    assert alone.refusal("emit", "x", "{}")[0] == 1
