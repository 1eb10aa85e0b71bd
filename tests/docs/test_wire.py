"""The wire's document lists every code and reason that there is."""

from __future__ import annotations

import re
from pathlib import Path

from longwire.reasons import REASONS

ROOT = Path(__file__).resolve().parents[2]
WIRE = (ROOT / "docs/reference/wire.md").read_text("utf-8")
# These end a connection without a word from the server: nobody reads their code on the wire.
UNSAID = {
    "client_disconnect",
    "transport_closed",
    "transport_error",
    "ping_timeout",
    "parse_error",
    "connect_timeout",
}
CODE = re.compile(r'^ +code = "(\w+)"|\}, "(\w+)"\)$', re.MULTILINE)


def test_every_error_code_of_the_server() -> None:
    codes: set[str] = set()
    for path in (ROOT / "src/longwire/server").rglob("*.py"):
        codes |= {first or second for first, second in CODE.findall(path.read_text("utf-8"))}

    assert len(codes) >= 5
    assert {code for code in codes if f"`{code}`" not in WIRE} == set()


def test_every_reason_that_is_said() -> None:
    missing = {code for code in REASONS if f"`{code}`" not in WIRE}

    assert missing == UNSAID
