"""What `on` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.client import Listener as AsyncListener
    from longwire.sync.loop_thread import LoopThread


class Listener:
    """A handler's registration; call it to unsubscribe. See `longwire.client.Listener`."""

    def __init__(self, thread: LoopThread, listener: AsyncListener) -> None:
        self._thread = thread
        self._listener = listener

    @property
    def is_paused(self) -> bool:
        """Whether it hears nothing for now."""
        return self._listener.is_paused

    def pause(self) -> None:
        """Call the handler no more until `resume`; a call that runs goes on."""
        self._thread.call(self._listener.pause)

    def resume(self) -> None:
        """Call the handler for what it missed, and from now on."""
        self._thread.call(self._listener.resume)

    def __call__(self) -> None:
        """Unsubscribe; it may be done more than once."""
        self._thread.call(self._listener)
