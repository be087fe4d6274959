"""Drafting without a model: the approved reply of the nearest precedent, with this customer's particulars."""

from typing import Final

from bot.domain.masking import mask
from bot.domain.proposal import Action, Evidence, Reply
from bot.domain.text import shorten
from bot.drafting.draft import Sketch, Ticket, ticket_text
from bot.drafting.filling import customer_name, fill
from bot.drafting.ports import Precedent
from bot.drafting.retrieval import Found
from bot.drafting.votes import Verdicts, elect

# Below this the nearest precedent answers another question more often than not (tests/benchmarks/retrieval.py).
NEAR_WORDS: Final = 0.4
NEAR_MEANING: Final = 0.5
_QUOTE: Final = 200


class PrecedentDrafter:
    """A writer that needs no model and costs nothing."""

    async def write(self, ticket: Ticket, found: Found) -> Sketch:
        """The filled reply with its sources; no content where no precedent is near."""
        return sketch(ticket, found)

    async def samples(self, ticket: Ticket, found: Found) -> tuple[Sketch, ...]:
        """None: the answer would be the same again."""
        return ()


def sketch(ticket: Ticket, found: Found) -> Sketch:
    """The same as a pure function."""
    elected = elect(found)
    if elected is None or elected.nearest.nearness < (NEAR_MEANING if found.by_meaning else NEAR_WORDS):
        return Sketch(category=ticket.category, concerns=("No earlier case is near enough to answer from.",))
    precedent = elected.nearest.precedent
    category = ticket.category or precedent.category
    if isinstance(precedent.final, Action):
        name = precedent.final.name
        return Sketch(
            category=category,
            concerns=(f"The nearest earlier case was settled by the action {name}, so there are no words to send.",),
            evidence=(_evidence(precedent),),
        )
    return _filled(ticket, found, elected, precedent.final, category)


def _filled(ticket: Ticket, found: Found, elected: Verdicts, reply: Reply, category: str) -> Sketch:
    precedent = elected.nearest.precedent
    conversation = ticket.conversation
    confirmed = [near.passage.text for near in found.passages]
    # Another customer's approved reply confirms what it says, unless that customer had said it first.
    confirmed += [
        one.precedent.answer
        for one in found.precedents
        if one.precedent.id != precedent.id and one.precedent.customer != precedent.customer
    ]
    filled = fill(
        reply.text,
        ticket=ticket_text(conversation),
        earlier=precedent.customer or precedent.question,
        confirmed=confirmed,
        name=customer_name(conversation.customer, conversation.last_customer_text),
    )
    needs = " and ".join(filled.holes)
    concerns = (f"The draft still needs the {needs}, which the ticket does not state.",) if filled.holes else ()
    return Sketch(
        category=category,
        content=Reply(text=filled.text),
        sources=(reply.text, *(near.passage.text for near in found.passages)),
        evidence=(_evidence(precedent), *_passages(found)),
        concerns=concerns,
    )


def _evidence(precedent: Precedent) -> Evidence:
    when = f", settled {precedent.at[:10]}" if precedent.at else ""
    return Evidence(title=f"Earlier case {precedent.id}{when}", quote=shorten(mask(precedent.question).text, _QUOTE))


def _passages(found: Found) -> tuple[Evidence, ...]:
    """The nearest passage, as background for whoever reviews."""
    return tuple(
        Evidence(title=near.passage.heading or near.passage.document, quote=shorten(near.passage.text, _QUOTE))
        for near in found.passages[:1]
    )
