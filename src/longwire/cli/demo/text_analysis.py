"""Measures the text files in a directory, and finds duplicates.

`find_files` lists the files, `read_file` measures one, and `Analysis` sums up the results.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

# Directories that tools generate.
_GENERATED: Final = re.compile(
    r"\.(git|hg|svn|next|nox|tox|hypothesis|\w+_cache)|__pycache__|build|dist|node_modules"
)

# Larger files are data rather than text.
MAX_FILE: Final = 16_000_000

# A NUL byte within this many bytes marks a binary file, as in git.
_BINARY_PROBE: Final = 8000

# Lines in each table of the summary.
_TABLE_ROWS: Final = 5


class FileReport(msgspec.Struct, frozen=True):
    """The measurements of one text file.

    Attributes:
        name: its path relative to the directory.
        size: its size in bytes.
        lines: the number of lines.
        words: the number of words.
        digest: a hash of the content.
    """

    name: str
    size: int
    lines: int
    words: int
    digest: bytes


def find_files(directory: Path) -> list[tuple[Path, int]]:
    """Return every file in the directory that may be text, with its size, sorted by path.

    Skips version control, caches, `node_modules` and virtual environments, and every file that is
    a link, empty, too large or not accessible.
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
    return not _GENERATED.fullmatch(folder.name) and not (folder / "pyvenv.cfg").exists()


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() or not path.is_file() else path.stat().st_size
    except OSError:
        return 0


def read_file(path: Path, directory: Path) -> FileReport | None:
    """Measure one file; return None if it is not UTF-8 text or cannot be read."""
    try:
        data = path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError):
        return None
    if b"\0" in data[:_BINARY_PROBE]:
        return None
    digest = hashlib.blake2b(data, digest_size=16).digest()
    name = str(path.relative_to(directory))
    return FileReport(name, len(data), len(text.splitlines()), len(text.split()), digest)


class Analysis:
    """Sums up the measurements of many files.

    Attributes:
        reports: one for each text file, in the order in which they were added.
        skipped: the number of files that are not text.
    """

    def __init__(self) -> None:
        self.reports: list[FileReport] = []
        self.skipped = 0
        self._by_digest: dict[bytes, list[str]] = {}

    def add(self, found: FileReport | None) -> str:
        """Add one file; return a line about it, which is empty for a file that is not text."""
        if found is None:
            self.skipped += 1
            return ""
        same = self._by_digest.setdefault(found.digest, [])
        note = f"  = {same[0]}" if same else ""
        same.append(found.name)
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
        """Return the results as a readable text."""
        totals = {name: f"{figure:,}" for name, figure in self.metrics().items()}
        counted = "{files} text files: {lines} lines, {words} words, {bytes} bytes."
        parts = [f"{counted} {{skipped}} other files.".format(**totals)]
        largest = sorted(self.reports, key=lambda found: -found.size)[:_TABLE_ROWS]
        parts += _table("Largest", [f"{f.size:>12,} bytes  {f.name}" for f in largest])
        duplicates = [" = ".join(names[:_TABLE_ROWS]) for names in self.duplicates[:_TABLE_ROWS]]
        parts += _table("Duplicates", [f"  {names}" for names in duplicates])
        return "\n".join(parts)


def _table(title: str, rows: list[str]) -> list[str]:
    return ["", title, *rows] if rows else []
