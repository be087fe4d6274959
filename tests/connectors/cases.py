"""Approved proposals and their errands, as the relay hands them to a connector."""

from datetime import UTC, datetime, timedelta

from bot.domain.canonical import Json
from bot.domain.decision import Actor, Decision, DecisionKind, Ruling
from bot.domain.delivery import Errand, ErrandKind
from bot.domain.lifecycle import State, Verdict
from bot.domain.proposal import Action, Content, Conversation, Message, Proposal, Reply, Revision, digest_of

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
DELIVERY = "dlv_0195900a9f1b3c4d5e6f7a8b9c0d"
MARIA = Actor(kind="person", id="U0MARIA", name="Maria Silva")
RULE = Actor(kind="rule", id="categories.refunds.threshold", name="refunds")
REFUND = Action(name="refund", args={"order": "A-17", "amount": 42.5})


def now() -> datetime:
    return NOW


def proposal(
    content: Content | str = "Your refund is on its way.",
    *,
    conversation: str = "web:1",
    connector: str = "webhook:payments",
    recipient: str | None = None,
    subject: str | None = None,
    customer: dict[str, Json] | None = None,
    verdict: Verdict = Verdict.ASK,
    decided_by: Actor | None = MARIA,
    created_at: datetime = NOW,
) -> Proposal:
    """One that Maria approved a minute after it came in, unless told otherwise."""
    content = Reply(text=content) if isinstance(content, str) else content
    recipient = recipient or conversation
    digest = digest_of(content, recipient=recipient, connector=connector, revision=1)
    kind = DecisionKind.APPROVED if decided_by == MARIA else DecisionKind.AUTOMATIC
    at = created_at + timedelta(minutes=1)
    return Proposal(
        id="prp_1",
        agent="shop-ai",
        category="refunds",
        conversation=Conversation(
            id=conversation,
            subject=subject,
            customer=customer or {},
            messages=(Message(role="customer", text="Where is my money?"),),
        ),
        revision=Revision(
            number=1, content=content, author=Actor(kind="agent", id="shop-ai", name="shop-ai"), digest=digest
        ),
        confidence=0.7,
        in_scope=True,
        evidence=(),
        connector=connector,
        recipient=recipient,
        state=State.APPROVED,
        ruling=Ruling(verdict=verdict, rule="categories.refunds.mode", reason="A person approves refunds."),
        created_at=created_at,
        expires_at=created_at + timedelta(hours=4),
        lifetime=timedelta(hours=4),
        decision=Decision(kind=kind, by=decided_by, at=at, revision=1) if decided_by else None,
    )


def errand(*, attempts: int = 1, interrupted: bool = False, delivery: str = DELIVERY, **payload: bool) -> Errand:
    """The errand of the first attempt, unless told otherwise."""
    return Errand(
        id=delivery,
        kind=ErrandKind.EXECUTE,
        lane="connector:test",
        due_at=NOW,
        proposal_id="prp_1",
        payload=payload,
        attempts=attempts,
        interrupted=interrupted,
    )
