"""The window in which somebody rejects, and says why."""

from collections.abc import Sequence

from bot.domain.proposal import Proposal, Revision
from bot.slack import ids
from bot.slack.blocks import Block, line, modal, rich, section
from bot.slack.fields import reason_fields
from bot.slack.parts import what
from bot.slack.status import earlier_edit


def reject_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """Reject, with a reason that teaches, where the reviewer gives one."""
    text = section("Nothing will be sent or done. The AI is told, and a reason helps its next draft.")
    start = rich(line(*what(proposal.content, proposal.conversation.customer)))
    blocks = [start, *earlier_edit(revisions), text, *reason_fields("Why not?", ids.REASONS)]
    return modal(ids.REJECT_VIEW, "Reject", blocks, metadata=metadata, submit="Reject")
