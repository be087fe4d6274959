"""Writes the team's own decisions in the form that `sayso tune` reads, one JSON object a line."""

from collections.abc import AsyncIterator
from functools import partial

from bot.domain.canonical import Json, canonical_json
from bot.domain.label import is_wrong
from bot.domain.masking import mask
from bot.domain.proposal import Action, Content, Reply
from bot.ports import Reader, ReadOnlyStore

PAGE = 200


async def history_of(store: ReadOnlyStore) -> AsyncIterator[dict[str, Json]]:
    """Every decided case that a hard rule had left to its confidence, in order; secrets are masked.

    `ticket_id` is the conversation, of which the first label counts; `sampled` says whether the row belongs to the
    fair sample of the traffic: once a category runs on its own, what is held alone would not be one.
    """
    after, order = "", 0
    while page := await store.read(partial(_page, after=after)):
        for proposal_id, row in page:
            after = proposal_id
            if row is not None:
                order += 1
                yield {"order": order, **row}


def _page(tx: Reader, after: str) -> list[tuple[str, dict[str, Json] | None]]:
    return [(proposal_id, _row(tx, proposal_id)) for proposal_id in tx.decided(after, PAGE)]


def _row(tx: Reader, proposal_id: str) -> dict[str, Json] | None:
    proposal = tx.proposal(proposal_id)
    choice, first = proposal.ruling.choice, tx.draft(proposal)
    wrong = is_wrong(proposal, first)
    if choice is None or wrong is None or proposal.decision is None:
        return None
    return {
        "ticket_id": proposal.conversation.id,
        "created_at": proposal.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "category": proposal.category,
        "customer_message": mask(proposal.conversation.last_customer_text).text,
        "proposal_kind": proposal.kind,
        "action_name": first.name if isinstance(first, Action) else None,
        "action_args": dict(first.args) if isinstance(first, Action) else None,
        "proposal": _text(first),
        "confidence": proposal.confidence,
        "correct": not wrong,
        "human_final": _text(proposal.content),
        "human_decision": proposal.decision.kind.value,
        "sampled": choice.sampled,
    }


def _text(content: Content) -> str:
    return mask(content.text if isinstance(content, Reply) else canonical_json(content.canonical()).decode()).text
