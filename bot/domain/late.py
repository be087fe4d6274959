"""What somebody is told who comes second: who won, what they did, and when."""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.audit import Event
from bot.domain.decision import DECIDES, Actor, DecisionKind, Intervention
from bot.domain.errors import AlreadyDecided, Conflict
from bot.domain.lifecycle import Move, State, words
from bot.domain.moment import time_of_text
from bot.domain.proposal import Proposal

_ACTIVE: Final = {"taken over": "took over", "withdrawn": "withdrew"}
_TRIED: Final = {
    State.EXECUTED: "It is too late to undo this: it has gone out.",
    State.FAILED: "It is too late to undo this: it was tried, and it failed.",
    State.IN_DOUBT: "It is too late to undo this: it was tried, and nobody knows whether it happened.",
}
_INTERVENED: Final = {Move.RETRY: "had this tried again", Move.CONFIRM: "said that this happened"}


def late(proposal: Proposal, now: datetime) -> Conflict:
    """The sentence for whoever came second: who won, what they did, and when."""
    if last := _intervention(proposal):
        return AlreadyDecided(f"{last.by.name} {_INTERVENED[last.move]} {ago(now - last.at)}.", winner_id=last.by.id)
    decision = proposal.decision
    if decision is None:
        return Conflict(f"This case is {words(proposal.state)} already.")
    when = ago(now - decision.at)
    match decision.kind:
        case DecisionKind.EXPIRED:
            sentence = f"This case expired {when}, so nothing was done."
        case DecisionKind.AUTOMATIC:
            sentence = f"This ran on its own {when}."
        case DecisionKind.EDITED if author := _other_editor(proposal):
            sentence = f"{decision.by.name} approved this, as edited by {author.name}, {when}."
        case _:
            verb = decision.kind.value.replace("_", " ")
            sentence = f"{decision.by.name} {_ACTIVE.get(verb, verb)} this {when}."
    return AlreadyDecided(sentence, winner_id=decision.by.id)


def taken_back(undone: Event, now: datetime) -> AlreadyDecided:
    """The sentence for whoever comes after it was taken back, by a person or because the policy became stricter."""
    by = undone.actor
    name = by.name if by.kind == "person" else f"{by.name[:1].upper()}{by.name[1:]}"
    why = f": {reason}" if (reason := undone.payload.get("reason")) else "."
    return AlreadyDecided(f"{name} took this back {ago(now - time_of_text(undone.at))}{why}", winner_id=by.id)


def marked(by: Actor, at: datetime | None, now: datetime) -> AlreadyDecided:
    """The sentence for whoever marks as wrong what somebody has marked."""
    when = f" {ago(now - at)}" if at else ""
    return AlreadyDecided(f"{by.name} marked this as wrong{when}; it counts once.", winner_id=by.id)


def tried(proposal: Proposal) -> Conflict | None:
    """The sentence for whoever undoes what was carried out, or tried; None where nothing was, or it was given up."""
    return Conflict(_TRIED[proposal.state]) if proposal.state in _TRIED else None


def made(proposal: Proposal, move: Move) -> bool:
    """Whether it was this very move that came first."""
    if last := _intervention(proposal):
        return last.move is move
    if _other_editor(proposal):
        return move is Move.APPROVE
    return proposal.decision is not None and DECIDES.get(move) is proposal.decision.kind


def stands_approved(proposal: Proposal, user: str) -> bool:
    """Whether this person's approval of what stands there still counts, alone or while it waits for others."""
    given_up = proposal.state in (State.CANCELLED, State.EXPIRED)
    return not given_up and user in {actor.id for actor in proposal.approvals}


def _other_editor(proposal: Proposal) -> Actor | None:
    """Who wrote what somebody else then approved."""
    author = proposal.edited_by
    return author if author and proposal.decision and author.id != proposal.decision.by.id else None


def _intervention(proposal: Proposal) -> Intervention | None:
    """The last intervention, unless it was given up after that: no other decision follows one, whatever clocks say."""
    last = proposal.execution and proposal.execution.intervention
    return last if last and proposal.state is not State.CANCELLED else None


def ago(span: timedelta) -> str:
    """A time span as people say it."""
    seconds = max(int(span.total_seconds()), 0)
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return f"{seconds} seconds ago" if seconds > 4 else "just now"
