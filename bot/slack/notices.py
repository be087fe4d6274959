"""Messages to the team that are not cards: ops notices, and the log of what ran on its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.domain.decision import DecisionKind
from bot.domain.lifecycle import State, Verdict
from bot.domain.proposal import Proposal
from bot.errands import summary
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    actions,
    button,
    context,
    escape,
    is_light,
    line,
    mention,
    overflow,
    rich,
    shown,
    words,
)
from bot.slack.cards import Painted
from bot.slack.parts import who

MARKS: Final = {"info": "🔔", "alarm": "🚨", "good": "✅"}
LOG_LINES: Final = 10
LINE: Final = 600
BRIEF_LINE: Final = 100
_HOW_IT_WENT: Final = {State.FAILED: "❗", State.IN_DOUBT: "❓"}


def notice(payload: Mapping[str, Any], about: Proposal | None = None, *, brief: bool = False) -> Painted:
    """An ops notice of its payload: a title in our words, labelled lines of anybody's, and the case to open."""
    limit = BRIEF_LINE if brief else LINE
    title = str(payload["title"])
    sections = [line(words(f"{MARKS.get(str(payload.get('level')), '🔔')} {title}", bold=True))]
    for row in payload.get("lines", []):
        value: list[Element] = (
            [mention(row["user"])] if row.get("user") else [words(shown(row.get("text") or "–", limit))]
        )
        sections.append(line(words(f"{row['label']}: "), *value))
    blocks = [rich(*sections)]
    if about:
        blocks.append(actions(f"notice:{about.id}", [button("View full case", ids.OPEN, ids.carried(about.seen))]))
    return (
        Painted(text=escape(title), blocks=blocks) if brief or is_light(blocks) else notice(payload, about, brief=True)
    )


def log_lines(proposals: Sequence[Proposal], *, brief: bool = False) -> Painted:
    """What ran on its own, a compact line each, with the ruling's reason and a menu to say that it was wrong."""
    blocks = [block for proposal in proposals[:LOG_LINES] for block in _log_line(proposal, brief=brief)]
    back = sum(_taken_back(proposal) for proposal in proposals)
    ran = len(proposals) - back
    title = f"{ran} ran on their own" if ran > 1 else "One ran on its own" if ran else "None ran on its own"
    if ran and back:
        title += f", {back} did not"
    blocks += [context(title)] if len(proposals) > 1 else []
    return Painted(text=title, blocks=blocks) if brief or is_light(blocks) else log_lines(proposals, brief=True)


def _taken_back(proposal: Proposal) -> bool:
    """Whether it was to run on its own, and went to people before it did."""
    return proposal.ruling.verdict in (Verdict.ASK, Verdict.ESCALATE)


def _log_line(proposal: Proposal, *, brief: bool) -> list[Block]:
    back = _taken_back(proposal)
    most, named, why = (40, 30, 60) if brief else (140, 60, 250)
    text = shown(summary(proposal), most)
    said = f"“{text}”" if proposal.kind == "reply" else text
    refused = proposal.ruling.verdict is Verdict.REFUSE
    mark = "⛔" if refused else "❌" if proposal.marked_by else "✋" if back else _HOW_IT_WENT.get(proposal.state, "▶️")
    customer, reason = shown(who(proposal.conversation.customer), named), shown(proposal.ruling.reason, why)
    seen = ids.carried(proposal.seen)
    automatic = proposal.decision is not None and proposal.decision.kind is DecisionKind.AUTOMATIC
    wrong = [("This was wrong", f"{ids.WRONG_OPTION}|{proposal.id}")] if automatic and not proposal.marked_by else []
    told = f"{mark} {proposal.category} · {customer}: {said}\n{reason}"
    told += "\nIt did not go out on its own." if back else ""
    line_: Block = {
        "type": "section",
        "block_id": f"log:{proposal.id}:{proposal.version}",
        "text": {"type": "plain_text", "text": told, "emoji": True},
        "accessory": overflow(ids.LOG_MORE, [*wrong, ("View full case", f"{ids.FULL_OPTION}|{seen}")]),
    }
    if proposal.marked_by is None:
        return [line_]
    return [line_, rich(line(words("Marked as wrong by "), mention(proposal.marked_by.id), words(".")))]
