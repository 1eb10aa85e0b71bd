"""Vocabularies that a contract widens, and events that it replaces."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Literal, NamedTuple

import pydantic
import pytest
from msgspec import Meta

from longwire import CATALOG, Contract, Event, Latest, Record, Server
from longwire.catalog import (
    AgentStatusChanged,
    AgentType,
    AssetCreated,
    AssetStatusChanged,
    ContentAsset,
    ContentStatus,
    JobProgress,
)
from longwire.codegen import generate_typescript
from longwire.errors import ContractError, InvalidEvent, UnknownEvent
from longwire.server import is_signed_in
from longwire.testing import Link, authenticate_by_name

Colour = Annotated[Literal["red", "blue"], Meta(title="Colour", description="A colour.")]


class Point(NamedTuple):
    x: int
    y: int


class Inner(Record):
    colours: list[Colour] = []  # noqa: RUF012
    by_name: dict[str, Colour | None] | None = None


class Painted(Event, name="painted", room="wall:{colour}", conflate=Latest(key="colour")):
    """A wall was painted.

    Attributes:
        colour: the paint.
    """

    colour: Colour
    inner: Inner = Inner(colours=["red"])
    pair: tuple[Colour, int] = ("red", 1)
    at: Point = Point(0, 0)
    before: Annotated[Colour | None, Meta(description="The last colour.")] = None


def open_catalogue() -> Contract:
    return CATALOG | Contract([Painted])


def status(agent_type: str) -> bytes:
    return json.dumps({"agentType": agent_type, "status": "busy"}).encode()


def test_a_sixth_agent_is_accepted_where_the_contract_is_widened_and_nowhere_else() -> None:
    contract = open_catalogue()
    assert contract.widen(AgentType, "translator") is contract

    encoded = contract.encode_data("agent:status", status("translator"), 1)
    assert encoded.room == "agent:translator"
    assert encoded.slot == '["agent:status","translator"]'
    assert type(encoded.payload) is AgentStatusChanged
    assert contract.decode(AgentStatusChanged, encoded.data) == encoded.payload
    again = contract.encode(encoded.payload, 5)
    assert json.loads(again.data) == json.loads(encoded.data)
    with pytest.raises(InvalidEvent) as caught:
        contract.encode_data("agent:status", status("plumber"), 1)
    assert caught.value.path == "$.agentType"
    with pytest.raises(InvalidEvent):
        open_catalogue().encode_data("agent:status", status("translator"), 1)


def test_the_added_value_is_in_the_description_and_the_generated_types() -> None:
    plain, contract = open_catalogue(), open_catalogue().widen(AgentType, "translator")
    assert '  | "translator";\n' in generate_typescript(contract)
    assert generate_typescript(contract).count("translator") == 1
    assert contract.fingerprint != plain.fingerprint
    assert len(contract.describe().types) == len(plain.describe().types)
    for name in ("AgentStatusEvent", "PaintedEvent"):
        assert contract.describe().type_named(name) == plain.describe().type_named(name)


def test_values_are_widened_wherever_an_event_uses_the_vocabulary() -> None:
    contract = open_catalogue().widen(Colour, "green", "red")
    event = Painted(
        colour="green",  # type: ignore[arg-type]
        inner=Inner(colours=["green"], by_name={"a": "green", "b": None}),  # type: ignore[list-item, dict-item]
        pair=("green", 2),  # type: ignore[arg-type]
        at=Point(1, 2),
        before="green",  # type: ignore[arg-type]
        timestamp=3,
    )
    encoded = contract.encode(event, 1)
    assert encoded.payload == event
    assert contract.decode("painted", b'{"colour": "blue"}') == Painted(colour="blue")
    for path, payload in {
        "$.inner.colours[0]": {"colour": "red", "inner": {"colours": ["pink"]}},
        "$.before": {"colour": "red", "before": "pink"},
    }.items():
        with pytest.raises(InvalidEvent) as caught:
            contract.encode_data("painted", json.dumps(payload).encode(), 1)
        assert caught.value.path == path


def test_a_nested_record_and_several_events_share_a_vocabulary() -> None:
    contract = open_catalogue().widen(ContentStatus, "embargoed")
    asset = ContentAsset(
        id="1",
        title="A",
        type="blog",
        status="embargoed",  # type: ignore[arg-type]
        created_at=1,
        updated_at=1,
    )
    created = contract.encode(AssetCreated(asset=asset), 1, room="user:1").payload
    assert created == AssetCreated(asset=asset, timestamp=1)
    change = b'{"assetId": "1", "status": "draft", "previousStatus": "embargoed"}'
    changed = contract.decode(AssetStatusChanged, change)
    assert changed.previous_status == "embargoed"


def test_joining_contracts_joins_their_values_and_keeps_the_parts() -> None:
    one = open_catalogue().widen(AgentType, "translator")
    two = open_catalogue().widen(AgentType, "editor").widen(Colour, "green")
    joined = one | two
    for value in ("translator", "editor"):
        joined.encode_data("agent:status", status(value), 1)
    joined.encode_data("painted", b'{"colour": "green"}', 1)
    with pytest.raises(InvalidEvent):
        one.encode_data("agent:status", status("editor"), 1)


def test_a_vocabulary_must_be_one_and_be_used() -> None:
    contract = open_catalogue()
    unused = Annotated[Literal["a"], Meta(title="Unused")]
    with pytest.raises(ContractError, match="no event of the contract uses the vocabulary Unused"):
        contract.widen(unused, "b")
    for vocabulary in (Literal["a"], str, Annotated[Literal["a"], Meta()], Painted):
        with pytest.raises(ContractError, match="is not a vocabulary"):
            contract.widen(vocabulary, "b")
    with pytest.raises(ContractError, match="is not a vocabulary"):
        contract.widen(Annotated[Literal[1], Meta(title="Number")], "b")


@dataclasses.dataclass
class Dyed:
    colour: Colour


class Washed(pydantic.BaseModel):
    colour: Colour


class Tree(Record):
    colour: Colour
    children: list[Tree] = []  # noqa: RUF012


class Grown(Event, name="grown"):
    tree: Tree


@pytest.mark.parametrize("model", [Dyed, Washed])
def test_models_that_are_not_ours_are_named(model: type) -> None:
    contract = Contract()
    contract.add(model, name="own")
    with pytest.raises(ContractError, match=f"{model.__name__} is not an Event or a Record"):
        contract.widen(Colour, "green")


def test_a_type_that_refers_to_itself_is_named() -> None:
    with pytest.raises(ContractError, match="Tree refers to itself: replace it instead"):
        Contract([Grown]).widen(Colour, "green")
    # It may refer to itself where it does not use the vocabulary.
    (CATALOG | Contract([Grown])).widen(AgentType, "translator")


async def test_servers_and_clients_use_the_wider_vocabulary() -> None:
    contract = (CATALOG | Contract()).widen(AgentType, "translator")
    server = Server(contract=contract, authenticate=authenticate_by_name)
    server.rule("agent:{agent_type}")(is_signed_in)
    async with Link(server) as link:
        client = await link.connect("ada", contract=contract)
        async with client.room("agent:translator") as room:
            event = AgentStatusChanged(agent_type="translator", status="ready")  # type: ignore[arg-type]
            await server.publish(event)
            received = await anext(aiter(room.events(AgentStatusChanged)))
    assert type(received) is AgentStatusChanged
    assert received.agent_type == "translator"  # type: ignore[comparison-overlap]


def test_the_catalogue_itself_cannot_be_changed() -> None:
    for change in (
        lambda: CATALOG.widen(AgentType, "translator"),
        lambda: CATALOG.replace(OwnAgentStatus),
        lambda: CATALOG.add(Dyed, name="dyed"),
    ):
        with pytest.raises(ContractError, match="shared and sealed: change a copy"):
            change()


OwnAgentType = Annotated[Literal["cmo", "translator"], Meta(title="AgentType")]


class OwnAgentStatus(Event, name="agent:status", room="agent:{kind}", conflate=Latest(key="kind")):
    kind: OwnAgentType
    mood: str


def test_an_event_is_replaced_in_its_place() -> None:
    contract = CATALOG | Contract()
    assert contract.replace(OwnAgentStatus) is contract
    assert list(contract.events) == list(CATALOG.events)
    assert contract.encode(OwnAgentStatus(kind="translator", mood="fine"), 1).room == (
        "agent:translator"
    )
    assert '"agent:status": (data: AgentStatusEvent)' in generate_typescript(contract)
    assert "agent:{kind}" in contract.describe().rooms
    with pytest.raises(UnknownEvent):
        contract.encode(AgentStatusChanged(agent_type="cmo", status="ready"), 1)
    assert CATALOG.events["agent:status"] is AgentStatusChanged


def test_a_replaced_event_keeps_the_room_that_others_use() -> None:
    class OwnProgress(Event, name="job:progress", room="job:{job_id}"):
        job_id: str

    with pytest.raises(ContractError, match=r"declared twice: `Contract\.replace` replaces"):
        CATALOG | Contract([OwnProgress])
    contract = (CATALOG | Contract()).replace(OwnProgress)
    assert contract.match_room("job:1") is not None
    assert contract.rooms == CATALOG.rooms
    with pytest.raises(UnknownEvent):
        Contract([Painted]).replace(OwnProgress)
    with pytest.raises(UnknownEvent):
        contract.name_of(JobProgress)
