"""What a card says of an approval, or a retry, that was taken back."""

from bot.domain.audit import Event
from bot.domain.lifecycle import WAITING
from bot.domain.moment import time_of_text
from bot.ports import Case
from bot.slack.blocks import Block, line, mention, rich, shown, words
from bot.slack.moments import moment


def taken_back(case: Case) -> list[Block]:
    """By whom, and when; nothing where somebody has decided it since."""
    undone, decision = case.undone, case.proposal.decision
    if undone is None or (decision and decision.at >= time_of_text(undone.at)):
        return []
    by, at = undone.actor, moment(time_of_text(undone.at))
    who = mention(by.id) if by.kind == "person" else words(shown(by.name, 80))
    return [rich(line(words(f"↩️ {undone_by(undone)} ", bold=True), who, words(" · "), at))]


def undone_by(event: Event) -> str:
    """What was undone, in the words before a name."""
    return "Approval undone by" if event.payload["state"] in WAITING else "Retry undone by"
