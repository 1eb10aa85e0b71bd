"""Engine.IO: payloads survive a round trip, and received data never raises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.connection.connection import Connection, ConnectionOptions
from longwire.engineio.client import ClientSession
from longwire.engineio.event import Closed, MessageReceived
from longwire.engineio.payload import decode_payload, encode_payload
from longwire.engineio.query import parse_query
from longwire.engineio.server import Options, ServerSession
from longwire.engineio.session import Session
from longwire.engineio.state import Transport
from longwire.errors import RemoteProtocolError
from longwire.reasons import SERVER_DISCONNECT

any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates, too
plausible = st.sampled_from(
    [
        *(
            "0",
            "1",
            "2",
            "3",
            "5",
            "6",
            "2probe",
            "3probe",
            "4",
            "4hello",
            "b",
            "bAQ==",
            "bA",
            "40",
        ),
        *("40{}", "41", '42["a"]', '451-["a",{"_placeholder":true,"num":0}]', "430[]", '44"no"'),
        '0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}',
        '0{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1}',
        '40{"sid":"a"}',
        "4" + "[" * 2000,
    ]
)
texts = plausible | any_text
frames = texts | st.binary(max_size=8)
bodies = st.lists(texts, max_size=4).map("\x1e".join)
packets = st.lists(
    st.text(st.characters(exclude_characters="\x1e"), max_size=10).map("4".__add__)
    | st.binary(max_size=10),
    min_size=1,
    max_size=10,
)


@given(packets=packets)
def test_payloads_survive_a_round_trip(packets: list[str | bytes]) -> None:
    assert list(decode_payload(encode_payload(packets))) == packets


@given(packets=packets, cuts=st.sets(st.integers(1, 9)))
def test_the_distribution_of_packets_over_requests_does_not_matter(
    packets: list[str | bytes], cuts: set[int]
) -> None:
    session = ServerSession("sid", Options(), "polling", 0.0)
    edges = [0, *sorted(cut for cut in cuts if cut < len(packets)), len(packets)]
    for start, end in pairwise(edges):
        assert session.receive_payload(encode_payload(packets[start:end]), 0.0)
    expected = [packet[1:] if isinstance(packet, str) else packet for packet in packets]
    assert session.events() == [MessageReceived(data) for data in expected]


@given(body=any_text)
def test_a_payload_is_accepted_or_rejected(body: str) -> None:
    try:
        list(decode_payload(body))
    except RemoteProtocolError:
        assert "b" in body


@given(query=st.text(max_size=50), method=st.text(max_size=5), websocket=st.booleans())
def test_any_query_is_accepted_or_rejected(query: str, method: str, websocket: bool) -> None:
    parse_query(query, method=method, websocket=websocket)


Step = tuple[str, Any]

common: list[st.SearchStrategy[Step]] = [
    *(st.tuples(st.just(verb), frames) for verb in ("receive_message", "receive_probe")),
    st.tuples(st.just("receive_payload"), bodies | any_text),
    st.tuples(st.sampled_from(["receive_eof", "receive_probe_eof", "handle_deadline"]), st.none()),
    st.tuples(st.just("wait"), st.floats(0, 30)),
]
server_steps = st.lists(
    st.one_of(
        *common,
        st.tuples(
            st.sampled_from(
                [
                    *("receive_poll", "receive_poll_eof", "receive_post_open", "receive_post_eof"),
                    *("receive_probe_open", "poll_response"),
                ]
            ),
            st.none(),
        ),
        st.just(("close", SERVER_DISCONNECT)),
    ),
    max_size=30,
)
client_steps = st.lists(
    st.one_of(
        *common,
        st.tuples(st.sampled_from(["receive_post_response", "start_probe"]), st.none()),
        st.just(("close", SERVER_DISCONNECT)),
    ),
    max_size=30,
)


def _walk(session: Session, steps: list[Step], look: Callable[[], list[Any]]) -> None:
    """Run the steps; `Closed` occurs at most once and is the last event."""
    now = 0.0
    events: list[Any] = []
    for verb, argument in steps:
        if verb == "wait":
            now += argument
        elif verb == "start_probe" and not getattr(session, "can_upgrade", False):
            continue
        else:
            method = getattr(session, verb)
            method(now) if argument is None else method(argument, now)
        events += look()
        assert not any(isinstance(event, Closed) for event in events[:-1])
        deadline = session.next_deadline()
        assert (deadline is None) == bool(events and isinstance(events[-1], Closed))


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@given(steps=server_steps)
def test_received_data_never_raises_on_a_server(transport: Transport, steps: list[Step]) -> None:
    session = ServerSession("sid", Options(), transport, 0.0)
    connection = Connection.server(session, ConnectionOptions(), 0.0)
    _walk(session, steps, connection.events)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@given(steps=client_steps)
def test_received_data_never_raises_on_a_client(transport: Transport, steps: list[Step]) -> None:
    session = ClientSession(transport, 0.0)
    connection = Connection.client(session)
    connection.connect("/")

    def look() -> list[Any]:
        session.claim_poll()
        session.payload_to_send()
        session.messages_to_send()
        return list(connection.events())

    _walk(session, steps, look)
