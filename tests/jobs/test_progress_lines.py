"""Progress in the output of real commands."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.jobs.progress_lines import MAX_STEP, ProgressLine, ProgressScanner, parse_line


@pytest.mark.parametrize(
    ("line", "progress", "step"),
    [
        ("Downloading:  45%|████▌     | 45/100 [00:01<00:01, 43.1it/s]", 45.0, "Downloading"),
        (
            " 45%|████▌     | 45/100 [00:01<00:01, 43.1it/s]",
            45.0,
            "45/100 [00:01<00:01, 43.1it/s",
        ),
        ("100%|██████████| 3/3 [00:00<00:00, 9.1it/s]", 100.0, "3/3 [00:00<00:00, 9.1it/s"),
        ("[ 45%] Building CXX object main.cpp.o", 45.0, "Building CXX object main.cpp.o"),
        ("[ 3/10] compile foo.c", 30.0, "compile foo.c"),
        ("[10/10] Linking", 100.0, "Linking"),
        ("12.5 % done", 12.5, "done"),
        ("Receiving objects:  45% (45/100), 1.2 MiB | 3 MiB/s", 45.0, "Receiving objects"),
        ("  1,234,567  45%    1.20MB/s    0:00:01", 45.0, "1,234,567"),
        ("progress=7%", 7.0, "progress"),
        ("0%", 0.0, ""),
        ("100.0%", 100.0, ""),
        ("\x1b[32mstep one\x1b[0m \x1b[1m50%\x1b[0m", 50.0, "step one"),
        ("Working ━━━━━━━━╸━━━━ 62% 0:00:03", 62.0, "Working"),
    ],
)
def test_reads_the_progress_that_commands_print(line: str, progress: float, step: str) -> None:
    assert parse_line(line) == ProgressLine(progress, step)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no figure at all",
        "101%",
        "GET /files/a%20b HTTP/1.1",
        "https://example.com/45%25/x",
        "https://example.com/?q=45%20b",
        "a45%",
        "1234%",
        "-5%",
        "+12%",
        "1.2.3%",
        "45%20b",
        "printf '%45%d'",
        "[11/10] more than all",
        "[0/0]",
        "[03/10/2026]",
        "[3/]",
        "45",
        "٤٥٪",
    ],
)
def test_other_lines_show_no_progress(line: str) -> None:
    assert parse_line(line) is None


def test_a_redrawn_bar_is_read_before_its_line_ends() -> None:
    scanner = ProgressScanner()
    assert scanner.receive_text("\r  1%|▏   | 1/100") == ProgressLine(1.0, "1/100")
    assert scanner.receive_text("\r  2%|▎   | 2/100") == ProgressLine(2.0, "2/100")


def test_a_percentage_at_the_end_waits_for_the_next_character() -> None:
    scanner = ProgressScanner()
    assert scanner.receive_text("at 45%") is None
    assert scanner.receive_text("20b\n") is None
    assert scanner.receive_text("at 45%") is None
    assert scanner.receive_text("\n") == ProgressLine(45.0, "at")


def test_the_newest_of_many_lines_is_returned() -> None:
    text = "".join(f"{n}% step {n}\r" for n in range(100)) + "and so on\n"
    assert ProgressScanner().receive_text(text) == ProgressLine(99.0, "step 99")


@given(st.text(alphabet="0123456789.%/[] \r\n:|█abc\x1b"))
def test_progress_is_always_within_0_to_100(text: str) -> None:
    found = ProgressScanner().receive_text(text + "\n")
    assert found is None or (0 <= found.progress <= 100 and len(found.step) <= MAX_STEP)


@given(
    st.lists(st.sampled_from(["a ", "45%", " ", "[3/4]", "\r", "\n", "7", "%", "http://x/9%20"])),
    st.data(),
)
def test_the_last_finished_line_does_not_depend_on_chunking(
    words: list[str], data: st.DataObject
) -> None:
    text = "".join(words) + "\n"
    cut = data.draw(st.integers(0, len(text)))
    whole, pieces = ProgressScanner(), ProgressScanner()
    seen = [pieces.receive_text(text[:cut]), pieces.receive_text(text[cut:])]
    newest = whole.receive_text(text)
    assert newest == next((s for s in reversed(seen) if s is not None), None)


@pytest.mark.parametrize(
    "piece", ["9" * 50, "[ 1", "\x1b[", "45% ", "\x1b]", " ", "[ " * 9, "1.", "|" * 40]
)
def test_hostile_output_is_read_in_linear_time(piece: str) -> None:
    def cost(size: int) -> float:
        text = piece * (size // len(piece))
        scanner = ProgressScanner()
        started = time.process_time()
        for start in range(0, size, 1000):
            scanner.receive_text(text[start : start + 1000])
        scanner.receive_text(text)
        return time.process_time() - started

    cost(10_000)
    assert cost(400_000) < 12 * max(cost(100_000), 0.005)
