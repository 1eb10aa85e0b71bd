"""Addresses, and the table of states."""

from __future__ import annotations

from typing import Any

import pytest

from longwire.client import TRANSITIONS, ClientOptions, ConnectionState, ConnectionStatus
from longwire.errors import LocalProtocolError

TAIL = "EIO=4&transport=websocket"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a:8000", f"ws://a:8000/socket.io/?{TAIL}"),
        ("https://a/", f"wss://a/socket.io/?{TAIL}"),
        ("ws://a/live", f"ws://a/live/socket.io/?{TAIL}"),
        ("wss://a/?tenant=x", f"wss://a/socket.io/?tenant=x&{TAIL}"),
    ],
)
def test_addresses(url: str, expected: str) -> None:
    assert ClientOptions(url=url).address("websocket") == expected


def test_another_path() -> None:
    options = ClientOptions(url="http://a", path="rt")
    assert options.address("websocket") == f"ws://a/rt/?{TAIL}"


def test_addresses_of_polling() -> None:
    options = ClientOptions(url="wss://a/live?tenant=x")
    assert options.address("polling", "s1") == (
        "https://a/live/socket.io/?tenant=x&EIO=4&transport=polling&sid=s1"
    )


@pytest.mark.parametrize("transports", [(), ("webtransport",), "polling"])
def test_transports_that_do_not_exist(transports: Any) -> None:
    with pytest.raises(LocalProtocolError):
        ClientOptions(url="http://a", transports=transports).check()


@pytest.mark.parametrize("url", ["a:8000", "ftp://a", "http://", ""])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(LocalProtocolError):
        ClientOptions(url=url).check()


def test_every_state_can_be_left_and_reached() -> None:
    assert TRANSITIONS.keys() == set(ConnectionState)
    assert set().union(*TRANSITIONS.values()) == set(ConnectionState)


def test_the_status_keeps_its_dates_and_refuses_impossible_steps() -> None:
    clock = iter([10.0, 20.0])
    status = ConnectionStatus(lambda: next(clock))
    heard: list[ConnectionState] = []
    undo = status.subscribe(heard.append)
    with pytest.raises(LocalProtocolError):
        status.enter(ConnectionState.RECONNECTING)
    for state in ("connecting", "connected", "reconnecting", "reconnecting"):
        status.enter(ConnectionState(state))
    assert (status.connected_at, status.disconnected_at) == (10.0, 20.0)
    undo()
    status.enter(ConnectionState.DISCONNECTED)
    assert heard == ["connecting", "connected", "reconnecting"]


def test_an_observer_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fail(state: ConnectionState) -> None:
        raise ValueError(state)

    status = ConnectionStatus(lambda: 0.0)
    heard: list[ConnectionState] = []
    status.subscribe(fail)
    status.subscribe(heard.append)
    status.enter(ConnectionState.CONNECTING)
    assert heard == ["connecting"]
    assert "observer failed" in caplog.text
