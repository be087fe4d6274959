"""Small complete objects for tests of the store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain.audit import Event
from bot.domain.decision import SYSTEM, Actor, Ruling
from bot.domain.delivery import Errand, ErrandKind
from bot.domain.lifecycle import State, Verdict
from bot.domain.proposal import Conversation, Message, Proposal, Reply, Revision, digest_of
from bot.ports import Store, Submission, Tx
from storage import open_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AGENT = Actor(kind="agent", id="shop-ai", name="AI")
MARIA = Actor(kind="person", id="U0MARIA", name="Maria")


def a_store(folder: Path, name: str = "sayso.db") -> Store:
    """A store on a file of this folder."""
    return open_store(f"sqlite:///{folder / name}")


def a_proposal(number: int = 1, **changes: Any) -> Proposal:
    """A pending reply."""
    content = Reply(text=f"Answer {number}.")
    digest = digest_of(content, recipient="conv-1", connector="agent", revision=1)
    made = Proposal(
        id=f"prp_{number:028d}",
        agent="shop-ai",
        category="refunds",
        conversation=Conversation(id="conv-1", messages=(Message(role="customer", text="Where is it?"),)),
        revision=Revision(number=1, content=content, author=AGENT, digest=digest),
        confidence=0.5,
        in_scope=True,
        evidence=(),
        connector="agent",
        recipient="conv-1",
        state=State.PENDING,
        ruling=Ruling(verdict=Verdict.ASK, rule="categories.refunds.mode", reason="A person approves."),
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        lifetime=timedelta(hours=1),
    )
    return replace(made, **changes)


def submission(number: int = 1) -> Submission:
    """The key and the salt of the proposal of that number."""
    return Submission(key=f"key-{number}", body_hash="0" * 64, salt="5" * 32)


def an_errand(number: int, lane: str = "connector:shop:conv-1", **changes: Any) -> Errand:
    """An errand that is due now: a card."""
    return replace(Errand(id=f"dlv_{number:04d}", kind=ErrandKind.CARD, lane=lane, due_at=NOW), **changes)


def an_event(number: int) -> Event:
    """An event of the audit log."""
    return Event(
        kind="proposal.submitted",
        at="2026-03-01T12:00:00.000000Z",
        actor=SYSTEM,
        proposal_id=f"prp_{number}",
        payload={"n": number},
    )


def leased(tx: Tx, at: datetime = NOW, *, for_: timedelta = timedelta(minutes=1)) -> list[str]:
    """The ids of what can be leased at this moment, in order."""
    return [errand.id for errand in tx.lease(now=at, owner="me", until=at + for_, limit=32)]
