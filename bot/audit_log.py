"""Reads the audit chain out of the store: to verify it, and to export it."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

from bot.domain.audit import AuditEvent, Fault, verify
from bot.domain.canonical import Json
from bot.domain.policy import Policy
from bot.errands import Errands, Line
from bot.ports import Clock, Reader, ReadOnlyStore, Store, Tx

PAGE = 1000
HEAD_NOTED = "audit_head_noted"


async def check_chain(store: ReadOnlyStore, head: tuple[int, str] | None = None) -> tuple[int, Fault | None]:
    """(number of events, the first fault or None)."""

    def work(tx: Reader) -> tuple[int, Fault | None]:
        return tx.audit_head()[0], verify(_every(tx), head=head)

    return await store.read(work)


def _every(tx: Reader) -> Iterator[AuditEvent]:
    after = 0
    while page := _page(tx, after):
        yield from page
        after = page[-1].seq


def _page(tx: Reader, after: int) -> list[AuditEvent]:
    return tx.audit_events(after=after, limit=PAGE)


async def events_of(store: ReadOnlyStore) -> AsyncIterator[dict[str, Json]]:
    """Every event as a document, in order."""
    after = 0
    while page := await store.read(partial(_page, after=after)):
        for written in page:
            event = written.event
            yield {
                "seq": written.seq,
                "kind": event.kind,
                "at": event.at,
                "actor": {"kind": event.actor.kind, "id": event.actor.id, "name": event.actor.name},
                "proposal_id": event.proposal_id,
                "payload": dict(event.payload),
                "previous": written.previous,
                "hash": written.hash,
            }
        after = page[-1].seq


async def note_head(store: Store, policy: Policy, clock: Clock) -> bool:
    """Once a day, post the chain's head to the ops channel: a chain alone does not show a tail that was cut off."""

    def work(tx: Tx) -> bool:
        today = f"{clock.now():%Y-%m-%d}"
        seq, digest = tx.audit_head()
        if seq == 0 or tx.kept(HEAD_NOTED) == today:
            return False
        tx.keep(HEAD_NOTED, today)
        lines = [Line(label="Events", text=str(seq)), Line(label="Head", text=f"{seq}:{digest}")]
        Errands(tx, policy, clock).notice("The audit log today; sayso audit verify --head checks against it.", lines)
        return True

    if await store.read(lambda tx: tx.kept(HEAD_NOTED)) == f"{clock.now():%Y-%m-%d}":
        return False
    return await store.transact(work)
