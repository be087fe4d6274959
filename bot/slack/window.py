"""What every window shows of a case in which somebody decides, within what a window holds."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.errors import BadInput
from bot.domain.masking import hide_named
from bot.domain.proposal import Content, Message, Proposal, Reply, Revision
from bot.domain.text import reveal, reveal_name
from bot.slack.blocks import (
    PAGE,
    Block,
    all_shown,
    line,
    packed,
    pages,
    quote,
    rich,
    said,
    shown,
    shown_name,
    size_of,
    whole,
    words,
)
from bot.slack.parts import cell, speaker, what
from bot.slack.wrote_again import wrote_again_in_full

MOST_BLOCKS: Final = 96
VIEW_BYTES: Final = 230_000
SHORT: Final = 80
CUSTOMER_WORDS: Final = (20_000, 4_000, 700)
"""Characters of what the customer asked: fewer where a window would not hold all of it and what is to be approved."""
ESCALATED_TALK: Final = 4_000
LEAST_OF_A_MESSAGE: Final = 200
TOO_MUCH_SAID: Final = (
    "With all that the customer wrote since, this is too long to be read in Slack, so it cannot be approved here; "
    "reject it, and answer the customer yourself."
)
Window = Callable[[Proposal, str, Sequence[Revision]], Block]
"""Paints a window of a case from its metadata and the revisions there have been, where somebody has edited it."""


def content_blocks(content: Content, *, masked: bool = True) -> list[Block]:
    """Every character of the content, a detail under its name; unmasked for whoever is to approve it here."""

    def read(text: str) -> list[str]:
        return pages(whole(text) if masked else reveal(text).text, PAGE)

    if isinstance(content, Reply):
        return [rich(quote(page)) for page in read(content.text)]
    sections = [line(words(content.name, code=True))]
    for name, value in (hide_named(content.args) if masked else content.args).items():
        text = cell(value) if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
        title, values = shown_name(name) if masked else reveal_name(name), read(text)
        # Names are bold, and what has lines of its own stands behind a bar: a value cannot pass for one more detail.
        if len(values[0]) <= SHORT and "\n" not in values[0]:
            sections.append(line(words(f"{title}: ", bold=True), said(values[0])))
        else:
            sections += [line(words(title, bold=True)), *(quote(page) for page in values)]
    return packed(sections)


def heard(proposal: Proposal) -> list[Block]:
    """All that the customer wrote since: submitting says that it was read."""
    blocks = wrote_again_in_full(proposal)
    if blocks is None:
        raise BadInput(TOO_MUCH_SAID)
    return blocks


def fitting(proposal: Proposal, blocks: list[Block], window: Callable[[list[Block]], Block]) -> Block | None:
    """The window that shows all of these blocks, and above them as much of the talk as it holds; None for too many."""
    for most in CUSTOMER_WORDS:
        held = [*_heading(proposal, most), *blocks]
        view = window(held)
        if len(held) <= MOST_BLOCKS and size_of(view) <= VIEW_BYTES:
            return view
    return None


def _heading(proposal: Proposal, most: int) -> list[Block]:
    """What this is about, because a window hides the card: who, and at least what the card shows of the talk."""
    customer, said = proposal.conversation.customer, _said(proposal, most)
    sections = [line(*what(proposal.content, customer))]
    for message, limit in said:
        if len(said) > 1:
            sections.append(line(words(shown(speaker(message.role, customer), 80), bold=True)))
        sections += [quote(page) for page in pages(shown(message.text, limit), PAGE)]
        if not all_shown(message.text, limit):
            sections.append(line(words("The rest of it is in the full case.", italic=True)))
    if (others := len(proposal.conversation.messages) - len(proposal.follow_ups) - len(said)) > 0:
        sections.append(line(words(f"{others} more message{'s' if others > 1 else ''} in the full case", italic=True)))
    return packed(sections)


def _said(proposal: Proposal, most: int) -> list[tuple[Message, int]]:
    """The messages that a window shows, and how much of each: what the customer asked, and where it was escalated more.

    What they wrote since has its own place.
    """
    talk = proposal.conversation.messages[: len(proposal.conversation.messages) - len(proposal.follow_ups)]
    asked = max((at for at, one in enumerate(talk) if one.role == "customer" and one.text.strip()), default=-1)
    limits = {asked: most} if asked >= 0 else {}
    left = min(most, ESCALATED_TALK) if proposal.escalated else 0
    for at in reversed(range(len(talk))):
        if left < LEAST_OF_A_MESSAGE:
            break
        limits.setdefault(at, left)
        left -= len(talk[at].text)
    return [(talk[at], limits[at]) for at in sorted(limits)]
