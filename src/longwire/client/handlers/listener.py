"""What `on` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.client.handlers.subscriptions import Subscription
    from longwire.schema import Contract


class Listener:
    """A handler's registration; call it to unsubscribe, after which the handler is not called.

    A paused handler hears nothing until it is resumed, and then what it missed: of events that
    declare `Latest` the newest, of `Concat` the joined text, and everything else one by one. The
    rooms stay joined. Like a slow handler's, its queue is bounded: when that is full, its rooms
    wait.
    """

    __slots__ = ("_contract", "_subscription")

    def __init__(self, subscription: Subscription, contract: Contract) -> None:
        self._subscription = subscription
        self._contract = contract

    @property
    def is_paused(self) -> bool:
        """Whether it hears nothing for now."""
        gate = self._subscription.gate
        return gate is not None and gate.is_paused

    def pause(self) -> None:
        """Call the handler no more until `resume`; a call that runs goes on."""
        self._subscription.gated(self._contract).pause()

    def resume(self) -> None:
        """Call the handler for what it missed, and from now on."""
        if self.is_paused:
            self._subscription.gated(self._contract).resume()

    def __call__(self) -> None:
        """Unsubscribe; it may be done more than once."""
        self._subscription.close()
