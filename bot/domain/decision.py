"""Who decides, what the policy ruled, and what was decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from bot.domain.lifecycle import Move, State, Verdict
from bot.domain.monitor import Choice

ActorKind = Literal["person", "agent", "rule", "system"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone or something that makes moves; `id` is the Slack user id, the token's name, the rule or `sayso`."""

    kind: ActorKind
    id: str
    name: str


SYSTEM: Final = Actor(kind="system", id="sayso", name="Sayso")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A verdict that explains itself: which rule, the threshold used, and whether it was drawn for audit.

    `choice` is what the category's label will need later; None where a hard rule decided, whatever the confidence.
    """

    verdict: Verdict
    rule: str
    reason: str
    threshold: float | None = None
    audited: bool = False
    audit_probability: float | None = None
    approvals_needed: int = 1
    regime: int | None = None
    choice: Choice | None = None

    @property
    def actor(self) -> Actor:
        """The rule that ruled, as an actor."""
        return Actor(kind="rule", id=self.rule, name="the policy")


class DecisionKind(StrEnum):
    """How a proposal was decided, in the words of the HTTP interface."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    TAKEN_OVER = "taken_over"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    AUTOMATIC = "automatic"


DECIDES: Final = {
    Move.APPROVE: DecisionKind.APPROVED,
    Move.EDIT: DecisionKind.EDITED,
    Move.REJECT: DecisionKind.REJECTED,
    Move.ESCALATE: DecisionKind.ESCALATED,
    Move.TAKE_OVER: DecisionKind.TAKEN_OVER,
    Move.EXPIRE: DecisionKind.EXPIRED,
    Move.WITHDRAW: DecisionKind.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The move that settled a proposal for now: who, when, on which revision, and why."""

    kind: DecisionKind
    by: Actor
    at: datetime
    revision: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What a person did about an execution that went wrong: had it tried again, or said that it happened."""

    move: Move
    by: Actor
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the decider was looking at: the id, revision and digest that the button carried.

    `follow_ups` is how many later messages of the customer they were shown; `state` is where the case stood then, and
    `turn` how often it had come back before: a button of an earlier turn counts no more.
    """

    proposal_id: str
    revision: int
    digest: str
    follow_ups: int = 0
    state: State | None = None
    turn: int = 0
