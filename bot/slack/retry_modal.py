"""The window in which somebody has it tried again after the customer wrote more than the card shows."""

from collections.abc import Sequence
from typing import Final

from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal, Revision
from bot.slack import ids
from bot.slack.blocks import Block, line, modal, rich, section, size_of, words
from bot.slack.parts import what
from bot.slack.status import earlier_edit
from bot.slack.window import MOST_BLOCKS, VIEW_BYTES, content_blocks
from bot.slack.wrote_again import wrote_again_in_full

TOO_LONG: Final = (
    "With all that the customer wrote since, this is too long to be read in Slack, so it cannot be tried again here; "
    "give it up, and answer the customer yourself."
)


def retry_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """All that the customer wrote since, what would go out, and Try again below; raises BadInput for too much."""
    heard = wrote_again_in_full(proposal)
    label = "What goes out" if proposal.kind == "reply" else "What is done"
    blocks = [
        rich(line(*what(proposal.content, proposal.conversation.customer))),
        section("Read first what the customer wrote meanwhile: it may have changed what is right."),
        *(heard or []),
        rich(line(words(label, bold=True))),
        *content_blocks(proposal.content),
        *earlier_edit(revisions),
    ]
    view = modal(ids.RETRY_VIEW, "Try again", blocks, metadata=metadata, submit="Try again")
    if heard is None or len(blocks) > MOST_BLOCKS or size_of(view) > VIEW_BYTES:
        raise BadInput(TOO_LONG)
    return view
