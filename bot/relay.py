"""Carries errands out of the process: lease what is due, hand it to its courier, record how it ended.

One errand of a lane is in flight at a time, in order. A crash leaves the lease; when it runs out the errand is leased
again and marked as interrupted, so that its courier can look whether the earlier attempt arrived.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final

import structlog

from bot.clock_watch import ClockWatch
from bot.domain.audit import Event
from bot.domain.delivery import (
    LEASE,
    Delivered,
    Errand,
    ErrandKind,
    Failed,
    Lost,
    Outcome,
    Postponed,
    due_in,
    paced,
    remembered,
)
from bot.domain.errors import Unavailable
from bot.domain.proposal import Proposal
from bot.naps import comes
from bot.ports import Case, Clock, Commit, Courier, Reader, Store, Tx
from bot.right_of_way import RightOfWay

log = structlog.get_logger(__name__)

LANES_AT_ONCE: Final = 32
LINES_TOGETHER: Final = 10
TAKEN_BACK_AT_ONCE: Final = 20
"""Of a lane, in one transaction: clicks wait until it is written."""
LOOK_AGAIN: Final = timedelta(milliseconds=50)
SHORTEST_NAP: Final = timedelta(milliseconds=5)
LONGEST_NAP: Final = timedelta(seconds=30)
CLOCK_LOOK: Final = timedelta(seconds=1)
"""Between two looks at the clock at most: what is written before the next one counts as written before it went back."""
TRY_AGAIN: Final = timedelta(seconds=1)
BREATH: Final = timedelta(milliseconds=250)
RUN_BUDGET: Final = LEASE / 3
STOPPED_BY_A_PAUSE: Final = frozenset({ErrandKind.EXECUTE, ErrandKind.SPEAK, ErrandKind.GO_AHEAD})
Record = Callable[[Tx, Errand, Outcome], None]
Told = Callable[[Tx, Errand, str], None]
Stands = Callable[[Tx, Errand, Proposal], bool]


@dataclass(frozen=True, slots=True)
class _Leased:
    errand: Errand
    case: Case | None
    lines: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """What goes now, when to look again, and whether more might have gone, had there been a place for it."""

    leased: list[_Leased]
    due: datetime | None
    full: bool


class Relay:
    """Runs until stopped.

    `stands` says of an execution that is leased whether it may begin, or has been taken back: then it is no more.
    `record` writes the end of an execution, `delayed` that it did not get through yet; `logged` is told of a log line
    that took more than one try; `buried` tells the team of another errand that was given up.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        way: RightOfWay,
        couriers: Mapping[ErrandKind, Courier],
        stands: Stands,
        record: Record,
        logged: Callable[[Tx, Errand], None],
        delayed: Told,
        buried: Told,
        sweep: Callable[[], Awaitable[int]],
        attempts: int,
        owner: str,
    ) -> None:
        self._store, self._clock, self._way, self._couriers = store, clock, way, couriers
        self._stands = stands
        self._record, self._logged, self._delayed, self._buried, self._sweep = record, logged, delayed, buried, sweep
        self._attempts, self._owner = attempts, owner
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping = self._paused = self._full = False
        self._stirred = asyncio.Event()
        self._lanes: dict[asyncio.Task[None], str] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._watch, self._minding = ClockWatch(clock), asyncio.Lock()
        store.subscribe(self._on_commit)

    async def start(self) -> None:
        """End the leases of a dead predecessor, then begin."""

        def begin(tx: Tx) -> bool:
            tx.abandon_leases(self._clock.now())
            return tx.pause() is not None

        self._paused = await self._store.transact(begin)
        self._loops = [
            asyncio.create_task(self._run(), name="sayso-relay"),
            asyncio.create_task(self._sweep_forever(), name="sayso-sweep"),
            asyncio.create_task(self._watch_clock(), name="sayso-clock"),
        ]

    async def stop(self) -> None:
        """Stop leasing, and let what is in flight end; what takes longer than 5 s is cut, and found again later."""
        self._stopping = True
        self._wake.set()
        for task in self._loops[1:]:
            task.cancel()
        if under_way := {*self._loops, *self._lanes}:
            _, late = await asyncio.wait(under_way, timeout=5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._alarm:
            self._alarm.cancel()

    def _on_commit(self, commit: Commit) -> None:
        if commit.paused is not None:
            # Told before whoever paused hears of it: from then on nothing that was leased earlier begins either.
            self._paused = commit.paused
        if commit.errands:
            self._wake.set()
        if commit.proposals:
            self._stirred.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._mind_the_clock()
                busy = frozenset(self._lanes.values())
                await self._send_off(await self._store.transact(partial(self._lease, busy=busy)))
            except Exception:
                # A database that is locked or full for a moment must not end the relay for good.
                log.exception("lease_failed")
                await asyncio.sleep(1)
                self._wake.set()
            await self._wake.wait()
            await self._way.clear()

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_LOOK.total_seconds())
            try:
                await self._mind_the_clock()
            except Exception:
                log.exception("clock_not_followed")  # the next look sees it again

    async def _mind_the_clock(self) -> None:
        """Have nothing wait longer because the clock was set back."""
        async with self._minding:
            if by := self._watch.set_back():
                log.warning("clock_set_back", seconds=by.total_seconds())
                await self._store.transact(partial(self._set_back, by))
                self._watch.follow()

    def _set_back(self, by: timedelta, tx: Tx) -> None:
        tx.clock_set_back(self._clock.now(), by)

    async def _send_off(self, found: _Found) -> None:
        """Begin to carry what was leased, and look again when the next is due; on the way out, give it back untried."""
        if self._stopping:
            await self._store.transact(partial(self._back, found.leased))
            return
        self._full = found.full
        for lane, run in groupby(found.leased, key=lambda item: item.errand.lane):
            task = asyncio.create_task(self._carry_lane(list(run)))
            self._lanes[task] = lane
            task.add_done_callback(self._lane_free)
        wait = LONGEST_NAP if found.due is None else min(max(found.due - self._clock.now(), SHORTEST_NAP), LONGEST_NAP)
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(wait.total_seconds(), self._wake.set)

    def _lane_free(self, task: asyncio.Task[None]) -> None:
        del self._lanes[task]
        if not task.cancelled() and (error := task.exception()):
            # The lease stays and runs out: what was in flight is then carried again, as interrupted.
            log.error("lane_failed", exc_info=error)
            self._wake.set()

    async def _sweep_forever(self) -> None:
        while True:
            self._stirred.clear()
            try:
                while await self._sweep():
                    pass
                due = await self._store.read(lambda tx: tx.next_expiry())
            except Exception:
                # What is overdue must expire later, when the database can be used again.
                log.exception("sweep_failed")
                due = None
            nap = LONGEST_NAP if due is None else min(max(due - self._clock.now(), timedelta(0)), LONGEST_NAP)
            if await comes(self._stirred, nap):
                await asyncio.sleep(BREATH.total_seconds())

    def _lease(self, tx: Tx, busy: frozenset[str] = frozenset()) -> _Found:
        """What may go now, each with its case, and when to look again."""
        now = self._clock.now()
        # One more goes even when all are busy: thirty-two receivers that hang must not stop Slack.
        limit = max(1, LANES_AT_ONCE - len(self._lanes))
        errands = tx.lease(now=now, owner=self._owner, until=now + LEASE, limit=limit, busy=busy)
        # Much is under way: then it costs less to look again soon than to search for the next moment each time.
        due = now + LOOK_AGAIN if errands else tx.next_due()
        full = len({errand.lane for errand in errands}) == limit
        return _Found(self._with_cases(tx, errands), now + LOOK_AGAIN if due and due <= now else due, full)

    def _lease_next(self, tx: Tx, lane: str) -> list[_Leased]:
        now = self._clock.now()
        for _ in range(TAKEN_BACK_AT_ONCE):
            errands = tx.lease_next(lane, now=now, owner=self._owner, until=now + LEASE)
            leased = self._with_cases(tx, errands)
            if leased or not errands:
                return leased
        return []  # what was written wakes the relay, which finds the rest of the lane

    def _with_cases(self, tx: Tx, errands: list[Errand]) -> list[_Leased]:
        """Those that may begin, each with its case as it stands then."""
        repainted = {errand.proposal_id for errand in errands if errand.kind is ErrandKind.REPAINT}
        cases: dict[str, Case] = {}

        def case(proposal_id: str) -> Case:
            if proposal_id not in cases:
                made = _case(tx, proposal_id, receipts=proposal_id in repainted)
                cases[proposal_id] = replace(made, paused=True) if self._paused else made
            return cases[proposal_id]

        def may_begin(errand: Errand) -> bool:
            if errand.kind is not ErrandKind.EXECUTE or errand.proposal_id is None:
                return True
            if self._stands(tx, errand, case(errand.proposal_id).proposal):
                return True
            del cases[errand.proposal_id]  # it was taken back, and stands otherwise now
            return False

        leased = []
        for errand in [errand for errand in errands if may_begin(errand)]:
            lines = _lines(tx, errand) if errand.kind is ErrandKind.RELOG else []
            about = case(errand.proposal_id) if errand.proposal_id else None
            leased.append(_Leased(errand, about, tuple(case(one) for one in lines)))
        return leased

    async def _carry_lane(self, run: list[_Leased]) -> None:
        """Carry a run of errands, and then whatever follows in its lane."""
        while run:
            run = await self._carry_run(run)

    async def _carry_run(self, run: list[_Leased]) -> list[_Leased]:
        """Carry what was leased together; what was leased behind it in its lane is the answer."""
        fresh: dict[str, Case] = {}
        begun = self._clock.now()
        while True:
            await self._way.clear()
            if self._stopping or self._clock.now() - begun > RUN_BUDGET or self._stopped(run[0].errand):
                # The lease must outlive the call: what is left goes back rather than be leased twice.
                await self._write(partial(self._back, run))
                return []
            head, together, rest = _together(run)
            case = fresh.get(head.errand.proposal_id or "", head.case)
            others = [*head.lines, *(item.case for item in together if item.case)]
            try:
                outcome = await self._carry(_sharing(head, together), case, others)
            except asyncio.CancelledError:
                await self._store.transact(partial(self._back, rest))
                raise
            gone, missed = _told_apart(head, together, outcome)
            rest = [*missed, *rest]
            back, run = (rest, []) if isinstance(outcome, Postponed) else ([], rest)
            settle = partial(self._settle_all, gone, outcome, back)
            if not run:
                return await self._settle_and_lease(settle, head.errand.lane)
            await self._write(settle)
            if isinstance(outcome, Delivered) and outcome.receipt and case:
                fresh[case.proposal.id] = replace(case, receipts=(*case.receipts, outcome.receipt))

    def _stopped(self, errand: Errand) -> bool:
        return self._paused and errand.kind in STOPPED_BY_A_PAUSE

    async def _settle_and_lease(self, settle: Callable[[Tx], None], lane: str) -> list[_Leased]:
        """Write down what ended and, in the same transaction, lease what may follow it in its lane."""

        def both(tx: Tx) -> list[_Leased]:
            settle(tx)
            return self._lease_next(tx, lane)

        if not (self._stopping or self._full):
            try:
                return await self._store.transact(both)
            except Exception:
                # What ended is a fact; that something else cannot be leased now must not undo it.
                log.exception("lease_failed")
        # Where all places are taken this lane gives up its own: another may have waited longer.
        await self._write(settle)
        self._wake.set()
        return []

    async def _write(self, work: Callable[[Tx], None]) -> None:
        """Write down how something ended, and while the database cannot be used, wait for it.

        Given up, it would be found as interrupted, and nobody would know any more what the receiver has said.
        """
        while True:
            try:
                return await self._store.transact(work)
            except Unavailable:
                log.exception("outcome_not_written")
                await asyncio.sleep(TRY_AGAIN.total_seconds())

    async def _carry(self, errand: Errand, case: Case | None, together: list[Case]) -> Outcome:
        courier = self._couriers.get(errand.kind)
        if courier is None:
            return Failed(error=f"nothing here carries {errand.kind}")
        try:
            return await courier.carry(errand, case, *together)
        except Exception as error:
            # A fault of ours after a call may have left: for an execution that means nobody knows.
            log.exception("courier_failed", errand=errand.id, kind=errand.kind)
            if errand.kind is ErrandKind.EXECUTE:
                return Lost(error=f"Sayso failed while it was carrying this out ({type(error).__name__}).")
            return Postponed(error=str(error))

    def _settle_all(self, gone: list[Errand], outcome: Outcome, back: list[_Leased], tx: Tx) -> None:
        for errand in gone:
            own = outcome
            if isinstance(outcome, Delivered) and outcome.receipt:
                receipt = replace(outcome.receipt, errand_id=errand.id, proposal_id=errand.proposal_id)
                own = replace(outcome, receipt=receipt)
            self._settle(tx, errand, own)
        self._back(back, tx)

    def _settle(self, tx: Tx, errand: Errand, outcome: Outcome) -> None:
        match outcome:
            case Delivered(receipt=receipt):
                tx.done(errand.id)
                if receipt:
                    tx.add_receipt(receipt)
                if errand.kind is ErrandKind.EXECUTE:
                    self._record(tx, errand, outcome)
                if errand.kind is ErrandKind.LOG and errand.tried_before:
                    self._logged(tx, errand)
            case Postponed() if errand.counted < self._attempts or paced(errand, outcome):
                self._postpone(tx, errand, outcome)
            case Postponed(error=error) | Failed(error=error) | Lost(error=error):
                tx.bury(errand.id, error=error)
                if errand.kind is ErrandKind.EXECUTE:
                    self._record(tx, errand, outcome)
                else:
                    self._buried(tx, errand, error)

    def _postpone(self, tx: Tx, errand: Errand, outcome: Postponed) -> None:
        due_at = self._clock.now() + due_in(errand, outcome, draw=self._clock.draw())
        tx.postpone(errand.id, due_at=due_at, error=outcome.error, payload=remembered(errand, outcome))
        if outcome.hold_lane:
            tx.hold_lane(errand.lane, until=due_at)
        if errand.kind is ErrandKind.EXECUTE and not paced(errand, outcome):
            self._delayed(tx, errand, outcome.error)

    def _back(self, rest: list[_Leased], tx: Tx) -> None:
        """Give back what was not tried; an interrupted one may have been, in an earlier life, so its lease stays."""
        for item in rest:
            if not item.errand.interrupted:
                tx.release(item.errand.id)


def _case(tx: Reader, proposal_id: str, *, receipts: bool) -> Case:
    """A proposal as it stands; its messages only where they are asked for."""
    proposal = tx.proposal(proposal_id)
    return Case(
        proposal=proposal,
        revisions=tuple(tx.revisions(proposal_id)) if proposal.revision.number > 1 else (proposal.revision,),
        receipts=tuple(tx.receipts(proposal_id)) if receipts else (),
        undone=_undone(tx, proposal_id) if proposal.turn else None,
    )


def _undone(tx: Reader, proposal_id: str) -> Event | None:
    last = tx.interventions(proposal_id)[-1:]
    return last[0] if last and last[0].kind == "proposal.undone" else None


def _lines(tx: Reader, errand: Errand) -> list[str]:
    """The proposals of a log message's lines as they are known now: some may have been found since it was queued."""
    return tx.message_proposals(str(errand.payload["channel"]), str(errand.payload["ts"]))


def _together(run: list[_Leased]) -> tuple[_Leased, list[_Leased], list[_Leased]]:
    """The first errand, those right behind it that share its message (log lines do), and the rest."""
    head, end = run[0], 1
    if head.errand.kind is ErrandKind.LOG:
        while end < min(len(run), LINES_TOGETHER) and run[end].errand.kind is ErrandKind.LOG:
            end += 1
    return head, run[1:end], run[end:]


def _sharing(head: _Leased, together: list[_Leased]) -> Errand:
    """The first errand, with the ids of those that share its message."""
    return replace(head.errand, together=tuple(item.errand.id for item in together)) if together else head.errand


def _told_apart(head: _Leased, together: list[_Leased], outcome: Outcome) -> tuple[list[Errand], list[_Leased]]:
    """What this outcome is about, and what a message of an earlier attempt does not hold: that goes out next."""
    missing = outcome.missing if isinstance(outcome, Delivered) else frozenset()
    gone = [item.errand for item in (head, *together) if item.errand.id not in missing]
    return gone, [item for item in together if item.errand.id in missing]
