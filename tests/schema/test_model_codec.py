"""Dataclasses and pydantic models as events."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass, field

import pydantic
import pytest
from pydantic.alias_generators import to_camel

from longwire.errors import ContractError, InvalidEvent, InvalidRoom
from longwire.schema import Contract, Event
from longwire.types import Concat, Latest

NOW = 1_732_000_000_000


@dataclass
class Reading:
    sensor: str
    value: float
    unit: str | None = None
    tags: list[str] = field(default_factory=list)


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid"
    )

    order_id: str
    price: float = pydantic.Field(ge=0)
    note: str | None = None
    is_gift: bool = False


class Stamped(pydantic.BaseModel):
    timestamp: int = 0
    text: str = ""


def contract() -> Contract:
    made = Contract(rooms=["global"])
    made.add(Reading, name="reading", room="sensor:{sensor}", conflate=Latest(key="unit"))
    made.add(Order, name="order", room="order:{order_id}", origin="both")
    made.add(Stamped, name="stamped", conflate=Concat("text"))
    return made


def test_a_dataclass_is_encoded_with_its_field_names() -> None:
    encoded = contract().encode(Reading("a", 1.5), NOW)
    assert json.loads(encoded.data) == {"sensor": "a", "value": 1.5, "tags": [], "timestamp": NOW}
    assert (encoded.room, encoded.slot) == ("sensor:a", '["reading",null]')


def test_a_pydantic_model_is_encoded_with_its_aliases() -> None:
    encoded = contract().encode(Order(order_id="7", price=2), NOW)
    assert json.loads(encoded.data) == {
        "orderId": "7",
        "price": 2,
        "isGift": False,
        "timestamp": NOW,
    }
    assert encoded.room == "order:7"


@pytest.mark.parametrize("event", [Reading("a", 1.5, "K", ["x"]), Order(order_id="7", price=2)])
def test_models_round_trip(event: Reading | Order) -> None:
    made = contract()
    encoded = made.encode(event, NOW)
    assert made.decode(encoded.event, encoded.data) == event
    assert made.decode(type(event), encoded.data) == event
    assert made.encode_data(encoded.event, encoded.data, NOW) == encoded


def test_a_models_own_timestamp_is_kept_or_set() -> None:
    made = contract()
    assert json.loads(made.encode(Stamped(timestamp=5), NOW).data)["timestamp"] == 5
    assert json.loads(made.encode(Stamped(), NOW).data)["timestamp"] == NOW
    assert made.encode(Stamped(), NOW).concat == "text"
    assert made.decode(Stamped, b'{"timestamp":5}') == Stamped(timestamp=5)


def test_a_path_from_a_peer_stays_on_one_line() -> None:
    with pytest.raises(InvalidEvent) as caught:
        contract().decode("order", b'{"orderId":"7","price":1,"x\\n\\u001b[31m":0}')
    assert caught.value.path == "$.x\ufffd\ufffd[31m"


class Switch(pydantic.BaseModel):
    is_on: bool


def test_a_bool_cannot_be_a_room_parameter() -> None:
    made = Contract()
    made.add(Switch, name="switch", room="switch:{is_on}")
    with pytest.raises(InvalidRoom, match="a bool cannot name a room"):
        made.encode(Switch(is_on=True), NOW)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (Reading("a", math.nan), "$.value"),
        (Reading("a", "x"), "$.value"),  # type: ignore[arg-type]
        (Order.model_construct(order_id="7", price=-1), "$.price"),
        (Order.model_construct(order_id="7", price=math.inf), "$.price"),
    ],
)
def test_rejects_an_invalid_model(event: object, path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        contract().encode(event, NOW)
    assert caught.value.path == path


def test_validates_json_for_a_model() -> None:
    with pytest.raises(InvalidEvent, match=r"at \$\.orderId"):
        contract().decode("order", b'{"price":1}')
    with pytest.raises(InvalidEvent):
        contract().decode("order", b"[]")


def test_rejects_invalid_declarations() -> None:
    made = contract()
    with pytest.raises(ContractError, match="room parameter 'x' is not a field of Order"):
        Contract().add(Order, name="other", room="order:{x}")
    with pytest.raises(ContractError, match="Order is declared as two events"):
        made.add(Order, name="other")
    with pytest.raises(ContractError, match="must be an Event, a dataclass or a pydantic model"):
        made.add(dict, name="other")
    with pytest.raises(ContractError, match="reserved"):
        Contract().add(Reading, name="ping")


def test_rejects_an_event_class_under_another_name() -> None:
    class Ping(Event, name="own"):
        pass

    with pytest.raises(ContractError, match="Ping is already declared"):
        Contract().add(Ping, name="other")


def test_pydantic_is_not_imported_for_events() -> None:
    script = "import sys, longwire.catalog; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
