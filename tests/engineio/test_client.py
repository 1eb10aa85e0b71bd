"""The client's end of a session, byte by byte."""

from __future__ import annotations

import pytest

from longwire.engineio.client import ClientOptions, ClientSession
from longwire.engineio.event import Closed, MessageReceived, Opened, Upgraded
from longwire.engineio.handshake import Handshake
from longwire.engineio.state import State
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.reasons import (
    CLIENT_DISCONNECT,
    PARSE_ERROR,
    PING_TIMEOUT,
    TRANSPORT_CLOSED,
    TRANSPORT_ERROR,
)

OPEN = (
    '0{"sid":"abc","upgrades":["websocket"],'
    '"pingInterval":25000,"pingTimeout":20000,"maxPayload":20}'
)


def websocket() -> ClientSession:
    session = ClientSession("websocket", 0.0)
    session.receive_message(OPEN, 0.0)
    session.events()
    return session


def polling() -> ClientSession:
    session = ClientSession("polling", 0.0)
    assert session.claim_poll()
    session.receive_payload(OPEN, 0.0)
    session.events()
    return session


def fault(session: ClientSession) -> str:
    (closed,) = session.events()
    assert isinstance(closed, Closed)
    assert closed.reason is PARSE_ERROR
    assert isinstance(closed.error, RemoteProtocolError)
    return str(closed.error)


class TestOpening:
    def test_over_a_websocket(self) -> None:
        session = ClientSession("websocket", 0.0)
        session.send_message("early")
        assert session.sid is None
        assert session.messages_to_send() == []
        session.receive_message(OPEN, 0.0)
        assert session.events() == [Opened(Handshake("abc", ("websocket",), 25000, 20000, 20))]
        assert session.sid == "abc"
        assert session.messages_to_send() == ["4early"]
        assert not session.can_upgrade

    def test_over_polling_messages_may_follow_in_the_same_body(self) -> None:
        session = ClientSession("polling", 0.0)
        assert session.payload_to_send() is None
        assert session.claim_poll()
        assert not session.claim_poll()
        session.receive_payload(f"{OPEN}\x1e4hello", 0.0)
        opened, message = session.events()
        assert isinstance(opened, Opened)
        assert message == MessageReceived("hello")
        assert session.claim_poll()

    def test_the_handshake_times_out_after_twenty_seconds(self) -> None:
        session = ClientSession("websocket", 0.0)
        assert session.next_deadline() == 20.0
        session.handle_deadline(20.0)
        assert session.events() == [Closed(TRANSPORT_ERROR)]

    @pytest.mark.parametrize("packet", ["4hello", b"hello", "bAA==", "2", "6", "", "0{}"])
    def test_a_packet_other_than_the_handshake_closes(self, packet: str | bytes) -> None:
        session = ClientSession("websocket", 0.0)
        session.receive_message(packet, 0.0)
        fault(session)

    def test_closing_before_the_handshake(self) -> None:
        session = ClientSession("polling", 0.0)
        session.claim_poll()
        session.close(CLIENT_DISCONNECT, 1.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]
        assert session.payload_to_send() is None
        session.receive_payload(OPEN, 1.0)
        assert session.events() == []


class TestMessages:
    def test_text_and_binary_over_a_websocket(self) -> None:
        session = websocket()
        session.receive_message("4hello", 1.0)
        session.receive_message(b"\x01", 1.0)
        assert session.events() == [MessageReceived("hello"), MessageReceived(b"\x01")]
        session.send_message("hello")
        session.send_message(b"\x01")
        assert session.messages_to_send() == ["4hello", b"\x01"]

    def test_a_ping_is_answered_and_moves_the_deadline(self) -> None:
        session = websocket()
        assert session.next_deadline() == 45.0
        session.receive_message("2", 25.0)
        assert session.messages_to_send() == ["3"]
        assert session.next_deadline() == 70.0

    def test_a_missing_ping_closes(self) -> None:
        session = websocket()
        session.handle_deadline(44.9)
        assert session.events() == []
        session.handle_deadline(45.0)
        assert session.events() == [Closed(PING_TIMEOUT)]

    def test_the_server_closes(self) -> None:
        session = websocket()
        session.receive_message("1", 1.0)
        assert session.events() == [Closed(TRANSPORT_CLOSED)]

    @pytest.mark.parametrize("packet", ["3", "5", "7", OPEN, "3probe", "2probe"])
    def test_a_packet_that_only_clients_send_closes(self, packet: str) -> None:
        session = websocket()
        session.receive_message(packet, 1.0)
        fault(session)

    def test_a_noop_is_ignored(self) -> None:
        session = websocket()
        session.receive_message("6", 1.0)
        assert session.events() == []


class TestRequests:
    def test_consecutive_polls(self) -> None:
        session = polling()
        assert session.claim_poll()
        assert not session.claim_poll()
        session.receive_payload("4a\x1ebAQ==", 1.0)
        assert session.events() == [MessageReceived("a"), MessageReceived(b"\x01")]
        assert session.claim_poll()

    def test_consecutive_posts(self) -> None:
        session = polling()
        assert session.payload_to_send() is None
        session.send_message("a")
        session.send_message(b"\x01")
        assert session.payload_to_send() == "4a\x1ebAQ=="
        session.send_message("b")
        assert session.payload_to_send() is None
        session.receive_post_response(1.0)
        assert session.payload_to_send() == "4b"
        assert session.messages_to_send() == []

    def test_posts_are_split_at_the_limit_of_the_server(self) -> None:
        session = polling()
        for text in ("123456789", "12345678", "€€", "x"):  # 10 + 1 + 9 = 20 bytes
            session.send_message(text)
        assert session.payload_to_send() == "4123456789\x1e412345678"
        assert session.buffered_bytes == 7 + 2
        session.receive_post_response(1.0)
        assert session.payload_to_send() == "4€€\x1e4x"
        session.receive_post_response(1.0)
        session.send_message(b"1234567890")  # b and 16 of base64
        session.send_message("ab")
        assert session.payload_to_send() == "bMTIzNDU2Nzg5MA=="
        session.receive_post_response(1.0)
        assert session.payload_to_send() == "4ab"

    def test_a_packet_beyond_the_limit_is_posted_alone(self) -> None:
        session = polling()
        session.send_message("x" * 30)
        session.send_message("y")
        assert session.payload_to_send() == "4" + "x" * 30
        session.receive_post_response(1.0)
        assert session.payload_to_send() == "4y"

    def test_a_failed_request_closes(self) -> None:
        session = polling()
        session.receive_eof(1.0)
        assert session.events() == [Closed(TRANSPORT_CLOSED)]
        assert not session.claim_poll()

    def test_an_invalid_body_closes(self) -> None:
        session = polling()
        session.claim_poll()
        session.receive_payload("abc", 1.0)
        fault(session)

    def test_the_server_closes(self) -> None:
        session = polling()
        session.claim_poll()
        session.receive_payload("4last\x1e1\x1e4late", 1.0)
        assert session.events() == [MessageReceived("last"), Closed(TRANSPORT_CLOSED)]
        session.receive_payload("4later", 1.0)
        assert session.events() == []


class TestClose:
    def test_over_a_websocket(self) -> None:
        session = websocket()
        session.send_message("last")
        session.close(CLIENT_DISCONNECT, 1.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]
        assert session.messages_to_send() == ["4last"]

    def test_over_polling_the_close_packet_is_posted(self) -> None:
        session = polling()
        session.claim_poll()
        session.send_message("a")
        assert session.payload_to_send() == "4a"
        session.send_message("b")
        session.close(CLIENT_DISCONNECT, 1.0)
        session.receive_post_response(1.0)
        assert session.events() == []
        assert session.payload_to_send() == "4b\x1e1"
        session.receive_payload("6\x1e4late", 1.0)
        assert not session.claim_poll()
        session.receive_post_response(1.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]

    def test_a_ping_while_closing_is_ignored(self) -> None:
        session = polling()
        session.claim_poll()
        session.close(CLIENT_DISCONNECT, 1.0)
        session.receive_payload("2", 2.0)
        assert session.next_deadline() == 31.0
        assert session.payload_to_send() == "1"

    def test_the_close_packet_waits_at_most_thirty_seconds(self) -> None:
        session = polling()
        session.close(CLIENT_DISCONNECT, 1.0)
        session.handle_deadline(31.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]
        assert session.payload_to_send() is None


class TestUpgrade:
    def test_the_upgrade_waits_for_pending_requests_and_precedes_queued_packets(self) -> None:
        session = polling()
        session.claim_poll()
        session.send_message("a")
        assert session.payload_to_send() == "4a"
        session.send_message("b")
        assert session.can_upgrade
        session.start_probe(1.0)
        assert session.probing
        assert not session.can_upgrade
        assert session.probe_messages_to_send() == ["2probe"]
        session.receive_probe("3probe", 1.1)
        assert session.probe_messages_to_send() == []
        session.receive_payload("4from the poll", 1.2)
        assert not session.claim_poll()
        assert session.payload_to_send() is None
        assert not session.upgraded
        session.receive_post_response(1.3)
        assert session.events() == [MessageReceived("from the poll"), Upgraded()]
        assert session.messages_to_send() == ["5", "4b"]
        session.receive_probe("4hello", 1.4)
        assert session.events() == [MessageReceived("hello")]
        assert not session.claim_poll()

    def test_the_upgrade_is_immediate_without_pending_requests(self) -> None:
        session = polling()
        session.start_probe(1.0)
        session.receive_probe("3probe", 1.0)
        assert session.events() == [Upgraded()]
        assert session.messages_to_send() == ["5"]

    def test_requests_continue_until_the_probe_is_answered(self) -> None:
        session = polling()
        session.start_probe(1.0)
        session.send_message("a")
        assert session.payload_to_send() == "4a"
        assert session.claim_poll()

    @pytest.mark.parametrize("frame", ["3", "2probe", "4hello", b"3probe", ""])
    def test_an_invalid_answer_ends_only_that_websocket(self, frame: str | bytes) -> None:
        session = polling()
        session.start_probe(1.0)
        session.receive_probe(frame, 1.0)
        assert not session.probing
        assert session.state is State.POLLING
        assert session.events() == []
        assert not session.can_upgrade
        with pytest.raises(LocalProtocolError, match="cannot upgrade"):
            session.start_probe(2.0)

    def test_the_probing_websocket_is_closed_after_its_answer(self) -> None:
        session = polling()
        session.claim_poll()
        session.start_probe(1.0)
        session.receive_probe("3probe", 1.0)
        session.receive_probe_eof(1.0)
        session.receive_payload("4a", 1.0)
        assert session.events() == [MessageReceived("a")]
        assert session.claim_poll()

    def test_a_probe_times_out_after_ten_seconds(self) -> None:
        session = polling()
        session.start_probe(1.0)
        assert session.next_deadline() == 11.0
        session.handle_deadline(11.0)
        assert not session.probing
        assert session.claim_poll()

    def test_the_websocket_is_closed_after_the_upgrade(self) -> None:
        session = polling()
        session.start_probe(1.0)
        session.receive_probe("3probe", 1.0)
        session.receive_probe_eof(1.0)
        assert session.events() == [Upgraded(), Closed(TRANSPORT_CLOSED)]

    def test_closing_aborts_the_upgrade(self) -> None:
        session = polling()
        session.claim_poll()
        session.start_probe(1.0)
        session.receive_probe("3probe", 1.0)
        session.close(CLIENT_DISCONNECT, 1.0)
        assert session.payload_to_send() == "1"
        session.receive_payload("6", 1.0)
        session.receive_post_response(1.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]
        assert not session.probing
        session.receive_probe("3probe", 1.0)
        assert session.events() == []

    def test_upgrades_can_be_disabled(self) -> None:
        session = ClientSession("polling", 0.0, ClientOptions(allow_upgrades=False))
        assert not session.can_upgrade
        session.claim_poll()
        session.receive_payload(OPEN, 0.0)
        assert not session.can_upgrade


@pytest.mark.parametrize(
    ("message", "over_websocket", "over_polling"),
    [
        ("x" * 4, None, None),
        ("x" * 19, None, None),
        ("x" * 20, 20, 20),
        ("ü" * 10, 20, 20),
        (b"x" * 20, None, 20),
        (b"x" * 21, 20, 20),
    ],
)
def test_messages_beyond_the_limit_of_the_server(
    message: str | bytes, over_websocket: int | None, over_polling: int | None
) -> None:
    assert websocket().max_message(message) == over_websocket
    assert polling().max_message(message) == over_polling
    assert ClientSession("websocket", 0.0).max_message(message) is None
