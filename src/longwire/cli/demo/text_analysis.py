"""The text files below a directory: how large, how long, and which are the same.

Pure but for reading files: `find_files` lists, `read_file` reads one, `Analysis` adds them up.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

# What tools put beside the text that people wrote.
SKIPPED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".hypothesis",
        ".import_linter_cache",
        ".mypy_cache",
        ".next",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
    }
)

# Larger ones are data, not text.
MAX_FILE: Final = 16_000_000

# Where a NUL byte gives a binary file away; git looks as far.
_BINARY_PROBE: Final = 8000

_SHOWN: Final = 5


class FileReport(msgspec.Struct, frozen=True):
    """What there is to say about one text file.

    Attributes:
        name: its path below the directory.
        size: bytes.
        lines: how many.
        words: how many.
        longest: characters of its longest line.
        longest_at: that line's number, from 1; 0 in an empty file.
        digest: equal for files of equal content.
    """

    name: str
    size: int
    lines: int
    words: int
    longest: int
    longest_at: int
    digest: bytes


def find_files(directory: Path) -> list[tuple[Path, int]]:
    """Return every file below the directory that may be text, with its size, sorted by path.

    Version control, caches, `node_modules` and virtual environments are left out, and so are
    links, what is empty, too large or cannot be looked at.
    """
    return sorted(_walk(directory))


def _walk(directory: Path) -> Iterator[tuple[Path, int]]:
    for parent, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if _is_source(Path(parent, name))]
        for name in names:
            path = Path(parent, name)
            size = _size(path)
            if 0 < size <= MAX_FILE:
                yield path, size


def _is_source(folder: Path) -> bool:
    return folder.name not in SKIPPED and not (folder / "pyvenv.cfg").exists()


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() or not path.is_file() else path.stat().st_size
    except OSError:
        return 0


def read_file(path: Path, directory: Path) -> FileReport | None:
    """Read one file; `None` if it is no UTF-8 text or cannot be read."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if b"\0" in data[:_BINARY_PROBE]:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return report(str(path.relative_to(directory)), text, data)


def report(name: str, text: str, data: bytes) -> FileReport:
    """Return what there is to say about a text."""
    lines = text.splitlines()
    longest = max(enumerate(lines, 1), key=lambda line: len(line[1]), default=(0, ""))
    return FileReport(
        name=name,
        size=len(data),
        lines=len(lines),
        words=len(text.split()),
        longest=len(longest[1]),
        longest_at=longest[0],
        digest=hashlib.blake2b(data, digest_size=16).digest(),
    )


class Analysis:
    """What the files add up to.

    Attributes:
        reports: one a text file, in the order in which they were added.
        skipped: files that turned out to be no text.
    """

    def __init__(self) -> None:
        self.reports: list[FileReport] = []
        self.skipped = 0
        self._by_digest: dict[bytes, list[str]] = {}

    def add(self, found: FileReport | None) -> str:
        """Add one file; return a line about it, empty for one that is no text."""
        if found is None:
            self.skipped += 1
            return ""
        twins = self._by_digest.setdefault(found.digest, [])
        note = f"  = {twins[0]}" if twins else ""
        twins.append(found.name)
        self.reports.append(found)
        return f"{found.lines:>7,} lines {found.words:>9,} words  {found.name}{note}\n"

    @property
    def duplicates(self) -> list[list[str]]:
        """Groups of files with equal content."""
        return [names for names in self._by_digest.values() if len(names) > 1]

    def metrics(self) -> dict[str, Any]:
        """Return the totals."""
        return {
            "files": len(self.reports),
            "skipped": self.skipped,
            "bytes": sum(found.size for found in self.reports),
            "lines": sum(found.lines for found in self.reports),
            "words": sum(found.words for found in self.reports),
            "duplicates": sum(len(names) - 1 for names in self.duplicates),
        }

    def summary(self) -> str:
        """Return the findings as a text for a person."""
        totals = {name: f"{figure:,}" for name, figure in self.metrics().items()}
        counted = "{files} text files: {lines} lines, {words} words, {bytes} bytes."
        parts = [f"{counted} {{skipped}} other files.".format(**totals)]
        largest = sorted(self.reports, key=lambda found: -found.size)[:_SHOWN]
        parts += _table("Largest", [f"{f.size:>12,} bytes  {f.name}" for f in largest])
        longest = sorted(self.reports, key=lambda found: -found.longest)[:_SHOWN]
        lines = [f"{f.longest:>7,} characters  {f.name}:{f.longest_at}" for f in longest]
        parts += _table("Longest lines", lines)
        same = [" = ".join(names[:_SHOWN]) for names in self.duplicates[:_SHOWN]]
        parts += _table("Duplicates", [f"  {names}" for names in same])
        return "\n".join(parts)


def _table(title: str, rows: list[str]) -> list[str]:
    return ["", title, *rows] if rows else []
