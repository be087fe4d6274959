"""A second click that comes too fast to be meant: the card has put another button where the first one stood."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.audit import Event
from bot.domain.decision import DecisionKind
from bot.domain.errors import Conflict
from bot.domain.moment import time_of_text
from bot.domain.proposal import Proposal

TOO_FAST: Final = timedelta(seconds=1.5)
"""A slow double click, and Slack's time to repaint a card and to bring us the second half."""
_DID: Final = {
    DecisionKind.APPROVED: "approved this",
    DecisionKind.EDITED: "edited and approved this",
    DecisionKind.ESCALATED: "escalated this",
    "proposal.undone": "took this back",
    "proposal.retried": "had this tried again",
}


def check_meant(proposal: Proposal, interventions: Sequence[Event], user: str, now: datetime) -> None:
    """Raise Conflict where this user did something else about it a moment ago.

    Both times are of the server's clock. Where that was set back in between, nobody can tell, and the click counts.
    """
    made = [(time_of_text(event.at), event.actor.id, _DID.get(event.kind)) for event in interventions[-1:]]
    if decision := proposal.decision:
        made.append((decision.at, decision.by.id, _DID.get(decision.kind)))
    for at, by, did in made:
        if did and by == user and timedelta(0) <= now - at < TOO_FAST:
            raise Conflict(f"You {did} a moment ago, so this second click was not taken; click again if you mean it.")
