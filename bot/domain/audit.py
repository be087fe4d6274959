"""The audit chain: each event's hash covers the event and the hash before it (SHA-256 over RFC 8785 JSON)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.canonical import Json, canonical_json
from bot.domain.decision import Actor

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is to be written down: `kind` such as `proposal.approved`, by whom, about what; `at` is UTC ISO text."""

    kind: str
    at: str
    actor: Actor
    proposal_id: str | None
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """A written event with its place in the chain; `seq` counts from 1 without gaps."""

    seq: int
    event: Event
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first event that does not fit the chain, and why."""

    seq: int
    reason: str


def chained(seq: int, event: Event, previous: str) -> AuditEvent:
    """The event with its hash, following `previous`."""
    return AuditEvent(seq=seq, event=event, previous=previous, hash=_hash(seq, event, previous))


def verify(events: Iterable[AuditEvent], *, head: tuple[int, str] | None = None) -> Fault | None:
    """The first fault of the chain, or None; `head` (seq, hash), noted elsewhere, also shows a cut tail."""
    previous, seq = GENESIS, 0
    for written in events:
        seq += 1
        if written.seq != seq:
            return Fault(seq, f"event {seq} is missing")
        if written.previous != previous:
            return Fault(seq, f"event {seq} does not follow the one before it")
        if written.hash != _hash(seq, written.event, previous):
            return Fault(seq, f"event {seq} was changed after it was written")
        previous = written.hash
        if head and head[0] == seq and head[1] != previous:
            return Fault(seq, f"event {seq} is not the one whose hash was noted")
    if head and head[0] > seq:
        return Fault(seq + 1, f"the chain ends at {seq}, but {head[0]} events had been noted")
    return None


def commitment(salt: str, digest: str) -> str:
    """A salted stand-in for content: erase the salt and the content, and the chain stays valid but says nothing."""
    return hashlib.sha256(f"{salt}:{digest}".encode()).hexdigest()


def _hash(seq: int, event: Event, previous: str) -> str:
    document: dict[str, Json] = {
        "seq": seq,
        "kind": event.kind,
        "at": event.at,
        "actor": {"kind": event.actor.kind, "id": event.actor.id, "name": event.actor.name},
        "proposal_id": event.proposal_id,
        "payload": dict(event.payload),
        "previous": previous,
    }
    return hashlib.sha256(canonical_json(document)).hexdigest()
