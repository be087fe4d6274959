"""Messages to the team that are not cards: ops notices, and the log of what ran on its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.domain.decision import DecisionKind
from bot.domain.policy import number
from bot.domain.proposal import Proposal
from bot.errands import summary
from bot.slack.blocks import Element, context, escape, line, mention, rich, shown, words
from bot.slack.cards import Painted, who

MARKS: Final = {"info": "🔔", "alarm": "🚨", "good": "✅"}
LOG_LINES: Final = 20


def notice(payload: Mapping[str, Any]) -> Painted:
    """An ops notice of its payload: a title in our words, and labelled lines of anybody's."""
    title = str(payload["title"])
    sections = [line(words(f"{MARKS.get(str(payload.get('level')), '🔔')} {title}", bold=True))]
    for row in payload.get("lines", []):
        value: list[Element] = (
            [mention(row["user"])] if row.get("user") else [words(shown(row.get("text") or "–", 600))]
        )
        sections.append(line(words(f"{row['label']}: "), *value))
    return Painted(text=escape(title), blocks=[rich(*sections)])


def log_lines(proposals: Sequence[Proposal]) -> Painted:
    """What ran on its own, a compact line each, with the ruling's reason."""
    sections = [_log_line(proposal) for proposal in proposals[:LOG_LINES]]
    count = len(proposals)
    title = f"{count} ran on their own" if count > 1 else "One ran on its own"
    return Painted(text=title, blocks=[rich(*sections), *([context(title)] if count > 1 else [])])


def _log_line(proposal: Proposal) -> Element:
    refused = proposal.decision is not None and proposal.decision.kind is DecisionKind.REJECTED
    sure = "" if proposal.confidence is None else f" at {number(proposal.confidence)}"
    return line(
        words("⛔ " if refused else "▶️ "),
        words(proposal.category, code=True),
        words(f" {shown(who(proposal.conversation.customer), 60)}{sure}: "),
        words(shown(summary(proposal), 150)),
        words(f"  {shown(proposal.ruling.reason, 300)}", italic=True),
    )
