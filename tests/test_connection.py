"""One end of a Socket.IO connection, asserted on the wire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from longwire.connection.connection import Connection, ConnectionOptions
from longwire.connection.events import (
    AckReceived,
    Connected,
    ConnectionEvent,
    ConnectRequested,
    Disconnected,
    EventReceived,
    Refused,
)
from longwire.engineio.client import ClientSession
from longwire.engineio.event import Closed, Upgraded
from longwire.engineio.server import Options, ServerSession
from longwire.errors import LocalProtocolError, RemoteProtocolError
from longwire.prepared import PreparedMessage
from longwire.reasons import (
    CLIENT_DISCONNECT,
    CONNECT_TIMEOUT,
    PARSE_ERROR,
    PING_TIMEOUT,
    SERVER_SHUTDOWN,
    TOKEN_EXPIRED,
    TRANSPORT_CLOSED,
)
from longwire.socketio.encoder import encode_event_body

OPTIONS = ConnectionOptions()
OPEN = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
PLACEHOLDER = '{"_placeholder":true,"num":0}'


def server(options: ConnectionOptions = OPTIONS) -> Connection:
    """A server whose client has not requested a namespace yet."""
    session = ServerSession("sid", Options(), "websocket", 0.0)
    session.messages_to_send()
    return Connection.server(session, options, 0.0)


def joined(*namespaces: str) -> Connection:
    """A server whose client has joined the main namespace and others."""
    connection = server()
    for namespace in ("/", *namespaces):
        receive(connection, "40" if namespace == "/" else f"40{namespace},")
        connection.accept(namespace, "pub")
    connection.messages_to_send()
    return connection


def client() -> Connection:
    """A client whose session is open."""
    connection = Connection.client(ClientSession("websocket", 0.0))
    assert receive(connection, OPEN) == []
    return connection


def joined_client() -> Connection:
    connection = client()
    connection.connect("/")
    connection.messages_to_send()
    assert receive(connection, '40{"sid":"pub"}') == [Connected("/", "pub", None)]
    return connection


def receive(connection: Connection, *messages: str | bytes) -> list[ConnectionEvent]:
    for message in messages:
        connection.engine.receive_message(message, 1.0)
    return connection.events()


def values(event: ConnectionEvent) -> list[Any]:
    assert isinstance(event, EventReceived | AckReceived)
    return event.values()


def fault(events: list[ConnectionEvent]) -> str:
    """Return the message of the protocol error, from the last event."""
    closed = events[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is PARSE_ERROR
    assert isinstance(closed.error, RemoteProtocolError)
    return str(closed.error)


class TestJoining:
    def test_the_main_namespace(self) -> None:
        connection = server()
        (request,) = receive(connection, '40{"token":"x"}')
        assert isinstance(request, ConnectRequested)
        assert request.namespace == "/"
        assert request.auth is not None
        assert bytes(request.auth) == b'{"token":"x"}'
        connection.accept("/", "pub")
        assert connection.messages_to_send() == ['40{"sid":"pub"}']

    def test_other_namespaces(self) -> None:
        connection = server()
        assert receive(connection, "40/custom", "40/b,") == [
            ConnectRequested("/custom", None),
            ConnectRequested("/b", None),
        ]
        connection.accept("/b", "1", pid="2")
        connection.accept("/custom", "3")
        assert connection.messages_to_send() == [
            '40/b,{"sid":"1","pid":"2"}',
            '40/custom,{"sid":"3"}',
        ]

    def test_a_rejected_namespace_does_not_close_the_connection(self) -> None:
        connection = joined()
        receive(connection, "40/x,")
        connection.refuse("/x", "Invalid namespace")
        receive(connection, "40/x,")
        connection.refuse("/x", "no", {"code": "forbidden"})
        assert connection.messages_to_send() == [
            '44/x,{"message":"Invalid namespace"}',
            '44/x,{"message":"no","data":{"code":"forbidden"}}',
        ]
        assert len(receive(connection, '42["a"]')) == 1

    def test_packets_missed_by_a_recovered_session_precede_its_connect(self) -> None:
        connection = server()
        receive(connection, "40")
        connection.accept("/", "pub", "priv", replay=['42["e",1,"o1"]', '42["e",2,"o2"]'])
        assert connection.messages_to_send() == [
            '42["e",1,"o1"]',
            '42["e",2,"o2"]',
            '40{"sid":"pub","pid":"priv"}',
        ]

    def test_nothing_is_sent_to_a_namespace_before_it_is_joined(self) -> None:
        connection = server()
        receive(connection, "40")
        connection.send_prepared(PreparedMessage.volatile("a", b"{}"), with_position=False)
        with pytest.raises(LocalProtocolError, match="not joined"):
            connection.send_event("/", "a", [])
        with pytest.raises(LocalProtocolError, match="not joined"):
            connection.send_ack("/", 0, [])
        assert connection.messages_to_send() == []

    def test_answers_without_a_request_raise(self) -> None:
        connection = server()
        with pytest.raises(LocalProtocolError, match="was not requested"):
            connection.accept("/", "pub")
        with pytest.raises(LocalProtocolError, match="was not requested"):
            connection.refuse("/", "no")

    def test_an_answer_after_the_end_is_dropped(self) -> None:
        connection = server()
        receive(connection, "40", "40/x,")
        connection.engine.receive_eof(1.0)
        assert connection.events() == [Closed(TRANSPORT_CLOSED)]
        connection.accept("/", "pub")
        connection.refuse("/x", "no")
        assert connection.messages_to_send() == []

    @pytest.mark.parametrize(
        "first", ['42["a"]', "41", "430[]", '44"no"', f'451-["a",{PLACEHOLDER}]']
    )
    def test_the_first_packet_must_be_connect(self, first: str) -> None:
        fault(receive(server(), first))

    def test_requesting_a_namespace_twice_closes(self) -> None:
        assert "twice" in fault(receive(server(), "40", "40"))
        assert "twice" in fault(receive(joined(), "40"))

    def test_a_connect_error_from_a_client_closes(self) -> None:
        assert "CONNECT_ERROR" in fault(receive(joined(), '44{"message":"no"}'))

    def test_the_number_of_namespaces_is_bounded_without_rejected_ones(self) -> None:
        connection = server(ConnectionOptions(max_namespaces=2))
        for number in range(100):
            receive(connection, f"40/{number},")
            connection.refuse(f"/{number}", "no")
        receive(connection, "40", "40/a,")
        assert "more than 2" in fault(receive(connection, "40/b,"))


class TestTimeout:
    def test_a_client_without_a_request_times_out(self) -> None:
        connection = server()
        assert connection.next_deadline() == 25.0
        connection.handle_deadline(25.0)
        connection.engine.receive_message("3", 26.0)
        assert connection.next_deadline() == 45.0
        connection.handle_deadline(45.0)
        assert connection.events() == [Closed(CONNECT_TIMEOUT)]
        assert connection.next_deadline() is None

    def test_a_rejected_client_times_out(self) -> None:
        connection = server(ConnectionOptions(connect_timeout=10.0))
        receive(connection, "40")
        connection.refuse("/", "no")
        connection.handle_deadline(10.0)
        assert connection.events() == [Closed(CONNECT_TIMEOUT)]

    def test_an_accepted_client_does_not_time_out(self) -> None:
        connection = server(ConnectionOptions(connect_timeout=10.0))
        receive(connection, "40")
        connection.accept("/", "pub")
        assert connection.next_deadline() == 25.0
        connection.handle_deadline(10.0)
        assert connection.events() == []

    def test_heartbeats_continue(self) -> None:
        connection = joined()
        connection.handle_deadline(25.0)
        assert connection.messages_to_send() == ["2"]
        connection.handle_deadline(45.0)
        assert connection.events() == [Closed(PING_TIMEOUT)]


class TestEvents:
    def test_an_event_with_and_without_an_acknowledgement_id(self) -> None:
        connection = joined("/n")
        events = receive(connection, '42["a",{"b":1}]', '420["a"]', '42/n,7["c",[]]')
        assert [
            (e.namespace, e.name, e.ack_id) for e in events if isinstance(e, EventReceived)
        ] == [
            ("/", "a", None),
            ("/", "a", 0),
            ("/n", "c", 7),
        ]
        assert [values(event) for event in events] == [[{"b": 1}], [], [[]]]

    def test_acknowledgements_in_both_directions(self) -> None:
        connection = joined()
        numbers = [connection.next_ack_id(), connection.next_ack_id()]
        assert numbers == [0, 1]
        connection.send_event("/", "a", [1], numbers[0])
        connection.send_ack("/", 0, [{"ok": True}])
        assert connection.messages_to_send() == ['420["a",1]', '430[{"ok":true}]']
        (ack,) = receive(connection, "430[1,2]")
        assert isinstance(ack, AckReceived)
        assert (ack.namespace, ack.ack_id, ack.values()) == ("/", 0, [1, 2])

    def test_an_event_can_be_encoded_before_the_connection_exists(self) -> None:
        event = encode_event_body("a", [{"b": b"\x01"}])
        connection, other = joined(), joined()
        connection.send_encoded("/", event, 7)
        other.send_event("/", "a", [{"b": b"\x01"}], 7)
        assert connection.messages_to_send() == other.messages_to_send()
        connection.close(SERVER_SHUTDOWN, 1.0)
        connection.messages_to_send()
        connection.send_encoded("/", event)
        assert connection.messages_to_send() == []

    @pytest.mark.parametrize(
        "message", ['42["a"]', '420["a",{"b":1}]', '427["a",1,[2]]', '42["ä","ö","ü"]']
    )
    def test_an_event_may_be_read_directly(self, message: str) -> None:
        event = joined().read_event(message)
        assert [event] == receive(joined(), message)

    @pytest.mark.parametrize(
        "message",
        [
            *("", "2", "3", "41", "430[]", "42", "42[]", "42{}", '42["connect"]', '42/n,["a"]'),
            b"a",
            f'451-["a",{PLACEHOLDER}]',
        ],
    )
    def test_other_messages_are_not_read_directly(self, message: str | bytes) -> None:
        connection, other = joined("/n"), joined("/n")
        assert connection.read_event(message) is None
        assert repr(receive(connection, message)) == repr(receive(other, message))

    @pytest.mark.parametrize(("message", "args"), [('42["a",1,2,3]', [1, 2, 3]), ("42[7]", [])])
    def test_an_event_that_is_not_plain_is_not_read_directly(
        self, message: str, args: list[int]
    ) -> None:
        connection = joined()
        assert connection.read_event(message) is None
        assert [values(event) for event in receive(connection, message)] == [args]

    def test_a_message_that_may_be_too_large_is_not_read_directly(self) -> None:
        connection, large = joined(), f'42["a","{"x" * 250_000}"]'
        assert connection.read_event(large) is None
        assert [values(event) for event in receive(connection, large)] == [["x" * 250_000]]

    def test_an_event_is_not_read_directly_before_earlier_ones(self) -> None:
        assert server().read_event('42["a"]') is None
        connection = joined()
        receive(connection, f'451-["a",{PLACEHOLDER}]')
        assert connection.read_event('42["b"]') is None
        connection = joined()
        connection.engine.receive_message('42["a"]', 1.0)
        assert connection.read_event('42["b"]') is None
        connection.close(SERVER_SHUTDOWN, 1.0)
        connection.events()
        assert connection.read_event('42["b"]') is None

    def test_an_acknowledgement_may_be_written_directly(self) -> None:
        connection = joined()
        assert connection.can_write_directly
        assert connection.encode_ack(7, [{"ok": True}]) == ['437[{"ok":true}]']
        assert connection.encode_ack(7, [b"and more"]) == [
            '461-7[{"_placeholder":true,"num":0}]',
            b"and more",
        ]

    def test_binary_data_in_both_directions(self) -> None:
        connection = joined("/n")
        events = receive(connection, f'451-["a",{PLACEHOLDER}]', b"\x01")
        assert values(events[0]) == [b"\x01"]
        events = receive(connection, f"461-/n,3[{PLACEHOLDER}]", b"\x02")
        assert values(events[0]) == [b"\x02"]
        two = '452-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]'
        events = receive(connection, two, b"\x01", b"\x02")
        assert values(events[0]) == [b"\x02", b"\x01"]
        connection.send_event("/", "a", [b"\x03", {"x": bytearray(b"\x04")}])
        connection.send_ack("/n", 0, [memoryview(b"\x05")])
        assert connection.messages_to_send() == [
            '452-["a",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]',
            b"\x03",
            b"\x04",
            '461-/n,0[{"_placeholder":true,"num":0}]',
            b"\x05",
        ]

    def test_arguments_decode_to_the_type_that_the_handler_needs(self) -> None:
        (event,) = receive(joined(), '42["a",{"x":1}]')
        assert isinstance(event, EventReceived)
        assert msgspec.json.decode(event.args[0], type=dict[str, int]) == {"x": 1}

    def test_a_prepared_message(self) -> None:
        connection = joined()
        message = PreparedMessage("a", b"{}", "room", 1, 1)
        connection.send_prepared(message, with_position=True)
        connection.send_prepared(message, with_position=False)
        assert connection.messages_to_send() == ['42["a",{},"1@room"]', '42["a",{}]']

    def test_direct_writing_needs_the_main_namespace_and_an_empty_queue(self) -> None:
        connection = server()
        assert not connection.can_write_directly
        receive(connection, "40")
        connection.accept("/", "pub")
        assert not connection.can_write_directly
        connection.messages_to_send()
        assert connection.can_write_directly
        connection.disconnect("/")
        connection.messages_to_send()
        assert not connection.can_write_directly

    def test_an_event_that_cannot_be_encoded_sends_nothing(self) -> None:
        connection = joined()
        with pytest.raises(LocalProtocolError):
            connection.send_event("/", "a", [b"\x01", object()])
        with pytest.raises(LocalProtocolError, match="reserved"):
            connection.send_event("/", "connect", [])
        assert connection.messages_to_send() == []

    def test_packets_sent_after_the_end_are_dropped(self) -> None:
        connection = joined()
        connection.engine.receive_eof(1.0)
        connection.send_event("/", "a", [])
        connection.send_ack("/", 0, [])
        connection.send_prepared(PreparedMessage.volatile("a", b"{}"), with_position=False)
        connection.disconnect("/")
        assert connection.messages_to_send() == []


class TestFaults:
    @pytest.mark.parametrize(
        "messages",
        [
            ["4abc"],
            ["42{}"],
            ['42abc["message-with-ack","test"]'],
            ['42["connect"]'],
            ["42" + "[" * 100_000],
            ['42/other,["a"]'],
            ["41/other,"],
            ["43/other,0[]"],
            [b"\x01"],
            [f'451-["a",{PLACEHOLDER}]', '42["a"]'],
            [f'451-["a",{PLACEHOLDER}]', b"\x01", b"\x02"],
            [f'451-/other,["a",{PLACEHOLDER}]'],
            ['451-["a"]'],
            ["4"],
        ],
        ids=lambda messages: str(messages[-1])[:30],
    )
    def test_protocol_errors_close_the_connection(self, messages: list[str | bytes]) -> None:
        connection = joined()
        fault(receive(connection, *messages))
        assert receive(connection, '42["late"]') == []
        assert connection.next_deadline() is None

    def test_attachments_are_bounded(self) -> None:
        connection = server(ConnectionOptions(max_attachments=1, max_attachment_bytes=3))
        receive(connection, "40")
        connection.accept("/", "pub")
        assert "too large" in fault(receive(connection, f'451-["a",{PLACEHOLDER}]', b"1234"))
        connection = server(ConnectionOptions(max_attachments=0))
        receive(connection, "40")
        connection.accept("/", "pub")
        assert "1 attachments" in fault(receive(connection, f'451-["a",{PLACEHOLDER}]'))

    def test_events_before_an_error_are_reported_and_later_ones_are_not(self) -> None:
        connection = joined()
        events = receive(connection, '42["a"]', "4abc", '42["b"]')
        assert [type(event) for event in events] == [EventReceived, Closed]

    def test_an_error_in_the_last_message_before_the_end(self) -> None:
        connection = joined()
        connection.engine.receive_message("4abc", 1.0)
        connection.engine.receive_eof(1.0)
        assert connection.events() == [Closed(TRANSPORT_CLOSED)]
        assert connection.events() == []

    def test_an_error_answers_the_waiting_poll(self) -> None:
        session = ServerSession("sid", Options(), "polling", 0.0)
        connection = Connection.server(session, OPTIONS, 0.0)
        session.receive_poll(0.0)
        session.poll_response(0.0)
        session.receive_poll(1.0)
        session.receive_payload('42["a"]', 1.0)
        fault(connection.events())
        assert session.poll_response(1.0) == "1"


class TestLeaving:
    def test_the_client_leaves_one_namespace_of_two(self) -> None:
        connection = joined("/n")
        assert receive(connection, "41/n,") == [Disconnected("/n")]
        assert len(receive(connection, '42["a"]')) == 1
        with pytest.raises(LocalProtocolError, match="not joined"):
            connection.send_event("/n", "a", [])

    def test_the_client_may_join_again(self) -> None:
        connection = joined()
        receive(connection, "41")
        assert receive(connection, "40") == [ConnectRequested("/", None)]
        connection.accept("/", "again")
        assert connection.messages_to_send() == ['40{"sid":"again"}']

    def test_sending_to_a_namespace_that_the_client_left_raises(self) -> None:
        assert "not joined" in fault(receive(joined(), "41", '42["a"]'))

    def test_the_server_removes_a_client_and_ignores_packets_in_transit(self) -> None:
        connection = joined()
        connection.disconnect("/")
        connection.disconnect("/")
        connection.disconnect("/never joined")
        assert connection.messages_to_send() == ["41"]
        assert receive(connection, '42["a"]', "430[]", "41") == []
        assert receive(connection, f'451-["a",{PLACEHOLDER}]', b"\x01") == []
        assert receive(connection, "40") == [ConnectRequested("/", None)]
        fault(receive(connection, '42["a"]'))

    def test_a_close_without_reconnect_disconnects_every_namespace(self) -> None:
        connection = joined("/n")
        connection.send_event("/", "closing", [{}])
        connection.close(TOKEN_EXPIRED, 1.0)
        assert connection.messages_to_send() == ['42["closing",{}]', "41", "41/n,"]
        assert connection.events() == [Closed(TOKEN_EXPIRED)]

    def test_a_close_with_reconnect_only_closes_the_transport(self) -> None:
        connection = joined("/n")
        connection.close(SERVER_SHUTDOWN, 1.0)
        assert connection.messages_to_send() == []
        assert connection.events() == [Closed(SERVER_SHUTDOWN)]

    def test_closing_on_polling(self) -> None:
        session = ServerSession("sid", Options(), "polling", 0.0)
        connection = Connection.server(session, OPTIONS, 0.0)
        session.receive_poll(0.0)
        session.poll_response(0.0)
        session.receive_payload("40", 1.0)
        connection.events()
        connection.accept("/", "pub")
        connection.close(TOKEN_EXPIRED, 1.0)
        assert connection.events() == []
        session.receive_poll(2.0)
        assert session.poll_response(2.0) == '40{"sid":"pub"}\x1e41\x1e1'
        assert connection.events() == [Closed(TOKEN_EXPIRED)]


class TestClient:
    def test_a_namespace_may_be_requested_before_the_session_is_open(self) -> None:
        connection = Connection.client(ClientSession("websocket", 0.0))
        connection.connect("/", {"token": "x"})
        connection.connect("/n")
        assert connection.messages_to_send() == []
        receive(connection, OPEN)
        assert connection.messages_to_send() == ['40{"token":"x"}', "40/n,"]
        assert receive(connection, '40{"sid":"1","pid":"2"}', '40/n,{"sid":"3"}') == [
            Connected("/", "1", "2"),
            Connected("/n", "3", None),
        ]

    def test_a_rejected_request(self) -> None:
        connection = client()
        connection.connect("/")
        connection.connect("/n")
        events = receive(
            connection, '44{"message":"no","data":{"code":"token_expired"}}', '44/n,"never"'
        )
        assert events == [
            Refused("/", "no", {"code": "token_expired"}),
            Refused("/n", "never", None),
        ]
        connection.connect("/", {"token": "another"})

    @pytest.mark.parametrize("answer", ["40", "40{}", '40{"sid":1}', '40{"sid":"1","pid":2}'])
    def test_an_invalid_answer_closes(self, answer: str) -> None:
        connection = client()
        connection.connect("/")
        fault(receive(connection, answer))

    def test_an_invalid_rejection_closes(self) -> None:
        connection = client()
        connection.connect("/")
        fault(receive(connection, '44{"message":"no","data":1e999}'))

    def test_a_namespace_can_be_requested_only_once(self) -> None:
        connection = client()
        connection.connect("/")
        with pytest.raises(LocalProtocolError, match="cannot request"):
            connection.connect("/")
        receive(connection, '40{"sid":"1"}')
        with pytest.raises(LocalProtocolError, match="cannot request"):
            connection.connect("/")

    def test_methods_of_the_other_end_raise(self) -> None:
        with pytest.raises(LocalProtocolError, match="cannot request"):
            server().connect("/")
        connection = client()
        connection.connect("/")
        with pytest.raises(LocalProtocolError, match="was not requested"):
            connection.accept("/", "pub")

    def test_replayed_events_precede_connected(self) -> None:
        connection = client()
        connection.connect("/")
        events = receive(connection, '42["e",1,"o1"]', '40{"sid":"1","pid":"2"}')
        assert [type(event) for event in events] == [EventReceived, Connected]

    def test_the_server_removes_the_client(self) -> None:
        connection = joined_client()
        assert receive(connection, "41") == [Disconnected("/")]

    def test_packets_of_other_namespaces_are_ignored(self) -> None:
        connection = joined_client()
        packets = ('42/n,["a"]', "43/n,0[]", "41/n,", '40/n,{"sid":"1"}', '44/n,"no"')
        assert receive(connection, *packets, '40{"sid":"again"}') == []
        assert receive(connection, f'451-/n,["a",{PLACEHOLDER}]', b"\x01") == []

    def test_packets_in_transit_are_ignored_after_leaving(self) -> None:
        connection = joined_client()
        connection.disconnect("/")
        assert connection.messages_to_send() == ["41"]
        assert receive(connection, '42["a"]', "41") == []

    def test_leaving_before_the_answer(self) -> None:
        connection = client()
        connection.connect("/")
        connection.disconnect("/")
        assert connection.messages_to_send() == ["40"]
        assert receive(connection, '40{"sid":"1"}') == []

    def test_closing(self) -> None:
        connection = joined_client()
        connection.close(CLIENT_DISCONNECT, 2.0)
        assert connection.messages_to_send() == ["41"]
        assert connection.events() == [Closed(CLIENT_DISCONNECT)]

    def test_pings_are_answered_and_a_missing_ping_closes(self) -> None:
        connection = joined_client()
        receive(connection, "2")
        assert connection.messages_to_send() == ["3"]
        assert connection.next_deadline() == 46.0
        connection.handle_deadline(46.0)
        assert connection.events() == [Closed(PING_TIMEOUT)]

    def test_an_upgrade_is_reported(self) -> None:
        session = ClientSession("polling", 0.0)
        connection = Connection.client(session)
        session.claim_poll()
        session.receive_payload(OPEN.replace("[]", '["websocket"]'), 0.0)
        session.start_probe(0.0)
        session.receive_probe("3probe", 0.0)
        assert connection.events() == [Upgraded()]
