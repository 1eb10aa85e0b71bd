"""`Contract`: encoding, decoding, rooms and slots of publications."""

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


def test_encode_sets_the_timestamp_the_room_and_the_slot() -> None:
    assert CONTRACT.encode(progress(), NOW) == Encoded(
        event="progress",
        room="job:1",
        data=b'{"jobId":"1","percent":5,"timestamp":1732000000000}',
        slot="progress",
        concat=None,
        payload=progress(timestamp=NOW),
    )


def test_encode_keeps_an_existing_timestamp() -> None:
    assert json.loads(CONTRACT.encode(progress(timestamp=7), NOW).data)["timestamp"] == 7


def test_encodes_an_event_without_fields() -> None:
    encoded = Encoded("seen", None, b'{"timestamp":5}', None, None, Seen(timestamp=5))
    assert CONTRACT.encode(Seen(), 5) == encoded


def test_encode_data_equals_encode_and_drops_unknown_fields() -> None:
    raw = b' {"percent": 5, "jobId": "1", "future": {"a": 1}, "timeLeft": null} '
    assert CONTRACT.encode_data("progress", raw, NOW) == CONTRACT.encode(progress(percent=5.0), NOW)


def test_decode_ignores_unknown_fields() -> None:
    assert CONTRACT.decode("seen", b'{"timestamp":1,"future":true}') == Seen(timestamp=1)


def test_decodes_a_raw_part_of_a_packet() -> None:
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
def test_encode_rejects_invalid_values_with_their_path(event: Progress, path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        CONTRACT.encode(event, NOW)
    assert (caught.value.event, caught.value.path) == ("progress", path)


def test_encodes_explicit_nulls() -> None:
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
def test_rejects_invalid_json_with_its_path(data: bytes, path: str, detail: str) -> None:
    for read in (CONTRACT.decode, lambda name, raw: CONTRACT.encode_data(name, raw, NOW)):
        with pytest.raises(InvalidEvent) as caught:
            read("progress", data)
        assert caught.value.path == path or "extra" in caught.value.path
        assert detail in caught.value.detail


def test_an_error_quotes_the_payload_in_one_short_line() -> None:
    class Choosy(Event, name="choosy"):
        word: Literal["a"]

    with pytest.raises(InvalidEvent) as caught:
        Contract([Choosy]).decode("choosy", b'{"word":"x\\n' + b"y" * 10_000 + b'"}')
    assert caught.value.detail.startswith(r"Invalid enum value 'x\ny")
    assert len(caught.value.detail) == 201


def test_rejects_events_of_the_wrong_origin() -> None:
    with pytest.raises(InvalidEvent, match="a client may not send this event"):
        CONTRACT.encode_data("progress", b'{"jobId":"1","percent":5}', NOW, origin="client")
    assert CONTRACT.encode_data("seen", b"{}", NOW, origin="client").event == "seen"


def test_rejects_events_of_another_contract() -> None:
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


def test_looks_up_events_by_name_and_type() -> None:
    assert CONTRACT.events == {"progress": Progress, "output": Output, "seen": Seen}
    assert CONTRACT.name_of(Output) == "output"
    assert CONTRACT.declaration("output").conflate == Concat("some_text", key="kind")
    assert CONTRACT.wire_names("output")["some_text"] == "someText"


# Rooms


def test_a_given_room_overrides_the_declared_one() -> None:
    assert CONTRACT.encode(progress(), NOW, room="user:7").room == "user:7"
    assert CONTRACT.encode(Seen(), NOW, room="user:7").room == "user:7"


@pytest.mark.parametrize("room", ["", "user:", "nowhere", "user:a b", "user:" + "x" * 200])
def test_rejects_a_room_that_matches_no_pattern(room: str) -> None:
    with pytest.raises(InvalidRoom, match="matches no pattern"):
        CONTRACT.encode(progress(), NOW, room=room)


@pytest.mark.parametrize("job_id", ["", "a b", "x" * 200, "\u200b"])
def test_rejects_fields_that_give_no_valid_room(job_id: str) -> None:
    with pytest.raises(InvalidRoom):
        CONTRACT.encode(progress(job_id=job_id), NOW)


def test_match_room_finds_the_pattern() -> None:
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
def test_match_room_with_similar_patterns(room: str, template: str | None) -> None:
    contract = Contract(rooms=["global", "job:{job_id}:log", "{tenant}:jobs"])
    matched = contract.match_room(room)
    assert (matched[0].template if matched else None) == template


class Shade(enum.Enum):
    DARK = "dark"


class Painted(Event, name="painted", room="{shade}:{layer}:{kind}"):
    shade: Shade
    layer: int
    kind: Literal["oil", "ink"]


def test_enums_integers_and_literals_can_be_room_parameters() -> None:
    contract = Contract([Painted])
    event = Painted(shade=Shade.DARK, layer=2, kind="oil")
    assert contract.encode(event, NOW).room == "dark:2:oil"


# Slots


def test_concat_uses_the_wire_name_of_its_text_field() -> None:
    encoded = CONTRACT.encode(Output(job_id="1", some_text="a", kind="log"), NOW)
    assert (encoded.slot, encoded.concat) == ('["output","log"]', "someText")
    assert CONTRACT.encode(Output(job_id="1", some_text="a"), NOW).slot == '["output",null]'


def test_in_another_room_the_slot_contains_the_own_rooms_parameters() -> None:
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


def test_rejects_a_duplicate_event_name() -> None:
    class Again(Event, name="progress"):
        pass

    with pytest.raises(ContractError, match="'progress' is declared twice"):
        Contract([Progress, Again])


def test_rejects_ambiguous_rooms() -> None:
    class Other(Event, name="other", room="job:{other_id}"):
        other_id: str

    with pytest.raises(ContractError, match="match the same names"):
        Contract([Progress, Other])
    with pytest.raises(ContractError, match="match the same names"):
        Contract([Progress], rooms=["job:summary"])


def test_joins_contracts() -> None:
    joined = Contract([Seen], rooms=["global"]) | CONTRACT
    assert list(joined.events) == ["seen", "progress", "output"]
    assert joined.match_room("global") is not None
    assert joined.encode(progress(), NOW) == CONTRACT.encode(progress(), NOW)


def test_does_not_join_conflicting_contracts() -> None:
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
def test_encoded_events_are_valid_json_and_decode_to_the_same_values(
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
def test_any_bytes_are_decoded_or_rejected(data: bytes) -> None:
    for name in CONTRACT.events:
        with contextlib.suppress(InvalidEvent, InvalidRoom):
            CONTRACT.encode_data(name, data, NOW)
