"""The full case in a window: all that is known of it, and Approve for whoever may."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.audit import Event
from bot.domain.decision import Actor, Decision, DecisionKind
from bot.domain.lifecycle import Move
from bot.domain.moment import time_of_text
from bot.domain.policy import number
from bot.domain.proposal import AGENT_CONNECTOR, Conversation, Execution, Message, Proposal, Revision
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    context,
    line,
    modal,
    note,
    one_line,
    pages,
    quote,
    rich,
    shown,
    size_of,
    whole,
    words,
)
from bot.slack.moments import moment
from bot.slack.parts import banner, cell, goes_to, masked_in, speaker, what
from bot.slack.status import INTERVENED
from bot.slack.taken_back import undone_by
from bot.slack.window import MOST_BLOCKS, VIEW_BYTES, content_blocks

TALK: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of a case."""

    proposal: Proposal
    revisions: list[Revision]
    decisions: list[Decision]
    interventions: list[Event]


def full_case(story: Story, metadata: str, *, approvable: bool = False) -> Block:
    """The whole conversation, every wording, every source and every decision.

    `approvable` says that whoever looks may approve it now; the window offers that only where it shows everything.
    """
    proposal = story.proposal
    talk, left_out = _newest(proposal.conversation.messages)
    blocks = [*_heading(proposal), *_conversation(proposal.conversation, talk, left_out), *_wordings(story.revisions)]
    blocks += banner(proposal.content)
    if goal := goes_to(proposal):
        blocks.append(rich(line(words("Goes to "), *goal)))
    blocks += [*_grounds(proposal), *_decisions(story), context(f"Case {proposal.id}")]
    held, complete = _bounded(blocks)
    if not approvable or left_out or not complete or masked_in(proposal.content):
        return modal("sayso_full_case", "The full case", held, metadata="", submit=None)
    rooms = ", ".join(f"<#{channel}>" for _, channel in proposal.cards)
    held.append(note(f"To edit, escalate or reject it, go to its card in {rooms}."))
    return modal(ids.READ_VIEW, "The full case", held, metadata=metadata, submit="Approve")


def _heading(proposal: Proposal) -> list[Block]:
    conversation = proposal.conversation
    title = [*what(proposal.content, conversation.customer), words(" · "), words(proposal.category, code=True)]
    if conversation.subject:
        title.append(words(f"\n{one_line(conversation.subject, 500)}"))
    facts = [f"{one_line(name, 80)}: {one_line(cell(value), 300)}" for name, value in conversation.customer.items()]
    facts += [one_line(conversation.url, 500)] if conversation.url else []
    return [rich(line(*title)), *([context(" · ".join(facts))] if facts else [])]


def _conversation(conversation: Conversation, talk: Iterable[Message], left_out: int) -> list[Block]:
    blocks: list[Block] = []
    if left_out:
        blocks.append(context(f"{left_out:,} characters of earlier messages are left out here."))
    for message in talk:
        name = shown(speaker(message.role, conversation.customer), 80)
        blocks.append(context(f"{name} {one_line(message.at or '', 40)}".strip()))
        blocks += [rich(quote(page)) for page in pages(whole(message.text))]
    return blocks


def _wordings(revisions: Iterable[Revision]) -> list[Block]:
    blocks: list[Block] = []
    for revision in revisions:
        by = "the AI" if revision.number == 1 else shown(revision.author.name, 80)
        why = [words(f" “{shown(revision.reason, 500)}”", italic=True)] if revision.reason else []
        blocks.append(rich(line(words(f"{'Draft' if revision.number == 1 else 'Edited'} by {by}", bold=True), *why)))
        blocks += content_blocks(revision.content)
    return blocks


def _grounds(proposal: Proposal) -> list[Block]:
    """The sources, and why the policy ruled as it did."""
    blocks = [
        context(
            f"Source: {one_line(source.title, 300)}",
            f"“{one_line(source.quote, 1500)}”" if source.quote else "",
            one_line(source.url or "", 500),
        )
        for source in proposal.evidence
    ]
    sure = "no confidence given" if proposal.confidence is None else f"confidence {number(proposal.confidence)}"
    return [*blocks, context(f"Policy: {shown(proposal.ruling.reason, 500)} ({proposal.ruling.rule}, {sure})")]


def _decisions(story: Story) -> list[Block]:
    """Who did what and when, in order, and how it ended."""
    authors = {revision.number: revision.author for revision in story.revisions}
    made = [(decision.at, *_decided(decision, authors.get(decision.revision))) for decision in story.decisions]
    made += [(time_of_text(event.at), f"{_intervened(event)} {event.actor.name}", "") for event in story.interventions]
    blocks = [
        rich(line(words(f"{what_and_who} · "), moment(at), words(why)))
        for at, what_and_who, why in sorted(made, key=lambda one: one[0])
    ]
    if (needed := story.proposal.ruling.approvals_needed) > 1 and (agreed := story.proposal.approvals):
        names = ", ".join(one_line(actor.name, 80) for actor in agreed)
        blocks.append(context(f"{len(agreed)} of {needed} approvals: {names}"))
    if execution := story.proposal.execution:
        result = "" if execution.result is None else f" The receiver said: {one_line(cell(execution.result), 500)}"
        error = f" {one_line(execution.error, 500)}" if execution.error else ""
        blocks.append(context(f"{_outcome(story.proposal, execution)}{error}{result}"))
    return blocks


def _outcome(proposal: Proposal, execution: Execution) -> str:
    """How carrying it out ended: what its agent carries out itself, Sayso has not sent."""
    match execution.status:
        case "waiting":
            return "Not out yet."
        case "succeeded" if proposal.connector == AGENT_CONNECTOR:
            return "The AI has the go-ahead."
        case "succeeded":
            return "It was sent." if proposal.kind == "reply" else "It was done."
        case "failed":
            return "It failed."
        case "in_doubt":
            return "Nobody knows whether it happened."


def _decided(decision: Decision, author: Actor | None) -> tuple[str, str]:
    why = f" “{one_line(decision.reason, 500)}”" if decision.reason else ""
    if decision.kind is DecisionKind.EDITED and author and author.id != decision.by.id:
        return f"Approved by {decision.by.name}, as edited by {author.name}", why
    return f"{decision.kind.value.replace('_', ' ').capitalize()} by {decision.by.name}", why


def _intervened(event: Event) -> str:
    match event.kind:
        case "proposal.retried":
            return INTERVENED[Move.RETRY]
        case "proposal.confirmed":
            return INTERVENED[Move.CONFIRM]
        case _:
            return undone_by(event)


def _bounded(blocks: list[Block]) -> tuple[list[Block], bool]:
    """The blocks that a window holds, and whether those are all; else pieces of the middle are left out."""
    sizes = [size_of(block) for block in blocks]
    start, end = 0, len(blocks)
    if len(blocks) <= MOST_BLOCKS and sum(sizes) <= VIEW_BYTES:
        return blocks, True
    count, left = MOST_BLOCKS - 1, VIEW_BYTES - 1000
    while start < end and count:
        at = start if start <= len(blocks) - end else end - 1
        count, left = count - 1, left - sizes[at]
        if left < 0:
            break
        start, end = (start + 1, end) if at == start else (start, at)
    gap = context(f"{end - start} piece{'s' if end - start > 1 else ''} of the middle left out here.")
    return [*blocks[:start], gap, *blocks[end:]], False


def _newest(messages: Sequence[Message]) -> tuple[list[Message], int]:
    """The newest messages that a window could hold, and how many characters are left out: looking costs time."""
    kept: list[Message] = []
    left = TALK
    for message in reversed(messages):
        if left <= 0:
            break
        kept.insert(0, replace(message, text=shown(message.text, left)) if len(message.text) > left else message)
        left -= len(message.text)
    return kept, sum(len(m.text) for m in messages) - sum(len(m.text) for m in kept)
