"""Registering the handlers of events that clients send."""

import pytest

from longwire import CATALOG, Contract, Event, Server, anonymous
from longwire.catalog import JobCompleted
from longwire.errors import ContractError


class Vote(Event, name="poll:vote", origin="client"):
    choice: str


def test_a_handler_of_an_event_that_clients_never_send_is_refused() -> None:
    """Regression: it was accepted and never called."""
    server = Server(contract=CATALOG | Contract([Vote]), authenticate=anonymous)

    server.on(Vote)(lambda event, socket: event.choice)
    with pytest.raises(ContractError, match=r"clients cannot send 'job:completed'.*origin="):
        server.on(JobCompleted)


def test_an_invalid_registration_is_refused_before_there_is_a_handler() -> None:
    server = Server(authenticate=anonymous)
    with pytest.raises(ContractError, match="is not in the server's contract"):
        server.on(Vote)
    with pytest.raises(ContractError, match="is declared or reserved"):
        server.on("job:completed")
    with pytest.raises(ContractError, match="is declared or reserved"):
        server.on("join_room")
