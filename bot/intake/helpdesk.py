"""Helpdesks' webhooks: whether one is signed, and what a customer wrote in it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.canonical import Json
from bot.domain.errors import BadInput
from bot.domain.intake import Helpdesk
from bot.domain.masking import cut
from bot.domain.proposal import Conversation, Message
from bot.intake.arrival import Arrival
from bot.intake.mail_text import text_of_html
from bot.signing import BadSignature, verify

SIGNATURE: Final = "X-Zendesk-Webhook-Signature"
TIMESTAMP: Final = "X-Zendesk-Webhook-Signature-Timestamp"
OLDEST: Final = timedelta(hours=1)
LONGEST: Final = 300
# Zendesk's trigger webhooks say what their author wrote; this is the body that the policy file's comments recommend.
ZENDESK_FIELDS: Final[Mapping[str, str]] = {
    "conversation": "ticket.id",
    "text": "ticket.comment",
    "email": "ticket.requester.email",
    "name": "ticket.requester.name",
    "subject": "ticket.subject",
    "url": "ticket.url",
    "message": "ticket.comment_id",
}
EVENT: Final = "zen:event-type:ticket."


@dataclass(frozen=True, slots=True)
class Aside:
    """A delivery that nobody has to answer, and why."""

    reason: str


def check_signature(desk: Helpdesk, secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise BadSignature unless the body is signed with this secret, as this helpdesk signs."""
    if desk.type == "zendesk":
        _check_zendesk(secret, headers=headers, body=body, now=now)
    elif desk.signature == "standard":
        verify(secret, headers={name.lower(): value for name, value in headers.items()}, body=body)
    else:
        given = headers.get(desk.signature_header or "", "").strip()
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        right = digest.hex() if desk.signature == "hex" else base64.b64encode(digest).decode()
        _same(given.removeprefix("sha256="), right)


def _check_zendesk(secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Base64 of HMAC-SHA256 over the timestamp and the body (developer.zendesk.com, "Verifying")."""
    stamp = headers.get(TIMESTAMP, "")
    digest = hmac.new(secret.encode(), stamp.encode(errors="replace") + body, hashlib.sha256).digest()
    _same(headers.get(SIGNATURE, "").strip(), base64.b64encode(digest).decode())
    try:
        at = datetime.fromisoformat(stamp)
        age = abs(now - at)
    except (ValueError, TypeError):
        raise BadSignature("The webhook's timestamp is no time with a time zone.") from None
    if age > OLDEST:
        raise BadSignature("The webhook was signed more than an hour ago.")


def _same(given: str, right: str) -> None:
    if not hmac.compare_digest(given.encode(errors="replace"), right.encode()):
        raise BadSignature("The webhook signature does not hold.")


def arrival_of(desk: Helpdesk, document: Json, body: bytes) -> Arrival | Aside:
    """What came in, or why it is left aside; raises BadInput naming the field that is missing."""
    if not isinstance(document, dict):
        raise BadInput("A helpdesk's webhook is a JSON object.")
    kind = document.get("type")
    if desk.type == "zendesk" and isinstance(kind, str) and kind.startswith("zen:"):
        return _event(desk, document, kind)
    fields = {**(ZENDESK_FIELDS if desk.type == "zendesk" else {}), **desk.fields}
    found = {name: at(document, path) for name, path in fields.items()}
    if found.get("staff") is True:
        return Aside("One of the team wrote it.")
    if found.get("public") is False:
        return Aside("It is an internal note.")
    conversation, text = word(found.get("conversation")), word(found.get("text"))
    if not conversation or not text.strip():
        missing = "conversation" if not conversation else "text"
        raise BadInput(f"The webhook of {desk.name} has no {missing} at {fields[missing]}.")
    key = word(found.get("message")) or hashlib.sha256(body).hexdigest()
    customer: dict[str, Json] = {name: word(found.get(name)) for name in ("name", "email") if word(found.get(name))}
    if word(found.get("customer")):
        customer["id"] = word(found.get("customer"))
    return Arrival(
        source=f"helpdesk:{desk.name}",
        key=key[:LONGEST],
        conversation=Conversation(
            id=_conversation_id(desk, conversation),
            subject=cut(word(found.get("subject")), 500) or None,
            url=word(found.get("url"))[:2000] or None,
            customer=customer,
            messages=(Message(role="customer", text=_words(text)),),
        ),
        category=word(found.get("category")) or desk.category,
        connector=desk.connector,
        repeats=desk.type == "zendesk",
    )


def _event(desk: Helpdesk, document: Mapping[str, Json], kind: str) -> Arrival | Aside:
    """An event of Zendesk's own subscriptions: a new ticket, or a comment on one."""
    detail, event = _object(document.get("detail")), _object(document.get("event"))
    comment = _object(event.get("comment"))
    author = _object(comment.get("author"))
    match kind.removeprefix(EVENT):
        case "created":
            text, public, staff = word(detail.get("description")), detail.get("is_public", True), False
        case "comment_added":
            text, public = word(comment.get("body")), comment.get("is_public", True)
            staff = bool(author.get("is_staff")) or author.get("id") in (-1, "-1")
        case _:
            return Aside(f"Events of the type {kind[:100]} need no answer.")
    ticket = word(detail.get("id"))
    if not ticket.isdecimal() or not text.strip():
        raise BadInput(f"The webhook of {desk.name} has no ticket with an id and a text in its detail and event.")
    if staff or public is False:
        return Aside("One of the team wrote it." if staff else "It is an internal note.")
    customer: dict[str, Json] = {"id": word(detail.get("requester_id"))} if detail.get("requester_id") else {}
    if word(author.get("name")):
        customer["name"] = word(author.get("name"))[:LONGEST]
    return Arrival(
        source=f"helpdesk:{desk.name}",
        key=(word(document.get("id")) or f"{ticket}:{word(comment.get('id'))}")[:LONGEST],
        conversation=Conversation(
            id=_conversation_id(desk, ticket),
            subject=cut(word(detail.get("subject")), 500) or None,
            customer=customer,
            messages=(Message(role="customer", text=_words(text), at=word(document.get("time"))[:64] or None),),
        ),
        category=desk.category,
        connector=desk.connector,
        # The first comment comes as the ticket's description, too.
        repeats=True,
    )


def _conversation_id(desk: Helpdesk, given: str) -> str:
    name = "zendesk" if desk.type == "zendesk" else desk.name
    whole = f"{name}:{given}"
    return whole if len(whole) <= 200 else f"{name}:{hashlib.sha256(given.encode()).hexdigest()}"


def _words(text: str) -> str:
    """The text, without its tags where it is HTML."""
    start = text.lstrip()[:1]
    return text_of_html(text) if start == "<" and text.rstrip().endswith(">") else text


def at(document: Json, path: str) -> Json:
    """The value at a dotted path such as `ticket.comments.0.body`; None where the path leads nowhere."""
    value = document
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part[:6]) < len(value):
            value = value[int(part[:6])]
        else:
            return None
    return value


def word(value: Json) -> str:
    """A text or a number as text; anything else as nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def usable(desk: Helpdesk, secret: str | None) -> str:
    """The secret, or BadInput naming the environment variable that is missing or cannot be used."""
    if not secret:
        raise BadInput(f"The helpdesk {desk.name} needs the environment variable {desk.secret_env}: set it.")
    if desk.type == "mapping" and desk.signature == "standard":
        try:
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise BadInput(
                f"The environment variable {desk.secret_env} is no secret that starts with whsec_."
            ) from None
    return secret
