"""The transition table: total, closed where it is closed, and the same as the picture in the docs."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import OutOfTurn
from bot.domain.lifecycle import CLOSED, OPENING, PAST, TRANSITIONS, WAITING, Move, State, Verdict, diagram, step, words

DOC = Path(__file__).parents[2] / "docs" / "lifecycle.md"
states, moves = st.sampled_from(list(State)), st.sampled_from(list(Move))


@given(states, moves)
def test_every_move_from_every_state_leads_somewhere_or_is_refused_in_a_sentence(state: State, move: Move) -> None:
    target = TRANSITIONS[state].get(move)
    if target is not None:
        assert step(state, move) is target
        return
    with pytest.raises(OutOfTurn) as refusal:
        step(state, move)
    assert refusal.value.sentence == f"This case is {words(state)}, so it cannot be {PAST[move]} now."


@given(states)
def test_a_state_is_closed_exactly_when_it_has_no_moves(state: State) -> None:
    assert (state in CLOSED) == (not TRANSITIONS[state])


@given(st.sampled_from(list(Verdict)), st.lists(moves, max_size=40))
def test_no_sequence_of_moves_leaves_the_table_or_a_closed_state(verdict: Verdict, sequence: list[Move]) -> None:
    state, closed = OPENING[verdict], False
    for move in sequence:
        try:
            after = step(state, move)
        except OutOfTurn:
            continue
        assert not closed, f"{move} left the closed state {state}"
        state, closed = after, after in CLOSED


@given(states)
def test_an_undo_leads_back_to_where_a_case_can_have_stood(back: State) -> None:
    if Move.APPROVE in TRANSITIONS[back] or Move.RETRY in TRANSITIONS[back]:
        assert step(State.APPROVED, Move.UNDO, back=back) is back
        assert f"approved --> {back}: undo" in diagram()
        return
    with pytest.raises(OutOfTurn, match="does not lead back"):
        step(State.APPROVED, Move.UNDO, back=back)


def test_the_table_speaks_of_every_state_verdict_and_move() -> None:
    assert set(TRANSITIONS) == set(State)
    assert set(OPENING) == set(Verdict)
    assert set(PAST) == set(Move)
    assert {move for moves in TRANSITIONS.values() for move in moves} == set(Move)


def test_the_table_is_the_one_of_the_design() -> None:
    """Every row is written out here once more, so that nobody changes the law by accident."""
    law = {
        "pending": "approve edit>approved escalate>escalated reject withdraw>cancelled expire>expired",
        "escalated": "approve edit>approved reject take_over withdraw>cancelled expire>expired",
        "approved": "succeed>executed fail>failed lose>in_doubt undo>pending",
        "failed": "retry>approved reject>cancelled",
        "in_doubt": "confirm>executed retry>approved reject>cancelled",
        "executed": "",
        "cancelled": "",
        "expired": "",
    }
    assert {state: dict(row) for state, row in TRANSITIONS.items()} == {
        State(state): _row(text) for state, text in law.items()
    }


def _row(text: str) -> dict[Move, State]:
    row: dict[Move, State] = {}
    waiting: list[str] = []
    for word in text.split():
        move, arrow, target = word.partition(">")
        waiting.append(move)
        if arrow:
            row |= {Move(name): State(target) for name in waiting}
            waiting = []
    return row


def test_only_what_waits_for_a_person_expires_and_only_what_runs_can_fail() -> None:
    assert {state for state in State if Move.EXPIRE in TRANSITIONS[state]} == WAITING
    for move in (Move.SUCCEED, Move.FAIL, Move.LOSE, Move.UNDO):
        assert {state for state in State if move in TRANSITIONS[state]} == {State.APPROVED}


def test_every_state_can_be_reached_and_every_open_one_can_be_closed() -> None:
    reached = set(OPENING.values())
    while more := {target for state in reached for target in TRANSITIONS[state].values()} - reached:
        reached |= more
    assert reached == set(State)
    closing = set(CLOSED)
    while more := {s for s in State if set(TRANSITIONS[s].values()) & closing} - closing:
        closing |= more
    assert closing == set(State)


def test_the_picture_in_the_docs_is_the_table() -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert drawn == diagram()
