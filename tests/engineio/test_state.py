from __future__ import annotations

from longwire.engineio.state import TRANSITIONS, Signal, State


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(State)


def test_every_state_except_the_last_can_end() -> None:
    for state, row in TRANSITIONS.items():
        assert (row.get(Signal.ENDED) is State.CLOSED) == (state is not State.CLOSED)


def test_every_state_can_be_reached() -> None:
    reached = {State.OPENING}
    while more := {new for old in reached for new in TRANSITIONS[old].values()} - reached:
        reached |= more
    assert reached == set(State)


def test_every_signal_is_used() -> None:
    assert {signal for row in TRANSITIONS.values() for signal in row} == set(Signal)
