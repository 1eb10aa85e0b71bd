"""`longwire emit`: publishes an event and prints its position."""

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
    code, message = longwire.failure("emit", "announcement", os.fsdecode(b'{"message": "\xff"}'))
    assert code == 2
    assert message.startswith("Invalid value for JSON: invalid JSON")


def test_the_server_option_overrides_the_environment(
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
    ("arguments", "code", "message"),
    [
        (["job:progress", "{"], 2, "Invalid value for JSON: invalid JSON"),
        (["job:progress", "[1]"], 2, "Invalid value for JSON: the payload must be a JSON object"),
        (["job:progress", '"x"'], 2, "Invalid value for JSON: the payload must be a JSON object"),
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
            "room 'no:room' matches no pattern",
        ),
    ],
)
def test_reports_wrong_arguments(
    longwire: Longwire, arguments: list[str], code: int, message: str
) -> None:
    exit_code, line = longwire.failure("emit", *arguments)
    assert exit_code == code
    assert line.startswith(message)


def test_a_user_token_may_not_publish(longwire: Longwire, running_server: ServerProcess) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = running_server.token("ada")
    code, message = longwire.failure("emit", "announcement", '{"message": "x", "level": "info"}')
    assert code == 1
    assert message.startswith("publishing requires a token with the scope 'service'")


def test_a_rejected_token_is_reported_with_its_source(
    longwire: Longwire, running_server: ServerProcess
) -> None:
    longwire.environment["LONGWIRE_TOKEN"] = "nonsense"
    code, message = longwire.failure("emit", "announcement", "{}")
    assert code == 1
    url = running_server.url
    assert message.startswith(f"{url} rejected LONGWIRE_TOKEN: token is invalid")
    del longwire.environment["LONGWIRE_TOKEN"]
    longwire.environment["LONGWIRE_SECRET"] = "another secret"
    message = longwire.failure("emit", "announcement", "{}")[1]
    assert message.startswith(
        f"{url} rejected a token signed with LONGWIRE_SECRET: token is invalid"
    )


@pytest.mark.parametrize("command", [["emit", "x", "{}"], ["watch", "1"], ["run", "--", "true"]])
def test_reports_an_unreachable_server(offline: Longwire, command: list[str]) -> None:
    offline.environment["LONGWIRE_SECRET"] = "a secret"
    code, message = offline.failure(*command)
    assert code == 1
    assert message.startswith("cannot connect to http://127.0.0.1:1: ")
    assert message.count("http://127.0.0.1:1") == 1


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://"])
def test_rejects_an_invalid_url(offline: Longwire, url: str) -> None:
    offline.environment |= {"LONGWIRE_URL": url, "LONGWIRE_SECRET": "a secret"}
    assert offline.failure("emit", "x", "{}")[0] == 1
