"""Encoding, decoding, addressing: what a publish goes through."""

import contextlib
import enum
import json
import math
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from longwire.errors import ContractError, InvalidEvent, InvalidRoom, UnknownEvent
from longwire.schema import Contract, Encoded, Event, Record
from longwire.types import Concat, Latest

NOW = 1_732_000_000_000


class Point(Record):
    x: float
    y: float | None = None


class Progress(Event, name="progress", room="job:{job_id}", conflate=Latest()):
    job_id: str
    percent: Annotated[float, Meta(ge=0, le=100)]
    time_left: Annotated[float, Meta(ge=0)] | None = None
    points: list[Point] | None = None
    extra: dict[str, object] | None = None


class Output(Event, name="output", room="job:{job_id}", conflate=Concat("some_text", key="kind")):
    job_id: str
    some_text: str
    kind: str | None = None


class Seen(Event, name="seen", origin="both"):
    pass


CONTRACT = Contract([Progress, Output, Seen], rooms=["user:{user_id}"])


def progress(**values: object) -> Progress:
    return Progress(**{"job_id": "1", "percent": 5, **values})  # type: ignore[arg-type]


def test_an_event_is_stamped_encoded_and_addressed() -> None:
    assert CONTRACT.encode(progress(), NOW) == Encoded(
        event="progress",
        room="job:1",
        data=b'{"jobId":"1","percent":5,"timestamp":1732000000000}',
        slot="progress",
        concat=None,
        payload=progress(timestamp=NOW),
    )


def test_a_timestamp_that_is_there_is_kept() -> None:
    assert json.loads(CONTRACT.encode(progress(timestamp=7), NOW).data)["timestamp"] == 7


def test_an_event_without_fields_is_its_timestamp() -> None:
    encoded = Encoded("seen", None, b'{"timestamp":5}', None, None, Seen(timestamp=5))
    assert CONTRACT.encode(Seen(), 5) == encoded


def test_raw_json_gives_the_same_result_without_its_unknown_fields() -> None:
    raw = b' {"percent": 5, "jobId": "1", "future": {"a": 1}, "timeLeft": null} '
    assert CONTRACT.encode_data("progress", raw, NOW) == CONTRACT.encode(progress(percent=5.0), NOW)


def test_a_reader_tolerates_fields_of_the_future() -> None:
    assert CONTRACT.decode("seen", b'{"timestamp":1,"future":true}') == Seen(timestamp=1)


def test_a_payload_is_read_from_a_raw_part_of_a_packet() -> None:
    args = msgspec.json.decode(b'["progress",{"jobId":"1","percent":5}]', type=list[msgspec.Raw])
    assert CONTRACT.decode("progress", args[1]) == progress(percent=5.0)
    assert CONTRACT.decode(Progress, args[1]) == progress(percent=5.0)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (progress(percent=100.5), "$.percent"),
        (progress(percent=-1), "$.percent"),
        (progress(percent=math.nan), "$.percent"),
        (progress(percent=math.inf), "$.percent"),
        (progress(percent="5"), "$.percent"),
        (progress(time_left=math.nan), "$.timeLeft"),
        (progress(time_left=-math.inf), "$.timeLeft"),
        (progress(job_id=5), "$.jobId"),
        (progress(job_id="\ud800"), "$"),
        (progress(timestamp=2**53), "$.timestamp"),
        (progress(timestamp=-1), "$.timestamp"),
        (progress(extra={"a": [0, math.nan]}), "$.extra.a[1]"),
        (progress(extra={"a": object()}), "$"),
        (progress(points=[Point(x=1), Point(x="2")]), "$.points[1].x"),  # type: ignore[arg-type]
        (progress(points=[Point(x=1, y=math.inf)]), "$.points[0].y"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(event: Progress, path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        CONTRACT.encode(event, NOW)
    assert (caught.value.event, caught.value.path) == ("progress", path)


def test_a_null_that_the_sender_means_is_sent() -> None:
    encoded = CONTRACT.encode(progress(extra={"a": None, "b": "null"}), NOW)
    assert json.loads(encoded.data)["extra"] == {"a": None, "b": "null"}


@pytest.mark.parametrize(
    ("data", "path", "detail"),
    [
        (b'{"jobId":"1"}', "$.percent", "Required field is missing"),
        (b'{"jobId":"1","percent":5,"points":[{}]}', "$.points[0].x", "Required field is missing"),
        (b'{"jobId":"1","percent":101}', "$.percent", "Expected `float` <= 100.0"),
        (b'{"jobId":"1","percent":NaN}', "$", "malformed"),
        (b'{"jobId":"1","percent":1e999}', "$.percent", "out of range"),
        (b'{"jobId":"1","percent":null}', "$.percent", "Expected `float`, got `null`"),
        (b'{"jobId":"\xff","percent":5}', "$", "utf-8"),
        (b'{"jobId":"\\ud800","percent":5}', "$", "surrogate"),
        (b'{"jobId":"1","percent":5,"extra":{"a":' + b"9" * 5000 + b"}}", "$", "out of range"),
        (b'{"jobId":"1","percent":5,"z":' + b"[" * 100_000, "$", ""),
        (b'{"jobId":"1","percent":5,"extra":{"a":' + b"[" * 100_000, "$", "nested too deeply"),
        (b"[]", "$", "Expected `object`, got `array`"),
        (b"", "$", "truncated"),
        (b'{"jobId":"1","percent":5}{}', "$", "malformed"),
    ],
)
def test_raw_json_that_does_not_fit_is_refused(data: bytes, path: str, detail: str) -> None:
    for read in (CONTRACT.decode, lambda name, raw: CONTRACT.encode_data(name, raw, NOW)):
        with pytest.raises(InvalidEvent) as caught:
            read("progress", data)
        assert caught.value.path == path or "extra" in caught.value.path
        assert detail in caught.value.detail


def test_a_fault_quotes_little_and_in_one_line() -> None:
    class Choosy(Event, name="choosy"):
        word: Literal["a"]

    with pytest.raises(InvalidEvent) as caught:
        Contract([Choosy]).decode("choosy", b'{"word":"x\\n' + b"y" * 10_000 + b'"}')
    assert caught.value.detail.startswith(r"Invalid enum value 'x\ny")
    assert len(caught.value.detail) == 201


def test_only_those_who_may_send_an_event_can() -> None:
    with pytest.raises(InvalidEvent, match="A client may not send it"):
        CONTRACT.encode_data("progress", b'{"jobId":"1","percent":5}', NOW, origin="client")
    assert CONTRACT.encode_data("seen", b"{}", NOW, origin="client").event == "seen"


def test_events_of_another_contract_are_unknown() -> None:
    class Other(Event, name="other"):
        pass

    attempts: list[Callable[[], object]] = [
        lambda: CONTRACT.encode(Other(), NOW),
        lambda: CONTRACT.encode(object(), NOW),
        lambda: CONTRACT.encode_data("other", b"{}", NOW),
        lambda: CONTRACT.decode("other", b"{}"),
        lambda: CONTRACT.decode(Other, b"{}"),
        lambda: CONTRACT.name_of(Other),
        lambda: CONTRACT.declaration("other"),
        lambda: CONTRACT.wire_names("other"),
    ]
    for attempt in attempts:
        with pytest.raises(UnknownEvent):
            attempt()


def test_a_contract_answers_for_its_events() -> None:
    assert CONTRACT.events == {"progress": Progress, "output": Output, "seen": Seen}
    assert CONTRACT.name_of(Output) == "output"
    assert CONTRACT.declaration("output").conflate == Concat("some_text", key="kind")
    assert CONTRACT.wire_names("output")["some_text"] == "someText"


# Rooms


def test_a_room_that_is_given_wins() -> None:
    assert CONTRACT.encode(progress(), NOW, room="user:7").room == "user:7"
    assert CONTRACT.encode(Seen(), NOW, room="user:7").room == "user:7"


@pytest.mark.parametrize("room", ["", "user:", "nowhere", "user:a b", "user:" + "x" * 200])
def test_a_room_that_fits_no_pattern_is_refused(room: str) -> None:
    with pytest.raises(InvalidRoom, match="fits no pattern"):
        CONTRACT.encode(progress(), NOW, room=room)


@pytest.mark.parametrize("job_id", ["", "a b", "x" * 200, "\u200b"])
def test_fields_that_make_no_room_are_refused(job_id: str) -> None:
    with pytest.raises(InvalidRoom):
        CONTRACT.encode(progress(job_id=job_id), NOW)


def test_rooms_are_matched_to_their_pattern() -> None:
    matched = CONTRACT.match_room("job:a:b")
    assert matched is not None
    pattern, values = matched
    assert (pattern.template, values) == ("job:{job_id}", {"job_id": "a:b"})
    assert CONTRACT.match_room("global") is None
    assert [pattern.template for pattern in CONTRACT.rooms] == ["user:{user_id}", "job:{job_id}"]


@pytest.mark.parametrize(
    ("room", "template"),
    [
        ("global", "global"),
        ("job:7:log", "job:{job_id}:log"),
        ("acme:jobs", "{tenant}:jobs"),
        ("acme", None),
        ("job", None),
        (":jobs", None),
    ],
)
def test_patterns_may_begin_alike_or_with_a_parameter(room: str, template: str | None) -> None:
    contract = Contract(rooms=["global", "job:{job_id}:log", "{tenant}:jobs"])
    matched = contract.match_room(room)
    assert (matched[0].template if matched else None) == template


class Shade(enum.Enum):
    DARK = "dark"


class Painted(Event, name="painted", room="{shade}:{layer}:{kind}"):
    shade: Shade
    layer: int
    kind: Literal["oil", "ink"]


def test_enums_integers_and_literals_name_rooms() -> None:
    contract = Contract([Painted])
    event = Painted(shade=Shade.DARK, layer=2, kind="oil")
    assert contract.encode(event, NOW).room == "dark:2:oil"


# Slots


def test_a_concat_event_names_its_text_field_as_the_wire_does() -> None:
    encoded = CONTRACT.encode(Output(job_id="1", some_text="a", kind="log"), NOW)
    assert (encoded.slot, encoded.concat) == ('["output","log"]', "someText")
    assert CONTRACT.encode(Output(job_id="1", some_text="a"), NOW).slot == '["output",null]'


def test_in_a_foreign_room_the_own_room_is_a_part_of_the_slot() -> None:
    slots = {
        CONTRACT.encode(progress(job_id=job), NOW, room="user:7").slot for job in ("1", "2", "2")
    }
    assert slots == {'["progress","1"]', '["progress","2"]'}
    assert CONTRACT.encode(progress(job_id="1"), NOW, room="job:1").slot == "progress"
    assert CONTRACT.encode(progress(job_id="1"), NOW, room="job:2").slot == '["progress","1"]'


class Keyed(Event, name="keyed", room="room", conflate=Latest(key=("left", "right"))):
    left: str
    right: str | int | None


@given(
    st.tuples(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(0, 9), st.none())),
    st.tuples(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(0, 9), st.none())),
)
def test_different_keys_never_share_a_slot(
    one: tuple[str, str | int | None], other: tuple[str, str | int | None]
) -> None:
    contract = Contract([Keyed])
    slots = [contract.encode(Keyed(left=a, right=b), NOW).slot for a, b in (one, other)]
    assert (slots[0] == slots[1]) is (one == other)


# Contracts


def test_a_name_that_is_used_twice_is_refused() -> None:
    class Again(Event, name="progress"):
        pass

    with pytest.raises(ContractError, match="'progress' is declared twice"):
        Contract([Progress, Again])


def test_ambiguous_rooms_are_refused() -> None:
    class Other(Event, name="other", room="job:{other_id}"):
        other_id: str

    with pytest.raises(ContractError, match="can have the same name"):
        Contract([Progress, Other])
    with pytest.raises(ContractError, match="can have the same name"):
        Contract([Progress], rooms=["job:summary"])


def test_contracts_are_joined() -> None:
    joined = Contract([Seen], rooms=["global"]) | CONTRACT
    assert list(joined.events) == ["seen", "progress", "output"]
    assert joined.match_room("global") is not None
    assert joined.encode(progress(), NOW) == CONTRACT.encode(progress(), NOW)


def test_contracts_that_contradict_each_other_are_not_joined() -> None:
    class Again(Event, name="seen"):
        pass

    with pytest.raises(ContractError, match="'seen' is declared twice"):
        CONTRACT | Contract([Again])


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.text(max_size=5), st.floats() | st.integers(), st.dictionaries(st.text(max_size=3), JSON))
def test_what_is_encoded_is_valid_json_that_decodes_to_the_same(
    job_id: str, percent: float, extra: dict[str, object]
) -> None:
    try:
        encoded = CONTRACT.encode(progress(job_id=job_id, percent=percent, extra=extra), NOW)
    except (InvalidEvent, InvalidRoom):
        return
    decoded = CONTRACT.decode(Progress, encoded.data)
    assert (decoded.job_id, decoded.percent, decoded.timestamp) == (job_id, percent, NOW)
    assert CONTRACT.encode_data("progress", encoded.data, NOW + 1).room == encoded.room
    json.loads(encoded.data, parse_constant=pytest.fail)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in CONTRACT.events:
        with contextlib.suppress(InvalidEvent, InvalidRoom):
            CONTRACT.encode_data(name, data, NOW)
