"""Lists for the eye: the queue, the table of thresholds, and the App Home."""

from collections.abc import Sequence
from typing import Any

from bot.domain.authority import Person, reviewers
from bot.domain.decision import Seen
from bot.domain.lifecycle import State
from bot.domain.policy import Policy, number
from bot.domain.proposal import Proposal
from bot.errands import summary
from bot.ports import Pause
from bot.slack import ids
from bot.slack.blocks import Block, Element, button, context, date, line, mention, rich, section, shown, table, words
from bot.slack.cards import who
from bot.thresholds import Shown, described

QUEUE_ROWS = 20
HOME_ROWS = 40


def queue(proposals: Sequence[Proposal], total: int, pause: Pause | None, *, limit: int = QUEUE_ROWS) -> list[Block]:
    """What waits, the soonest to expire first, each with a button that opens its full case."""
    blocks: list[Block] = []
    if pause:
        reason = f": {shown(pause.reason, 200)}" if pause.reason else ""
        blocks.append(rich(line(words("⏸ Executions are paused by "), mention(pause.by.id), words(reason))))
    if not proposals:
        return [*blocks, section("*Nothing waits.* Every case is decided.")]
    blocks.append(section(f"*{total} waiting*" + (f", the first {limit} of them" if total > limit else "")))
    for proposal in proposals[:limit]:
        blocks += _row(proposal)
    return blocks


def _row(proposal: Proposal) -> list[Block]:
    seen = Seen(proposal_id=proposal.id, revision=proposal.revision.number, digest=proposal.digest)
    mark = "🔺 " if proposal.state is State.ESCALATED else ""
    text = (
        f"{mark}{proposal.category} · {shown(who(proposal.conversation.customer), 60)}: {shown(summary(proposal), 120)}"
    )
    return [
        {
            "type": "section",
            "text": {"type": "plain_text", "text": text, "emoji": False},
            "accessory": button("Open", ids.OPEN, ids.carried(seen)),
        },
        rich(
            line(words("expires "), date(int(proposal.expires_at.timestamp()), "{date_short_pretty} at {time}", "soon"))
        ),
    ]


def mine(policy: Policy, person: Person, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Those that this person may decide."""
    return [proposal for proposal in proposals if person.among(reviewers(policy, proposal))]


def threshold_table(rows: Sequence[Shown]) -> list[Block]:
    """Every category: mode, threshold, and who set it."""
    if not rows:
        return [section("The policy names no category yet; add a table such as `[categories.refunds]`.")]
    cells = [("Category", "Mode", "Threshold", "Set by")]
    for row in rows:
        threshold = "not earned yet" if row.setting.threshold is None else number(row.setting.threshold)
        cells.append((row.rule.name, row.setting.mode.value, threshold, shown(row.setting.source, 100)))
    return [table(cells[:100])]


def threshold_detail(row: Shown) -> list[Block]:
    """One category with its last changes."""
    sections: list[Element] = [line(words(row.rule.name, bold=True), words(f": {described(row.setting)}."))]
    for change in row.history:
        what = change.mode.value if change.mode else "mode of the file"
        value = "threshold of the file" if change.threshold is None else number(change.threshold)
        at = date(int(change.at.timestamp()), "{date_short_pretty} at {time}", change.at.strftime("%d %b %H:%M"))
        reason = f" because {shown(change.reason, 200)}" if change.reason else ""
        sections.append(line(words("• "), at, words(f": {what}, {value}, by {shown(change.by.name, 60)}{reason}")))
    if not row.history:
        sections.append(line(words("Nobody has changed it since the policy file.", italic=True)))
    return [rich(*sections)]


def home(proposals: Sequence[Proposal], total: int, pause: Pause | None) -> dict[str, Any]:
    """The App Home: the queue of whoever looks."""
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": "What waits for you"}}]
    blocks += queue(proposals, total, pause, limit=HOME_ROWS)
    blocks.append(context("/approvals lists the queue anywhere, /threshold shows and changes what runs on its own."))
    return {"type": "home", "blocks": blocks[:100]}
