"""What a watched room looks like: JSON lines, plain output, or a live view."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from longwire.catalog import CATALOG, JobOutput
from longwire.cli.complaint import complain
from longwire.cli.terminal import printable
from longwire.errors import LongwireError
from longwire.jobs import JobState, fold

if TYPE_CHECKING:
    from longwire.client import LogEntry
    from longwire.schema import Event


class Watcher(Protocol):
    """Shows what happens in a room; open while something may happen."""

    def receive(self, entry: LogEntry) -> None:
        """Show one entry of the log."""
        ...

    def end(self, state: JobState) -> None:
        """Show how the job ended."""
        ...

    def notify(self, text: str) -> None:
        """Say something about the watch itself, on stderr."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        ...


def choose_watcher(room: str, job_id: str | None, as_json: bool) -> Watcher:
    """Return who shows this room on this terminal."""
    if as_json:
        return JsonLines(room)
    return RoomLines(room) if job_id is None else JobView(room, job_id)


class _Plain:
    """Needs nothing of the terminal."""

    def __init__(self, room: str) -> None:
        self._room = room

    def end(self, state: JobState) -> None:
        """The last event said it."""

    def notify(self, text: str) -> None:
        """Say it as any command does."""
        complain(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class JsonLines(_Plain):
    """One JSON object a line, for scripts: `{"event","room","offset","data"}`."""

    def receive(self, entry: LogEntry) -> None:
        """Print the entry; `offset` is the last one that it stands for."""
        if entry.room == self._room:
            line = {
                "event": entry.event,
                "room": entry.room,
                "offset": entry.last,
                "data": entry.data,
            }
            _write(msgspec.json.encode(line) + b"\n")


class RoomLines(_Plain):
    """One line an event, for people."""

    def receive(self, entry: LogEntry) -> None:
        """Print the entry."""
        if entry.room == self._room:
            data = printable(bytes(entry.data).decode())
            _write(f"{entry.last:>6}  {entry.event}  {data}\n".encode())


class JobView:
    """A job's output on stdout; its bar, step and status on stderr.

    On a terminal, control sequences in the output other than colours are dropped: the output of
    a job may come from anybody. Elsewhere it is passed on as it is.
    """

    def __init__(self, room: str, job_id: str) -> None:
        self._room = room
        self._state = JobState.initial(job_id)
        self._console = Console(stderr=True, highlight=False)
        self._paints = sys.stdout.isatty() and self._console.is_terminal
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

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._print_line()
        self._progress.stop()

    def receive(self, entry: LogEntry) -> None:
        """Show the entry, if it is of this job."""
        if entry.room != self._room:
            return
        try:
            event = cast("Event", CATALOG.decode(entry.event, entry.data))
        except LongwireError:  # an event of the application's own, or of a newer server
            return
        before, self._state = self._state, fold(self._state, event)
        if isinstance(event, JobOutput):
            self._print(event.chunk)
        if self._state.attempt != before.attempt and before.created_at is not None:
            self._say(f"attempt {self._state.attempt}")
        self._progress.update(
            self._task,
            total=None if self._state.progress is None else 100,
            completed=self._state.progress or 0,
            **self._fields(),
        )

    def end(self, state: JobState) -> None:
        """Say how the job ended."""
        self._print_line()
        self._progress.stop()
        after = "" if state.duration is None else f" after {state.duration:.1f} s"
        why = "" if state.error is None else f": {state.error}"
        self._say(f"job {state.job_id} {state.status}{after}{why}")

    def notify(self, text: str) -> None:
        """Say it above the bar."""
        self._console.print(f"longwire: {text}", markup=False, soft_wrap=True)

    def _fields(self) -> dict[str, Any]:
        percent = "" if self._state.progress is None else f"{self._state.progress:.0f} %"
        step = " ".join(printable(self._state.current_step or "").split())
        return {"status": self._state.status, "percent": percent, "step": step[:60]}

    def _say(self, text: str) -> None:
        self._console.print(printable(text), markup=False, style="bold", soft_wrap=True)

    def _print(self, text: str) -> None:
        if not self._paints:
            _write(text.encode())
            return
        *lines, last = (self._line + text).split("\n")
        for line in lines:
            self._console.print(_as_shown(line))
        # A bar that is redrawn for hours stays one line.
        begun = last.rstrip("\r")
        self._line = begun[begun.rfind("\r") + 1 :] + last[len(begun) :][:1]

    def _print_line(self) -> None:
        if self._line:
            self._console.print(_as_shown(self._line))
            self._line = ""


def _as_shown(line: str) -> Text:
    """Return what a terminal shows of a line that was written over."""
    return Text.from_ansi(printable(line.rstrip("\r").rpartition("\r")[2]))


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
