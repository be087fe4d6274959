"""Turns people's decisions into labels, and what the labels show into offers, incidents and new regimes.

Decisions wait in the store until they were learned from, so a crash loses none, and none counts twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from bot.domain.audit import Event as AuditedEvent
from bot.domain.canonical import Json
from bot.domain.decision import SYSTEM
from bot.domain.label import Label, is_wrong
from bot.domain.lifecycle import State
from bot.domain.moment import text_of_time
from bot.domain.monitor import Choice
from bot.domain.monitor_event import Event, Looked, MayLoosen, Tightened
from bot.domain.offer import offer, percent, promise
from bot.domain.plural import plural
from bot.domain.policy import CategoryRule, Mode, Policy, number
from bot.domain.proposal import Proposal
from bot.domain.standing import Standing
from bot.domain.threshold import SettingChange, Source
from bot.errands import Errands, Line, summary
from bot.evidence import what_if
from bot.naps import comes
from bot.offers import Offers
from bot.ports import Clock, Commit, Store, Tx
from bot.regimes import Begun, Ground, begin, save, standing_of
from bot.right_of_way import RightOfWay

log = structlog.get_logger(__name__)

BREATH = 0.1
LOOK_AGAIN = 15.0
BATCH = 100


class _Standings:
    """How categories stand while one batch is learned: read once, and written once where no event changed more."""

    def __init__(self, tx: Tx, policy: Policy) -> None:
        self._tx, self._policy = tx, policy
        self._read: dict[str, Standing] = {}

    def of(self, category: str) -> Standing:
        if category not in self._read:
            self._read[category] = standing_of(self._tx, self._policy, category)
        return self._read[category]

    def forget(self, standing: Standing) -> None:
        del self._read[standing.rule.name]

    def changed(self) -> list[Standing]:
        return [standing for standing in self._read.values() if standing.monitor]


class Learner:
    """Runs until stopped; wakes after each commit that touched a proposal.

    `ground` says what the AI's answers rest on now; it is asked at the start and every few seconds.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        clock: Clock,
        offers: Offers,
        way: RightOfWay,
        ground: Callable[[], Awaitable[Ground]],
    ) -> None:
        self._store, self._policy, self._clock, self._offers = store, policy, clock, offers
        self._way, self._ground, self._rests_on = way, ground, Ground()
        self._looked_at = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        store.subscribe(self._on_commit)

    async def start(self) -> None:
        """Begin the regimes that are due, learn what a crash left over, then go on."""
        self._rests_on = await self._ground()
        await self.rest_on(self._rests_on)
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="sayso-learner")

    async def stop(self) -> None:
        """Stop; what was not learned yet waits in the store."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def rest_on(self, ground: Ground) -> None:
        """Say what answers rest on from now on: categories for which that is new begin a new regime."""
        await self._store.transact(lambda tx: self._rest_on(tx, ground.parts()))

    def _on_commit(self, commit: Commit) -> None:
        if commit.proposals:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await comes(self._wake, timedelta(seconds=LOOK_AGAIN))
            await self._way.clear()
            self._wake.clear()
            try:
                while await self._store.transact(self._learn):
                    pass
                await self._look_at_the_ground()
            except Exception:
                # A database that is locked or full for a moment must not end the learning for good.
                log.exception("learning_failed")
                await asyncio.sleep(1)
                self._wake.set()
            await asyncio.sleep(BREATH)

    async def _look_at_the_ground(self) -> None:
        """Every few seconds, not at every decision: whether the model, the prompt or the knowledge changed."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < LOOK_AGAIN:
            return
        self._looked_at = now
        if (ground := await self._ground()) != self._rests_on:
            await self.rest_on(ground)
            self._rests_on = ground

    # labels

    def _learn(self, tx: Tx) -> bool:
        """Learn from the next decisions; whether there may be more."""
        lessons, standings = tx.lessons(BATCH), _Standings(tx, self._policy)
        for proposal_id in lessons:
            tx.lesson_learned(proposal_id)
            proposal = tx.proposal(proposal_id)
            choice = proposal.ruling.choice
            if choice is None or proposal.category not in self._policy.categories:
                continue
            if proposal.marked_by:
                self._marked(tx, proposal, choice, standings)
            elif not self._may_be_undone(proposal):
                self._decided(tx, proposal, choice, standings)
        for standing in standings.changed():
            save(tx, standing, self._clock.now())
        return len(lessons) == BATCH

    def _may_be_undone(self, proposal: Proposal) -> bool:
        window = self._policy.category(proposal.category).undo_window
        return proposal.state is State.APPROVED and bool(window)

    def _decided(self, tx: Tx, proposal: Proposal, choice: Choice, standings: _Standings) -> None:
        wrong = is_wrong(proposal, tx.draft(proposal))
        if wrong is None:
            return
        earlier = tx.label(proposal.category, choice.regime, proposal.conversation.id)
        standing = standings.of(proposal.category)
        if earlier is None:
            tx.add_label(self._label(proposal, choice, wrong=wrong))
            events = standing.monitor.learn(choice, wrong) if standing.monitor else []
        elif earlier.proposal_id == proposal.id and wrong and not earlier.wrong:
            # An approval was undone, and then the same case was edited, rejected or escalated.
            tx.correct_label(proposal.id)
            events = standing.monitor.mark_wrong(choice, label=False) if standing.monitor else []
        else:
            return
        self._take(tx, standing, events, standings)

    def _marked(self, tx: Tx, proposal: Proposal, choice: Choice, standings: _Standings) -> None:
        earlier = tx.label(proposal.category, choice.regime, proposal.conversation.id)
        if earlier is not None and earlier.marked:
            return
        tx.add_label(self._label(proposal, choice, wrong=True))
        standing = standings.of(proposal.category)
        if standing.monitor:
            label = earlier.wrong if earlier else None
            self._take(tx, standing, standing.monitor.mark_wrong(choice, label=label), standings)

    def _label(self, proposal: Proposal, choice: Choice, *, wrong: bool) -> Label:
        marked = proposal.marked_by is not None
        return Label(
            proposal_id=proposal.id,
            conversation_id=proposal.conversation.id,
            category=proposal.category,
            regime=choice.regime,
            bin=choice.bin,
            confidence=proposal.confidence or 0.0,
            wrong=wrong,
            sampled=choice.sampled and not marked,
            audited=choice.audited and not marked,
            probability=choice.probability,
            marked=marked,
            at=text_of_time(self._clock.now()),
        )

    # what the labels showed

    def _take(self, tx: Tx, standing: Standing, events: list[Event], standings: _Standings) -> None:
        if standing.monitor is None or not events:
            return
        standings.forget(standing)
        tightened = [event for event in events if isinstance(event, Tightened)]
        reason = f"{tightened[0].wrong} of the last {tightened[0].audits} audits were wrong" if tightened else None
        save(tx, standing, self._clock.now(), reason=reason)
        for event in events:
            match event:
                case Looked():
                    self._looked(tx, standing.rule, event)
                case MayLoosen():
                    self._offer(tx, standing, event)
                case Tightened():
                    self._tightened(tx, standing, event)

    def _looked(self, tx: Tx, rule: CategoryRule, event: Looked) -> None:
        payload: dict[str, Json] = {
            "look": event.number,
            "labels": event.sample,
            "spent": event.spent,
            "certified": event.certified,
            "next_look": event.next_look,
        }
        self._audit(tx, "threshold.looked", rule, payload)

    def _offer(self, tx: Tx, standing: Standing, event: MayLoosen) -> None:
        rule, certificate = standing.rule, event.certificate
        seen = what_if(tx, rule.name, event.regime, event.bin, self._clock.now())
        switches = standing.setting.mode is Mode.SUGGEST
        content = offer(
            rule.name, certificate, before=event.before, regime=event.regime, what_if=seen, switches=switches
        )
        reason = (
            f"{certificate.sample:,} labels support running {rule.name} on its own from "
            f"{number(certificate.threshold)}. {promise(certificate.risk, certificate.confidence)}"
        )
        if switches:
            reason += " Approving also switches its mode from suggest to autonomous."
        self._offers.offer(tx, rule.name, content, reason)

    def _tightened(self, tx: Tx, standing: Standing, event: Tightened) -> None:
        rule = standing.rule
        needed = plural(event.labels_needed, "label")
        before = "a threshold set by hand" if event.before is None else number(event.before)
        seen = f"{event.wrong} of the last {event.audits} cases that people checked were wrong"
        self._all_held(tx, rule, "drift", seen)
        payload: dict[str, Json] = {
            "before": event.before,
            "audits": event.audits,
            "wrong": event.wrong,
            "evidence": event.evidence,
            "risk": event.risk,
            "regime": standing.monitor.regime.number if standing.monitor else None,
        }
        self._audit(tx, "threshold.tightened", rule, payload)
        lines = [
            Line(label="Seen", text=f"{seen}; at most {percent(event.risk)} may be"),
            Line(label="How sure", text=f"a higher error explains these cases {event.evidence:,.0f} times better"),
            Line(label="Ran from", text=before),
            Line(label="Now", text=f"every case waits for a person until at least {needed}"),
            *self._examples(tx, rule.name, event.regime),
        ]
        title = f"{rule.name} is held again: too much of what ran on its own was wrong."
        Errands(tx, self._policy, self._clock).notice(title, lines, level="alarm")

    def _examples(self, tx: Tx, category: str, regime: int) -> list[Line]:
        wrong = tx.wrong_labels(category, regime)
        return [Line(label="Wrong", text=f"{summary(tx.proposal(one))} ({one})") for one in wrong]

    # regimes

    def _rest_on(self, tx: Tx, ground: Mapping[str, str]) -> None:
        for rule in self._policy.categories.values():
            begun = begin(tx, self._policy, rule, ground, self._clock.now())
            if begun is not None:
                self._begun(tx, begun)

    def _begun(self, tx: Tx, begun: Begun) -> None:
        rule, restarted = begun.rule, begun.restarted
        payload: dict[str, Json] = {"changed": [*begun.changed], "labels_dropped": begun.labels}
        self._audit(tx, "threshold.regime", rule, payload)
        if restarted is None:
            return
        self._all_held(tx, rule, "regime", restarted.reason)
        if restarted.before is None and not begun.labels:
            return
        costs = f"{rule.name} is held again until {plural(restarted.labels_needed, 'label')}"
        was = "nothing yet" if restarted.before is None else f"from {number(restarted.before)}"
        lines = [
            Line(label="Why", text=f"{restarted.reason}, so earlier decisions say nothing about its answers now"),
            Line(label="It ran on its own", text=was),
            Line(label="Labels that no longer count", text=f"{begun.labels:,}"),
        ]
        Errands(tx, self._policy, self._clock).notice(f"{costs}.", lines)

    def _all_held(self, tx: Tx, rule: CategoryRule, source: Source, reason: str) -> None:
        self._offers.retract(tx, rule.name, "a new regime began, so its evidence no longer counts")
        history = tx.setting_history(rule.name, 1)
        if not history:
            return
        change = SettingChange(
            category=rule.name,
            mode=history[0].mode,
            threshold=None,
            by=SYSTEM,
            at=self._clock.now(),
            reason=reason,
            source=source,
        )
        tx.change_setting(change)

    def _audit(self, tx: Tx, kind: str, rule: CategoryRule, payload: Mapping[str, Json]) -> None:
        at = text_of_time(self._clock.now())
        tx.audit(
            AuditedEvent(kind=kind, at=at, actor=SYSTEM, proposal_id=None, payload={"category": rule.name, **payload})
        )
