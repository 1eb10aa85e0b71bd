"""The views of `longwire watch`: JSON lines, plain lines, or a job with a progress bar."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from longwire.catalog import CATALOG, JobOutput
from longwire.cli.terminal import print_message, printable
from longwire.errors import LongwireError
from longwire.jobs import JobState, fold
from longwire.types import override

if TYPE_CHECKING:
    from longwire.client import LogEntry
    from longwire.schema import Event


class View(ABC):
    """Shows the entries of a room. It is a context manager, which is open while entries arrive."""

    def __init__(self, room: str) -> None:
        self._room = room

    @abstractmethod
    def receive(self, entry: LogEntry) -> None:
        """Show one entry of a log, if it is of the view's room."""

    def end(self, state: JobState) -> None:  # noqa: B027 (the default shows nothing)
        """Show how the job ended, unless the last entry has shown it."""

    def notify(self, text: str) -> None:
        """Show a message about the connection on stderr."""
        print_message(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


def make_view(room: str, job_id: str | None, as_json: bool) -> View:
    """Return the view for a room: JSON lines if requested, otherwise by whether it is a job's."""
    if as_json:
        return JsonLines(room)
    return RoomLines(room) if job_id is None else JobView(room, job_id)


class JsonLines(View):
    """Prints each entry as one line of JSON: `{"event","room","offset","data"}`."""

    @override
    def receive(self, entry: LogEntry) -> None:
        """Print the entry; `offset` is the last one that the entry covers."""
        if entry.room == self._room:
            line = {
                "event": entry.event,
                "room": entry.room,
                "offset": entry.last,
                "data": entry.data,
            }
            _write(msgspec.json.encode(line) + b"\n")


class RoomLines(View):
    """Prints each entry as one readable line."""

    @override
    def receive(self, entry: LogEntry) -> None:
        if entry.room == self._room:
            data = printable(bytes(entry.data).decode())
            _write(f"{entry.last:>6}  {entry.event}  {data}\n".encode())


class JobView(View):
    """Prints a job's output to stdout, and its progress bar, step and status to stderr.

    On a terminal, control sequences other than colours are removed from the output, because
    another user may have written it. Redirected output is not changed.
    """

    def __init__(self, room: str, job_id: str) -> None:
        super().__init__(room)
        self._state = JobState.initial(job_id)
        self._console = Console(stderr=True, highlight=False)
        self._is_interactive = sys.stdout.isatty() and self._console.is_terminal
        self._line = ""
        self._progress = Progress(
            TextColumn("{task.fields[status]}", style="bold", markup=False),
            BarColumn(),
            TextColumn("{task.fields[percent]}", markup=False),
            TextColumn("{task.fields[step]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, **self._fields())

    @override
    def __enter__(self) -> Self:
        self._progress.start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self._print_line()
        self._progress.stop()

    @override
    def receive(self, entry: LogEntry) -> None:
        if entry.room != self._room:
            return
        try:
            event = cast("Event", CATALOG.decode(entry.event, entry.data))
        except LongwireError:  # an application's own event, or one of a newer server
            return
        before, self._state = self._state, fold(self._state, event)
        if isinstance(event, JobOutput):
            self._print(event.chunk)
        if self._state.attempt != before.attempt and before.created_at is not None:
            self._print_status(f"attempt {self._state.attempt}")
        self._progress.update(
            self._task,
            total=None if self._state.progress is None else 100,
            completed=self._state.progress or 0,
            **self._fields(),
        )

    @override
    def end(self, state: JobState) -> None:
        self._print_line()
        self._progress.stop()
        after = "" if state.duration is None else f" after {state.duration:.1f} s"
        why = "" if state.error is None else f": {state.error}"
        self._print_status(f"job {state.job_id} {state.status}{after}{why}")

    @override
    def notify(self, text: str) -> None:
        self._console.print(f"longwire: {text}", markup=False, soft_wrap=True)

    def _fields(self) -> dict[str, Any]:
        percent = "" if self._state.progress is None else f"{self._state.progress:.0f} %"
        step = " ".join(printable(self._state.current_step or "").split())
        return {"status": self._state.status, "percent": percent, "step": step[:60]}

    def _print_status(self, text: str) -> None:
        self._console.print(printable(text), markup=False, style="bold", soft_wrap=True)

    def _print(self, text: str) -> None:
        if not self._is_interactive:
            _write(text.encode())
            return
        *lines, last = (self._line + text).split("\n")
        for line in lines:
            self._console.print(_visible(line))
        # Keep only what follows the last carriage return, so that a progress bar that redraws its
        # line for hours does not grow. A trailing one is kept: "\n" may follow in the next chunk.
        text = last.rstrip("\r")
        self._line = text[text.rfind("\r") + 1 :] + last[len(text) :][:1]

    def _print_line(self) -> None:
        if self._line:
            self._console.print(_visible(self._line))
            self._line = ""


def _visible(line: str) -> Text:
    """Return what a terminal shows of a line after its carriage returns."""
    return Text.from_ansi(printable(line.rstrip("\r").rpartition("\r")[2]))


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
