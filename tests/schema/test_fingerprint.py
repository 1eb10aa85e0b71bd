"""The fingerprint changes with what clients depend on, and with nothing else."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from longwire.schema import Contract, Event
from longwire.types import Concat, Latest

Word = Annotated[Literal["a", "b"], Meta(title="Word", description="A word.")]


def one(doc: str = "", **values: Any) -> Contract:
    class Sample(Event, name="sample", **{"room": "a:{key}", **values}):
        __doc__ = doc
        key: str
        text: str

    class Other(Event, name="other"):
        text: Word

    return Contract([Sample, Other])


def other_order() -> Contract:
    class Other(Event, name="other"):
        text: Annotated[Literal["b", "a"], Meta(title="Word", description="Another word.")]

    class Sample(Event, name="sample", room="a:{key}"):
        text: str
        key: str

    return Contract([Other, Sample])


def another_range() -> Contract:
    class Sample(Event, name="sample", room="a:{key}"):
        key: str
        text: Annotated[str, Meta(max_length=9)]

    class Other(Event, name="other"):
        text: str

    return Contract([Sample, Other])


def test_the_fingerprint_is_short_and_stable() -> None:
    contract = one()
    assert contract.fingerprint == contract.fingerprint == one().fingerprint
    assert len(contract.fingerprint) == 16


def test_adding_an_event_changes_the_fingerprint() -> None:
    @dataclass
    class Added:
        text: str

    contract = one()
    before = contract.fingerprint
    contract.add(Added, name="added")
    assert contract.fingerprint != before


def test_documentation_and_order_do_not_change_the_fingerprint() -> None:
    assert one("Other words.\n\nAttributes:\n    key: a key.").fingerprint == one().fingerprint
    assert other_order().fingerprint == one().fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        one(room="b:{key}"),
        one(room=None),
        one(conflate=Latest()),
        one(conflate=Latest(key="key")),
        one(conflate=Concat("text")),
        one(origin="both"),
        another_range(),
        Contract(),
    ],
)
def test_changes_that_clients_notice_change_the_fingerprint(changed: Contract) -> None:
    assert changed.fingerprint != one().fingerprint
