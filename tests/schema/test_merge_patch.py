"""JSON Merge Patch on encoded JSON, compared with RFC 7396."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.schema.merge_patch import merge_patch

# RFC 7396, appendix A: original, patch, result.
APPENDIX = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abé"), inner, max_size=3)
    ),
    max_leaves=12,
)


def reference(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = reference(result.get(name), value)
    return result


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX)
def test_the_table_of_the_rfc(original: str, patch: str, result: str) -> None:
    assert merge_patch(original.encode(), patch.encode()) == result.encode()


@given(st.none() | JSON, st.lists(JSON, min_size=1, max_size=4))
def test_patches_apply_as_in_the_rfc(target: Any, patches: list[Any]) -> None:
    merged = None if target is None else encode(target)
    for patch in patches:
        merged = merge_patch(merged, encode(patch))
        target = reference(target, patch)

    assert merged is not None
    assert json.loads(merged) == target


def test_values_that_a_patch_does_not_name_stay_as_they_were_written() -> None:
    value = '{"n":123456789012345678901234567890,"f":1.10,"e":1E400,"u":"\\u00e9é","l":[],"o":{}}'

    merged = merge_patch(value.encode(), b' {"x": [ ] , "o":{"y":0.30000000000000004}}'.strip())

    assert merged.decode() == (
        '{"n":123456789012345678901234567890,"f":1.10,"e":1E400,"u":"\\u00e9é","l":[],'
        '"o":{"y":0.30000000000000004},"x":[ ]}'
    )
