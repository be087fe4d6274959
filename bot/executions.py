"""How carrying out stands: what the relay reports of it, and what people say about one that went wrong."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bot.domain.authority import Person, approvals_needed, check_marker
from bot.domain.canonical import Json
from bot.domain.decision import SYSTEM, Actor, DecisionKind, Intervention, Ruling, Seen
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.errors import Conflict
from bot.domain.late import late, marked
from bot.domain.lifecycle import Move, State, Verdict, step
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import Policy
from bot.domain.proposal import Execution, Proposal
from bot.domain.second_look import Objection, demand, objection
from bot.errands import LOG, OPS, Errands, Line, about, summary
from bot.evidence import counts_as_case
from bot.moves import Moves, check_heard
from bot.ports import Clock, Store, Tx
from bot.regimes import standing_of

AGAIN: Final = {
    Move.FAIL: "What was tried again has failed.",
    Move.LOSE: "What was tried again is in doubt: nobody knows whether it happened.",
}
TAKEN_BACK: Final = "{case}: what you approved did not go out. {why} It waits to be decided again."
TOLD_TO_THE_AGENT: Final = {Move.SUCCEED: "proposal.executed", Move.FAIL: "proposal.failed"}


class Executions:
    """After the decision: succeeded, failed, in doubt, and tried again."""

    def __init__(self, *, store: Store, policy: Policy, clock: Clock) -> None:
        self._store, self._policy, self._clock = store, policy, clock
        self._moves = Moves(policy, clock)

    # what the relay asks and reports

    def stands(self, tx: Tx, errand: Errand, before: Proposal) -> bool:
        """Whether an execution may begin; runs in the transaction that leases it, so that nothing comes between.

        Where the policy is stricter by now, an approval is taken back and people are asked. What was tried before may
        have had its effect, and goes on.
        """
        retried = before.execution is not None and before.execution.before is not None
        if before.state is not State.APPROVED or errand.tried_before or retried:
            return True
        setting = standing_of(tx, self._policy, before.category).setting
        against = objection(self._policy, setting, before)
        if against is None or not before.as_approved(errand.payload.get("digest")):
            return True  # the executor looks at the content once more, and fails what was altered
        tx.done(errand.id)
        self._object(tx, before, against)
        return False

    def _object(self, tx: Tx, before: Proposal, against: Objection) -> None:
        changes: dict[str, Any] = {"ruling": against.ruling, "approvals": against.approvals}
        after = self._put_to_people(tx, before, against.ruling.actor, against.reason, changes)
        errands = Errands(tx, self._policy, self._clock)
        for actor in before.approvals:
            # Its card is only repainted, which nobody notices.
            room = before.cards[0][1] if before.cards else self._policy.channels.review
            text = TAKEN_BACK.format(case=summary(after), why=against.reason)
            errands.whisper(channel=room, user=actor.id, text=text)
        _relog(tx, errands, after)

    def _put_to_people(
        self, tx: Tx, before: Proposal, by: Actor, why: str | None, changes: Mapping[str, Any]
    ) -> Proposal:
        """Take back what counted as approved, with another ruling: people are asked now, and have the whole time."""
        longest = self._policy.category(before.category).expires_in
        lifetime = before.lifetime if before.connector == THRESHOLDS_CONNECTOR else min(before.lifetime, longest)
        fresh = self._clock.now() + lifetime
        after = self._moves.taken_back(tx, before, by, why, **changes, expires_at=fresh)
        self._moves.ruled(tx, after)
        self._count_as_held(tx, before)
        after = self._moves.asked_again(tx, after)
        if after.state is State.ESCALATED and not before.escalated:
            Errands(tx, self._policy, self._clock).escalated(after)
        return after

    def _count_as_held(self, tx: Tx, before: Proposal) -> None:
        automatic = before.decision is not None and before.decision.kind is DecisionKind.AUTOMATIC
        if automatic and counts_as_case(self._policy, before):
            tx.count_as_held(before.category, f"{before.created_at:%Y-%m-%d}")

    def record(self, tx: Tx, errand: Errand, outcome: Outcome) -> None:
        """Write down how an execution ended; runs in the transaction that settles its errand."""
        before = tx.proposal(errand.proposal_id or "")
        if before.state is not State.APPROVED:
            return
        move, execution = _ended(errand, outcome)
        earlier = before.execution.intervention if before.execution else None
        execution = replace(execution, attempts=errand.attempts, intervention=earlier)
        after = self._moves.moved(tx, before, state=step(before.state, move), execution=execution)
        audit: dict[str, Json] = {"delivery": errand.id, "attempts": errand.attempts, "error": execution.error}
        self._moves.audit(tx, f"proposal.{after.state.value}", SYSTEM, after, audit)
        errands = Errands(tx, self._policy, self._clock)
        errands.repaint(after)
        if event := TOLD_TO_THE_AGENT.get(move):
            errands.callback(after, event)
        if move is not Move.SUCCEED:
            if earlier and earlier.move is Move.RETRY:
                # Its card stands there since the first time, and nobody is told when a card changes.
                lines = [Line(label="Why", text=execution.error or ""), *about(after)]
                errands.notice(AGAIN[move], lines, about=after, level="alarm")
            after = self._moves.show(tx, errands, after, OPS, self._policy.channels.ops)
        if after.decision and after.decision.kind is DecisionKind.AUTOMATIC and (move is not Move.SUCCEED or earlier):
            _relog(tx, errands, after)

    def delay(self, tx: Tx, errand: Errand, error: str) -> None:
        """Write down that an execution did not get through yet: its cards say so, and offer no undo any more."""
        before = tx.proposal(errand.proposal_id or "")
        if before.state is State.APPROVED and before.execution:
            execution = replace(before.execution, error=error, attempts=errand.attempts)
            after = self._moves.moved(tx, before, execution=execution)
            Errands(tx, self._policy, self._clock).repaint(after)

    def logged(self, tx: Tx, errand: Errand) -> None:
        """Bring a log line up to date that an earlier attempt had written: it says how things stood then."""
        _relog(tx, Errands(tx, self._policy, self._clock), tx.proposal(errand.proposal_id or ""))

    # what people say

    async def retry(self, seen: Seen, person: Person) -> Proposal:
        """Carry it out once more, after it failed or its outcome stayed unknown."""
        return await self._store.transact(lambda tx: self._retry(tx, seen, person))

    def _retry(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.RETRY)
        if before.revision != tx.revisions(before.id)[-1]:
            raise Conflict("The content is not the one that was approved, so it is not tried again; give it up.")
        check_heard(before, seen)
        self._moves.check_policy(tx, before, before.content, person)
        self._check_approvals(before)
        last = self._intervention(Move.RETRY, person)
        waiting = Execution(status="waiting", intervention=last, before=before.execution)
        state = step(before.state, Move.RETRY)
        after = self._moves.moved(tx, before, state=state, execution=waiting, turn=before.turn + 1)
        self._moves.audit(tx, "proposal.retried", person.actor, after, {})
        errands = Errands(tx, self._policy, self._clock)
        errands.execute(after, key=before.execution.key if before.execution else None)
        errands.repaint(after)
        return after

    def _check_approvals(self, proposal: Proposal) -> None:
        needed = approvals_needed(self._policy, proposal)
        if needed > max(proposal.ruling.approvals_needed, len(proposal.approvals)):
            raise Conflict(f"The policy asks for {needed} approvals by now; give it up, and have it proposed again.")

    async def confirm(self, seen: Seen, person: Person) -> Proposal:
        """Say that an execution in doubt did happen."""
        return await self._store.transact(lambda tx: self._confirm(tx, seen, person))

    def _confirm(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.CONFIRM)
        last = self._intervention(Move.CONFIRM, person)
        execution = Execution(status="succeeded", result=f"confirmed by {person.actor.name}", intervention=last)
        after = self._moves.moved(tx, before, state=step(before.state, Move.CONFIRM), execution=execution)
        self._moves.audit(tx, "proposal.confirmed", person.actor, after, {})
        errands = Errands(tx, self._policy, self._clock)
        errands.repaint(after)
        errands.callback(after, "proposal.executed")
        return after

    def _intervention(self, move: Move, person: Person) -> Intervention:
        return Intervention(move=move, by=person.actor, at=self._clock.now())

    async def mark_wrong(self, proposal_id: str, person: Person) -> Proposal:
        """A person says that what went out on its own was wrong; it counts once."""
        return await self._store.transact(lambda tx: self._mark_wrong(tx, proposal_id, person))

    def _mark_wrong(self, tx: Tx, proposal_id: str, person: Person) -> Proposal:
        before = tx.proposal(proposal_id)
        check_marker(self._policy, before, person)
        self._check_unmarked(tx, before)
        mark: dict[str, Any] = {"marked_by": person.actor, "marked_at": self._clock.now()}
        recalled = before.state is State.APPROVED and tx.recall(before.id)
        if not recalled:
            after = self._moves.moved(tx, before, **mark)
        elif before.execution and before.execution.before:
            after = self._moves.asked_again(tx, self._moves.taken_back(tx, before, person.actor, **mark))
        else:
            # It has not gone out, during a pause for example: then a person decides it.
            mark["ruling"] = self._doubted(tx, before, person)
            after = self._put_to_people(tx, before, person.actor, None, mark)
        self._moves.audit(tx, "proposal.marked_wrong", person.actor, after, {})
        _relog(tx, Errands(tx, self._policy, self._clock), after)
        return after

    def _doubted(self, tx: Tx, before: Proposal, person: Person) -> Ruling:
        """The ruling of what was marked before it went out: a person decides it, whom the policy of now says."""
        reason = f"{person.actor.name} marked this as wrong before it went out."
        asked = demand(self._policy, standing_of(tx, self._policy, before.category).setting, before)
        verdict = Verdict.ESCALATE if asked and asked.verdict is Verdict.ESCALATE else Verdict.ASK
        return replace(before.ruling, verdict=verdict, reason=reason)

    def _check_unmarked(self, tx: Tx, proposal: Proposal) -> None:
        """Raise unless it ran, or will run, on its own, and nobody has marked it yet."""
        now = self._clock.now()
        if proposal.marked_by:
            raise marked(proposal.marked_by, proposal.marked_at, now)
        if proposal.decision and proposal.decision.kind is DecisionKind.AUTOMATIC:
            return
        if proposal.decision is None and (back := self._moves.undone(tx, proposal)):
            raise back
        raise Conflict(f"{late(proposal, now).sentence} Only what ran on its own can be marked as wrong.")


def _ended(errand: Errand, outcome: Outcome) -> tuple[Move, Execution]:
    """The move that an outcome makes, and the execution as it then stands; its key is for a retry."""
    match outcome:
        case Delivered(result=result):
            return Move.SUCCEED, Execution(status="succeeded", result=result)
        case Lost(error=error) | Postponed(error=error, doubtful=True):
            return Move.LOSE, Execution(status="in_doubt", error=error, key=errand.id)
        case Failed(error=error, partly=partly):
            # Of several tries an earlier one may have arrived, whatever the last one was told.
            key = errand.id if partly or errand.tried_before else None
            return Move.FAIL, Execution(status="failed", error=error, key=key)
        case Postponed(error=error):
            # The tries are used up. A receiver that honours the key may have had one: a retry keeps the key.
            return Move.FAIL, Execution(status="failed", error=error, key=errand.id)


def _relog(tx: Tx, errands: Errands, proposal: Proposal) -> None:
    """Bring the log line of what ran on its own up to date."""
    for receipt in tx.receipts(proposal.id):
        if receipt.room == LOG:
            errands.relog(proposal, receipt.channel, receipt.ts)
