"""The object that `on` returns."""

from longwire.client.handlers.subscription import Subscription
from longwire.schema import Contract


class Listener:
    """The registration of a handler; call it to unsubscribe.

    While a handler is paused, its events are held back. `resume` delivers what it missed: the
    newest of each `Latest` event, the joined text of `Concat` events, all others one by one. Its
    rooms stay joined. The queue is bounded, as for a slow handler: when it is full, the client
    leaves the rooms until the queue has space.
    """

    __slots__ = ("_contract", "_subscription")

    def __init__(self, subscription: Subscription, contract: Contract) -> None:
        self._subscription = subscription
        self._contract = contract

    @property
    def is_paused(self) -> bool:
        """Whether the handler is paused."""
        throttle = self._subscription.throttle
        return throttle is not None and throttle.is_paused

    def pause(self) -> None:
        """Do not call the handler again until `resume`; a call in progress continues."""
        self._subscription.ensure_throttle(self._contract).pause()

    def resume(self) -> None:
        """Call the handler with the events that it missed, and with new ones."""
        if self.is_paused:
            self._subscription.ensure_throttle(self._contract).resume()

    def __call__(self) -> None:
        """Unsubscribe: the handler is not called again. Further calls have no effect."""
        self._subscription.close()
