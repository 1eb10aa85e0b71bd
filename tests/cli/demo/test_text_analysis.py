"""The text analysis of `longwire demo`."""

from __future__ import annotations

from pathlib import Path

from longwire.cli.demo.text_analysis import Analysis, find_files, read_file


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def names(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path, _ in find_files(root)]


def test_skips_generated_files_links_and_empty_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "b.txt": b"b",
            "a/deep/er.md": b"# a",
            ".github/ci.yml": b"on: push",
            ".git/config": b"x",
            "web/node_modules/left-pad/index.js": b"x",
            "env/pyvenv.cfg": b"x",
            "env/lib/site.py": b"x",
            "pkg/__pycache__/a.pyc": b"x",
            "web/.next/server/page.js": b"x",
            "web/dist/page.js": b"x",
            "empty": b"",
        },
    )
    (tmp_path / "link").symlink_to(tmp_path / "b.txt")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == [".github/ci.yml", "a/deep/er.md", "b.txt"]


def test_measures_text_files_and_rejects_others(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "text.md": "# Title\n\nthe longest line is here, é\nend".encode(),
            "image.png": b"\x89PNG\0\0",
            "latin.txt": b"caf\xe9",
        },
    )
    found = read_file(tmp_path / "text.md", tmp_path)
    assert found is not None
    assert (found.name, found.size, found.lines, found.words) == ("text.md", 41, 4, 9)
    for name in ("image.png", "latin.txt", "gone"):
        assert read_file(tmp_path / name, tmp_path) is None


def test_sums_up_the_files_and_finds_duplicates(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.txt": b"same words\n", "b.txt": b"other\n", "c.txt": b"same words\n", "d.bin": b"\0"},
    )
    analysis = Analysis()
    lines = [analysis.add(read_file(path, tmp_path)) for path, _ in find_files(tmp_path)]
    assert lines == [
        "      1 lines         2 words  a.txt\n",
        "      1 lines         1 words  b.txt\n",
        "      1 lines         2 words  c.txt  = a.txt\n",
        "",
    ]
    assert analysis.duplicates == [["a.txt", "c.txt"]]
    assert analysis.metrics() == {
        "files": 3,
        "skipped": 1,
        "bytes": 28,
        "lines": 3,
        "words": 5,
        "duplicates": 1,
    }
    summary = analysis.summary()
    assert summary.startswith("3 text files: 3 lines, 5 words, 28 bytes. 1 other files.\n")
    assert "\nLargest\n          11 bytes  a.txt\n" in summary
    assert summary.endswith("\nDuplicates\n  a.txt = c.txt")


def test_an_empty_directory_has_a_summary(tmp_path: Path) -> None:
    assert Analysis().summary() == "0 text files: 0 lines, 0 words, 0 bytes. 0 other files."
