"""Options, addresses, and the table of connection states."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest

import longwire.sync
from longwire import WebSocketClient
from longwire.client import (
    TRANSITIONS,
    ClientKeywords,
    ClientOptions,
    ConnectionState,
    ConnectionStatus,
)
from longwire.client.transport.options import TransportOptions
from longwire.errors import ConfigurationError, LocalProtocolError

TAIL = "EIO=4&transport=websocket"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a:8000", f"ws://a:8000/socket.io/?{TAIL}"),
        ("https://a/", f"wss://a/socket.io/?{TAIL}"),
        ("ws://a/live", f"ws://a/live/socket.io/?{TAIL}"),
        ("wss://a/?tenant=x", f"wss://a/socket.io/?tenant=x&{TAIL}"),
        ("http://a/ü b%20c", f"ws://a/%C3%BC%20b%20c/socket.io/?{TAIL}"),
    ],
)
def test_websocket_addresses(url: str, expected: str) -> None:
    assert ClientOptions(url=url).address("websocket") == expected


def test_the_path_option_changes_the_address() -> None:
    options = ClientOptions(url="http://a", path="rt")
    assert options.address("websocket") == f"ws://a/rt/?{TAIL}"


def test_polling_addresses() -> None:
    options = ClientOptions(url="wss://a/live?tenant=x")
    assert options.address("polling", "s1") == (
        "https://a/live/socket.io/?tenant=x&EIO=4&transport=polling&sid=s1"
    )


@pytest.mark.parametrize("transports", [(), ("webtransport",), "polling"])
def test_unknown_transports_are_rejected(transports: Any) -> None:
    with pytest.raises(ConfigurationError):
        ClientOptions(url="http://a", transports=transports)


@pytest.mark.parametrize(
    "url",
    [
        *("a:8000", "ftp://a", "http://", "", None, "http://a:99999", "http://a:0", "http://[::1"),
        *("http://a..b", "http://" + 80 * "a", "http://ada@a"),
    ],
)
def test_invalid_urls_are_rejected(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="url must be an http"):
        WebSocketClient(url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0),
        ("timeout", None),
        ("timeout", float("nan")),
        ("reconnection_delay", -1),
        ("reconnection_delay", "1"),
        ("reconnection_attempts", -1),
        ("queue_size", 0),
        ("outbox_age", None),
        ("headers", {"a": "b\nc: d"}),
        ("headers", {"a": 5}),
        ("headers", [("a", "b")]),
        ("headers", {"a b": "c"}),
        ("headers", {"a": "Zoë"}),
        ("proxy", "somewhere"),
        ("proxy", "ftp://a:1"),
    ],
)
def test_invalid_options_are_rejected_by_name(name: str, value: Any) -> None:
    """Regression: a negative delay made the client retry without a pause."""
    with pytest.raises(ConfigurationError, match=name):
        WebSocketClient("http://a", **{name: value})


@pytest.mark.parametrize("make", [WebSocketClient, longwire.sync.WebSocketClient])
def test_options_are_keyword_arguments(make: Any) -> None:
    client = make("http://a", outbox_entries=5)
    assert client.options.outbox_entries == 5
    copy = make.from_options(client.options)
    assert copy.options == client.options
    with pytest.raises(TypeError, match="outbox_size"):
        make("http://a", outbox_size=5)
    if make is not WebSocketClient:
        client.close()
        copy.close()


def test_every_option_is_documented_with_its_type_and_default() -> None:
    keywords = {name: ref.__forward_arg__ for name, ref in ClientKeywords.__annotations__.items()}
    declared = TransportOptions.__annotations__ | ClientOptions.__annotations__
    assert declared == {"url": "str"} | keywords
    defaults = ClientOptions(url="http://a")
    (declaration,) = ast.parse(inspect.getsource(ClientKeywords)).body
    assert isinstance(declaration, ast.ClassDef)
    documentation = [node.value for node in declaration.body[2::2] if isinstance(node, ast.Expr)]
    for name, text in zip(keywords, documentation, strict=True):
        _, _, default = ast.literal_eval(text).partition("Default: `")
        assert ast.literal_eval(default.partition("`")[0]) == getattr(defaults, name)


def test_the_url_is_displayed_without_its_password() -> None:
    assert ClientOptions(url="https://ada:secret@a:8/live?x=y").server == "https://a:8/live"


def test_every_state_can_be_entered_and_left() -> None:
    assert TRANSITIONS.keys() == set(ConnectionState)
    assert set().union(*TRANSITIONS.values()) == set(ConnectionState)


def test_the_status_records_dates_and_rejects_invalid_transitions() -> None:
    clock = iter([10.0, 20.0])
    status = ConnectionStatus(lambda: next(clock))
    received: list[ConnectionState] = []
    unsubscribe = status.subscribe(received.append)
    with pytest.raises(LocalProtocolError):
        status.enter(ConnectionState.RECONNECTING)
    for state in ("connecting", "connected", "reconnecting", "reconnecting"):
        status.enter(ConnectionState(state))
    assert (status.connected_at, status.disconnected_at) == (10.0, 20.0)
    unsubscribe()
    status.enter(ConnectionState.DISCONNECTED)
    assert received == ["connecting", "connected", "reconnecting"]


def test_a_failing_observer_does_not_affect_others(caplog: pytest.LogCaptureFixture) -> None:
    def fail(state: ConnectionState) -> None:
        raise ValueError(state)

    status = ConnectionStatus(lambda: 0.0)
    received: list[ConnectionState] = []
    status.subscribe(fail)
    status.subscribe(received.append)
    status.enter(ConnectionState.CONNECTING)
    assert received == ["connecting"]
    assert "observer failed" in caplog.text
