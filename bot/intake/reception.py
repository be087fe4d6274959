"""Takes tickets in: each is committed before anybody is told that it arrived, and none comes in twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bot.approvals import Approvals
from bot.domain.canonical import Json
from bot.domain.errors import KeyReused
from bot.domain.lifecycle import WAITING, State
from bot.domain.proposal import Conversation, Message, Proposal, Reply
from bot.domain.ticket import BOT, QueuedTicket, TicketState
from bot.drafting.words import excerpt
from bot.intake.arrival import Arrival
from bot.intake.threads import threaded
from bot.ports import Clock, Reader, Store, Tx

LONGEST_MESSAGE: Final = 100_000
MOST_MESSAGES: Final = 200


class Reception:
    """One conversation has one case at a time: what comes later joins it, or opens the next one."""

    def __init__(self, *, store: Store, approvals: Approvals, clock: Clock) -> None:
        self._store, self._approvals, self._clock = store, approvals, clock

    async def receive(self, arrival: Arrival, *, delivery: str | None = None) -> QueuedTicket | None:
        """The ticket, durable; the earlier one for a repeat. None for a `delivery` that was seen before.

        Raises KeyReused for an earlier key with another body, and Unavailable where the store cannot answer.
        """
        bounded = replace(arrival, conversation=_bounded(arrival.conversation))
        return await self._store.transact(lambda tx: self._receive(tx, bounded, delivery))

    def _receive(self, tx: Tx, arrival: Arrival, delivery: str | None) -> QueuedTicket | None:
        earlier = tx.arrived(arrival.source, arrival.key)
        if delivery and not tx.first_sight(delivery, now=self._clock.now()):
            return earlier
        if earlier:
            if earlier.body_hash != arrival.body_hash:
                raise KeyReused("This Idempotency-Key was used before with another body; choose a new key.")
            return earlier
        if arrival.references:
            arrival = threaded(tx, arrival)
        ticket = self._ticket(arrival)
        ticket = self._joined_ticket(tx, ticket, arrival) or self._joined_case(tx, ticket, arrival) or ticket
        if ticket.state is TicketState.WAITING and not arrival.whole:
            ticket = replace(ticket, conversation=_with_history(tx, ticket.conversation))
        self._tell_decided(tx, ticket, lambda case: _unheard(case.conversation, arrival))
        tx.add_ticket(ticket)
        return ticket

    def _ticket(self, arrival: Arrival) -> QueuedTicket:
        now = self._clock.now()
        return QueuedTicket(
            id=self._clock.new_id("tkt"),
            source=arrival.source,
            key=arrival.key,
            body_hash=arrival.body_hash,
            agent=arrival.agent,
            owner=arrival.owner,
            category=arrival.category,
            connector=arrival.connector,
            conversation=arrival.conversation,
            attachments=arrival.attachments,
            created_at=now,
            due_at=now,
        )

    def _joined_ticket(self, tx: Tx, ticket: QueuedTicket, arrival: Arrival) -> QueuedTicket | None:
        """Let a ticket that has no case yet grow by what came in."""
        waiting = tx.waiting_ticket(ticket.conversation.id)
        if waiting is None or waiting.agent != ticket.agent or tx.submitted(waiting.agent, waiting.submission_key):
            # Cut off before it could say so, it has its case already: that is where a reviewer looks.
            return None
        known = waiting.conversation
        heard = _unheard(known, arrival)
        talk = replace(
            known,
            messages=(*known.messages, *heard),
            customer=_customer(known, ticket.conversation),
        )
        files = tuple(dict.fromkeys([*waiting.attachments, *ticket.attachments]))
        tx.change_ticket(replace(waiting, conversation=talk, attachments=files))
        return replace(ticket, state=TicketState.JOINED)

    def _joined_case(self, tx: Tx, ticket: QueuedTicket, arrival: Arrival) -> QueuedTicket | None:
        """Mark the cases of this conversation that wait for a person."""
        waiting = [case for case in _own(ticket, tx.open_in(ticket.conversation.id)) if case.state in WAITING]
        for case in waiting:
            self._follow_up(tx, case, _unheard(case.conversation, arrival), ticket.attachments)
        if waiting:
            return replace(ticket, state=TicketState.JOINED, proposal_id=waiting[0].id)
        cases = _own(ticket, tx.conversation_proposals(ticket.conversation.id))
        if cases and arrival.repeats and not arrival.whole and not _unheard(cases[0].conversation, arrival):
            return replace(ticket, state=TicketState.JOINED, proposal_id=cases[0].id)
        return None

    def _tell_decided(self, tx: Tx, ticket: QueuedTicket, heard: Callable[[Proposal], list[Message]]) -> None:
        """What opens the next case shows on those that are decided and not out, too: they may be undone or retried."""
        for case in _own(ticket, tx.open_in(ticket.conversation.id)):
            if case.state not in WAITING:
                self._follow_up(tx, case, heard(case), ticket.attachments)

    def _follow_up(self, tx: Tx, case: Proposal, messages: list[Message], files: tuple[str, ...]) -> None:
        for message in messages:
            unread = f"\n(Attached and not read: {', '.join(files)})" if files else ""
            case = self._approvals.customer_wrote(tx, case, replace(message, text=message.text + unread))

    def came_later(self, tx: Tx, ticket: QueuedTicket, case: Proposal, messages: tuple[Message, ...]) -> None:
        """What the customer wrote while the draft was being made: it joins the case, or opens the next ticket."""
        said = [message for message in messages if message.role == "customer"]
        if not said:
            return
        if case.state in WAITING:
            self._follow_up(tx, case, said, ())
            return
        now = self._clock.now()
        talk = _with_history(tx, replace(ticket.conversation, messages=tuple(said)))
        self._tell_decided(tx, ticket, lambda _: said)
        following = replace(ticket, conversation=talk, state=TicketState.WAITING, attempts=0, error=None)
        key = f"{ticket.key}:after:{case.id}"
        tx.add_ticket(
            replace(following, id=self._clock.new_id("tkt"), key=key, created_at=now, due_at=now, proposal_id=None)
        )


def _own(ticket: QueuedTicket, cases: list[Proposal]) -> list[Proposal]:
    """Those that whoever brought the ticket may know of: an agent its own, a channel of ours all."""
    return [case for case in cases if ticket.agent in (BOT, case.agent)]


def _unheard(known: Conversation, arrival: Arrival) -> list[Message]:
    """The customer's messages that a conversation does not have yet."""
    said = [message for message in arrival.conversation.messages if message.role == "customer"]
    if not (arrival.whole or arrival.repeats):
        return said
    heard = {message.text.strip() for message in known.messages if message.role == "customer"}
    return [message for message in said if message.text.strip() not in heard]


def _with_history(tx: Reader, talk: Conversation) -> Conversation:
    """The conversation behind what was said in its last case, and how that was answered."""
    last = next(iter(tx.conversation_proposals(talk.id, 1)), None)
    if last is None:
        return talk
    earlier = [*last.conversation.messages]
    if last.state is State.EXECUTED and isinstance(last.content, Reply):
        earlier.append(Message(role="ai" if last.revision.number == 1 else "agent", text=last.content.text))
    return replace(
        talk,
        subject=talk.subject or last.conversation.subject,
        url=talk.url or last.conversation.url,
        customer=_customer(last.conversation, talk),
        messages=(*earlier, *talk.messages)[-MOST_MESSAGES:],
    )


def _customer(earlier: Conversation, talk: Conversation) -> dict[str, Json]:
    """The newest of what is known; whoever began the conversation stays its customer, whoever else writes in it."""
    began = {"id": earlier.customer["id"]} if earlier.customer.get("id") else {}
    return {**earlier.customer, **talk.customer, **began}


def _bounded(talk: Conversation) -> Conversation:
    messages = tuple(replace(message, text=excerpt(message.text, LONGEST_MESSAGE)) for message in talk.messages)
    return replace(talk, messages=messages)
