from __future__ import annotations

from longwire.engineio.errors import BAD_REQUEST, FORBIDDEN, UNKNOWN_SESSION, forbidden
from longwire.engineio.query import Query, parse_query


def test_a_query_with_a_thousand_fields_is_rejected() -> None:
    assert parse_query("EIO=4&transport=polling&" + "&".join(["a=1"] * 1000)) == BAD_REQUEST


def test_application_fields_may_repeat() -> None:
    assert parse_query("EIO=4&transport=polling&x=1&x=2") == Query("polling", None)


def test_invalid_percent_encoding_is_accepted() -> None:
    assert parse_query("EIO=4&transport=polling&x=%zz%ff") == Query("polling", None)


def test_other_responses_to_rejected_requests() -> None:
    assert UNKNOWN_SESSION.body == b'{"code":1,"message":"Session ID unknown"}'
    assert UNKNOWN_SESSION.status == 400
    assert FORBIDDEN.body == b'{"code":4,"message":"Forbidden"}'
    assert FORBIDDEN.status == 403
    assert forbidden("origin").body == b'{"code":4,"message":"origin"}'
    assert forbidden("origin").status == 403
