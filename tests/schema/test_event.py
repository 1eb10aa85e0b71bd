"""`Event`: declarations, and how events are encoded."""

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


def test_names_are_camel_case_and_none_is_omitted() -> None:
    assert encode(Note(note_id="1")) == (
        b'{"noteId":"1","isDraft":false,"wordCount":0,"tags":[],"labels":{},"marks":[]}'
    )


def test_records_are_encoded_like_events() -> None:
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


def test_an_event_has_a_declaration() -> None:
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
    with pytest.raises(ContractError, match="AboutNote is not an event"):
        declaration_of(AboutNote)
    with pytest.raises(ContractError, match="AboutNote is not an event"):
        Contract([AboutNote])


def test_a_subclass_of_an_event_does_not_inherit_its_name() -> None:
    class Memo(Note):
        urgent: bool = False

    with pytest.raises(ContractError, match="Memo is not an event"):
        declaration_of(Memo)


def test_rejects_a_room_without_a_name() -> None:
    with pytest.raises(ContractError, match="without name="):

        class Nameless(Event, room="job:{job_id}"):
            job_id: str


def test_rejects_a_room_parameter_that_is_not_a_field() -> None:
    with pytest.raises(ContractError, match="room parameter 'job_id' is not a field of Wrong"):

        class Wrong(Event, name="wrong", room="job:{job_id}"):
            job: str


def test_rejects_a_key_that_is_not_a_field() -> None:
    with pytest.raises(ContractError, match="conflation key 'kind' is not a field of Wrong"):

        class Wrong(Event, name="wrong", conflate=Latest(key="kind")):
            text: str


def test_rejects_a_concat_field_that_is_not_a_field() -> None:
    with pytest.raises(ContractError, match="Concat field 'chunk' is not a field of Wrong"):

        class Wrong(Event, name="wrong", conflate=Concat("chunk")):
            text: str


@pytest.mark.parametrize(
    "type_", [int, str | None, Annotated[str, Meta(max_length=5)], list[str]], ids=str
)
def test_rejects_a_concat_field_that_is_not_a_plain_str(type_: Any) -> None:
    class Wrong(Event, name="wrong", conflate=Concat("chunk")):
        chunk: type_

    with pytest.raises(ContractError, match="Concat field 'chunk' must be a plain str"):
        Contract([Wrong])


def test_accepts_a_concat_field_with_a_description() -> None:
    class Fine(Event, name="fine", conflate=Concat("chunk")):
        chunk: Annotated[str, Meta(description="The text.")]

    assert Contract([Fine]).events == {"fine": Fine}


@pytest.mark.parametrize("type_", [float, bool, str | None, list[str]], ids=str)
def test_rejects_a_room_parameter_of_another_type(type_: Any) -> None:
    class Wrong(Event, name="wrong", room="x:{x}"):
        x: type_

    with pytest.raises(ContractError, match="room parameter 'x' must be text or an integer"):
        Contract([Wrong])


def test_rejects_an_undefined_type_and_names_the_event() -> None:
    class Wrong(Event, name="wrong"):
        x: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ContractError, match=r"wrong: Wrong cannot be read .*Nowhere"):
        Contract([Wrong])


def test_rejects_a_second_timestamp() -> None:
    with pytest.raises(ContractError, match="the field 'timestamp' is already defined"):

        class Wrong(Event, name="wrong"):
            timestamp: int = 0


@pytest.mark.parametrize(
    "name",
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
     "auth", "join_room", "leave_room", "ping", "pong", "authenticated", "auth_error",
     "room_error", "room_reset", "publish", "closing", "auth_expiring"],
)  # fmt: skip
def test_rejects_reserved_names(name: str) -> None:
    with pytest.raises(ContractError, match=f"'{name}' is reserved"):

        class Wrong(Event, name=name):
            pass


@pytest.mark.parametrize("name", ["", "1a", "a b", "_x", "é", "a\n", "x" * 101, '["a"]'])
def test_rejects_malformed_names(name: str) -> None:
    with pytest.raises(ContractError, match="must be a letter followed by"):

        class Wrong(Event, name=name):
            pass
