"""Between rows and domain objects: the only place that knows how a proposal lies in the database."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any, Final, cast

import orjson

from bot.domain.audit import AuditEvent, Event
from bot.domain.canonical import Json
from bot.domain.decision import Actor, ActorKind, Decision, DecisionKind, Intervention, Ruling
from bot.domain.delivery import Errand, ErrandKind, Receipt
from bot.domain.label import Label
from bot.domain.lifecycle import Move, State, Verdict
from bot.domain.moment import text_of_time, time_of_text
from bot.domain.monitor import Choice
from bot.domain.policy import Mode
from bot.domain.proposal import Action, Content, Conversation, Evidence, Execution, Message, Proposal, Reply, Revision
from bot.domain.standing import Accepted
from bot.domain.threshold import SettingChange, Source
from bot.ports import StoredRegime, Submission, Token

Row = Mapping[str, Any]
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def text_of_json(value: Json) -> str:
    """JSON text without blanks, names in the order they came in, as people will read an action's arguments.

    What is hashed goes through `canonical_json` instead.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number or a depth beyond what it writes, or half a surrogate pair, which no text may hold
        return _ENCODER.encode(value)


def proposal_row(proposal: Proposal, submission: Submission) -> dict[str, Any]:
    """A new proposal as its row."""
    return {
        **moving_columns(proposal),
        "id": proposal.id,
        "agent": proposal.agent,
        "idempotency_key": submission.key,
        "body_hash": submission.body_hash,
        "salt": submission.salt,
        "kind": proposal.kind,
        "category": proposal.category,
        "connector": proposal.connector,
        "recipient": proposal.recipient,
        "conversation_id": proposal.conversation.id,
        "confidence": proposal.confidence,
        "in_scope": int(proposal.in_scope),
        "created_at": text_of_time(proposal.created_at),
        "document": text_of_json(_document(proposal)),
    }


def moving_columns(proposal: Proposal) -> dict[str, Any]:
    """The columns that a move may change."""
    return {
        "state": proposal.state.value,
        "revision": proposal.revision.number,
        "digest": proposal.digest,
        "version": proposal.version,
        "expires_at": text_of_time(proposal.expires_at),
        "progress": text_of_json(_progress(proposal)),
    }


def _document(proposal: Proposal) -> dict[str, Json]:
    talk = proposal.conversation
    return {
        "conversation": {
            "subject": talk.subject,
            "url": talk.url,
            "customer": dict(talk.customer),
            "messages": [[m.role, m.text, m.at] for m in talk.messages],
        },
        "evidence": [[e.title, e.url, e.quote] for e in proposal.evidence],
        "callback_url": proposal.callback_url,
        "owner": proposal.owner,
        "notes": list(proposal.notes),
        "lifetime": proposal.lifetime.total_seconds(),
    }


def _progress(proposal: Proposal) -> dict[str, Json]:
    ruling, decision, execution = proposal.ruling, proposal.decision, proposal.execution
    return {
        "content": proposal.content.canonical(),
        "author": _actor(proposal.revision.author),
        "edit_reason": proposal.revision.reason,
        "ruling": {
            **_flat(ruling),
            "verdict": ruling.verdict.value,
            "choice": None if ruling.choice is None else _flat(ruling.choice),
        },
        "decision": None
        if decision is None
        else {
            "kind": decision.kind.value,
            "by": _actor(decision.by),
            "at": text_of_time(decision.at),
            "revision": decision.revision,
            "reason": decision.reason,
        },
        "escalated_by": None if proposal.escalated_by is None else _actor(proposal.escalated_by),
        "cards": [list(card) for card in proposal.cards],
        "approvals": [_actor(actor) for actor in proposal.approvals],
        "execution": None if execution is None else _execution(execution),
        "marked_by": None if proposal.marked_by is None else _actor(proposal.marked_by),
        "marked_at": None if proposal.marked_at is None else text_of_time(proposal.marked_at),
        "follow_ups": [[m.role, m.text, m.at] for m in proposal.follow_ups],
        "turn": proposal.turn,
    }


def _flat(value: Ruling | Choice | Execution) -> dict[str, Json]:
    """What a dataclass holds by name, not copied: unlike `asdict`, which copies every value for good."""
    return {name: getattr(value, name) for name in value.__slots__}


def _execution(execution: Execution) -> dict[str, Json]:
    last = execution.intervention
    made: Json = None if last is None else [last.move.value, _actor(last.by), text_of_time(last.at)]
    before = None if execution.before is None else _execution(execution.before)
    return {**_flat(execution), "intervention": made, "before": before}


def _execution_of(document: dict[str, Any]) -> Execution:
    made, before = document.get("intervention"), document.get("before")
    if made is not None:
        move, by, at = made
        made = Intervention(move=Move(move), by=actor_of(by), at=time_of_text(at))
    # What another version wrote besides is passed over.
    known = {name: document[name] for name in Execution.__slots__ if name in document}
    return Execution(**{**known, "intervention": made, "before": before and _execution_of(before)})


def _actor(actor: Actor) -> list[Json]:
    return [actor.kind, actor.id, actor.name]


def actor_of(parts: list[str]) -> Actor:
    """The actor of [kind, id, name]."""
    kind, id_, name = parts
    return Actor(kind=cast(ActorKind, kind), id=id_, name=name)


def content_of(kind: str, document: dict[str, Any]) -> Content:
    """The reply or action of its canonical form."""
    return Reply(**document) if kind == "reply" else Action(**document)


def proposal_of(row: Row) -> Proposal:
    """The proposal of its row."""
    document, progress = json.loads(row["document"]), json.loads(row["progress"])
    talk, decision, execution = document["conversation"], progress["decision"], progress["execution"]
    ruling = progress["ruling"]
    later = _messages(progress.get("follow_ups", []))
    created_at, expires_at = time_of_text(row["created_at"]), time_of_text(row["expires_at"])
    lifetime = document.get("lifetime")  # proposals of earlier versions have none written down
    return Proposal(
        id=row["id"],
        agent=row["agent"],
        category=row["category"],
        conversation=Conversation(
            id=row["conversation_id"],
            subject=talk["subject"],
            url=talk["url"],
            customer=talk["customer"],
            messages=_messages(talk["messages"]) + later,
        ),
        revision=Revision(
            number=row["revision"],
            content=content_of(row["kind"], progress["content"]),
            author=actor_of(progress["author"]),
            digest=row["digest"],
            reason=progress.get("edit_reason"),
        ),
        confidence=row["confidence"],
        in_scope=bool(row["in_scope"]),
        evidence=tuple(Evidence(title=title, url=url, quote=quote) for title, url, quote in document["evidence"]),
        connector=row["connector"],
        recipient=row["recipient"],
        state=State(row["state"]),
        ruling=_ruling(ruling),
        created_at=created_at,
        expires_at=expires_at,
        lifetime=expires_at - created_at if lifetime is None else timedelta(seconds=lifetime),
        callback_url=document["callback_url"],
        owner=document["owner"],
        notes=tuple(document["notes"]),
        decision=decision
        and Decision(
            kind=DecisionKind(decision["kind"]),
            by=actor_of(decision["by"]),
            at=time_of_text(decision["at"]),
            revision=decision["revision"],
            reason=decision["reason"],
        ),
        escalated_by=progress["escalated_by"] and actor_of(progress["escalated_by"]),
        cards=tuple((room, channel) for room, channel in progress["cards"]),
        approvals=tuple(actor_of(parts) for parts in progress["approvals"]),
        execution=execution and _execution_of(execution),
        marked_by=progress.get("marked_by") and actor_of(progress["marked_by"]),
        marked_at=progress.get("marked_at") and time_of_text(progress["marked_at"]),
        follow_ups=later,
        version=row["version"],
        turn=progress.get("turn", 0),
    )


def _messages(rows: list[list[Any]]) -> tuple[Message, ...]:
    return tuple(Message(role=role, text=text, at=at) for role, text, at in rows)


def _ruling(document: dict[str, Any]) -> Ruling:
    choice = document.get("choice")
    made = {"verdict": Verdict(document["verdict"]), "choice": choice and Choice(**choice)}
    return Ruling(**{**document, **made})


def revision_row(proposal: Proposal, at: datetime) -> dict[str, Any]:
    """The present revision as its row."""
    author = proposal.revision.author
    return {
        "proposal_id": proposal.id,
        "number": proposal.revision.number,
        "digest": proposal.digest,
        "content": text_of_json(proposal.content.canonical()),
        **_actor_columns(author, "author"),
        "reason": proposal.revision.reason,
        "at": text_of_time(at),
    }


def revision_of(row: Row) -> Revision:
    """The revision of its row; an action is told by its name."""
    document = json.loads(row["content"])
    return Revision(
        number=row["number"],
        content=content_of("reply" if "text" in document else "action", document),
        author=actor_of([row["author_kind"], row["author_id"], row["author_name"]]),
        digest=row["digest"],
        reason=row["reason"],
    )


def decision_row(proposal_id: str, decision: Decision) -> dict[str, Any]:
    """A decision as its row."""
    return {
        "proposal_id": proposal_id,
        "kind": decision.kind.value,
        "revision": decision.revision,
        **_actor_columns(decision.by, "actor"),
        "reason": decision.reason,
        "at": text_of_time(decision.at),
    }


def decision_of(row: Row) -> Decision:
    """The decision of its row."""
    return Decision(
        kind=DecisionKind(row["kind"]),
        by=actor_of([row["actor_kind"], row["actor_id"], row["actor_name"]]),
        at=time_of_text(row["at"]),
        revision=row["revision"],
        reason=row["reason"],
    )


def _actor_columns(actor: Actor, prefix: str) -> dict[str, str]:
    return {f"{prefix}_kind": actor.kind, f"{prefix}_id": actor.id, f"{prefix}_name": actor.name}


def errand_row(errand: Errand) -> dict[str, Any]:
    """A new errand as its row."""
    return {
        "id": errand.id,
        "kind": errand.kind.value,
        "lane": errand.lane,
        "proposal_id": errand.proposal_id,
        "payload": text_of_json(dict(errand.payload)),
        "coalesce": errand.coalesce,
        "due_at": text_of_time(errand.due_at),
    }


def errand_of(row: Row, *, attempts: int) -> Errand:
    """The errand of its row, counting the attempt that begins now."""
    return Errand(
        id=row["id"],
        kind=ErrandKind(row["kind"]),
        lane=row["lane"],
        proposal_id=row["proposal_id"],
        payload=json.loads(row["payload"]),
        coalesce=row["coalesce"],
        due_at=time_of_text(row["due_at"]),
        queued_at=time_of_text(row["queued_at"]),
        attempts=attempts,
        interrupted=bool(row["interrupted"]),
    )


def receipt_of(row: Row) -> Receipt:
    """The receipt of its row."""
    return Receipt(**{name: row[name] for name in ("errand_id", "proposal_id", "room", "channel", "ts")})


def setting_row(change: SettingChange) -> dict[str, Any]:
    """A change of a setting as its row; the database numbers the version."""
    return {
        "category": change.category,
        "mode": change.mode and change.mode.value,
        "threshold": change.threshold,
        **_actor_columns(change.by, "actor"),
        "at": text_of_time(change.at),
        "reason": change.reason,
        "source": change.source,
    }


def setting_of(row: Row) -> SettingChange:
    """The change of its row."""
    return SettingChange(
        version=row["version"],
        category=row["category"],
        mode=Mode(row["mode"]) if row["mode"] else None,
        threshold=row["threshold"],
        by=actor_of([row["actor_kind"], row["actor_id"], row["actor_name"]]),
        at=time_of_text(row["at"]),
        reason=row["reason"],
        source=cast(Source, row["source"]),
    )


def regime_row(regime: StoredRegime) -> dict[str, Any]:
    """A regime as its row."""
    return {
        "category": regime.category,
        "number": regime.number,
        "fingerprint": text_of_json(dict(regime.fingerprint)),
        "state": None if regime.state is None else text_of_json(dict(regime.state)),
        "accepted": None if regime.accepted is None else text_of_json(asdict(regime.accepted)),
        "started_at": text_of_time(regime.started_at),
        "reason": regime.reason,
    }


def regime_of(row: Row) -> StoredRegime:
    """The regime of its row."""
    return StoredRegime(
        category=row["category"],
        number=row["number"],
        fingerprint=json.loads(row["fingerprint"]),
        state=json.loads(row["state"]) if row["state"] else None,
        accepted=Accepted(**json.loads(row["accepted"])) if row["accepted"] else None,
        started_at=time_of_text(row["started_at"]),
        reason=row["reason"],
    )


def label_row(label: Label) -> dict[str, Any]:
    """A label as its row."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in asdict(label).items()}


def label_of(row: Row) -> Label:
    """The label of its row."""
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(Label)}
    for name in ("wrong", "sampled", "audited", "marked"):
        values[name] = bool(values[name])
    return Label(**values)


def token_row(token: Token) -> dict[str, Any]:
    """A new token as its row."""
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "hash": token.hash,
        "scope": token.scope,
        "owner": token.owner,
        "created_at": text_of_time(token.created_at),
        "expires_at": token.expires_at and text_of_time(token.expires_at),
    }


def token_of(row: Row) -> Token:
    """The token of its row."""
    values: dict[str, Any] = {name: row[name] for name in ("id", "name", "prefix", "hash", "scope", "owner")}
    for name in ("created_at", "expires_at", "last_used_at", "revoked_at"):
        values[name] = row[name] and time_of_text(row[name])
    return Token(**values)


def audit_row(written: AuditEvent) -> dict[str, Any]:
    """A written event as its row."""
    event = written.event
    return {
        "seq": written.seq,
        "kind": event.kind,
        "at": event.at,
        **_actor_columns(event.actor, "actor"),
        "proposal_id": event.proposal_id,
        "payload": text_of_json(dict(event.payload)),
        "previous": written.previous,
        "hash": written.hash,
    }


def audit_of(row: Row) -> AuditEvent:
    """The written event of its row."""
    event = Event(
        kind=row["kind"],
        at=row["at"],
        actor=actor_of([row["actor_kind"], row["actor_id"], row["actor_name"]]),
        proposal_id=row["proposal_id"],
        payload=json.loads(row["payload"]),
    )
    return AuditEvent(seq=row["seq"], event=event, previous=row["previous"], hash=row["hash"])


def json_of(text: str) -> Json:
    """The value of JSON text."""
    return cast(Json, json.loads(text))
