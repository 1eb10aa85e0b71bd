"""Declaring events, and the manners that every event has on the wire."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, field

from longwire.errors import ContractError
from longwire.schema import Contract, Event, Record, declaration_of
from longwire.types import Concat, Latest

encode = msgspec.json.encode


class Author(Record):
    full_name: str
    nick_name: str | None = None


class Note(Event, name="note", room="note:{note_id}"):
    note_id: str
    author: Author | None = None
    is_draft: bool = False
    word_count: int = 0
    tags: list[str] = []  # noqa: RUF012
    labels: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)


def test_names_are_camel_case_and_only_absent_options_are_left_out() -> None:
    assert encode(Note(note_id="1")) == (
        b'{"noteId":"1","isDraft":false,"wordCount":0,"tags":[],"labels":{},"marks":[]}'
    )


def test_records_have_the_same_manners() -> None:
    note = Note(note_id="1", author=Author(full_name="Ada"))
    assert b'"author":{"fullName":"Ada"}' in encode(note)


def test_defaults_are_not_shared() -> None:
    Note(note_id="1").tags.append("x")
    assert Note(note_id="2").tags == []


def test_a_default_may_have_its_own_wire_name() -> None:
    class Renamed(Event, name="renamed"):
        level: int = field(default=3, name="lvl")

    assert encode(Renamed()) == b'{"lvl":3}'


def test_events_are_keyword_only_and_immutable() -> None:
    with pytest.raises(TypeError):
        Note("1")  # type: ignore[call-arg, arg-type]
    with pytest.raises(AttributeError):
        Note(note_id="1").note_id = "2"  # type: ignore[misc]


def test_an_event_knows_its_declaration() -> None:
    declaration = declaration_of(Note)
    assert declaration.name == "note"
    assert declaration.model is Note
    assert declaration.origin == "server"


def test_a_subclass_without_a_name_is_an_abstract_base() -> None:
    class AboutNote(Event):
        note_id: str

    class NoteRead(AboutNote, name="note:read", room="note:{note_id}"):
        reader: str

    assert declaration_of(NoteRead).name == "note:read"
    with pytest.raises(ContractError, match="AboutNote is no event"):
        declaration_of(AboutNote)
    with pytest.raises(ContractError, match="AboutNote is no event"):
        Contract([AboutNote])


def test_a_subclass_of_an_event_does_not_inherit_its_name() -> None:
    class Memo(Note):
        urgent: bool = False

    with pytest.raises(ContractError, match="Memo is no event"):
        declaration_of(Memo)


def test_a_room_without_a_name_is_refused() -> None:
    with pytest.raises(ContractError, match="no name="):

        class Nameless(Event, room="job:{job_id}"):
            job_id: str


def test_a_room_parameter_that_is_no_field_is_refused() -> None:
    with pytest.raises(ContractError, match="room parameter 'job_id' is no field of Wrong"):

        class Wrong(Event, name="wrong", room="job:{job_id}"):
            job: str


def test_a_key_that_is_no_field_is_refused() -> None:
    with pytest.raises(ContractError, match="conflation key 'kind' is no field of Wrong"):

        class Wrong(Event, name="wrong", conflate=Latest(key="kind")):
            text: str


def test_a_concat_field_that_is_no_field_is_refused() -> None:
    with pytest.raises(ContractError, match="Concat field 'chunk' is no field of Wrong"):

        class Wrong(Event, name="wrong", conflate=Concat("chunk")):
            text: str


@pytest.mark.parametrize(
    "type_", [int, str | None, Annotated[str, Meta(max_length=5)], list[str]], ids=str
)
def test_a_concat_field_that_is_not_plain_text_is_refused(type_: Any) -> None:
    class Wrong(Event, name="wrong", conflate=Concat("chunk")):
        chunk: type_

    with pytest.raises(ContractError, match="Concat field 'chunk' is no plain str"):
        Contract([Wrong])


def test_a_described_concat_field_is_still_plain_text() -> None:
    class Fine(Event, name="fine", conflate=Concat("chunk")):
        chunk: Annotated[str, Meta(description="The text.")]

    assert Contract([Fine]).events == {"fine": Fine}


@pytest.mark.parametrize("type_", [float, bool, str | None, list[str]], ids=str)
def test_a_room_parameter_that_names_nothing_is_refused(type_: Any) -> None:
    class Wrong(Event, name="wrong", room="x:{x}"):
        x: type_

    with pytest.raises(ContractError, match="room parameter 'x' is neither text nor an integer"):
        Contract([Wrong])


def test_a_type_that_is_nowhere_is_refused_with_the_event_named() -> None:
    class Wrong(Event, name="wrong"):
        x: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ContractError, match=r"wrong: Wrong cannot be read .*Nowhere"):
        Contract([Wrong])


def test_the_timestamp_cannot_be_declared_again() -> None:
    with pytest.raises(ContractError, match="has the field 'timestamp' already"):

        class Wrong(Event, name="wrong"):
            timestamp: int = 0


@pytest.mark.parametrize(
    "name",
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
     "auth", "join_room", "leave_room", "ping", "pong", "authenticated", "auth_error",
     "room_error", "room_reset", "publish", "closing", "auth_expiring"],
)  # fmt: skip
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match=f"'{name}' is reserved"):

        class Wrong(Event, name=name):
            pass


@pytest.mark.parametrize("name", ["", "1a", "a b", "_x", "é", "a\n", "x" * 101, '["a"]'])
def test_malformed_names_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match="is not a letter followed by"):

        class Wrong(Event, name=name):
            pass
