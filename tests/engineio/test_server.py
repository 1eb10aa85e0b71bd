"""The server's end of a session, byte by byte."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from longwire.engineio.event import Closed, MessageReceived, SessionEvent, Upgraded
from longwire.engineio.server import Options, ServerSession
from longwire.engineio.state import State
from longwire.errors import ConfigurationError, LocalProtocolError, RemoteProtocolError
from longwire.reasons import (
    CLIENT_DISCONNECT,
    PARSE_ERROR,
    PING_TIMEOUT,
    SERVER_DISCONNECT,
    SERVER_SHUTDOWN,
    TRANSPORT_CLOSED,
)

OPTIONS = Options()


def websocket(options: Options = OPTIONS) -> ServerSession:
    session = ServerSession("sid", options, "websocket", 0.0)
    session.messages_to_send()
    return session


def polling(options: Options = OPTIONS) -> ServerSession:
    session = ServerSession("sid", options, "polling", 0.0)
    session.receive_poll(0.0)
    session.poll_response(0.0)
    return session


def probed(options: Options = OPTIONS) -> ServerSession:
    """A session that has answered the probe and waits for `5`."""
    session = polling(options)
    assert session.receive_probe_open(1.0)
    session.receive_probe("2probe", 1.0)
    assert session.probe_messages_to_send() == ["3probe"]
    return session


def fault(events: list[SessionEvent]) -> str:
    """Return the message of the protocol error, from the only event."""
    (closed,) = events
    assert isinstance(closed, Closed)
    assert closed.reason is PARSE_ERROR
    assert isinstance(closed.error, RemoteProtocolError)
    return str(closed.error)


class TestMessages:
    def test_text_and_binary_over_a_websocket(self) -> None:
        session = websocket()
        session.receive_message("4hello", 1.0)
        session.receive_message(b"\x01\x02", 1.0)
        session.receive_message("bAQI=", 1.0)
        assert session.events() == [
            MessageReceived("hello"),
            MessageReceived(b"\x01\x02"),
            MessageReceived(b"\x01\x02"),
        ]
        session.send_message("hello")
        session.send_message(b"\x01")
        session.send_packets(['42["x"]'])
        assert session.messages_to_send() == ["4hello", b"\x01", '42["x"]']
        assert session.messages_to_send() == []

    def test_text_and_binary_over_polling(self) -> None:
        session = polling()
        assert session.receive_payload("4hello\x1ebAQI=", 1.0)
        assert session.events() == [MessageReceived("hello"), MessageReceived(b"\x01\x02")]
        session.send_message("hello")
        session.send_message(b"\x01\x02")
        assert session.messages_to_send() == []
        session.receive_poll(2.0)
        assert session.poll_response(2.0) == "4hello\x1ebAQI="

    def test_a_payload_may_contain_17_000_packets(self) -> None:
        session = polling()
        assert session.receive_payload("\x1e".join(["4x"] * 17_000), 1.0)
        assert session.events() == [MessageReceived("x")] * 17_000

    def test_a_noop_is_ignored(self) -> None:
        session = polling()
        assert session.receive_payload("6\x1e4a", 1.0)
        assert session.events() == [MessageReceived("a")]

    def test_messages_before_an_invalid_packet_are_reported(self) -> None:
        session = polling()
        assert not session.receive_payload("4a\x1eabc\x1e4b", 1.0)
        message, closed = session.events()
        assert message == MessageReceived("a")
        assert isinstance(closed, Closed)

    @pytest.mark.parametrize("packet", ["", "abc", "2", "2probe", "0{}", "5", "7", "bA", "11"])
    def test_an_invalid_packet_on_a_websocket_closes(self, packet: str) -> None:
        session = websocket()
        session.receive_message(packet, 1.0)
        fault(session.events())
        assert session.next_deadline() is None
        session.receive_message("4late", 1.0)
        assert session.events() == []

    def test_websocket_messages_are_ignored_on_polling(self) -> None:
        session = polling()
        session.receive_message("4hello", 1.0)
        assert session.events() == []

    def test_sending_text_with_a_lone_surrogate_raises(self) -> None:
        session = websocket()
        with pytest.raises(LocalProtocolError, match="UTF-8"):
            session.send_message("\ud800")
        session.send_message("a\x1eb")
        assert session.messages_to_send() == ["4a\x1eb"]

    def test_a_separator_cannot_be_sent_over_polling(self) -> None:
        with pytest.raises(LocalProtocolError, match=r"U\+001E"):
            polling().send_message("a\x1eb")

    def test_buffered_bytes_are_counted_as_on_the_wire(self) -> None:
        session = polling()
        assert session.buffered_bytes == 0
        session.send_message("h€")
        session.send_message(b"abc")
        assert session.buffered_bytes == 5 + 3
        session.receive_poll(1.0)
        session.poll_response(1.0)
        assert session.buffered_bytes == 0


class TestLimits:
    OPTIONS = Options(max_payload=8)

    def test_a_message_at_the_limit_is_accepted(self) -> None:
        session = websocket(self.OPTIONS)
        session.receive_message("4234567€"[:6], 1.0)
        session.receive_message("42345678", 1.0)
        session.receive_message(b"12345678", 1.0)
        assert len(session.events()) == 3

    @pytest.mark.parametrize("message", ["423456789", b"123456789", "4€€€"])
    def test_a_message_beyond_the_limit_closes(self, message: str | bytes) -> None:
        session = websocket(self.OPTIONS)
        session.receive_message(message, 1.0)
        assert fault(session.events()) == "the message has more than 8 bytes"

    def test_a_payload_beyond_the_limit_closes(self) -> None:
        session = polling(self.OPTIONS)
        assert not session.receive_payload("4a\x1e4b\x1e4c\x1e", 1.0)
        assert fault(session.events()) == "the message has more than 8 bytes"


class TestHeartbeat:
    def test_a_ping_is_sent_in_every_interval(self) -> None:
        session = websocket()
        assert session.next_deadline() == 25.0
        session.handle_deadline(24.9)
        assert session.messages_to_send() == []
        session.handle_deadline(25.0)
        assert session.messages_to_send() == ["2"]
        assert session.next_deadline() == 45.0
        session.receive_message("3", 30.0)
        assert session.next_deadline() == 55.0

    def test_a_missing_pong_closes(self) -> None:
        session = websocket()
        session.handle_deadline(25.0)
        session.handle_deadline(44.9)
        assert session.events() == []
        session.handle_deadline(45.0)
        assert session.events() == [Closed(PING_TIMEOUT)]
        assert session.next_deadline() is None
        session.handle_deadline(100.0)
        assert session.events() == []

    def test_the_timeout_of_a_pong_can_be_restarted(self) -> None:
        session = websocket()
        session.postpone_pong(20.0)
        assert session.next_deadline() == 25.0
        session.handle_deadline(25.0)
        assert session.awaits_pong
        assert not session.is_pong_overdue(44.9)
        assert session.is_pong_overdue(45.0)
        session.postpone_pong(45.0)
        session.handle_deadline(45.0)
        assert session.next_deadline() == 65.0
        session.receive_message("3", 64.0)
        assert not session.awaits_pong
        assert session.next_deadline() == 89.0

    def test_closing_is_not_postponed(self) -> None:
        session = polling()
        session.handle_deadline(25.0)
        session.close(SERVER_SHUTDOWN, 30.0)
        session.postpone_pong(40.0)
        assert session.next_deadline() == 60.0

    def test_an_unsolicited_pong_is_ignored(self) -> None:
        session = websocket()
        session.receive_message("3", 20.0)
        assert session.next_deadline() == 25.0
        assert session.events() == []

    def test_a_ping_on_polling_is_sent_with_the_next_poll(self) -> None:
        session = polling(Options(ping_interval=0.3, ping_timeout=0.2))
        session.handle_deadline(0.3)
        session.receive_poll(0.4)
        assert session.poll_response(0.4) == "2"
        assert session.receive_payload("3", 0.4)
        assert session.next_deadline() == pytest.approx(0.7)

    def test_a_missing_pong_answers_the_waiting_poll(self) -> None:
        session = polling()
        session.handle_deadline(25.0)
        session.receive_poll(26.0)
        assert session.poll_response(26.0) == "2"
        session.receive_poll(27.0)
        session.handle_deadline(45.0)
        assert session.events() == [Closed(PING_TIMEOUT)]
        assert session.poll_response(45.0) == "1"


class TestRequests:
    def test_a_poll_waits_until_there_is_a_packet(self) -> None:
        session = polling()
        assert session.receive_poll(1.0)
        assert session.poll_response(1.0) is None
        session.send_message("a")
        session.send_message("b")
        assert session.poll_response(2.0) == "4a\x1e4b"
        assert session.poll_response(2.0) is None

    def test_two_concurrent_polls_close(self) -> None:
        session = polling()
        assert session.receive_poll(1.0)
        assert not session.receive_poll(1.0)
        assert session.poll_response(1.0) == "1"
        assert session.poll_response(1.0) is None
        assert fault(session.events()) == "a second GET while the first one is waiting"
        assert not session.receive_poll(2.0)

    def test_two_concurrent_posts_close(self) -> None:
        session = polling()
        assert session.receive_post_open(1.0)
        assert not session.receive_post_open(1.0)
        assert fault(session.events()) == "a second POST while the first one is being received"
        assert not session.receive_payload("4a", 1.0)
        assert not session.receive_post_open(2.0)

    def test_consecutive_posts(self) -> None:
        session = polling()
        for _ in range(2):
            assert session.receive_post_open(1.0)
            assert session.receive_payload("4a", 1.0)
        assert session.events() == [MessageReceived("a")] * 2

    def test_a_post_in_several_parts(self) -> None:
        session = polling()
        assert session.receive_post_open(1.0)
        assert session.receive_payload("4a", 1.0, more=True)
        assert session.receive_payload("4b", 1.0)
        assert session.receive_post_open(2.0)
        assert session.receive_payload("4c", 2.0, more=True)
        assert not session.receive_post_open(2.0)
        assert session.events()[:3] == [MessageReceived(text) for text in "abc"]

    def test_an_aborted_poll_closes(self) -> None:
        session = polling()
        session.receive_poll_eof(1.0)
        assert session.events() == []
        session.receive_poll(1.0)
        session.receive_poll_eof(2.0)
        assert session.events() == [Closed(TRANSPORT_CLOSED)]
        assert session.poll_response(2.0) is None

    def test_an_aborted_post_closes(self) -> None:
        session = polling()
        session.receive_post_eof(1.0)
        assert session.events() == []
        session.receive_post_open(1.0)
        session.receive_post_eof(1.0)
        assert session.events() == [Closed(TRANSPORT_CLOSED)]

    def test_requests_of_a_websocket_session_are_rejected_without_effect(self) -> None:
        session = websocket()
        assert not session.receive_poll(1.0)
        assert not session.receive_post_open(1.0)
        assert not session.receive_payload("4a", 1.0)
        assert session.poll_response(1.0) is None
        assert session.events() == []
        assert session.state is State.WEBSOCKET


class TestClose:
    def test_the_client_closes_on_polling(self) -> None:
        session = polling()
        session.receive_poll(1.0)
        assert session.receive_payload("1\x1e4late", 1.0)
        assert session.poll_response(1.0) == "6"
        assert session.events() == [Closed(CLIENT_DISCONNECT)]
        assert not session.receive_poll(2.0)
        assert not session.receive_payload("4a", 2.0)

    def test_the_client_closes_on_a_websocket(self) -> None:
        session = websocket()
        session.receive_message("1", 1.0)
        assert session.events() == [Closed(CLIENT_DISCONNECT)]

    def test_the_websocket_is_closed(self) -> None:
        session = websocket()
        session.receive_eof(1.0)
        session.receive_eof(1.0)
        assert session.events() == [Closed(TRANSPORT_CLOSED)]

    def test_the_server_closes_on_a_websocket(self) -> None:
        session = websocket()
        session.send_message("last")
        session.close(SERVER_SHUTDOWN, 1.0)
        session.send_message("dropped")
        assert session.events() == [Closed(SERVER_SHUTDOWN)]
        assert session.messages_to_send() == ["4last"]
        session.close(SERVER_DISCONNECT, 1.0)
        assert session.events() == []

    def test_the_server_closes_while_a_poll_waits(self) -> None:
        session = polling()
        session.receive_poll(1.0)
        session.send_message("last")
        session.close(SERVER_DISCONNECT, 1.0)
        assert session.events() == [Closed(SERVER_DISCONNECT)]
        assert session.poll_response(1.0) == "4last\x1e1"

    def test_the_close_packet_waits_for_the_next_poll(self) -> None:
        session = polling()
        session.send_message("last")
        session.close(SERVER_DISCONNECT, 1.0)
        session.send_message("dropped")
        assert session.events() == []
        assert session.receive_payload("4late\x1e3", 1.0)
        assert session.next_deadline() == 31.0
        assert session.receive_poll(2.0)
        assert session.poll_response(2.0) == "4last\x1e1"
        assert session.events() == [Closed(SERVER_DISCONNECT)]

    def test_the_close_packet_waits_at_most_thirty_seconds(self) -> None:
        session = polling()
        session.handle_deadline(25.0)
        session.close(SERVER_DISCONNECT, 26.0)
        assert session.receive_payload("3", 27.0)
        session.handle_deadline(45.0)
        assert session.events() == []
        session.handle_deadline(56.0)
        assert session.events() == [Closed(SERVER_DISCONNECT)]
        assert not session.receive_poll(57.0)

    def test_both_ends_close_at_the_same_time(self) -> None:
        session = polling()
        session.close(SERVER_DISCONNECT, 1.0)
        assert session.receive_payload("1", 1.0)
        assert session.events() == [Closed(SERVER_DISCONNECT)]

    def test_an_error_detected_by_an_upper_layer_closes_immediately(self) -> None:
        session = polling()
        session.receive_poll(1.0)
        error = RemoteProtocolError("nonsense")
        session.fail(error)
        assert session.events() == [Closed(PARSE_ERROR, error)]
        assert session.poll_response(1.0) == "1"


class TestUpgrade:
    def test_an_upgrade_releases_the_poll_and_flushes_to_the_websocket(self) -> None:
        session = polling()
        session.receive_poll(1.0)
        assert session.receive_probe_open(1.0)
        assert session.probing
        assert not session.upgraded
        assert session.poll_response(1.0) is None
        session.receive_probe("2probe", 1.1)
        assert session.probe_messages_to_send() == ["3probe"]
        assert session.probe_messages_to_send() == []
        assert session.poll_response(1.1) == "6"
        session.send_message("queued")
        assert session.messages_to_send() == []
        session.receive_probe("5", 1.2)
        assert session.events() == [Upgraded()]
        assert session.upgraded
        assert not session.probing
        assert session.messages_to_send() == ["4queued"]
        session.receive_probe("4hello", 1.3)
        assert session.events() == [MessageReceived("hello")]
        assert not session.receive_poll(2.0)
        assert not session.receive_payload("4a", 2.0)
        assert session.events() == []

    def test_a_poll_during_the_upgrade_delivers_messages(self) -> None:
        session = probed()
        session.send_message("a")
        session.receive_poll(1.0)
        assert session.poll_response(1.0) == "4a"
        session.send_message("b")
        session.receive_probe("5", 1.1)
        assert session.messages_to_send() == ["4b"]

    def test_the_upgrade_releases_a_waiting_poll(self) -> None:
        session = polling()
        session.receive_poll(1.0)
        session.receive_probe_open(1.0)
        session.receive_probe("2probe", 1.0)
        session.send_message("a")
        session.receive_probe("5", 1.0)
        assert session.poll_response(1.0) == "6"
        assert session.messages_to_send() == ["4a"]

    def test_polls_during_the_upgrade_are_released_ten_times_a_second(self) -> None:
        session = probed()
        session.receive_poll(1.0)
        assert session.next_deadline() == 1.0
        assert session.poll_response(1.0) == "6"
        assert session.next_deadline() == 11.0
        session.receive_poll(1.05)
        assert session.poll_response(1.05) is None
        assert session.next_deadline() == pytest.approx(1.1)
        assert session.poll_response(1.1) == "6"

    def test_posts_are_accepted_until_the_upgrade(self) -> None:
        session = probed()
        assert session.receive_payload("4a", 1.0)
        assert session.events() == [MessageReceived("a")]

    @pytest.mark.parametrize("frame", ["3probe", "2", "5", "4hello", "", b"2probe"])
    def test_a_frame_other_than_the_probe_ends_only_that_websocket(
        self, frame: str | bytes
    ) -> None:
        session = polling()
        session.receive_probe_open(1.0)
        session.receive_probe(frame, 1.0)
        assert not session.probing
        assert session.probe_messages_to_send() == []
        session.receive_probe("2probe", 1.0)
        assert session.events() == []
        assert session.receive_payload("4a", 1.0)
        assert session.events() == [MessageReceived("a")]

    @pytest.mark.parametrize("frame", ["2probe", "4hello", b"5"])
    def test_a_frame_other_than_the_upgrade_ends_only_that_websocket(
        self, frame: str | bytes
    ) -> None:
        session = probed()
        session.receive_probe(frame, 1.0)
        assert not session.probing
        assert session.state is State.POLLING
        assert session.receive_probe_open(2.0)

    def test_the_probing_websocket_is_closed(self) -> None:
        session = probed()
        session.receive_probe_eof(2.0)
        assert session.state is State.POLLING
        session.receive_probe_eof(2.0)
        assert session.events() == []

    def test_the_websocket_is_closed_after_the_upgrade(self) -> None:
        session = probed()
        session.receive_probe("5", 2.0)
        session.receive_probe_eof(2.0)
        assert session.events() == [Upgraded(), Closed(TRANSPORT_CLOSED)]

    def test_a_probe_times_out_after_ten_seconds(self) -> None:
        session = probed()
        assert session.next_deadline() == 11.0
        session.handle_deadline(11.0)
        assert not session.probing
        assert session.state is State.POLLING
        assert session.next_deadline() == 25.0

    def test_a_second_websocket_is_rejected(self) -> None:
        session = probed()
        assert not session.receive_probe_open(2.0)
        session.receive_probe("5", 2.0)
        assert not session.receive_probe_open(3.0)
        assert not websocket().receive_probe_open(1.0)

    def test_upgrades_can_be_disabled(self) -> None:
        session = ServerSession("sid", Options(allow_upgrades=False), "polling", 0.0)
        session.receive_poll(0.0)
        assert session.poll_response(0.0) == (
            '0{"sid":"sid","upgrades":[],'
            '"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
        )
        assert not session.receive_probe_open(1.0)

    def test_closing_before_the_probe_drops_the_websocket(self) -> None:
        session = polling()
        session.receive_probe_open(1.0)
        session.close(SERVER_DISCONNECT, 1.0)
        assert not session.probing
        session.receive_poll(1.0)
        assert session.poll_response(1.0) == "1"
        assert session.events() == [Closed(SERVER_DISCONNECT)]

    def test_the_close_packet_is_sent_on_the_websocket_after_the_upgrade(self) -> None:
        session = probed()
        session.send_message("last")
        session.close(SERVER_DISCONNECT, 1.0)
        assert session.events() == []
        session.receive_probe("5", 2.0)
        assert session.events() == [Upgraded(), Closed(SERVER_DISCONNECT)]
        assert session.messages_to_send() == ["4last", "1"]

    def test_the_close_packet_waits_for_a_poll_after_a_failed_upgrade(self) -> None:
        session = probed()
        session.close(SERVER_DISCONNECT, 1.0)
        session.handle_deadline(11.0)
        assert not session.probing
        session.receive_poll(12.0)
        assert session.poll_response(12.0) == "1"
        assert session.events() == [Closed(SERVER_DISCONNECT)]


class TestDirectWriting:
    def test_it_requires_an_open_websocket_and_an_empty_queue(self) -> None:
        session = ServerSession("sid", OPTIONS, "websocket", 0.0)
        assert not session.can_write_directly
        session.messages_to_send()
        assert session.can_write_directly
        session.send_message("a")
        assert not session.can_write_directly
        session.messages_to_send()
        assert session.can_write_directly
        session.receive_eof(1.0)
        assert not session.can_write_directly

    def test_it_is_not_possible_on_polling(self) -> None:
        session = probed()
        assert not session.can_write_directly
        session.receive_probe("5", 1.0)
        assert session.can_write_directly


@pytest.mark.parametrize(
    "name", ["ping_interval", "ping_timeout", "max_payload", "upgrade_timeout"]
)
def test_options_that_are_not_positive_are_rejected(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be > 0, got 0"):
        replace(Options(), **{name: 0})
