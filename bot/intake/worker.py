"""Drafts what waits in the queue and submits it: outside any transaction, and never twice for one ticket."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from bot.approvals import Approvals
from bot.domain.delivery import backoff
from bot.domain.errors import SaysoError, TooMuch, Unavailable
from bot.domain.masking import cut
from bot.domain.policy import Policy
from bot.domain.proposal import Action, Conversation, Proposal, Reply
from bot.domain.ticket import QueuedTicket, TicketState
from bot.drafting.draft import Draft, Ticket
from bot.drafting.drafter import UNSORTED, Drafter
from bot.drafting.ports import LibraryAccess
from bot.errands import Errands, Line
from bot.intake.bell import Bell
from bot.intake.reception import Reception
from bot.naps import comes
from bot.ports import Clock, Commit, Store, Tx
from bot.submission import Request

AT_ONCE: Final = 4
LEASE: Final = timedelta(minutes=10)
TICKET: Final = "tkt_"
SHORTEST_NAP: Final = timedelta(milliseconds=20)
LONGEST_NAP: Final = timedelta(seconds=30)
LONGEST_DRAFT: Final = 540.0
BACKOFF: Final = 4
Named = Callable[[Conversation], Awaitable[Conversation]]
log = structlog.get_logger(__name__)


class Worker:
    """Runs until stopped; a crash leaves tickets waiting, and the next start finds them."""

    def __init__(
        self,
        *,
        store: Store,
        access: LibraryAccess,
        approvals: Approvals,
        reception: Reception,
        drafter: Drafter,
        policy: Policy,
        clock: Clock,
        bell: Bell,
        named: Named,
    ) -> None:
        self._store, self._access, self._approvals, self._reception = store, access, approvals, reception
        self._drafter, self._policy, self._clock = drafter, policy, clock
        self._bell, self._named = bell, named
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        store.subscribe(self._on_commit)

    async def start(self) -> None:
        """Take up what a dead predecessor left, then begin."""
        await self._store.transact(lambda tx: tx.release_tickets(self._clock.now()))
        self._loop = asyncio.create_task(self._run(), name="sayso-intake")

    async def stop(self) -> None:
        """Stop; a draft that is being made is dropped, and its ticket waits for the next start."""
        tasks = [*([self._loop] if self._loop else []), *self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_commit(self, commit: Commit) -> None:
        if any(touched.startswith(TICKET) for touched in commit.proposals):
            self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                if not await self._begin():
                    await self._nap()
            except Exception:
                # A database that is away for a moment must not end drafting for good.
                log.exception("tickets_not_leased")
                await asyncio.sleep(1)

    async def _begin(self) -> int:
        """Begin to draft what is due; how many tickets that were."""
        leased = await self._store.transact(self._lease)
        for ticket in leased:
            task = asyncio.create_task(self._work(ticket))
            self._busy[ticket.id] = task
            task.add_done_callback(partial(self._done, ticket.id))
        return len(leased)

    def _done(self, ticket_id: str, _task: asyncio.Task[None]) -> None:
        del self._busy[ticket_id]
        self._wake.set()

    async def _nap(self) -> None:
        due = await self._store.read(lambda tx: tx.next_ticket())
        nap = LONGEST_NAP
        if due is not None and len(self._busy) < AT_ONCE:
            nap = min(max(due - self._clock.now(), SHORTEST_NAP), LONGEST_NAP)
        await comes(self._wake, nap)

    def _lease(self, tx: Tx) -> list[QueuedTicket]:
        """Count the attempt before it begins, so that a ticket that kills the process is tried a few times only."""
        free = AT_ONCE - len(self._busy)
        now = self._clock.now()
        due = [ticket for ticket in tx.due_tickets(now, AT_ONCE) if ticket.id not in self._busy][: max(free, 0)]
        leased = [replace(ticket, attempts=ticket.attempts + 1, due_at=now + LEASE) for ticket in due]
        for ticket in leased:
            tx.change_ticket(ticket)
        return leased

    async def _work(self, ticket: QueuedTicket) -> None:
        try:
            if await self._store.transact(lambda tx: self._finished_earlier(tx, ticket)):
                return
            draft, trouble = await self._draft(ticket)
            if trouble and draft.content is None and ticket.attempts < self._policy.drafting.attempts:
                await self._postpone(ticket, trouble, after=BACKOFF * backoff(ticket.attempts, draw=self._clock.draw()))
                await self._bell.ring(
                    "drafting", "A draft could not be made; Sayso tries again.", _about(ticket, trouble)
                )
                return
            await self._submit(ticket, draft, trouble)
        except _Grown:
            # What the customer wrote meanwhile belongs into the draft.
            await self._postpone(ticket, "The customer wrote again while this was drafted.", after=timedelta(0))
        except (TooMuch, Unavailable) as error:
            # Not the ticket's fault: it waits, and the attempt does not count.
            await self._postpone(replace(ticket, attempts=ticket.attempts - 1), str(error), after=timedelta(seconds=30))
        except SaysoError as error:
            await self._fail(ticket, error.sentence)
        except Exception as error:
            log.exception("ticket_failed", ticket=ticket.id)
            if ticket.attempts < self._policy.drafting.attempts:
                await self._postpone(ticket, str(error), after=timedelta(seconds=30))
            else:
                await self._fail(ticket, f"Sayso failed on it ({type(error).__name__}).")

    async def _draft(self, ticket: QueuedTicket) -> tuple[Draft, str | None]:
        """The draft, and what went wrong, if something did."""
        conversation = await self._named(ticket.conversation)
        asked = Ticket(conversation=conversation, category=ticket.category, attachments=ticket.attachments)
        try:
            async with asyncio.timeout(LONGEST_DRAFT):
                draft = await self._drafter.draft(asked)
        except Unavailable:
            raise
        except TimeoutError:
            return _none(ticket), "Drafting took longer than nine minutes."
        except Exception as error:
            # Whatever drafting stumbles over, the customer's words must reach a person.
            log.exception("draft_failed", ticket=ticket.id)
            return _none(ticket), f"Drafting failed ({type(error).__name__}: {cut(str(error), 200)})."
        return draft, draft.trouble

    async def _submit(self, ticket: QueuedTicket, draft: Draft, trouble: str | None) -> None:
        conversation = await self._named(ticket.conversation)
        request = _request(ticket, conversation, draft)
        try:
            proposal, new = await self._approvals.submit(request, lambda tx: _check_whole(tx, ticket))
        except _Grown:
            if ticket.attempts < self._policy.drafting.attempts:
                raise
            # They write faster than drafts are made: then a person reads what came, and nothing runs on its own.
            held = replace(request, holds=("The customer wrote again while this was drafted.", *request.holds))
            proposal, new = await self._approvals.submit(held)
        if new and draft.content is not None and draft.confidence is not None:
            features, confidence, at = draft.features, draft.confidence, self._clock.now().isoformat()
            await self._access.write(
                lambda library: library.put_draft(
                    proposal.id, category=draft.category, features=features, confidence=confidence, at=at
                )
            )
        await self._store.transact(lambda tx: self._finish(tx, ticket, tx.proposal(proposal.id), trouble))

    def _finished_earlier(self, tx: Tx, leased: QueuedTicket) -> bool:
        """Whether an earlier life submitted it and was cut off: then only the end is missing, and no second draft."""
        submitted = tx.submitted(leased.agent, leased.submission_key)
        if submitted is None:
            return False
        self._finish(tx, leased, tx.proposal(submitted[0]), None)
        return True

    def _finish(self, tx: Tx, leased: QueuedTicket, proposal: Proposal, trouble: str | None) -> None:
        ticket = tx.ticket(leased.id)
        tx.change_ticket(replace(ticket, state=TicketState.PROPOSED, proposal_id=proposal.id, error=trouble))
        # What was submitted is what counts: the ticket may have grown since, in this life or in an earlier one.
        submitted = len(proposal.conversation.messages) - len(proposal.follow_ups)
        self._reception.came_later(tx, ticket, proposal, ticket.conversation.messages[submitted:])
        if trouble:
            lines = [*_about(ticket, trouble), Line(label="Case", text=proposal.id)]
            title = "No draft could be made; a person has the case." if _empty(proposal) else "A note on drafting."
            Errands(tx, self._policy, self._clock).notice(title, lines, about=proposal, level="alarm")

    async def _postpone(self, ticket: QueuedTicket, error: str, *, after: timedelta) -> None:
        def work(tx: Tx) -> None:
            due_at = self._clock.now() + after
            tx.change_ticket(replace(tx.ticket(ticket.id), attempts=ticket.attempts, due_at=due_at, error=error))

        await self._store.transact(work)

    async def _fail(self, ticket: QueuedTicket, error: str) -> None:
        def work(tx: Tx) -> None:
            tx.change_ticket(replace(tx.ticket(ticket.id), state=TicketState.FAILED, error=error))
            Errands(tx, self._policy, self._clock).notice(
                "A ticket has no case: a person has to answer it elsewhere.", _about(ticket, error), level="alarm"
            )

        await self._store.transact(work)


class _Grown(Exception):
    """The ticket has other messages by now than the draft was made from."""


def _check_whole(tx: Tx, drafted: QueuedTicket) -> None:
    if tx.ticket(drafted.id).conversation.messages != drafted.conversation.messages:
        raise _Grown


def _request(ticket: QueuedTicket, conversation: Conversation, draft: Draft) -> Request:
    """The same key and hash however often it is drafted: the first submission stands."""
    spent = f"Drafting cost ${draft.cost:.4f} and {draft.tokens:,} tokens." if draft.tokens else ""
    # The ruling's own reason is the first concern, or else the first reason to hold; a card shows five notes.
    held = draft.holds if draft.concerns else draft.holds[1:]
    notes = [*draft.concerns[1:], *held, " ".join(draft.reasons), *draft.notes, spent]
    return Request(
        agent=ticket.agent,
        owner=ticket.owner,
        key=ticket.submission_key,
        body_hash=hashlib.sha256(ticket.id.encode()).hexdigest(),
        category=draft.category,
        conversation=conversation,
        content=draft.content or Reply(text=""),
        confidence=draft.confidence,
        in_scope=draft.in_scope,
        evidence=draft.evidence,
        # An action goes its own way: a thread or a mailbox carries words only.
        connector=None if isinstance(draft.content, Action) else ticket.connector,
        notes=tuple(note for note in notes if note),
        concerns=draft.concerns,
        holds=draft.holds,
    )


def _none(ticket: QueuedTicket) -> Draft:
    return Draft(
        category=ticket.category or UNSORTED,
        in_scope=True,
        content=None,
        confidence=None,
        concerns=("There is no draft, because drafting failed.",),
    )


def _empty(proposal: Proposal) -> bool:
    return isinstance(proposal.content, Reply) and not proposal.content.text.strip()


def _about(ticket: QueuedTicket, error: str) -> list[Line]:
    return [
        Line(label="Why", text=error),
        Line(label="Conversation", text=ticket.conversation.id),
        Line(label="Ticket", text=ticket.id),
    ]
