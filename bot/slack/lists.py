"""Lists for the eye: the queue, the table of thresholds, and the App Home."""

from collections.abc import Sequence
from typing import Any

from bot.domain.authority import Person, reviewers
from bot.domain.lifecycle import State
from bot.domain.policy import Policy
from bot.domain.proposal import Proposal, Reply
from bot.errands import summary
from bot.ports import Pause
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    button,
    context,
    is_light,
    line,
    mention,
    one_line,
    rich,
    section,
    shown,
    words,
)
from bot.slack.moments import token
from bot.slack.parts import who

QUEUE_ROWS = 20
HEAVY_ROWS = 5
"""So many stand in a message where twenty would be too much for Slack."""
HOME_ROWS = 40
LOOKED_THROUGH = 1000
"""Of so many waiting cases, the soonest to expire, a person's own are picked."""


def queue(proposals: Sequence[Proposal], total: int, pause: Pause | None, *, others: int = 0) -> list[Block]:
    """What waits, the soonest to expire first, each with a button that opens its full case; `others` wait elsewhere."""
    blocks = _rows(proposals, total, pause, others=others, limit=QUEUE_ROWS)
    return blocks if is_light(blocks) else _rows(proposals, total, pause, others=others, limit=HEAVY_ROWS)


def _rows(proposals: Sequence[Proposal], total: int, pause: Pause | None, *, others: int, limit: int) -> list[Block]:
    blocks: list[Block] = []
    if pause:
        reason = f": {shown(pause.reason, 200)}" if pause.reason else ""
        blocks.append(rich(line(words("⏸ Executions are paused by "), mention(pause.by.id), words(reason))))
    if not proposals and others:
        wait = "1 case waits" if others == 1 else f"{others} cases wait"
        return [*blocks, section(f"*Nothing waits for you.* {wait} for others; `/approvals` lists them.")]
    if not proposals:
        return [*blocks, section("*Nothing waits.* Every case is decided.")]
    blocks.append(section(f"*{total} waiting*" + (f", the first {limit} of them" if total > limit else "")))
    for proposal in proposals[:limit]:
        blocks += [{"type": "divider"}, _row(proposal)]
    return blocks


def _row(proposal: Proposal) -> Block:
    """One block, for what stands in a block of its own is as near to the next case as to this one."""
    mark = "🔺 " if proposal.state is State.ESCALATED else ""
    text = f"{mark}{proposal.category} · {shown(who(proposal.conversation.customer), 60)}: {_topic(proposal)}"
    expires = f"Expires {token(proposal.expires_at)}"
    return {
        "type": "section",
        "text": {"type": "plain_text", "text": text, "emoji": False},
        # A field, since plain text holds no date in the reader's time zone.
        "fields": [{"type": "mrkdwn", "text": expires}],
        "accessory": button("Open", ids.OPEN, ids.carried(proposal.seen)),
    }


def _topic(proposal: Proposal) -> str:
    """What a case is about: of a reply what the customer wants, since most drafts begin alike; of an action itself."""
    if isinstance(proposal.content, Reply):
        asked = one_line(proposal.conversation.subject or "", 120) or one_line(proposal.asked, 120)
        return asked or shown(summary(proposal), 120)
    return shown(summary(proposal), 120)


def mine(policy: Policy, person: Person, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Those that this person may decide, and has not approved already where several have to."""
    return [
        proposal
        for proposal in proposals
        if person.among(reviewers(policy, proposal)) and person.actor.id not in {by.id for by in proposal.approvals}
    ]


def home(
    proposals: Sequence[Proposal], total: int, pause: Pause | None, *, others: int = 0, told: str = ""
) -> dict[str, Any]:
    """The App Home: the queue of whoever looks, below a sentence about what they just did there."""
    blocks: list[Block] = [rich(line(words(told, bold=True)))] if told else []
    blocks.append({"type": "header", "text": {"type": "plain_text", "text": "What waits for you"}})
    blocks += _rows(proposals, total, pause, others=others, limit=HOME_ROWS)
    blocks.append(context("/approvals lists the queue anywhere, /threshold shows and changes what runs on its own."))
    return {"type": "home", "blocks": blocks[:100]}
