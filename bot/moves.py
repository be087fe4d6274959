"""What every move of a proposal shares: whether it may be made, the swap, the audit event."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from bot.domain.audit import Event, commitment
from bot.domain.authority import Person, check_bounds, check_reviewer, reviewers
from bot.domain.canonical import Json
from bot.domain.decision import DECIDES, SYSTEM, Actor, Decision, DecisionKind, Seen
from bot.domain.errors import AlreadyDecided, Conflict, NotListed, Stale, WroteAgain
from bot.domain.haste import check_meant
from bot.domain.late import late, made, taken_back, tried
from bot.domain.lifecycle import BACK, PAST, WAITING, Move, State, step
from bot.domain.moment import text_of_time
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import Mode, Policy
from bot.domain.proposal import Content, Proposal
from bot.domain.threshold import effective
from bot.errands import ESCALATION, REVIEW, Errands, about
from bot.ports import Clock, Reader, Tx
from bot.regimes import latest_change

TOO_LATE: Final = "It is too late to undo this: it is already on its way."
UNDONE_LATE: Final = "its approval was taken back when its time was already over"
MOVED_ON: Final = "This case moved on after you saw it; look at its card again and decide on how it stands now."


class Moves:
    """Made by people, agents, the clock and the relay; each inside one transaction."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock

    def seen(self, tx: Reader, seen: Seen, person: Person, move: Move) -> Proposal:
        """The proposal as it stands, if this person may make this move on exactly what they saw."""
        proposal = tx.proposal(seen.proposal_id)
        self._check_turn(tx, proposal, seen, move)
        self._check_say(proposal, person, move)
        if seen.state not in {None, proposal.state}:
            raise self._late(proposal, move) if proposal.decision else Stale(MOVED_ON)
        if seen.turn != proposal.turn:
            raise Stale(MOVED_ON)
        if (proposal.revision.number, proposal.digest) != (seen.revision, seen.digest):
            by = proposal.revision.author.name
            raise Stale(f"{by} changed this after you saw it; look at the new wording and decide again.")
        if proposal.state in WAITING and proposal.expires_at <= self._clock.now():
            raise Conflict("This case expired before you decided, so nothing was done.")
        came_back = tx.interventions(proposal.id) if proposal.turn else []
        check_meant(proposal, came_back, person.actor.id, person.at or self._clock.now())
        return proposal

    def _check_turn(self, tx: Reader, proposal: Proposal, seen: Seen, move: Move) -> None:
        try:
            step(proposal.state, move)
        except Conflict:
            if move is Move.UNDO and (error := self._not_undone(tx, proposal, seen)):
                raise error from None
            if proposal.decision is None:
                raise
            raise self._late(proposal, move) from None

    def _not_undone(self, tx: Reader, proposal: Proposal, seen: Seen) -> Conflict | None:
        """Why there is nothing left to undo: it was taken back already, or carried out."""
        came_back = proposal.state in BACK and seen.turn < proposal.turn
        return (self.undone(tx, proposal) if came_back else None) or tried(proposal)

    def undone(self, tx: Reader, proposal: Proposal) -> AlreadyDecided | None:
        """What to tell whoever comes after it was taken back; None where that is not what came last."""
        events = tx.interventions(proposal.id)
        back = events and events[-1].kind == "proposal.undone"
        return taken_back(events[-1], self._clock.now()) if back else None

    def _check_say(self, proposal: Proposal, person: Person, move: Move) -> None:
        then: tuple[str, ...] = ()
        if proposal.state is State.ESCALATED and proposal.escalated_by:
            then = reviewers(self._policy, replace(proposal, state=State.PENDING, escalated_by=None))
        try:
            check_reviewer(self._policy, proposal, person)
        except NotListed as stranger:
            if person.groups_known and person.among(then):
                # They could decide until somebody escalated it: they are late, not strangers.
                raise self._late(proposal, move) from None
            raise NotListed(stranger.sentence, allowed=(*stranger.allowed, *then)) from None

    def _late(self, proposal: Proposal, move: Move) -> Conflict:
        error = late(proposal, self._clock.now())
        if made(proposal, move):
            return error
        # Whoever decided one thing and then clicks another is owed an answer, unlike for a second click.
        return Conflict(error.sentence)

    def check_policy(self, tx: Reader, proposal: Proposal, content: Content, person: Person) -> None:
        """Raise unless this person may have this content run by the policy of now, which may be stricter than then."""
        check_bounds(self._policy, proposal, content, person)
        if proposal.connector == THRESHOLDS_CONNECTOR:
            return
        category = self._policy.category(proposal.category)
        if effective(category, latest_change(tx, proposal.category)).mode is not Mode.ESCALATE:
            return
        if not person.among(category.escalation_approvers):
            told = f"Everything in {proposal.category} goes to the escalation team by now; escalate it."
            raise NotListed(told, allowed=category.escalation_approvers)

    def moved(self, tx: Tx, before: Proposal, after: Proposal | None = None, /, **changes: Any) -> Proposal:
        """`after`, or `before` where none is given, with these changes, written in place of `before`.

        Raises what the loser of a race is told, where `before` is not what stands any more.
        """
        after = replace(after or before, version=before.version + 1, **changes)
        if not tx.swap(before, after):
            now = tx.proposal(before.id)
            raise late(now, self._clock.now()) if now.decision else Stale("This case changed a moment ago; look again.")
        if after.revision.number != before.revision.number:
            tx.add_revision(after, self._clock.now())
        if after.ruling.choice and self._teaches(before, after):
            tx.add_lesson(after.id)
        return after

    def _teaches(self, before: Proposal, after: Proposal) -> bool:
        """Whether this move said something about the AI: a decision, a mark, or the end of the time to undo one."""
        settled = before.state is State.APPROVED and bool(self._policy.category(after.category).undo_window)
        return after.decision != before.decision or after.marked_by != before.marked_by or settled

    def taken_back(self, tx: Tx, before: Proposal, actor: Actor, reason: str | None = None, **changes: Any) -> Proposal:
        """The case back where it stood before its approval, or its retry, whose errand has been recalled.

        Where `changes` bring another ruling, it goes to whom that one says.
        """
        if earlier := before.execution and before.execution.before:
            # A retry is taken back, not the approval: what it was to call again keeps its key.
            undone = replace(before, execution=earlier)
        else:
            undone = replace(before, decision=_escalation(tx, before), execution=None, approvals=())
        undone = replace(undone, **changes)
        state = step(before.state, Move.UNDO, back=replace(before, ruling=undone.ruling).undone_to)
        after = self.moved(tx, before, undone, state=state, turn=before.turn + 1)
        self.audit(tx, "proposal.undone", actor, after, {"reason": reason} if reason else {})
        return after

    def asked_again(self, tx: Tx, after: Proposal) -> Proposal:
        """Show what was taken back to those who decide it now; where its time is over it expires."""
        errands, category = Errands(tx, self._policy, self._clock), self._policy.category(after.category)
        errands.repaint(after)
        if after.state is State.PENDING and after.connector != THRESHOLDS_CONNECTOR:
            # An offer waits where it was made: the reviewers have no say in it.
            after = self.show(tx, errands, after, REVIEW, category.channel)
        if after.state is State.ESCALATED:
            after = self.show(tx, errands, after, ESCALATION, category.escalation_channel)
        if after.state in WAITING and after.expires_at <= self._clock.now():
            # Said here, for the sweep would say that nobody had decided.
            return self.cancelled(tx, after, SYSTEM, Move.EXPIRE, UNDONE_LATE)
        return after

    def cancelled(self, tx: Tx, before: Proposal, actor: Actor, move: Move, reason: str | None) -> Proposal:
        """The case closed without an effect: its cards say so, its agent is told, and the ops channel if it expired."""
        decision = Decision(
            kind=DECIDES[move], by=actor, at=self._clock.now(), revision=before.revision.number, reason=reason
        )
        after = self.moved(tx, before, state=step(before.state, move), decision=decision)
        self.audit(tx, f"proposal.{PAST[move].replace(' ', '_')}", actor, after, {"reason": reason})
        errands = Errands(tx, self._policy, self._clock)
        errands.repaint(after)
        errands.callback(after, f"proposal.{after.state.value}")
        if move is Move.EXPIRE:
            why = reason or "nobody decided in time"
            errands.notice(f"A case expired: {why}, so nothing was done.", about(after), about=after)
        return after

    def show(self, tx: Tx, errands: Errands, proposal: Proposal, room: str, channel: str) -> Proposal:
        """Post a card in a room that has none yet, and remember that it is there."""
        if any(shown == room for shown, _ in proposal.cards):
            return proposal
        after = self.moved(tx, proposal, cards=(*proposal.cards, (room, channel)))
        errands.card(after, room, channel)
        return after

    def ruled(self, tx: Tx, proposal: Proposal) -> None:
        """Append what the policy says of it."""
        ruling = proposal.ruling
        told: dict[str, Json] = {
            "verdict": ruling.verdict.value,
            "rule": ruling.rule,
            "reason": ruling.reason,
            "threshold": ruling.threshold,
            "audited": ruling.audited,
        }
        self.audit(tx, "proposal.ruled", ruling.actor, proposal, told)

    def audit(self, tx: Tx, kind: str, actor: Actor, proposal: Proposal | None, payload: Mapping[str, Json]) -> None:
        """Append an event; of the content only a salted commitment, so that it can be erased and the chain stays."""
        about: dict[str, Json] = {}
        if proposal:
            salt = tx.salt(proposal.id)
            about = {
                "state": proposal.state.value,
                "revision": proposal.revision.number,
                "commitment": commitment(salt, proposal.digest),
                "category": proposal.category,
            }
        at = text_of_time(self._clock.now())
        tx.audit(
            Event(
                kind=kind,
                at=at,
                actor=actor,
                proposal_id=proposal.id if proposal else None,
                payload=about | dict(payload),
            )
        )


def check_new(tx: Tx, delivery: str | None, now: datetime) -> None:
    """Conflict for an order whose delivery, named by its own id, was carried out before: a replay orders nothing."""
    if delivery is not None and not tx.first_sight(f"order:{delivery}", now=now):
        raise Conflict("This very command was carried out before, so nothing was done; give it anew if you mean it.")


def check_heard(proposal: Proposal, seen: Seen) -> None:
    """WroteAgain where the customer has written since this was seen."""
    if len(proposal.follow_ups) > seen.follow_ups:
        raise WroteAgain("The customer wrote again after this draft; read the new message and decide again.")


def _escalation(tx: Reader, proposal: Proposal) -> Decision | None:
    """The decision of whoever escalated it, which stands again once what came after it is undone."""
    if proposal.escalated_by is None:
        return None
    made = [decision for decision in tx.decisions(proposal.id) if decision.kind is DecisionKind.ESCALATED]
    return made[-1] if made else None
