"""What the customer wrote after the draft: on the card, and in the windows in which one approves."""

from typing import Final

from bot.domain.proposal import Proposal
from bot.slack.blocks import Block, line, quote, rich, shown, words

MOST: Final = 3
EACH: Final = 600


def wrote_again(proposal: Proposal) -> list[Block]:
    """The later messages, the last three in full; nothing where there are none."""
    later = proposal.follow_ups
    if not later:
        return []
    times = "" if len(later) == 1 else f" {len(later)} times"
    said = f"⚠ The customer wrote again{times}, after this draft was written:"
    return [
        rich(
            line(words(said, bold=True)),
            *(quote(shown(message.text, EACH) or "(empty)") for message in later[-MOST:]),
        )
    ]
