"""The wire's document and `longwire.wire` declare the same messages, codes and reasons."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longwire import wire
from longwire.catalog import CATALOG
from longwire.reasons import REASONS

ROOT = Path(__file__).resolve().parents[2]
WIRE = (ROOT / "docs/reference/wire.md").read_text("utf-8")
# These reasons are never sent: they end a connection without a message.
UNSENT = {
    "client_disconnect",
    "transport_closed",
    "transport_error",
    "ping_timeout",
    "parse_error",
    "connect_timeout",
}
CODE = re.compile(r'^ +code = "(\w+)"|\}, "(\w+)"\)$', re.MULTILINE)
EXAMPLE = re.compile(r"^([→←]) (4[0-4])(\d?)([\[{].*[\]}])(?: {2,}.*)?$", re.MULTILINE)
EXAMPLES = [example.groups() for example in EXAMPLE.finditer(WIRE)]


def test_every_error_code_of_the_server() -> None:
    codes: set[str] = set()
    for path in (ROOT / "src/longwire/server").rglob("*.py"):
        codes |= {first or second for first, second in CODE.findall(path.read_text("utf-8"))}

    assert len(codes) >= 5
    assert {code for code in codes if f"`{code}`" not in WIRE} == set()


def test_every_reason_that_is_sent() -> None:
    missing = {code for code in REASONS if f"`{code}`" not in WIRE}

    assert missing == UNSENT


def test_every_name_of_the_wire() -> None:
    assert {name for name in wire.EVENT_NAMES if not re.search(rf"\b{name}\b", WIRE)} == set()


@pytest.mark.parametrize("example", EXAMPLES, ids="".join)
def test_an_example_has_exactly_the_fields_of_its_type(example: tuple[str, ...]) -> None:
    sender, kind, number, text = example
    sent = parse(text)
    if kind == "40":
        check(sent, wire.Credentials if sender == "→" else dict[str, str])
    elif kind == "44":
        check(sent["data"], wire.ConnectError)
    elif kind == "43":
        check(sent[0], answer_type(number, succeeds=sent[0]["ok"]))
    else:
        check_event(sender, *sent)


def parse(text: str) -> Any:
    return json.loads(text.replace("{…}", "{}").replace(",…}", "}"))


def check_event(sender: str, name: str, payload: Any = None, position: str = "1@a") -> None:
    if sender == "→":
        assert name in wire.CLIENT_EVENTS
        requests = {
            wire.CLIENT_HEALTH: wire.ClientHealth,
            wire.PUBLISH: wire.PublishRequest,
            wire.READ_VALUE: wire.ValueRequest,
        }
        check(payload, requests.get(name, str | None))
    elif name in CATALOG.events:
        assert re.fullmatch(r"(\d+-)?\d+@\S+", position)
    else:
        check(payload, wire.SERVER_EVENTS[name])


def answer_type(number: str, *, succeeds: bool) -> type:
    """The type of the answer to the request of that number."""
    name = next(parse(text)[0] for _, _, n, text in EXAMPLES if n == number)
    if succeeds:
        return wire.CLIENT_EVENTS[name]
    return wire.RoomError if "room" in name else wire.PublishAck


def check(sent: Any, kind: Any) -> None:
    written = json.loads(msgspec.json.encode(msgspec.json.decode(json.dumps(sent), type=kind)))
    assert written == ({"positions": False} | sent if kind is wire.Credentials else sent)
