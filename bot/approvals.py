"""The use cases of a proposal: submit it, decide it, record how carrying it out ended.

Every method is one transaction: the move, its audit event and the errands it causes are written together or not at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.audit import Event, commitment
from bot.domain.authority import Person, check_admin, check_reviewer, reviewers
from bot.domain.decision import DECIDES, SYSTEM, Actor, Decision, DecisionKind, Ruling, Seen
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.errors import AlreadyDecided, BadInput, Conflict, KeyReused, NotFound, Stale, TooMuch, WroteAgain
from bot.domain.lifecycle import OPENING, PAST, WAITING, Move, State, Verdict, step, words
from bot.domain.moment import text_of_time
from bot.domain.offer import THRESHOLDS_CONNECTOR, check_edit
from bot.domain.policy import CategoryRule, Facts, Policy, rule
from bot.domain.proposal import (
    Action,
    Content,
    Conversation,
    Evidence,
    Execution,
    Json,
    Message,
    Proposal,
    Reply,
    Revision,
    digest_of,
)
from bot.errands import ESCALATION, LOG, OPS, REVIEW, Errands, Line, summary
from bot.ports import Clock, Pause, Reader, Store, Submission, Tx
from bot.regimes import standing_of

LONGEST_REPLY: Final = 40_000
TOO_LATE: Final = "It is too late to undo this: it is already on its way."
LONGEST_WAIT: Final = timedelta(days=30)
ENDS_SOON: Final = timedelta(milliseconds=400)
"""How long a card waits to show an approval together with how it ended: mostly one call to Slack instead of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an agent asks for, already parsed; `recipient` and `connector` are settled by `submit`."""

    agent: str
    owner: str | None
    key: str
    body_hash: str
    category: str
    conversation: Conversation
    content: Content
    confidence: float | None
    in_scope: bool
    evidence: tuple[Evidence, ...] = ()
    connector: str | None = None
    callback_url: str | None = None
    expires_in: timedelta | None = None
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()


class Approvals:
    """The spine. `recipient_of(connector, conversation)` says to whom a connector carries."""

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        clock: Clock,
        recipient_of: Callable[[str, Conversation], str],
    ) -> None:
        self._store, self.policy, self._clock, self._recipient_of = store, policy, clock, recipient_of

    # new proposals

    async def submit(self, request: Request, check: Callable[[Tx], None] | None = None) -> tuple[Proposal, bool]:
        """Rule on a new proposal; (proposal, True) when it is new, (the earlier one, False) for a repeated key.

        `check` is asked first in the transaction, and may raise.
        """
        connector = self._connector(request)
        recipient = self._recipient_of(connector, request.conversation)

        def work(tx: Tx) -> tuple[Proposal, bool]:
            if check:
                check(tx)
            return self._submit(tx, request, connector, recipient)

        return await self._store.transact(work)

    def _submit(self, tx: Tx, request: Request, connector: str, recipient: str) -> tuple[Proposal, bool]:
        if earlier := tx.submitted(request.agent, request.key):
            proposal_id, body_hash = earlier
            if body_hash != request.body_hash:
                raise KeyReused("This Idempotency-Key was used before with another body; choose a new key.")
            return tx.proposal(proposal_id), False
        self._check_quota(tx, request.agent)
        proposal = self._opened(tx, request, connector, recipient)
        submission = Submission(key=request.key, body_hash=request.body_hash, salt=self._clock.salt())
        tx.add_proposal(proposal, submission)
        agent = Actor(kind="agent", id=request.agent, name=request.agent)
        self._audit(tx, "proposal.submitted", agent, proposal, {"confidence": proposal.confidence})
        ruling: dict[str, Json] = {
            "verdict": proposal.ruling.verdict.value,
            "rule": proposal.ruling.rule,
            "reason": proposal.ruling.reason,
            "threshold": proposal.ruling.threshold,
            "audited": proposal.ruling.audited,
        }
        self._audit(tx, "proposal.ruled", _rule_actor(proposal), proposal, ruling)
        if self.policy.category(proposal.category).known and proposal.ruling.choice:
            automated = proposal.ruling.verdict is Verdict.AUTOMATE
            tx.count_day(proposal.category, f"{proposal.created_at:%Y-%m-%d}", automated=automated)
        self._send_opening(tx, proposal)
        return proposal, True

    def _connector(self, request: Request) -> str:
        rule_ = self.policy.actions.get(request.content.name) if isinstance(request.content, Action) else None
        fixed = rule_.connector if rule_ else None
        if fixed and request.connector and request.connector != fixed:
            raise BadInput(f"The policy sends {rule_.name if rule_ else ''} through {fixed}; leave out connector.")
        name = fixed or request.connector or self.policy.category(request.category).connector
        if name not in self.policy.connectors:
            raise BadInput(
                f"The policy has no connector {name}; use one of {', '.join(sorted(self.policy.connectors))}."
            )
        return name

    def _check_quota(self, tx: Tx, agent: str) -> None:
        if tx.waiting_of(agent) >= self.policy.limits.pending:
            raise TooMuch(
                f"{self.policy.limits.pending} proposals of this agent already wait for a person; try again later.",
                retry_after=60,
            )

    def _opened(self, tx: Tx, request: Request, connector: str, recipient: str) -> Proposal:
        now, draw = self._clock.now(), self._clock.draw()
        category, standing = self.policy.category(request.category), standing_of(tx, self.policy, request.category)
        facts = Facts(
            category=request.category,
            content=request.content,
            confidence=request.confidence,
            in_scope=request.in_scope,
            customer=request.conversation.customer,
            concerns=request.concerns,
            holds=request.holds,
            draw=draw,
        )
        ruling = standing.ruled(rule(self.policy, facts, standing.setting), request.confidence, draw)
        author = Actor(kind="agent", id=request.agent, name="AI")
        digest = digest_of(request.content, recipient=recipient, connector=connector, revision=1)
        state = OPENING[ruling.verdict]
        proposal = Proposal(
            id=self._clock.new_id("prp"),
            agent=request.agent,
            owner=request.owner,
            category=request.category,
            conversation=request.conversation,
            revision=Revision(number=1, content=request.content, author=author, digest=digest),
            confidence=request.confidence,
            in_scope=request.in_scope,
            evidence=request.evidence,
            connector=connector,
            recipient=recipient,
            state=state,
            ruling=ruling,
            created_at=now,
            expires_at=now + min(request.expires_in or category.expires_in, LONGEST_WAIT),
            callback_url=request.callback_url,
            notes=request.notes,
            cards=_first_cards(ruling.verdict, category),
        )
        return _with_automatic_decision(proposal, now)

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
                    self._announce_escalation(errands, proposal)
            case Verdict.REFUSE:
                errands.log(proposal)
                errands.callback(proposal, "proposal.cancelled")

    def _show(self, tx: Tx, errands: Errands, proposal: Proposal, room: str, channel: str) -> Proposal:
        """Post a card in a room that has none yet, and remember that it is there."""
        if any(shown == room for shown, _ in proposal.cards):
            return proposal
        after = replace(proposal, cards=(*proposal.cards, (room, channel)), version=proposal.version + 1)
        self._swap(tx, proposal, after)
        errands.card(after, room, channel)
        return after

    # people's decisions

    async def check(self, seen: Seen, person: Person, move: Move) -> Proposal:
        """The proposal, if this person may make this move on what they saw; raises what the move itself would."""
        return await self._store.read(lambda tx: self._seen(tx, seen, person, move))

    async def approve(self, seen: Seen, person: Person) -> Proposal:
        """Approve exactly what was seen; with several approvals needed, add one."""
        return await self._store.transact(lambda tx: self._approve(tx, seen, person))

    def _approve(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._seen(tx, seen, person, Move.APPROVE)
        _check_heard(before, seen)
        if person.actor.id in {actor.id for actor in before.approvals}:
            raise Conflict("You have approved this already; another person has to approve it too.")
        after = replace(before, approvals=(*before.approvals, person.actor))
        return self._settle_approval(tx, before, after, person, Move.APPROVE, None)

    async def edit(self, seen: Seen, content: Content, person: Person, *, reason: str | None = None) -> Proposal:
        """Approve a new revision with this content; unchanged content is a plain approval."""
        _check_content(content)
        return await self._store.transact(lambda tx: self._edit(tx, seen, content, person, reason))

    def _edit(self, tx: Tx, seen: Seen, content: Content, person: Person, reason: str | None) -> Proposal:
        before = self._seen(tx, seen, person, Move.EDIT)
        _check_heard(before, seen)
        if content == before.content:
            return self._approve(tx, seen, person)
        if isinstance(content, Reply) != isinstance(before.content, Reply) or (
            isinstance(content, Action) and isinstance(before.content, Action) and content.name != before.content.name
        ):
            raise BadInput("An edit changes the words or the arguments; it cannot change what kind of thing is done.")
        if before.connector == THRESHOLDS_CONNECTOR:
            check_edit(before.content, content)
        after = replace(before.revised(content, person.actor), approvals=(person.actor,))
        return self._settle_approval(tx, before, after, person, Move.EDIT, reason)

    def _settle_approval(
        self, tx: Tx, before: Proposal, after: Proposal, person: Person, move: Move, reason: str | None
    ) -> Proposal:
        """Go on to approved when enough people have agreed, else show whose agreement there is."""
        now = self._clock.now()
        target = step(before.state, move)
        enough = len(after.approvals) >= after.ruling.approvals_needed
        if enough:
            kind = DECIDES[move] if after.revision.number == 1 else DecisionKind.EDITED
            after = replace(
                after,
                state=target,
                execution=Execution(status="waiting"),
                decision=Decision(kind=kind, by=person.actor, at=now, revision=after.revision.number, reason=reason),
            )
        after = self._moved(tx, before, after)
        self._audit(tx, f"proposal.{PAST[move]}", person.actor, after, {"enough": enough, "reason": reason})
        errands, undo_window = Errands(tx, self.policy, self._clock), self.policy.category(after.category).undo_window
        if enough:
            errands.execute(after, after=undo_window)
        errands.repaint(after, within=ENDS_SOON if enough and not undo_window else timedelta(0))
        return after

    async def reject(self, seen: Seen, person: Person, *, reason: str | None = None) -> Proposal:
        """Cancel it: nothing reaches the customer."""
        return await self._store.transact(lambda tx: self._close(tx, seen, person, Move.REJECT, reason))

    async def take_over(self, seen: Seen, person: Person) -> Proposal:
        """Cancel the AI's part of an escalated case: this person answers the customer elsewhere."""
        return await self._store.transact(lambda tx: self._close(tx, seen, person, Move.TAKE_OVER, None))

    def _close(self, tx: Tx, seen: Seen, person: Person, move: Move, reason: str | None) -> Proposal:
        before = self._seen(tx, seen, person, move)
        return self._cancelled(tx, before, person.actor, move, reason)

    def _cancelled(self, tx: Tx, before: Proposal, actor: Actor, move: Move, reason: str | None) -> Proposal:
        now = self._clock.now()
        after = replace(
            before,
            state=step(before.state, move),
            decision=Decision(kind=DECIDES[move], by=actor, at=now, revision=before.revision.number, reason=reason),
        )
        after = self._moved(tx, before, after)
        self._audit(tx, f"proposal.{PAST[move].replace(' ', '_')}", actor, after, {"reason": reason})
        errands = Errands(tx, self.policy, self._clock)
        errands.repaint(after)
        errands.callback(after, f"proposal.{after.state.value}")
        if move is Move.EXPIRE:
            errands.notice("A case expired: nobody decided in time, so nothing was done.", _about(after), about=after)
        return after

    async def escalate(self, seen: Seen, person: Person, *, reason: str | None = None) -> Proposal:
        """Keep it held and hand the case, with its whole context, to the escalation channel."""
        return await self._store.transact(lambda tx: self._escalate(tx, seen, person, reason))

    def _escalate(self, tx: Tx, seen: Seen, person: Person, reason: str | None) -> Proposal:
        before = self._seen(tx, seen, person, Move.ESCALATE)
        if before.connector == THRESHOLDS_CONNECTOR:
            raise Conflict("A threshold is for the admins to decide; there is nobody to escalate it to.")
        decision = Decision(
            kind=DecisionKind.ESCALATED,
            by=person.actor,
            at=self._clock.now(),
            revision=before.revision.number,
            reason=reason,
        )
        after = replace(
            before,
            state=step(before.state, Move.ESCALATE),
            decision=decision,
            escalated_by=person.actor,
            approvals=(),
        )
        after = self._moved(tx, before, after)
        self._audit(tx, "proposal.escalated", person.actor, after, {"reason": reason})
        errands = Errands(tx, self.policy, self._clock)
        errands.repaint(after)
        after = self._show(tx, errands, after, ESCALATION, self.policy.category(after.category).escalation_channel)
        self._announce_escalation(errands, after)
        return after

    def _announce_escalation(self, errands: Errands, proposal: Proposal) -> None:
        who = proposal.escalated_by
        by = Line(label="Escalated by", user=who.id) if who else Line(label="Why", text=proposal.ruling.reason)
        errands.notice("A case was escalated.", [by, *_about(proposal)], about=proposal)
        errands.hold_the_line(proposal)
        errands.callback(proposal, "proposal.escalated")

    async def undo(self, seen: Seen, person: Person) -> Proposal:
        """Take an approval back, as long as its errand has not been leased."""
        return await self._store.transact(lambda tx: self._undo(tx, seen, person))

    def _undo(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._seen(tx, seen, person, Move.UNDO)
        if not tx.recall(before.id):
            raise Conflict(TOO_LATE)
        after = replace(
            before, state=step(before.state, Move.UNDO), decision=None, execution=None, approvals=(), escalated_by=None
        )
        after = self._moved(tx, before, after)
        self._audit(tx, "proposal.undone", person.actor, after, {})
        errands = Errands(tx, self.policy, self._clock)
        category = self.policy.category(after.category)
        errands.repaint(after)
        return self._show(tx, errands, after, REVIEW, category.channel)

    async def retry(self, seen: Seen, person: Person) -> Proposal:
        """Carry it out once more, after it failed or its outcome stayed unknown."""
        return await self._store.transact(lambda tx: self._retry(tx, seen, person))

    def _retry(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._seen(tx, seen, person, Move.RETRY)
        after = replace(before, state=step(before.state, Move.RETRY), execution=Execution(status="waiting"))
        after = self._moved(tx, before, after)
        self._audit(tx, "proposal.retried", person.actor, after, {})
        errands = Errands(tx, self.policy, self._clock)
        errands.execute(after, key=before.execution.key if before.execution else None)
        errands.repaint(after)
        return after

    async def confirm(self, seen: Seen, person: Person) -> Proposal:
        """Say that an execution in doubt did happen."""
        return await self._store.transact(lambda tx: self._confirm(tx, seen, person))

    def _confirm(self, tx: Tx, seen: Seen, person: Person) -> Proposal:
        before = self._seen(tx, seen, person, Move.CONFIRM)
        execution = Execution(status="succeeded", result=f"confirmed by {person.actor.name}")
        after = self._moved(tx, before, replace(before, state=step(before.state, Move.CONFIRM), execution=execution))
        self._audit(tx, "proposal.confirmed", person.actor, after, {})
        errands = Errands(tx, self.policy, self._clock)
        errands.repaint(after)
        errands.callback(after, "proposal.executed")
        return after

    # the customer

    def customer_wrote(self, tx: Tx, proposal: Proposal, message: Message) -> Proposal:
        """The customer wrote again while this waits: its cards say so, and Approve asks once more."""
        after = self._moved(tx, proposal, proposal.joined(message))
        customer = Actor(kind="system", id="customer", name="the customer")
        self._audit(tx, "proposal.customer_wrote", customer, after, {"follow_ups": len(after.follow_ups)})
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
            return self._cancelled(
                tx, before, Actor(kind="agent", id=agent, name=agent), Move.WITHDRAW, "withdrawn by its agent"
            )

        return await self._store.transact(work)

    async def expire(self, limit: int = 50) -> int:
        """Expire what is overdue; returns how many were."""

        def work(tx: Tx) -> int:
            overdue = tx.overdue(self._clock.now(), limit)
            for proposal_id in overdue:
                self._cancelled(tx, tx.proposal(proposal_id), SYSTEM, Move.EXPIRE, None)
            return len(overdue)

        return await self._store.transact(work)

    # thresholds as proposals, and what ran and was wrong

    def offer(self, tx: Tx, category: str, content: Action, reason: str) -> Proposal:
        """Put a looser threshold to the admins, in place of an earlier offer that still waits."""
        self.retract_offer(tx, category, "a newer look offers another threshold")
        now, name = self._clock.now(), f"thresholds:{category}"
        subject = "A category has earned more autonomy"
        proposal = Proposal(
            id=self._clock.new_id("prp"),
            agent=SYSTEM.id,
            category=category,
            conversation=Conversation(id=name, subject=subject, customer={"name": category}),
            revision=Revision(
                number=1,
                content=content,
                author=SYSTEM,
                digest=digest_of(content, recipient=name, connector=THRESHOLDS_CONNECTOR, revision=1),
            ),
            confidence=None,
            in_scope=True,
            evidence=(),
            connector=THRESHOLDS_CONNECTOR,
            recipient=name,
            state=State.PENDING,
            ruling=Ruling(verdict=Verdict.ASK, rule=f"categories.{category}.risk", reason=reason),
            created_at=now,
            expires_at=now + LONGEST_WAIT,
            cards=((OPS, self.policy.channels.ops),),
        )
        tx.add_proposal(proposal, Submission(key=proposal.id, body_hash=proposal.digest, salt=self._clock.salt()))
        tx.keep(f"offer:{category}", proposal.id)
        self._audit(tx, "threshold.offered", SYSTEM, proposal, {"offer": content.canonical()})
        Errands(tx, self.policy, self._clock).card(proposal, OPS, self.policy.channels.ops)
        return proposal

    def retract_offer(self, tx: Tx, category: str, reason: str) -> None:
        """Take back an offer that still waits: what it rests on no longer holds."""
        earlier = tx.kept(f"offer:{category}")
        if isinstance(earlier, str) and (before := tx.proposal(earlier)).state in WAITING:
            self._cancelled(tx, before, SYSTEM, Move.WITHDRAW, reason)

    async def mark_wrong(self, proposal_id: str, person: Person) -> Proposal:
        """A reviewer says that what went out on its own was wrong; it counts once."""
        return await self._store.transact(lambda tx: self._mark_wrong(tx, proposal_id, person))

    def _mark_wrong(self, tx: Tx, proposal_id: str, person: Person) -> Proposal:
        before = tx.proposal(proposal_id)
        check_reviewer(self.policy, before, person)
        if before.decision is None or before.decision.kind is not DecisionKind.AUTOMATIC:
            raise Conflict("A person decided this one; only what ran on its own can be marked as wrong.")
        if before.marked_by:
            sentence = f"{before.marked_by.name} has marked this already; it counts once."
            raise AlreadyDecided(sentence, winner_id=before.marked_by.id)
        after = self._moved(tx, before, replace(before, marked_by=person.actor))
        self._audit(tx, "proposal.marked_wrong", person.actor, after, {})
        errands = Errands(tx, self.policy, self._clock)
        for receipt in tx.receipts(after.id):
            if receipt.room == LOG:
                errands.relog(after, receipt.channel, receipt.ts, tx.message_proposals(receipt.channel, receipt.ts))
        return after

    # carrying out

    def record(self, tx: Tx, errand: Errand, outcome: Outcome) -> None:
        """Write down how an execution ended; runs in the transaction that settles its errand."""
        before = tx.proposal(errand.proposal_id or "")
        if before.state is not State.APPROVED:
            return
        event: str | None
        match outcome:
            case Delivered(result=result):
                move, event = Move.SUCCEED, "proposal.executed"
                execution = Execution(status="succeeded", result=result, attempts=errand.attempts)
            case Lost(error=error):
                move, event = Move.LOSE, None
                execution = Execution(status="in_doubt", error=error, attempts=errand.attempts, key=errand.id)
            case Failed(error=error):
                move, event = Move.FAIL, "proposal.failed"
                execution = Execution(status="failed", error=error, attempts=errand.attempts)
            case Postponed(error=error):
                # The tries are used up. A receiver that honours the key may have had one: a retry keeps the key.
                move, event = Move.FAIL, "proposal.failed"
                execution = Execution(status="failed", error=error, attempts=errand.attempts, key=errand.id)
        after = self._moved(tx, before, replace(before, state=step(before.state, move), execution=execution))
        audit: dict[str, Json] = {"delivery": errand.id, "attempts": errand.attempts, "error": execution.error}
        self._audit(tx, f"proposal.{after.state.value}", SYSTEM, after, audit)
        errands = Errands(tx, self.policy, self._clock)
        errands.repaint(after)
        if event:
            errands.callback(after, event)
        if move is not Move.SUCCEED:
            self._show(tx, errands, after, OPS, self.policy.channels.ops)

    # the switch

    async def pause(self, person: Person, reason: str | None) -> Pause:
        """Stop every execution at once, until `resume`."""

        def work(tx: Tx) -> Pause:
            check_admin(self.policy, person)
            pause = Pause(by=person.actor, at=self._clock.now(), reason=reason)
            tx.set_pause(pause)
            self._audit(tx, "executions.paused", person.actor, None, {"reason": reason})
            lines = [Line(label="By", user=person.actor.id), Line(label="Why", text=reason or "no reason given")]
            Errands(tx, self.policy, self._clock).notice(
                "Executions are paused: nothing more runs until /approvals resume.", lines, level="alarm"
            )
            return pause

        return await self._store.transact(work)

    async def resume(self, person: Person) -> None:
        """Let executions go on."""

        def work(tx: Tx) -> None:
            check_admin(self.policy, person)
            if tx.pause() is None:
                raise Conflict("Executions are not paused.")
            tx.set_pause(None)
            self._audit(tx, "executions.resumed", person.actor, None, {})
            lines = [Line(label="By", user=person.actor.id)]
            Errands(tx, self.policy, self._clock).notice("Executions go on.", lines)

        await self._store.transact(work)

    async def whisper(self, *, channel: str, user: str, text: str) -> None:
        """Leave a line that only this user will see."""
        await self._store.transact(
            lambda tx: Errands(tx, self.policy, self._clock).whisper(channel=channel, user=user, text=text)
        )

    # what every move shares

    def _seen(self, tx: Reader, seen: Seen, person: Person, move: Move) -> Proposal:
        """The proposal as it stands, if this person may make this move on exactly what they saw."""
        proposal = tx.proposal(seen.proposal_id)
        self._check_turn(proposal, move)
        self._check_say(proposal, person, move)
        if seen.state not in {None, proposal.state}:
            raise self._late(proposal, move) if proposal.decision else Stale("This case moved on after you saw it.")
        if (proposal.revision.number, proposal.digest) != (seen.revision, seen.digest):
            by = proposal.revision.author.name
            raise Stale(f"{by} changed this after you saw it; look at the new wording and decide again.")
        if proposal.state in WAITING and proposal.expires_at <= self._clock.now():
            raise Conflict("This case expired before you decided, so nothing was done.")
        return proposal

    def _check_turn(self, proposal: Proposal, move: Move) -> None:
        try:
            step(proposal.state, move)
        except Conflict:
            if proposal.decision is None:
                raise
            if move is Move.UNDO and proposal.execution:
                raise Conflict(TOO_LATE) from None
            raise self._late(proposal, move) from None

    def _check_say(self, proposal: Proposal, person: Person, move: Move) -> None:
        if proposal.state is State.ESCALATED and proposal.escalated_by:
            before = replace(proposal, state=State.PENDING, escalated_by=None)
            now, then = reviewers(self.policy, proposal), reviewers(self.policy, before)
            if person.among(then) and not person.among(now):
                # They could decide until somebody escalated it: they are late, not strangers.
                raise self._late(proposal, move)
        check_reviewer(self.policy, proposal, person)

    def _late(self, proposal: Proposal, move: Move) -> Conflict:
        error = late(proposal, self._clock.now())
        if proposal.decision and DECIDES.get(move) is proposal.decision.kind:
            return error
        # Whoever decided one thing and then clicks another is owed an answer, unlike for a second click.
        return Conflict(error.sentence)

    def _moved(self, tx: Tx, before: Proposal, after: Proposal) -> Proposal:
        after = replace(after, version=before.version + 1)
        self._swap(tx, before, after)
        if after.ruling.choice and self._teaches(before, after):
            tx.add_lesson(after.id)
        return after

    def _teaches(self, before: Proposal, after: Proposal) -> bool:
        """Whether this move said something about the AI: a decision, a mark, or the end of the time to undo one."""
        settled = before.state is State.APPROVED and bool(self.policy.category(after.category).undo_window)
        return after.decision != before.decision or after.marked_by != before.marked_by or settled

    def _swap(self, tx: Tx, before: Proposal, after: Proposal) -> None:
        if not tx.swap(before, after):
            now = tx.proposal(before.id)
            raise late(now, self._clock.now()) if now.decision else Stale("This case changed a moment ago; look again.")

    def _audit(self, tx: Tx, kind: str, actor: Actor, proposal: Proposal | None, payload: Mapping[str, Json]) -> None:
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


def late(proposal: Proposal, now: datetime) -> Conflict:
    """The sentence for whoever came second: who won, what they did, and when."""
    decision = proposal.decision
    if decision is None:
        return Conflict(f"This case is {words(proposal.state)} already.")
    when = ago(now - decision.at)
    match decision.kind:
        case DecisionKind.EXPIRED:
            sentence = f"This case expired {when}, so nothing was done."
        case DecisionKind.AUTOMATIC:
            sentence = f"This ran on its own {when}."
        case _:
            verb = decision.kind.value.replace("_", " ")
            sentence = f"{decision.by.name} {_ACTIVE.get(verb, verb)} this {when}."
    return AlreadyDecided(sentence, winner_id=decision.by.id)


_ACTIVE: Final = {"taken over": "took over", "withdrawn": "withdrew"}


def ago(span: timedelta) -> str:
    """A time span as people say it."""
    seconds = max(int(span.total_seconds()), 0)
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return f"{seconds} seconds ago" if seconds != 1 else "1 second ago"


def _with_automatic_decision(proposal: Proposal, now: datetime) -> Proposal:
    verdict = proposal.ruling.verdict
    if verdict is Verdict.AUTOMATE:
        decision = Decision(kind=DecisionKind.AUTOMATIC, by=_rule_actor(proposal), at=now, revision=1)
        return replace(proposal, decision=decision, execution=Execution(status="waiting"))
    if verdict is Verdict.REFUSE:
        decision = Decision(
            kind=DecisionKind.REJECTED, by=_rule_actor(proposal), at=now, revision=1, reason=proposal.ruling.reason
        )
        return replace(proposal, decision=decision)
    return proposal


def _first_cards(verdict: Verdict, category: CategoryRule) -> tuple[tuple[str, str], ...]:
    match verdict:
        case Verdict.ASK:
            return ((REVIEW, category.channel),)
        case Verdict.ESCALATE:
            return ((ESCALATION, category.escalation_channel),)
        case Verdict.AUTOMATE | Verdict.REFUSE:
            return ()


def _rule_actor(proposal: Proposal) -> Actor:
    return Actor(kind="rule", id=proposal.ruling.rule, name="the policy")


def _check_heard(proposal: Proposal, seen: Seen) -> None:
    if len(proposal.follow_ups) > seen.follow_ups:
        raise WroteAgain("The customer wrote again after this draft; read the new message and decide again.")


def _check_content(content: Content) -> None:
    if isinstance(content, Reply):
        if not content.text.strip():
            raise BadInput("The reply is empty; write what the customer should read, or reject the draft.")
        if len(content.text) > LONGEST_REPLY:
            raise BadInput(f"The reply is longer than {LONGEST_REPLY:,} characters; shorten it.")


def _about(proposal: Proposal) -> list[Line]:
    return [
        Line(label="Category", text=proposal.category),
        Line(label="Proposed", text=summary(proposal)),
        Line(label="Case", text=proposal.id),
    ]
