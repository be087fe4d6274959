"""What the customer wrote after the draft: in short on the card, and in full in the windows in which one approves."""

from typing import Final

from bot.domain.proposal import Message, Proposal
from bot.slack.blocks import RICH_TEXT, Block, Element, all_shown, line, pages, quote, rich, shown, whole, words

MOST: Final = 3
EACH: Final = 600
LONGEST: Final = 100_000


def wrote_again(proposal: Proposal, each: int = EACH) -> list[Block]:
    """The last three later messages, cut at `each`, and where the rest of them is; nothing where there are none."""
    later = proposal.follow_ups
    if not later:
        return []
    last = later[-MOST:]
    sections = [_heading(proposal), *(quote(shown(message.text, each)) for message in last)]
    if left_out := _left_out(len(later) - len(last), last, each):
        sections.append(line(words(left_out, italic=True)))
    return [rich(*sections)]


def all_heard(proposal: Proposal) -> bool:
    """Whether the card shows every character of the later messages."""
    later = proposal.follow_ups
    return len(later) <= MOST and all(all_shown(message.text, EACH) for message in later)


def wrote_again_in_full(proposal: Proposal) -> list[Block] | None:
    """Every character of the later messages, for whoever approves here has heard them all; None for too many."""
    later = proposal.follow_ups
    if not later:
        return []
    if sum(len(message.text) for message in later) > LONGEST:
        return None  # no window holds that much, and looking would cost time
    blocks, sections, room = [], [_heading(proposal)], RICH_TEXT
    for page in (page for message in later for page in pages(whole(message.text))):
        if len(page) > room:
            blocks.append(rich(*sections))
            sections, room = [], RICH_TEXT
        sections.append(quote(page))
        room -= len(page)
    return [*blocks, rich(*sections)]


def _heading(proposal: Proposal) -> Element:
    count = len(proposal.follow_ups)
    times = "" if count == 1 else f" {count} times"
    return line(words(f"⚠ The customer wrote again{times}, after this draft was written:", bold=True))


def _left_out(earlier: int, last: tuple[Message, ...], each: int) -> str:
    cut = not all(all_shown(message.text, each) for message in last)
    if earlier and cut:
        return f"{earlier} more, and what is cut here, in the full case"
    return f"{earlier} more in the full case" if earlier else "What is cut here is in the full case" if cut else ""
