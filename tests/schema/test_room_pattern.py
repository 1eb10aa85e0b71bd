"""`RoomPattern`: building, matching and rejecting room names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.errors import ContractError, InvalidRoom
from longwire.schema import MAX_ROOM_LENGTH, RoomPattern, check_room

JOB = RoomPattern("job:{job_id}")
PAGE = RoomPattern("doc:{doc}:page:{page}")


def test_builds_and_matches() -> None:
    assert JOB.build(job_id="42") == "job:42"
    assert JOB.match("job:42") == {"job_id": "42"}
    assert PAGE.build(doc="a", page=7) == "doc:a:page:7"
    assert PAGE.match("doc:a:page:7") == {"doc": "a", "page": "7"}


def test_a_pattern_without_parameters_matches_one_room() -> None:
    everyone = RoomPattern("global")
    assert everyone.build() == "global"
    assert everyone.match("global") == {}
    assert everyone.match("global:1") is None


def test_patterns_of_one_template_are_equal() -> None:
    assert RoomPattern("job:{job_id}") == JOB
    assert len({JOB, RoomPattern("job:{job_id}"), PAGE}) == 2


def test_the_last_parameter_takes_the_rest_of_the_name() -> None:
    assert JOB.build(job_id="2024:a/b") == "job:2024:a/b"
    assert JOB.match("job:2024:a/b") == {"job_id": "2024:a/b"}


def test_an_inner_parameter_contains_no_colon() -> None:
    with pytest.raises(InvalidRoom, match=r"doc of room .* must not contain a colon"):
        PAGE.build(doc="a:page:b", page="1")
    assert PAGE.match("doc:a:b:page:1") is None


@pytest.mark.parametrize(
    "room",
    ["", "job", "job:", "jobs:1", "xjob:1", "job:a b", "job:a\n", "job:\x00", "job:a\u200bb",
     "job:\u202e", "job:\ud800", "job:\xa0", "job:" + "x" * MAX_ROOM_LENGTH],
)  # fmt: skip
def test_does_not_match_invalid_or_other_names(room: str) -> None:
    assert JOB.match(room) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        ("a b", "whitespace"),
        ("a\tb", "whitespace"),
        ("a\x7f", "unprintable"),
        ("\ud800", "unprintable"),
        ("x" * MAX_ROOM_LENGTH, "at most 200 characters"),
    ],
)
def test_build_rejects_invalid_values(value: str, reason: str) -> None:
    with pytest.raises(InvalidRoom, match=reason):
        JOB.build(job_id=value)


def test_build_takes_exactly_its_parameters() -> None:
    with pytest.raises(InvalidRoom, match="takes job_id"):
        JOB.build()
    with pytest.raises(InvalidRoom, match="takes no parameters"):
        RoomPattern("global").build(job_id="1")


def test_format_characters_in_values_are_plain_text() -> None:
    assert RoomPattern("100%:{x}").build(x="%s{0}") == "100%:%s{0}"


def test_accepts_any_script() -> None:
    assert JOB.match(JOB.build(job_id="näher-日本-🎉")) == {"job_id": "näher-日本-🎉"}


@pytest.mark.parametrize("room", ["", "a b", "x" * 201])
def test_check_room_rejects_invalid_names(room: str) -> None:
    check_room("any:room:that/is-one")
    with pytest.raises(InvalidRoom):
        check_room(room)


@pytest.mark.parametrize(
    "template",
    ["", "job:", "job:{}", "job:{1a}", "job:x{id}", "a b", "{a}:{a}", "a::b", "a:{b", "\n"],
)
def test_rejects_malformed_templates(template: str) -> None:
    with pytest.raises(ContractError):
        RoomPattern(template)


@pytest.mark.parametrize(
    ("left", "right", "overlap"),
    [
        ("job:{id}", "job:{job_id}", True),
        ("job:{id}", "job:summary", True),
        ("job:{id}", "job:{id}:log", True),  # the id may be `1:log`
        ("{anything}", "global", True),
        ("{anything}", "a:b:c", True),
        ("a:{x}:b", "a:c:{y}", True),
        ("a:{x}:b", "a:{x}:c", False),
        ("job:{id}", "jobs:{id}", False),
        ("job:{id}", "job", False),
        ("a:b", "a:b:c", False),
        ("{x}:a", "{y}:a:b", False),
    ],
)
def test_overlaps_is_symmetric(left: str, right: str, overlap: bool) -> None:
    assert RoomPattern(left).overlaps(RoomPattern(right)) is overlap
    assert RoomPattern(right).overlaps(RoomPattern(left)) is overlap


SEGMENT = st.sampled_from(["a", "b", "{x}", "{y}"])
TEMPLATES = st.lists(SEGMENT, min_size=1, max_size=4, unique=True).map(":".join)


@given(TEMPLATES, TEMPLATES, st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6))
def test_patterns_that_match_a_common_name_overlap(left: str, right: str, name: list[str]) -> None:
    one, other = RoomPattern(left), RoomPattern(right)
    if one.match(":".join(name)) is not None and other.match(":".join(name)) is not None:
        assert one.overlaps(other)


@given(st.text(max_size=220))
def test_a_built_name_matches_with_its_value(value: str) -> None:
    try:
        room = JOB.build(job_id=value)
    except InvalidRoom:
        assert JOB.match(f"job:{value}") is None
    else:
        assert JOB.match(room) == {"job_id": value}
