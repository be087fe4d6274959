"""The window in which somebody reads what no card shows whole, and approves it."""

from collections.abc import Sequence

from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal, Reply, Revision
from bot.slack import ids
from bot.slack.blocks import Block, line, modal, rich, words
from bot.slack.parts import banner, evidence
from bot.slack.status import earlier_edit
from bot.slack.window import TOO_MUCH_SAID, content_blocks, fitting, heard


def read_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """The whole content, every character of it, what somebody has edited in it, and Approve below."""
    content = proposal.content
    label = "Draft" if isinstance(content, Reply) else "What would be done"
    blocks = [
        rich(line(words(label, bold=True))),
        *content_blocks(content, masked=False),
        *earlier_edit(revisions),
    ]
    blocks = [*heard(proposal), *blocks, *banner(content, masked=False), *evidence(proposal)]
    view = fitting(
        proposal,
        blocks,
        lambda held: modal(ids.READ_VIEW, "Read and approve", held, metadata=metadata, submit="Approve"),
    )
    if view is None:
        # What a window cannot hold cannot be read in it, and what cannot be read is not approved.
        if proposal.follow_ups:
            raise BadInput(TOO_MUCH_SAID)
        raise BadInput(
            "This is too long to be read in Slack, so it cannot be approved here; "
            "reject it, with a reason that asks for less."
        )
    return view
