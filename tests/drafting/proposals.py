"""A settled proposal for the tests."""

from datetime import UTC, datetime, timedelta

from bot.domain.decision import Actor, Decision, DecisionKind, Ruling
from bot.domain.lifecycle import State, Verdict
from bot.domain.proposal import Conversation, Message, Proposal, Reply, Revision

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)


def proposal(kind: DecisionKind, by: Actor) -> Proposal:
    return Proposal(
        id="p_1",
        agent="sayso",
        category="orders",
        conversation=Conversation(id="c1", messages=(Message(role="customer", text="Where is my order?"),)),
        revision=Revision(number=1, content=Reply(text="Here."), author=by, digest="0" * 64),
        confidence=0.8,
        in_scope=True,
        evidence=(),
        connector="email",
        recipient="x@y.example",
        state=State.EXECUTED,
        ruling=Ruling(verdict=Verdict.ASK, rule="r", reason="because"),
        created_at=NOW,
        expires_at=NOW,
        lifetime=timedelta(0),
        decision=Decision(kind=kind, by=by, at=NOW, revision=1),
    )
