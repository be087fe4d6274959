"""From a ticket to a checked draft: retrieval, a writer, grounding, triggers, confidence."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bot.drafting import learning, votes, weights
from bot.drafting.confidence import HELD, Weights, features, in_words, is_grey
from bot.drafting.draft import Draft, Sketch, Ticket, ticket_text
from bot.drafting.grounding import ground
from bot.drafting.learning import Learned
from bot.drafting.ports import LibraryAccess, Outcome
from bot.drafting.retrieval import Found, Retriever
from bot.drafting.triggers import triggers
from bot.drafting.words import excerpt

UNSORTED: Final = "unsorted"
"""The category of a draft where neither the ticket, nor a precedent, nor the model names one."""
_RECORD: Final = 500


class Drafter(Protocol):
    """What turns a ticket into a draft."""

    async def draft(self, ticket: Ticket) -> Draft:
        """A checked draft; it never raises for what a ticket holds or a model says."""


class Writer(Protocol):
    """What writes an answer from a ticket and what was found for it."""

    async def write(self, ticket: Ticket, found: Found) -> Sketch:
        """One answer."""

    async def samples(self, ticket: Ticket, found: Found) -> tuple[Sketch, ...]:
        """Further answers to the same question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The team's part: a category's present threshold (None: not earned), and words that need no source."""

    threshold: Callable[[str], float | None] = lambda _: None
    known: tuple[str, ...] = ()


class Drafting:
    """Implements `Drafter`; learns its weights from the library's decided drafts."""

    def __init__(
        self,
        *,
        retriever: Retriever,
        writer: Writer,
        access: LibraryAccess,
        settings: Settings | None = None,
    ) -> None:
        self._retriever = retriever
        self._writer = writer
        self._access = access
        self._settings = settings or Settings()
        self._learned: dict[bool, Learned] = {}

    async def draft(self, ticket: Ticket) -> Draft:
        """The draft with its confidence, or one without content and the reasons why."""
        found = await self._retriever.find(ticket.conversation)
        if found.by_meaning not in self._learned:
            await self.learn()
        outcomes = await self._access.read(lambda library: library.outcomes(_RECORD, category=ticket.category))
        return await compose(
            ticket,
            found=found,
            writer=self._writer,
            weights=self._weights(found.by_meaning),
            outcomes=outcomes,
            settings=self._settings,
        )

    async def learn(self) -> dict[bool, Learned]:
        """Learn again from the decisions so far, in a thread; by whether an embedder took part."""
        outcomes = await self._access.read(lambda library: library.outcomes(2 * learning.MOST))

        def work() -> dict[bool, Learned]:
            return {
                by_meaning: learning.learn(
                    [one for one in outcomes if bool(one.features.get("by_meaning")) is by_meaning],
                    weights.shipped(by_meaning=by_meaning),
                )
                for by_meaning in (False, True)
            }

        self._learned = await asyncio.to_thread(work)
        return self._learned

    def _weights(self, by_meaning: bool) -> Weights:
        return self._learned[by_meaning].weights


async def compose(
    ticket: Ticket,
    *,
    found: Found,
    writer: Writer,
    weights: Weights,
    outcomes: list[Outcome],
    settings: Settings,
) -> Draft:
    """Write, check and weigh one answer; `outcomes` are decided drafts, latest first."""
    sketch = await writer.write(ticket, found)
    reasons = triggers(ticket)
    checked = await asyncio.to_thread(_weigh, ticket, found, sketch, weights, settings, ())
    extra: tuple[Sketch, ...] = ()
    threshold = settings.threshold(checked.category)
    undecided = not (reasons or checked.concerns or checked.holds)
    if undecided and checked.confidence is not None and is_grey(checked.confidence, threshold):
        extra = await writer.samples(ticket, found)
        checked = await asyncio.to_thread(_weigh, ticket, found, sketch, weights, settings, extra)
    own = [outcome for outcome in outcomes if outcome.category == checked.category]
    return replace(
        checked,
        concerns=_concerns(checked, reasons),
        reasons=_reasons(checked, found, own, len(extra)),
        cost=checked.cost + sum(one.cost for one in extra),
        tokens=checked.tokens + sum(one.tokens for one in extra),
    )


def _weigh(
    ticket: Ticket,
    found: Found,
    sketch: Sketch,
    weights: Weights,
    settings: Settings,
    extra: tuple[Sketch, ...],
) -> Draft:
    draft = Draft(
        category=ticket.category or sketch.category or UNSORTED,
        in_scope=sketch.in_scope,
        content=sketch.content,
        confidence=None,
        evidence=sketch.evidence,
        concerns=sketch.concerns,
        notes=sketch.notes,
        trouble=sketch.trouble,
        cost=sketch.cost,
        tokens=sketch.tokens,
    )
    if sketch.content is None:
        return draft
    material = [*sketch.sources, excerpt(ticket_text(ticket.conversation))]
    grounding = ground(sketch.content, material, known=settings.known)
    elected = votes.elect(found)
    samples = [one.content for one in extra if one.content is not None]
    values = features(
        found,
        grounding,
        agreement=votes.support(found, sketch.content)[0],
        margin=elected.margin if elected else 0.0,
        own=sketch.own_confidence,
        by_model=sketch.by_model,
        samples=votes.agreement(samples, sketch.content) if len(samples) == len(extra) else 0.0,
    )
    confidence = weights.confidence(values)
    if grounding.missing:
        confidence = min(confidence, HELD)
    return replace(draft, confidence=confidence, features=values, holds=grounding.sentences)


def _concerns(draft: Draft, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Why to escalate: what the customer said first, then what the answer lacks."""
    said = [*reasons, *draft.concerns]
    if not draft.in_scope:
        said.append("The question is outside what the AI may answer.")
    elif draft.content is None and not draft.concerns:
        said.append("There is no safe answer.")
    return tuple(dict.fromkeys(said))


def _reasons(draft: Draft, found: Found, outcomes: list[Outcome], samples: int) -> tuple[str, ...]:
    if draft.content is None or draft.confidence is None:
        return ()
    return in_words(
        draft.features,
        alike=votes.support(found, draft.content)[1],
        neighbours=len(found.precedents),
        outcomes=outcomes,
        confidence=draft.confidence,
        samples=samples,
    )
