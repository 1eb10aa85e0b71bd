"""Both ends connected in memory: for any interleaving, every event arrives once and in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.connection.connection import Connection
from longwire.engineio.state import Transport
from tests.properties.protocol_wire import Received, Wire

NAMESPACES = ("/", "/n")
STEPS = ("poll", "post", "frame_to_server", "frame_to_client", "tick", "take_events", "probe")

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3).filter(lambda k: k != "_placeholder"), inner, max_size=3
        )
    ),
    max_leaves=8,
)
events = st.tuples(
    st.sampled_from(["client", "server"]),
    st.sampled_from(NAMESPACES),
    st.lists(json_values, max_size=2),
    st.booleans(),
)
steps = st.lists(
    st.sampled_from(STEPS) | st.sampled_from([*STEPS, "cut_probe"]) | events, max_size=80
)

short_events = st.tuples(
    st.sampled_from(["client", "server"]),
    st.sampled_from(NAMESPACES),
    st.just([b"binary", "text"]),
    st.booleans(),
)
upgrade_steps = st.lists(st.sampled_from(STEPS) | short_events, min_size=40, max_size=80)
"""Long, so that requests and frames of every kind are in transit together."""


class Conversation:
    """Records the events sent over a wire, and compares them with the received ones."""

    def __init__(self, transport: Transport) -> None:
        self.wire = Wire(transport)
        self.sent: dict[str, Received] = {"client": [], "server": []}
        for namespace in NAMESPACES:
            self.wire.client.connect(namespace)

    def say(self, end: str, namespace: str, args: list[object], wants_answer: bool) -> None:
        """Send an event from one end, if both are in the namespace."""
        if namespace in self.wire.joined:
            connection = self.wire.client if end == "client" else self.wire.server
            assert isinstance(connection, Connection)
            ack_id = connection.next_ack_id() if wants_answer else None
            name = f"event {len(self.sent[end])}"
            connection.send_event(namespace, name, args, ack_id)
            self.sent[end].append((namespace, name, args, ack_id))

    def run(self, script: list[Any]) -> None:
        """Run the steps, then deliver everything."""
        for step in script:
            if isinstance(step, str):
                getattr(self.wire, step)()
            else:
                self.say(*step)
        self.wire.settle()
        assert self.wire.closed == []
        assert self.wire.joined == set(NAMESPACES)
        assert self.wire.server_received == self.sent["client"]
        assert self.wire.client_received == self.sent["server"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@given(script=steps)
def test_every_event_arrives_once_and_in_order(transport: Transport, script: list[Any]) -> None:
    Conversation(transport).run(script)


@settings(max_examples=50)
@given(before=steps, during=upgrade_steps, after=steps)
def test_an_upgrade_neither_loses_nor_duplicates_events(
    before: list[Any], during: list[Any], after: list[Any]
) -> None:
    conversation = Conversation("polling")
    conversation.wire.settle()
    conversation.run([step for step in before if step not in ("probe", "cut_probe")])
    conversation.wire.probe()
    conversation.run(during)
    assert conversation.wire.client_engine.upgraded
    assert conversation.wire.server_engine.upgraded
    conversation.run(after)
