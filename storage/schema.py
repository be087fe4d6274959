"""The schema, said once in sqlite-utils' words, as named migrations. Only text, integer and real."""

from typing import cast

from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

from storage.library import migrate_library
from storage.named import QUERIES

migrations = Migrations("sayso")


def table(db: Database, name: str) -> Table:
    """The table of that name, typed."""
    return cast(Table, db[name])


@migrations(name="0001_spine")
def spine(db: Database) -> None:
    """Proposals with their revisions and decisions, the outbox, receipts, settings, tokens and the audit chain."""
    _proposals(db)
    _outbox(db)
    _team(db)
    _audit(db)


def _proposals(db: Database) -> None:
    proposals = table(db, "proposals").create(
        {
            "id": str,
            "agent": str,
            "idempotency_key": str,
            "body_hash": str,
            "salt": str,
            "kind": str,
            "category": str,
            "state": str,
            "revision": int,
            "digest": str,
            "version": int,
            "connector": str,
            "recipient": str,
            "conversation_id": str,
            "confidence": float,
            "in_scope": int,
            "created_at": str,
            "expires_at": str,
            "document": str,
            "progress": str,
        },
        pk="id",
        not_null={"agent", "idempotency_key", "state", "revision", "digest", "version", "document", "progress"},
        strict=True,
    )
    proposals.create_index(["agent", "idempotency_key"], unique=True)
    proposals.create_index(["state", "expires_at"])
    proposals.create_index(["category", "id"])
    proposals.create_index(["conversation_id", "id"])
    table(db, "revisions").create(
        {
            "proposal_id": str,
            "number": int,
            "digest": str,
            "content": str,
            "author_kind": str,
            "author_id": str,
            "author_name": str,
            "at": str,
        },
        pk=("proposal_id", "number"),
        foreign_keys=[("proposal_id", "proposals", "id")],
        strict=True,
    )
    decisions = table(db, "decisions").create(
        {
            "id": int,
            "proposal_id": str,
            "kind": str,
            "revision": int,
            "actor_kind": str,
            "actor_id": str,
            "actor_name": str,
            "reason": str,
            "at": str,
        },
        pk="id",
        foreign_keys=[("proposal_id", "proposals", "id")],
        strict=True,
    )
    decisions.create_index(["proposal_id"])


def _outbox(db: Database) -> None:
    outbox = table(db, "outbox").create(
        {
            "seq": int,
            "id": str,
            "kind": str,
            "lane": str,
            "proposal_id": str,
            "payload": str,
            "coalesce": str,
            "state": str,
            "queued_at": str,
            "due_at": str,
            "attempts": int,
            "leased_by": str,
            "leased_until": str,
            "error": str,
        },
        pk="seq",
        not_null={"id", "kind", "lane", "payload", "state", "due_at", "attempts"},
        strict=True,
    )
    outbox.create_index(["id"], unique=True)
    outbox.create_index(["lane", "seq"])
    outbox.create_index(["state", "due_at"])
    outbox.create_index(["proposal_id"])
    table(db, "lanes").create({"lane": str, "held_until": str}, pk="lane", strict=True)
    receipts = table(db, "receipts").create(
        {"errand_id": str, "proposal_id": str, "room": str, "channel": str, "ts": str},
        pk="errand_id",
        strict=True,
    )
    receipts.create_index(["proposal_id"])
    receipts.create_index(["channel", "ts"])


def _team(db: Database) -> None:
    settings = table(db, "settings").create(
        {
            "version": int,
            "category": str,
            "mode": str,
            "threshold": float,
            "actor_kind": str,
            "actor_id": str,
            "actor_name": str,
            "at": str,
            "reason": str,
            "source": str,
        },
        pk="version",
        strict=True,
    )
    settings.create_index(["category", "version"])
    tokens = table(db, "tokens").create(
        {
            "id": str,
            "name": str,
            "prefix": str,
            "hash": str,
            "scope": str,
            "owner": str,
            "created_at": str,
            "expires_at": str,
            "last_used_at": str,
            "revoked_at": str,
        },
        pk="id",
        strict=True,
    )
    tokens.create_index(["hash"], unique=True)
    table(db, "kept").create({"name": str, "value": str}, pk="name", strict=True)
    table(db, "sightings").create({"delivery": str, "at": str}, pk="delivery", strict=True)


def _audit(db: Database) -> None:
    audit = table(db, "audit").create(
        {
            "seq": int,
            "kind": str,
            "at": str,
            "actor_kind": str,
            "actor_id": str,
            "actor_name": str,
            "proposal_id": str,
            "payload": str,
            "previous": str,
            "hash": str,
        },
        pk="seq",
        strict=True,
    )
    audit.create_index(["proposal_id"])
    db.execute(QUERIES["audit_never_updates"])
    db.execute(QUERIES["audit_never_deletes"])


@migrations(name="0002_library")
def library(db: Database) -> None:
    """Knowledge, precedents, vectors, spending and decided drafts."""
    migrate_library(db)


@migrations(name="0003_tickets")
def tickets(db: Database) -> None:
    """The queue of tickets that wait for a draft, and which conversation an e-mail belongs to."""
    queue = table(db, "tickets").create(
        {
            "id": str,
            "source": str,
            "key": str,
            "body_hash": str,
            "conversation_id": str,
            "document": str,
            "state": str,
            "attempts": int,
            "due_at": str,
            "error": str,
            "proposal_id": str,
            "created_at": str,
        },
        pk="id",
        not_null={"source", "key", "body_hash", "conversation_id", "document", "state", "attempts", "due_at"},
        strict=True,
    )
    queue.create_index(["source", "key"], unique=True)
    queue.create_index(["state", "due_at"])
    queue.create_index(["conversation_id", "state"])
    table(db, "threads").create({"reference": str, "conversation_id": str}, pk="reference", strict=True)


@migrations(name="0004_autonomy")
def autonomy(db: Database) -> None:
    """Regimes, the labels that decisions became, decisions still to be learned from, and counts for each day."""
    table(db, "regimes").create(
        {
            "category": str,
            "number": int,
            "fingerprint": str,
            "state": str,
            "accepted": str,
            "started_at": str,
            "reason": str,
        },
        pk=("category", "number"),
        strict=True,
    )
    labels = table(db, "labels").create(
        {
            "proposal_id": str,
            "conversation_id": str,
            "category": str,
            "regime": int,
            "bin": int,
            "confidence": float,
            "wrong": int,
            "sampled": int,
            "audited": int,
            "probability": float,
            "marked": int,
            "at": str,
        },
        pk="proposal_id",
        strict=True,
    )
    labels.create_index(["category", "regime", "conversation_id", "marked"], unique=True)
    # Holds all that a look asks for, so that a million labels are counted without touching the table.
    labels.create_index(["category", "regime", "sampled", "bin", "wrong"])
    labels.create_index(["category", "audited", "at"])
    table(db, "lessons").create({"proposal_id": str}, pk="proposal_id", strict=True)
    table(db, "days").create(
        {"category": str, "day": str, "automated": int, "held": int}, pk=("category", "day"), strict=True
    )


@migrations(name="0005_pace")
def pace(db: Database) -> None:
    """What makes a click quicker: the pause as a view, indexes for quota and repaints, none that is hardly read."""
    db.create_view("paused", QUERIES["paused"])
    table(db, "proposals").create_index(["agent", "state"])
    table(db, "outbox").create_index(["coalesce"])
    table(db, "outbox").drop_index("idx_outbox_proposal_id")
    table(db, "audit").drop_index("idx_audit_proposal_id")


@migrations(name="0006_interventions")
def interventions(db: Database) -> None:
    """The full case finds interventions in the audit log; an index of all events would cost each of them a page."""
    db.execute(QUERIES["interventions_are_found"])


@migrations(name="0007_edit_reasons")
def edit_reasons(db: Database) -> None:
    """Why somebody edited, for whoever has to approve the edit too."""
    table(db, "revisions").add_column("reason", str)


def names() -> frozenset[str]:
    """The names of every migration that this Sayso knows."""
    return frozenset(migration.name for migration in migrations.pending(Database(memory=True)))
