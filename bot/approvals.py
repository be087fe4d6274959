"""The use cases of a proposal: submit it, decide it, withdraw it, let it expire.

Every method is one transaction: the move, its audit event and the errands it causes are written together or not at all.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from bot.domain.authority import Beside, Person, approvals_needed, check_reviewer
from bot.domain.canonical import Json
from bot.domain.decision import DECIDES, SYSTEM, Actor, Decision, DecisionKind, Seen
from bot.domain.errors import AgreedEarlier, BadInput, Conflict, KeyReused, NotFound, OutOfTurn, SaysoError
from bot.domain.late import late
from bot.domain.lifecycle import PAST, Move, State, Verdict, step
from bot.domain.offer import THRESHOLDS_CONNECTOR, check_edit
from bot.domain.policy import Policy
from bot.domain.proposal import Action, Content, Conversation, Execution, Message, Proposal, Reply, alike
from bot.errands import ESCALATION, Errands
from bot.evidence import counts_as_case
from bot.figures import Figures
from bot.moves import TOO_LATE, Moves, check_heard
from bot.ports import Clock, Reader, Store, Submission, Tx
from bot.submission import Request, check_quota, connector_of, opened

LONGEST_REPLY: Final = 40_000
ENDS_SOON: Final = timedelta(milliseconds=400)
"""How long a card waits to show an approval together with how it ended: mostly one call to Slack instead of two."""

NOBODY: Final[Beside] = {}


class Approvals:
    """The spine. `recipient_of(connector, conversation)` says to whom a connector carries."""

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        clock: Clock,
        recipient_of: Callable[[str, Conversation], str],
        figures: Figures,
    ) -> None:
        self._store, self.policy, self._clock, self._recipient_of = store, policy, clock, recipient_of
        self._figures = figures
        self._moves = Moves(policy, clock)

    # new proposals

    async def submit(
        self,
        request: Request,
        check: Callable[[Tx], None] | None = None,
        admit: Callable[[str], None] | None = None,
    ) -> tuple[Proposal, bool]:
        """Rule on a new proposal; (proposal, True) when it is new, (the earlier one, False) for a repeated key.

        `check` is asked first in the transaction, and may raise; `admit(connector)` of a new one only. A repeated key
        has the same answer whatever the policy has come to say since.
        """

        def work(tx: Tx) -> tuple[Proposal, bool]:
            if check:
                check(tx)
            return self._submit(tx, request, admit)

        return await self._store.transact(work)

    def _submit(self, tx: Tx, request: Request, admit: Callable[[str], None] | None) -> tuple[Proposal, bool]:
        if earlier := tx.submitted(request.agent, request.key):
            proposal_id, body_hash = earlier
            if body_hash != request.body_hash:
                raise KeyReused("This Idempotency-Key was used before with another body; choose a new key.")
            return tx.proposal(proposal_id), False
        connector = connector_of(self.policy, request)
        if admit:
            admit(connector)
        recipient = self._recipient_of(connector, request.conversation)
        check_quota(tx, self.policy, request.agent)
        proposal = opened(tx, self.policy, self._clock, request, connector=connector, recipient=recipient)
        submission = Submission(key=request.key, body_hash=request.body_hash, salt=self._clock.salt())
        tx.add_proposal(proposal, submission)
        agent = Actor(kind="agent", id=request.agent, name=request.agent)
        self._moves.audit(tx, "proposal.submitted", agent, proposal, {"confidence": proposal.confidence})
        self._moves.ruled(tx, proposal)
        if counts_as_case(self.policy, proposal):
            automated = proposal.ruling.verdict is Verdict.AUTOMATE
            tx.count_day(proposal.category, f"{proposal.created_at:%Y-%m-%d}", automated=automated)
        self._send_opening(tx, proposal)
        return proposal, True

    def _send_opening(self, tx: Tx, proposal: Proposal) -> None:
        errands = Errands(tx, self.policy, self._clock)
        match proposal.ruling.verdict:
            case Verdict.AUTOMATE:
                errands.execute(proposal)
                errands.log(proposal)
            case Verdict.ASK | Verdict.ESCALATE:
                for room, channel in proposal.cards:
                    errands.card(proposal, room, channel)
                if proposal.state is State.ESCALATED:
                    errands.escalated(proposal)
            case Verdict.REFUSE:
                errands.log(proposal)
                errands.callback(proposal, "proposal.cancelled")

    # people's decisions

    async def _decided(self, work: Callable[[Tx], Proposal]) -> Proposal:
        after = await self._store.transact(work)
        self._figures.decided(after)
        return after

    async def check(self, seen: Seen, person: Person, move: Move) -> Proposal:
        """The proposal, if this person may make this move on what they saw; raises what the move itself would."""
        look = self._approvable if move is Move.APPROVE else partial(self._moves.seen, move=move)
        return await self._store.read(lambda tx: look(tx, seen, person))

    async def approve(self, seen: Seen, person: Person, beside: Beside = NOBODY) -> Proposal:
        """Approve exactly what was seen; with several approvals needed, add one.

        AgreedEarlier until `beside` says how everybody stands who approved before: only who still may counts.
        """
        return await self._decided(lambda tx: self._approve(tx, seen, person, beside))

    def _approve(self, tx: Tx, seen: Seen, person: Person, beside: Beside, reason: str | None = None) -> Proposal:
        before = self._approvable(tx, seen, person)
        check_heard(before, seen)
        if unasked := {actor.id: actor.name for actor in before.approvals if actor.id not in beside}:
            raise AgreedEarlier(unasked)
        standing = [one for actor in before.approvals if (one := self._standing(tx, before, beside[actor.id]))]
        return self._settle_approval(tx, before, before, (*standing, person), Move.APPROVE, reason)

    def _standing(self, tx: Reader, proposal: Proposal, person: Person | None) -> Person | None:
        """Whoever approved before, if they still may."""
        if person is None:
            return None
        try:
            check_reviewer(self.policy, proposal, person)
            self._moves.check_policy(tx, proposal, proposal.content, person)
        except SaysoError:
            return None
        return person

    def _approvable(self, tx: Reader, seen: Seen, person: Person) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.APPROVE)
        _check_not_blank(before.content)
        self._moves.check_policy(tx, before, before.content, person)
        if person.actor.id in {actor.id for actor in before.approvals}:
            raise Conflict("You have approved this already; another person has to approve it too.")
        return before

    async def edit(
        self, seen: Seen, content: Content, person: Person, beside: Beside = NOBODY, *, reason: str | None = None
    ) -> Proposal:
        """Approve a new revision with this content; unchanged content is a plain approval."""
        _check_content(content)
        return await self._decided(lambda tx: self._edit(tx, seen, content, person, beside, reason))

    def _edit(
        self, tx: Tx, seen: Seen, content: Content, person: Person, beside: Beside, reason: str | None
    ) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.EDIT)
        check_heard(before, seen)
        if alike(content, before.content):
            return self._approve(tx, seen, person, beside, reason)
        if isinstance(content, Reply) != isinstance(before.content, Reply) or (
            isinstance(content, Action) and isinstance(before.content, Action) and content.name != before.content.name
        ):
            raise BadInput("An edit changes the words or the arguments; it cannot change what kind of thing is done.")
        if before.connector == THRESHOLDS_CONNECTOR:
            check_edit(before.content, content)
        self._moves.check_policy(tx, before, content, person)
        edited = before.revised(content, person.actor, reason)
        return self._settle_approval(tx, before, edited, (person,), Move.EDIT, reason)

    def _settle_approval(
        self,
        tx: Tx,
        before: Proposal,
        agreed: Proposal,
        agreeing: tuple[Person, ...],
        move: Move,
        reason: str | None,
    ) -> Proposal:
        """Go on to approved when enough people have agreed, the last of them now, else show who has."""
        by, approvals = agreeing[-1].actor, tuple(person.actor for person in agreeing)
        target, revision = step(before.state, move), agreed.revision.number
        needed = approvals_needed(self.policy, agreed)
        if needed > agreed.ruling.approvals_needed:
            agreed = replace(agreed, ruling=replace(agreed.ruling, approvals_needed=needed))
        enough = len(approvals) >= needed
        if enough:
            kind, now = DECIDES[move] if revision == 1 else DecisionKind.EDITED, self._clock.now()
            why = reason or agreed.revision.reason
            decision = Decision(kind=kind, by=by, at=now, revision=revision, reason=why)
            voices = {person.actor.id: sorted(person.groups) for person in agreeing if person.groups}
            waiting = Execution(status="waiting", voices=voices)
            after = self._moves.moved(
                tx, before, agreed, approvals=approvals, state=target, execution=waiting, decision=decision
            )
        else:
            after = self._moves.moved(tx, before, agreed, approvals=approvals)
        told: dict[str, Json] = {"enough": enough, "reason": reason}
        standing = {actor.id for actor in approvals}
        if move is Move.APPROVE and (lapsed := [one.id for one in before.approvals if one.id not in standing]):
            told["lapsed"] = [*lapsed]
        self._moves.audit(tx, f"proposal.{PAST[move]}", by, after, told)
        errands, undo_window = Errands(tx, self.policy, self._clock), self.policy.category(after.category).undo_window
        if enough:
            errands.execute(after, after=undo_window)
        errands.repaint(after, within=ENDS_SOON if enough and not undo_window else timedelta(0))
        return after

    async def reject(self, seen: Seen, person: Person, *, reason: str | None = None) -> Proposal:
        """Cancel it: nothing reaches the customer."""
        return await self._decided(lambda tx: self._close(tx, seen, person, Move.REJECT, reason))

    async def take_over(self, seen: Seen, person: Person) -> Proposal:
        """Cancel the AI's part of an escalated case: this person answers the customer elsewhere."""
        return await self._decided(lambda tx: self._close(tx, seen, person, Move.TAKE_OVER, None))

    def _close(self, tx: Tx, seen: Seen, person: Person, move: Move, reason: str | None) -> Proposal:
        before = self._moves.seen(tx, seen, person, move)
        return self._moves.cancelled(tx, before, person.actor, move, reason)

    async def escalate(self, seen: Seen, person: Person, *, reason: str | None = None) -> Proposal:
        """Keep it held and hand the case, with its whole context, to the escalation channel."""
        return await self._decided(lambda tx: self._escalate(tx, seen, person, reason))

    def _escalate(self, tx: Tx, seen: Seen, person: Person, reason: str | None) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.ESCALATE)
        if before.connector == THRESHOLDS_CONNECTOR:
            raise Conflict("A threshold is for the admins to decide; there is nobody to escalate it to.")
        decision = Decision(
            kind=DecisionKind.ESCALATED,
            by=person.actor,
            at=self._clock.now(),
            revision=before.revision.number,
            reason=reason,
        )
        after = self._moves.moved(
            tx,
            before,
            state=step(before.state, Move.ESCALATE),
            decision=decision,
            escalated_by=person.actor,
            approvals=(),
        )
        self._moves.audit(tx, "proposal.escalated", person.actor, after, {"reason": reason})
        errands = Errands(tx, self.policy, self._clock)
        errands.repaint(after)
        channel = self.policy.category(after.category).escalation_channel
        after = self._moves.show(tx, errands, after, ESCALATION, channel)
        errands.escalated(after)
        return after

    async def undo(self, seen: Seen, person: Person) -> Proposal:
        """Take an approval back, as long as its errand has not been leased."""
        return await self._store.transact(lambda tx: self._undo(tx, seen, person))

    def _undo(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._moves.seen(tx, seen, person, Move.UNDO)
        if not tx.recall(before.id):
            raise Conflict(TOO_LATE)
        after = self._moves.taken_back(tx, before, person.actor)
        return self._moves.asked_again(tx, after)

    # the customer

    def customer_wrote(self, tx: Tx, proposal: Proposal, message: Message) -> Proposal:
        """The customer wrote again while this is open: its cards say so, and Approve asks once more."""
        after = self._moves.moved(tx, proposal, proposal.joined(message))
        customer = Actor(kind="system", id="customer", name="the customer")
        self._moves.audit(tx, "proposal.customer_wrote", customer, after, {"follow_ups": len(after.follow_ups)})
        Errands(tx, self.policy, self._clock).repaint(after)
        return after

    # the agent and the clock

    async def withdraw(self, proposal_id: str, agent: str) -> Proposal:
        """The agent takes its own proposal back; another agent's is not found."""

        def work(tx: Tx) -> Proposal:
            before = tx.proposal(proposal_id)
            if before.agent != agent:
                raise NotFound(f"There is no proposal {proposal_id}.")
            if before.state is State.CANCELLED and before.decision and before.decision.kind is DecisionKind.WITHDRAWN:
                return before
            by = Actor(kind="agent", id=agent, name=agent)
            try:
                return self._moves.cancelled(tx, before, by, Move.WITHDRAW, "withdrawn by its agent")
            except OutOfTurn:
                raise late(before, self._clock.now()) from None

        return await self._store.transact(work)

    async def expire(self, limit: int = 50) -> int:
        """Expire what is overdue; returns how many were."""

        def work(tx: Tx) -> int:
            overdue = tx.overdue(self._clock.now(), limit)
            for proposal_id in overdue:
                self._moves.cancelled(tx, tx.proposal(proposal_id), SYSTEM, Move.EXPIRE, None)
            return len(overdue)

        return await self._store.transact(work)

    async def whisper(self, *, channel: str, user: str, text: str) -> None:
        """Leave a line that only this user will see."""
        await self._store.transact(
            lambda tx: Errands(tx, self.policy, self._clock).whisper(channel=channel, user=user, text=text)
        )


def _check_content(content: Content) -> None:
    _check_not_blank(content)
    if isinstance(content, Reply) and len(content.text) > LONGEST_REPLY:
        raise BadInput(f"The reply is longer than {LONGEST_REPLY:,} characters; shorten it.")


def _check_not_blank(content: Content) -> None:
    if isinstance(content, Reply) and not content.text.strip():
        raise BadInput("The reply is empty; write what the customer should read, or reject the draft.")
