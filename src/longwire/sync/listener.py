"""The object that `on` returns."""

from longwire.client import Listener as AsyncListener
from longwire.sync.loop_thread import LoopThread


class Listener:
    """The registration of a handler; call it to unsubscribe. See `longwire.client.Listener`."""

    def __init__(self, thread: LoopThread, listener: AsyncListener) -> None:
        self._thread = thread
        self._listener = listener

    @property
    def is_paused(self) -> bool:
        """Whether the handler is paused."""
        return self._listener.is_paused

    def pause(self) -> None:
        """Do not call the handler again until `resume`; a call in progress continues."""
        self._thread.call(self._listener.pause)

    def resume(self) -> None:
        """Call the handler with the events that it missed, and with new ones."""
        self._thread.call(self._listener.resume)

    def __call__(self) -> None:
        """Unsubscribe: the handler is not called again. Further calls have no effect."""
        self._thread.call(self._listener)
