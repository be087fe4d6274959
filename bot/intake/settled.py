"""Settled cases for the training export, the newest first."""

from collections.abc import AsyncIterator
from typing import Final

from bot.domain.decision import DecisionKind
from bot.domain.proposal import Content, Proposal, Reply
from bot.drafting.training import TrainingCase
from bot.ports import Query, Reader, ReadOnlyStore

PAGE: Final = 200
_SENT: Final = frozenset({DecisionKind.APPROVED, DecisionKind.EDITED})


async def training_cases(store: ReadOnlyStore) -> AsyncIterator[TrainingCase]:
    """Every case that a person decided, with what the AI drafted and what went out."""
    cursor: str | None = None
    while page := await store.read(lambda tx, after=cursor: _page(tx, after)):  # type: ignore[misc]  # a default binds
        for proposal, draft in page:
            if case := training_case(proposal, draft):
                yield case
        cursor = page[-1][0].id


def training_case(proposal: Proposal, draft: Content) -> TrainingCase | None:
    """The case; None for one that no person has decided."""
    decision = proposal.decision
    if decision is None or decision.by.kind != "person":
        return None
    return TrainingCase(
        id=proposal.id,
        category=proposal.category,
        conversation=proposal.conversation,
        draft=None if isinstance(draft, Reply) and not draft.text.strip() else draft,
        final=proposal.content if decision.kind in _SENT else None,
        decision=decision.kind.value,
        by=decision.by.name,
        at=decision.at.isoformat(),
        reason=decision.reason,
    )


def _page(tx: Reader, cursor: str | None) -> list[tuple[Proposal, Content]]:
    found = tx.find(Query(cursor=cursor, limit=PAGE))
    return [(proposal, tx.draft(proposal)) for proposal in found]
