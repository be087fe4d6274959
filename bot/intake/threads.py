"""Which conversation an e-mail belongs to: one that it refers to, if its sender takes part in it."""

import hashlib
from dataclasses import replace

from bot.intake.arrival import Arrival
from bot.ports import Reader, Tx


def threaded(tx: Tx, arrival: Arrival) -> Arrival:
    """The e-mail in its conversation; a stranger who knows a Message-ID begins one of their own."""
    talk, own = arrival.conversation, arrival.references[-1]
    sender = _folded(talk.customer.get("email"))
    known = [tx.thread_of([reference]) for reference in reversed(arrival.references)]
    for found in dict.fromkeys([*known, talk.id]):
        if found and _takes_part(tx, found, sender):
            for reference in arrival.references:
                tx.add_thread(reference, found)
            return replace(arrival, conversation=replace(talk, id=found))
    # What it refers to stays with those whose it is, and nobody else's first message has this id.
    alone = f"email:{hashlib.sha256(f'{own} {sender}'.encode()).hexdigest()}"
    tx.add_thread(own, alone)
    return replace(arrival, conversation=replace(talk, id=alone))


def _takes_part(tx: Reader, conversation_id: str, sender: str) -> bool:
    """Whether we have heard from this address in this conversation or written to it; anybody may begin one."""
    cases = [*tx.conversation_proposals(conversation_id), *tx.open_in(conversation_id)]
    ticket = tx.waiting_ticket(conversation_id)
    talks = [case.conversation for case in cases] + ([ticket.conversation] if ticket else [])
    if not talks:
        return True
    people = [*(talk.customer.get("email") for talk in talks), *(case.recipient for case in cases)]
    return sender in {_folded(address) for address in people}


def _folded(address: object) -> str:
    return str(address or "").strip().casefold()
