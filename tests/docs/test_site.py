"""The documentation site, built as `make docs` builds it: every link leads somewhere."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.snippets import ROOT

PUBLIC = [
    "longwire",
    "longwire.broker",
    "longwire.broker.redis",
    "longwire.catalog",
    "longwire.client",
    "longwire.jobs",
    "longwire.server",
    "longwire.sync",
    "longwire.testing",
    "longwire.web",
]
NOT_LONGWIRES = {"Meta"}  # of msgspec

pytestmark = pytest.mark.timeout(120)


class Page(HTMLParser):
    """What a page links to, loads and can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        elif "src" in values:
            self.loads.add(values["src"])
        elif tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.loads.add(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    settings = (ROOT / "zensical.toml").read_text("utf-8")
    sources = settings.replace('paths = ["src"]', f'paths = ["{ROOT / "src"}"]')
    assert sources != settings
    (folder / "zensical.toml").write_text(sources, "utf-8")
    built = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_link_leads_to_a_page_and_its_anchor(pages: dict[Path, Page], site: Path) -> None:
    broken: list[str] = []
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        for link in sorted(page.links | page.loads):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages.get(target)
            if not target.is_file() or (
                parts.fragment and known is not None and parts.fragment not in known.anchors
            ):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []


def test_pages_load_nothing_from_elsewhere(pages: dict[Path, Page]) -> None:
    loads = {load for page in pages.values() for load in page.loads}
    assert {load for load in loads if "//" in load} == set()


def test_the_navigation_has_every_page_and_no_other() -> None:
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    listed = set(leaves(navigation))
    written = {
        str(path.relative_to(ROOT / "docs"))
        for path in (ROOT / "docs").rglob("*.md")
        if "reference/typescript/" not in str(path)
    }
    assert {name for name in listed if not name.startswith("reference/typescript/")} == written


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module: str, pages: dict[Path, Page]) -> None:
    anchors = {anchor for page in pages.values() for anchor in page.anchors}
    described = {id(found): anchor for anchor in anchors if (found := resolve(anchor)) is not None}
    offered = importlib.import_module(module)

    missing = [
        name
        for name in offered.__all__
        if name not in NOT_LONGWIRES
        and f"{module}.{name}" not in anchors
        and id(getattr(offered, name)) not in described
    ]

    assert missing == []


def resolve(anchor: str) -> object | None:
    """Return what an anchor such as `longwire.server.Server` names, if it names something."""
    module, _, name = anchor.rpartition(".")
    if not module.startswith("longwire") or not name.isidentifier():
        return None
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:  # the anchor of a method
        return None


def leaves(navigation: object) -> Iterator[str]:
    """The pages of a navigation, however deep."""
    match navigation:
        case str():
            yield navigation
        case list():
            for item in navigation:
                yield from leaves(item)
        case dict():
            for item in navigation.values():
                yield from leaves(item)
