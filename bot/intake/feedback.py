"""Lets settled cases teach: follows the audit log, keeps what was sent as a precedent and how its draft fared."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bot.domain.decision import DecisionKind
from bot.domain.errors import SaysoError, Unavailable
from bot.domain.proposal import Content, Proposal
from bot.drafting import precedents
from bot.drafting.learning import FEWEST, Learned
from bot.drafting.ports import Library, LibraryAccess, Precedent
from bot.errands import Line
from bot.intake.bell import Bell
from bot.ports import Clock, Commit, Reader, Store, Tx
from bot.right_of_way import RightOfWay

CURSOR: Final = "feedback"
BATCH: Final = 200
LEARN_EVERY: Final = 25
SENT: Final = frozenset({"proposal.executed", "proposal.confirmed"})
DROPPED: Final = frozenset({"proposal.rejected", "proposal.taken_over"})
Learn = Callable[[], Awaitable[dict[bool, Learned]]]
log = structlog.get_logger(__name__)

BREATH: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    proposal: Proposal
    right: bool
    precedent: Precedent | None


class Feedback:
    """Reads on from where it stopped; doing the same event twice changes nothing."""

    def __init__(
        self,
        *,
        store: Store,
        access: LibraryAccess,
        clock: Clock,
        learn: Learn,
        bell: Bell,
        way: RightOfWay,
        taught: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._access, self._clock, self._learn, self._bell = store, access, clock, learn, bell
        self._way, self._taught = way, taught
        self._wake = asyncio.Event()
        self._settled = 0
        self._batch = BATCH
        self._loop: asyncio.Task[None] | None = None
        store.subscribe(self._on_commit)

    async def start(self) -> None:
        """Begin with what happened since the last life."""
        self._wake.set()
        self._loop = asyncio.create_task(self._run(), name="sayso-feedback")

    async def stop(self) -> None:
        """Stop; the rest waits for the next start."""
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def _on_commit(self, commit: Commit) -> None:
        if commit.proposals:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            # Many decisions come together; learning from them may wait a moment, a click may not wait for it.
            await asyncio.sleep(BREATH)
            await self._way.clear()
            self._wake.clear()
            try:
                while await self.follow():
                    pass
                self._batch = BATCH
            except Exception as error:
                # One decision that cannot be learned from must not end the learning from all later ones.
                log.exception("feedback_failed")
                await asyncio.sleep(1)
                if not isinstance(error, Unavailable):
                    await self._step_over(error)
                self._wake.set()

    async def _step_over(self, error: Exception) -> None:
        """Go on event by event, and leave out the one that it fails on: what came later is not to wait for ever."""
        if self._batch > 1:
            self._batch = 1
            return
        self._batch = BATCH
        try:
            if (seq := await self._store.read(_next)) is None:
                return
            await self._store.transact(lambda tx: tx.keep(CURSOR, seq))
            lines = [Line(label="Why", text=type(error).__name__), Line(label="Audit event", text=str(seq))]
            await self._bell.ring(
                "not taught", "Sayso cannot learn from a decision; it is left out.", lines, level="alarm"
            )
        except Exception:
            # It is stepped over at the next round; the loop that called this must go on until then.
            log.exception("feedback_not_stepped_over")

    async def follow(self) -> bool:
        """Take in the next events; whether there may be more."""
        upto, lessons = await self._store.read(lambda tx: _lessons(tx, self._batch))
        if upto is None:
            return False
        at = self._clock.now().isoformat()
        if lessons:
            self._settled += await self._access.write(lambda library: _teach(library, lessons, at))
            self._taught()
        await self._store.transact(lambda tx: _note(tx, upto, lessons))
        if self._settled >= LEARN_EVERY:
            self._settled = 0
            await self._relearn()
        return True

    async def _relearn(self) -> None:
        try:
            found = await self._learn()
        except Unavailable:
            raise
        except Exception as error:
            # The decisions are taken in; only what they add up to has to wait for the next ones.
            log.exception("not_learned")
            lines = [Line(label="Why", text=type(error).__name__)]
            title = "Sayso could not learn from your decisions; it tries again after the next ones."
            await self._bell.ring("not learned", title, lines, level="alarm")
            return
        learned = [one for one in found.values() if one.adopted and one.decisions >= FEWEST]
        for one in learned:
            title = "How sure drafts are was learned again from your decisions."
            with contextlib.suppress(SaysoError):
                await self._bell.ring("learned", title, [Line(label="Result", text=str(one))], level="good")


def _next(tx: Reader) -> int | None:
    """The number of the next event to learn from."""
    events = tx.audit_events(after=_cursor(tx), limit=1, kinds=SENT | DROPPED)
    return events[0].seq if events else None


def _cursor(tx: Reader) -> int:
    cursor = tx.kept(CURSOR)
    return cursor if isinstance(cursor, int) else 0


def _lessons(tx: Reader, limit: int) -> tuple[int | None, list[_Lesson]]:
    """What the next events teach, and the number of the last of them; None where there are none."""
    events = tx.audit_events(after=_cursor(tx), limit=limit, kinds=SENT | DROPPED)
    found = []
    for written in events:
        if written.event.proposal_id:
            proposal = tx.proposal(written.event.proposal_id)
            sent = written.event.kind in SENT
            draft = tx.draft(proposal)
            found.append(_lesson(proposal, draft, sent=sent))
    return (events[-1].seq if events else None), [lesson for lesson in found if lesson]


def _lesson(proposal: Proposal, draft: Content, *, sent: bool) -> _Lesson | None:
    decision = proposal.decision
    if decision is None or decision.by.kind != "person":
        return None
    right = sent and decision.kind is DecisionKind.APPROVED and proposal.revision.number == 1
    precedent = precedents.precedent_of(proposal, draft) if sent else None
    return _Lesson(proposal=proposal, right=right, precedent=precedent)


def _teach(library: Library, lessons: list[_Lesson], at: str) -> int:
    """How many drafts were settled by it."""
    settled = 0
    for lesson in lessons:
        if lesson.precedent:
            precedents.keep(library, lesson.precedent)
        settled += library.settle(lesson.proposal.id, right=lesson.right, at=at)
    return settled


def _note(tx: Tx, upto: int, lessons: list[_Lesson]) -> None:
    """Remember how far it got, and by which ids the customer will refer to our e-mails."""
    tx.keep(CURSOR, upto)
    for lesson in lessons:
        execution = lesson.proposal.execution
        result = execution.result if execution else None
        if isinstance(result, dict) and isinstance(message_id := result.get("message_id"), str):
            tx.add_thread(message_id, lesson.proposal.conversation.id)
