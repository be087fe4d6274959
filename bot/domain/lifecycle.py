"""The life of a proposal as one table.

A proposal opens in the state that its verdict gives it, and from then on only a move in `TRANSITIONS` changes its
state. Every other pair of state and move is refused, so the table is total: `step` answers or raises, and nothing else
in Sayso knows which move follows which state. `diagram` draws the table; the picture in the docs is made from it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from bot.domain.errors import OutOfTurn


class State(StrEnum):
    """Where a proposal stands."""

    PENDING = "pending"
    ESCALATED = "escalated"
    APPROVED = "approved"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Move(StrEnum):
    """What can happen to a proposal; people, agents, the clock and the relay make moves."""

    APPROVE = "approve"
    EDIT = "edit"
    ESCALATE = "escalate"
    REJECT = "reject"
    TAKE_OVER = "take_over"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    SUCCEED = "succeed"
    FAIL = "fail"
    LOSE = "lose"
    UNDO = "undo"
    RETRY = "retry"
    CONFIRM = "confirm"


class Verdict(StrEnum):
    """What the policy says of a new proposal."""

    AUTOMATE = "automate"
    ASK = "ask"
    ESCALATE = "escalate"
    REFUSE = "refuse"


OPENING: Final[Mapping[Verdict, State]] = {
    Verdict.AUTOMATE: State.APPROVED,
    Verdict.ASK: State.PENDING,
    Verdict.ESCALATE: State.ESCALATED,
    Verdict.REFUSE: State.CANCELLED,
}

TRANSITIONS: Final[Mapping[State, Mapping[Move, State]]] = {
    State.PENDING: {
        Move.APPROVE: State.APPROVED,
        Move.EDIT: State.APPROVED,
        Move.ESCALATE: State.ESCALATED,
        Move.REJECT: State.CANCELLED,
        Move.WITHDRAW: State.CANCELLED,
        Move.EXPIRE: State.EXPIRED,
    },
    State.ESCALATED: {
        Move.APPROVE: State.APPROVED,
        Move.EDIT: State.APPROVED,
        Move.REJECT: State.CANCELLED,
        Move.TAKE_OVER: State.CANCELLED,
        Move.WITHDRAW: State.CANCELLED,
        Move.EXPIRE: State.EXPIRED,
    },
    State.APPROVED: {
        Move.SUCCEED: State.EXECUTED,
        Move.FAIL: State.FAILED,
        Move.LOSE: State.IN_DOUBT,
        Move.UNDO: State.PENDING,
    },
    State.FAILED: {Move.RETRY: State.APPROVED, Move.REJECT: State.CANCELLED},
    State.IN_DOUBT: {Move.CONFIRM: State.EXECUTED, Move.RETRY: State.APPROVED, Move.REJECT: State.CANCELLED},
    State.EXECUTED: {},
    State.CANCELLED: {},
    State.EXPIRED: {},
}

BACK: Final = (State.PENDING, State.ESCALATED, State.FAILED, State.IN_DOUBT)
"""Where an undo leads: to where the case stood before it was approved or retried. The table says the first."""

CLOSED: Final = frozenset(state for state, moves in TRANSITIONS.items() if not moves)
WAITING: Final = frozenset({State.PENDING, State.ESCALATED})


def step(state: State, move: Move, *, back: State = State.PENDING) -> State:
    """The state that `move` leads to from `state`, an undo to `back`; OutOfTurn where the table has no such move."""
    try:
        target = TRANSITIONS[state][move]
    except KeyError:
        raise OutOfTurn(f"This case is {words(state)}, so it cannot be {PAST[move]} now.") from None
    if move is not Move.UNDO:
        return target
    if back not in BACK:
        raise OutOfTurn(f"An undo does not lead back to {words(back)}.")
    return back


def words(state: State) -> str:
    """The state in everyday words."""
    return state.value.replace("_", " ")


PAST: Final[Mapping[Move, str]] = {
    Move.APPROVE: "approved",
    Move.EDIT: "edited",
    Move.ESCALATE: "escalated",
    Move.REJECT: "rejected",
    Move.TAKE_OVER: "taken over",
    Move.WITHDRAW: "withdrawn",
    Move.EXPIRE: "expired",
    Move.SUCCEED: "executed",
    Move.FAIL: "marked as failed",
    Move.LOSE: "marked as in doubt",
    Move.UNDO: "undone",
    Move.RETRY: "retried",
    Move.CONFIRM: "confirmed",
}


def diagram() -> str:
    """The table as a Mermaid state diagram, one line for each move."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}: {verdict.name}" for verdict, state in OPENING.items()]
    lines += [
        f"    {state} --> {target}: {move}"
        for state, moves in TRANSITIONS.items()
        for move, named in moves.items()
        for target in (BACK if move is Move.UNDO else (named,))
    ]
    lines += [f"    {state} --> [*]" for state in State if state in CLOSED]
    return "\n".join(lines) + "\n"
