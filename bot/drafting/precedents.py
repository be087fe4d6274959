"""Settled cases as precedents: what people approved or corrected, kept for the next ticket like it."""

from bot.domain.decision import DecisionKind
from bot.domain.proposal import Content, Proposal, Reply
from bot.domain.text import shorten
from bot.drafting.draft import ticket_text
from bot.drafting.ports import Library, Precedent
from bot.drafting.retrieval import question
from bot.drafting.words import words

_LONGEST_QUESTION = 4_000
_LONGEST_TICKET = 16_000
_SETTLES = frozenset({DecisionKind.APPROVED, DecisionKind.EDITED})


def precedent_of(proposal: Proposal, draft: Content | None) -> Precedent | None:
    """A proposal that a person approved, with or without an edit, as a precedent; None for any other.

    `draft` is revision 1, what the AI had written; an empty reply counts as no draft.
    """
    decision = proposal.decision
    if decision is None or decision.kind not in _SETTLES or decision.by.kind != "person":
        return None
    final = proposal.content
    asked = question(proposal.conversation)
    if not asked.strip() or (isinstance(final, Reply) and not final.text.strip()):
        return None
    blank = isinstance(draft, Reply) and not draft.text.strip()
    return Precedent(
        id=proposal.id,
        category=proposal.category,
        question=shorten(asked, _LONGEST_QUESTION),
        final=final,
        draft=None if blank else draft,
        customer=shorten(ticket_text(proposal.conversation), _LONGEST_TICKET),
        at=decision.at.isoformat(),
    )


def keep(library: Library, precedent: Precedent) -> None:
    """Write a precedent with its search words: what was asked, not what was answered."""
    library.put_precedent(precedent, " ".join(words(precedent.question)))
