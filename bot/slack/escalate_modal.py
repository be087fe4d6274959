"""The window in which a case is handed on with a note for whoever picks it up."""

from collections.abc import Sequence
from typing import Final

from bot.domain.proposal import Proposal, Revision
from bot.slack import ids
from bot.slack.blocks import Block, line, modal, plain_input, rich, section
from bot.slack.parts import what
from bot.slack.status import earlier_edit

LONGEST_NOTE: Final = 300
"""As much as a card shows of a reason."""


def escalate_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """One field, whose words stand on the card of the escalation team as the reason."""
    blocks = [
        rich(line(*what(proposal.content, proposal.conversation.customer))),
        *earlier_edit(revisions),
        section("Nothing is sent or done before the escalation team has decided."),
        plain_input(ids.OTHER_BLOCK, ids.VALUE, "What should they know?", multiline=True, longest=LONGEST_NOTE),
    ]
    return modal(ids.ESCALATE_VIEW, "Escalate", blocks, metadata=metadata, submit="Escalate")
