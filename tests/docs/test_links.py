"""Every link in the documents has a target."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT

DOCUMENTS = [
    *ROOT.glob("*.md"),
    # The generated pages below typescript/ are checked as HTML, in test_site.py.
    *(path for path in (ROOT / "docs").rglob("*.md") if "typescript" not in path.parent.parts),
    *(ROOT / "examples").glob("*.md"),
    *(ROOT / "examples").glob("*/*.md"),
    ROOT / "js/README.md",
    ROOT / "benchmarks/README.md",
]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\]\(([^)\s]+)\)|src="([^"]+)"')
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def prose_of(document: Path) -> str:
    return FENCED.sub("", document.read_text("utf-8"))


def anchors_of(document: Path) -> set[str]:
    """The fragments that headings have on GitHub."""
    headings: list[str] = HEADING.findall(prose_of(document))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_has_a_target(document: Path) -> None:
    links = [first or second for first, second in LINK.findall(prose_of(document))]
    for link in links:
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link
