"""Socket.IO: packets survive a round trip, and any input is accepted or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from longwire.errors import RemoteProtocolError
from longwire.socketio.decoder import IncompletePacket, decode_packet
from longwire.socketio.encoder import (
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)
from longwire.socketio.packet import (
    RESERVED_EVENTS,
    Ack,
    Connect,
    ConnectError,
    Disconnect,
    Event,
    Packet,
)

namespaces = st.just("/") | st.text(max_size=10).map(lambda name: "/" + name.replace(",", ""))
names = st.text(max_size=10).filter(lambda name: name not in RESERVED_EVENTS)
ack_ids = st.none() | st.integers(0, 2**53 - 1)
keys = st.text(max_size=5).filter(lambda key: key != "_placeholder")
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
values: st.SearchStrategy[Any] = st.recursive(
    json_values | st.binary(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


def _read(text: str, attachments: Sequence[bytes] = ()) -> Packet:
    packet = decode_packet(text, max_attachments=100)
    for attachment in attachments:
        assert isinstance(packet, IncompletePacket)
        packet = packet.receive_attachment(attachment) or packet
    assert not isinstance(packet, IncompletePacket)
    return packet


@given(namespace=namespaces, name=names, args=st.lists(values, max_size=4), ack_id=ack_ids)
def test_events_survive_a_round_trip(
    namespace: str, name: str, args: list[Any], ack_id: int | None
) -> None:
    packet = _read(*encode_event(namespace, name, args, ack_id))
    assert isinstance(packet, Event)
    assert (packet.namespace, packet.name, packet.ack_id) == (namespace, name, ack_id)
    assert packet.values() == args


@given(namespace=namespaces, args=st.lists(values, max_size=4), ack_id=st.integers(0, 2**53 - 1))
def test_acknowledgements_survive_a_round_trip(
    namespace: str, args: list[Any], ack_id: int
) -> None:
    packet = _read(*encode_ack(namespace, ack_id, args))
    assert isinstance(packet, Ack)
    assert (packet.namespace, packet.ack_id, packet.values()) == (namespace, ack_id, args)


@given(namespace=namespaces, data=st.none() | st.dictionaries(st.text(), json_values, max_size=4))
def test_connects_survive_a_round_trip(namespace: str, data: dict[str, Any] | None) -> None:
    packet = _read(encode_connect(namespace, data))
    assert isinstance(packet, Connect)
    assert packet.namespace == namespace
    assert (packet.data is None) == (data is None)
    assert _read(encode_disconnect(namespace)) == Disconnect(namespace)


@given(namespace=namespaces, message=st.text(max_size=20), data=json_values)
def test_rejections_survive_a_round_trip(namespace: str, message: str, data: Any) -> None:
    packet = _read(encode_connect_error(namespace, message, data))
    assert isinstance(packet, ConnectError)
    assert (packet.namespace, packet.message, packet.value()) == (namespace, message, data)


placeholder = '{"_placeholder":true,"num":%s}'
any_text = st.text(st.characters(exclude_categories=()), max_size=30)
near_misses = st.tuples(
    st.sampled_from(["", "0", "1", "2", "3", "4", "5", "6", "51-", "52-", "60-", "7"]),
    st.sampled_from(["", "/", "/a", "/a,", ",", "/a?b=c,"]),
    st.sampled_from(["", "0", "12", "-1", " 1", "99999999999999999"]),
    st.sampled_from(
        [
            *("", "[]", "{}", "null", '"a"', '["a"]', '["a",1]', '["connect"]', "[1]", "[[]]", "["),
            f'["a",{placeholder % 0}]',
            f'["a",{placeholder % 1},[{placeholder % 0}]]',
            f'["a",{placeholder % "null"}]',
            '{"message":"x","data":[1e999]}',
            '["a",1e999]',
        ]
    )
    | any_text,
).map("".join)


def _outcome(text: str) -> object:
    try:
        return decode_packet(text)
    except RemoteProtocolError:
        return "refused"


@given(
    name=st.one_of(names, st.sampled_from(sorted(RESERVED_EVENTS)), st.integers(0, 9)),
    args=st.lists(json_values, max_size=4),
    ack_id=st.sampled_from(["", "0", "7", "999999999999999", "9007199254740993", "٣", "-1", "x"]),
    end=st.sampled_from(["]", "]", "]", "", "]]", ",]"]),
)
def test_naming_the_main_namespace_does_not_change_an_event(
    name: str | int, args: list[Any], ack_id: str, end: str
) -> None:
    items = ack_id + msgspec.json.encode([name, *args]).decode()[:-1] + end
    assert _outcome("2" + items) == _outcome("2/," + items)


@given(text=any_text | near_misses, attachments=st.lists(st.binary(max_size=4), max_size=3))
def test_any_text_is_accepted_or_rejected(text: str, attachments: list[bytes]) -> None:
    try:
        packet: Packet | IncompletePacket | None = decode_packet(text)
        for attachment in attachments:
            if isinstance(packet, IncompletePacket):
                packet = packet.receive_attachment(attachment) or packet
        if isinstance(packet, Event | Ack):
            packet.values()
        elif isinstance(packet, ConnectError):
            packet.value()
    except RemoteProtocolError:
        return
    assert text[0] in "0123456"
