"""The queue of a job's unpublished events: streamed text rolls up, progress conflates.

    put_output("He")  put_output("llo")  put(progress 10)  put(progress 20)
    take → output "Hello"  → progress 20

Pure: time is an argument. Events keep their order; when a newer progress replaces one that still
waits, it keeps its own place, behind the events in between.
"""

from __future__ import annotations

from collections import OrderedDict

from longwire.catalog import JobLease, JobOutput, JobProgress, OutputType
from longwire.schema import Event

# Seconds. Too short for a person to notice, and at most 25 events a second however fast text comes.
ROLLUP_DELAY = 0.040

# UTF-8 bytes from which text is published at once.
ROLLUP_SIZE = 4096

# The most characters in one event. Even if JSON escapes each with six bytes, the event is far
# smaller than the 1 MB that a message may have.
MAX_CHUNK = 65_536

_CONFLATED = (JobProgress, JobLease)


class _Text:
    """Waiting output of one type; `due` is when it goes out even if it is still growing."""

    __slots__ = ("due", "is_complete", "length", "parts", "size", "type")

    def __init__(self, type: OutputType | None, due: float) -> None:
        self.type: OutputType | None = type
        self.due = due
        self.parts: list[str] = []
        self.length = 0
        self.size = 0
        self.is_complete = False

    def append(self, chunk: str) -> None:
        self.parts.append(chunk)
        self.length += len(chunk)
        self.size += len(chunk) if chunk.isascii() else len(chunk.encode())
        if self.size >= ROLLUP_SIZE:
            self.due = float("-inf")


class Outgoing:
    """The queue between a job's calls and its host.

    Adjacent output of one type joins until `ROLLUP_DELAY` has passed or `ROLLUP_SIZE` is reached,
    and continues to join (up to `MAX_CHUNK`) while the host is busy. Any other event makes the
    output before it due. Of waiting progress and leases, only the newest is kept.

    Args:
        job_id: the job.
        progress_interval: minimum seconds between two progress events. Of those in between only
            the newest is kept; it is always published.

    Attributes:
        pending: characters of output that wait; a measure of how slow the host is.
    """

    def __init__(self, job_id: str, progress_interval: float = 0.0) -> None:
        self._job_id = job_id
        self._items: OrderedDict[int, Event | _Text] = OrderedDict()
        self._growing: _Text | None = None  # the last item, if it is text
        self._last_key = 0
        self._keys: dict[type[Event], int] = {}  # where the waiting progress and lease are
        self._held: JobProgress | None = None
        self._progress_interval = progress_interval
        self._progress_due = float("-inf")
        self.pending = 0

    def __bool__(self) -> bool:
        return bool(self._items) or self._held is not None

    def put(self, event: Event, now: float) -> None:
        """Add an event other than output."""
        if isinstance(event, JobProgress):
            self._held = event
            self._release_progress(now)
        else:
            self.seal()
            self._append(event)

    def join_output(self, chunk: str, type: OutputType | None) -> bool:
        """Add ASCII text to waiting text of its type; the fast path of `put_output`.

        Returns False, and has done nothing, if there is none or it is large enough to go out.
        Whoever waits for the next event need not be notified: its deadline stays.
        """
        text = self._growing
        if text is None or text.type != type:
            return False
        length = len(chunk)
        size = text.size + length
        if size >= ROLLUP_SIZE:
            return False
        text.parts.append(chunk)
        text.length += length
        text.size = size
        text.is_complete = False
        self.pending += length
        return True

    def put_output(
        self, chunk: str, type: OutputType | None, is_complete: bool, now: float
    ) -> None:
        """Add streamed text, which joins waiting text of its type."""
        self.pending += len(chunk)
        start = 0
        while True:
            text = self._growing_text(type, now)
            piece = chunk[start : start + MAX_CHUNK - text.length]
            text.append(piece)
            start += len(piece)
            if start >= len(chunk):
                break
        text.is_complete = is_complete

    def seal(self) -> None:
        """Make everything that waits due."""
        if self._held is not None:
            self._release_progress(float("inf"))
        if self._growing is not None:
            self._growing.due = float("-inf")

    def take(self, now: float) -> Event | None:
        """Remove and return the next event that is due, or None."""
        if self._held is not None:
            self._release_progress(now)
        elif not self._items:
            return None
        head = next(iter(self._items.values()), None)
        if head is None or (isinstance(head, _Text) and not self._is_due(head, now)):
            return None
        key, _ = self._items.popitem(last=False)
        if not isinstance(head, _Text):
            if self._keys.get(type(head)) == key:
                del self._keys[type(head)]
            return head
        if head is self._growing:
            self._growing = None
        self.pending -= head.length
        return JobOutput(
            job_id=self._job_id,
            chunk="".join(head.parts),
            is_complete=head.is_complete,
            type=head.type,
        )

    def next_deadline(self) -> float | None:
        """Return when an event becomes due: in the past if one is, None if nothing waits."""
        if len(self._items) > 1:
            return float("-inf")
        deadline = None
        if self._items:
            deadline = float("-inf") if self._growing is None else self._growing.due
        if self._held is not None:
            deadline = self._progress_due if deadline is None else min(deadline, self._progress_due)
        return deadline

    def _is_due(self, text: _Text, now: float) -> bool:
        return len(self._items) > 1 or now >= text.due

    def _growing_text(self, type: OutputType | None, now: float) -> _Text:
        tail = self._growing
        if tail is not None and tail.type == type and tail.length < MAX_CHUNK:
            return tail
        text = _Text(type, now + ROLLUP_DELAY)
        self._append(text)
        return text

    def _release_progress(self, now: float) -> None:
        if self._held is None or now < self._progress_due:
            return
        event, self._held = self._held, None
        if now != float("inf"):
            self._progress_due = now + self._progress_interval
        self._append(event)

    def _append(self, item: Event | _Text) -> None:
        self._last_key += 1
        if isinstance(item, _CONFLATED):
            waiting = self._keys.pop(type(item), None)
            if waiting is not None:
                del self._items[waiting]
            self._keys[type(item)] = self._last_key
        self._items[self._last_key] = item
        self._growing = item if isinstance(item, _Text) else None
