"""An e-mail as an arrival: its thread, its words, its customer; or the reason why it is never answered."""

import hashlib
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from bot.connectors.email import is_address
from bot.domain.canonical import Json
from bot.domain.masking import cut
from bot.domain.proposal import Conversation, Message
from bot.drafting.words import excerpt
from bot.intake.arrival import Arrival
from bot.intake.mime import attempt, beginning_of, content_of, content_type, header, opened, scrubbed

SOURCE: Final = "email"
LONGEST_TEXT: Final = 100_000
LONGEST_GLANCE: Final = 4_000
MOST_REFERENCES: Final = 50
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,300}>")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_NOBODY: Final = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+\-_.].*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """An e-mail that is never answered: why, and what it was; unless it is `automatic`, a person may wait for one."""

    reason: str
    sender: str
    subject: str
    automatic: bool = True


def read_mail(
    raw: bytes, *, envelope_from: str | None = None, ours: frozenset[str] = frozenset(), connector: str | None = None
) -> Arrival | Unanswered:
    """The arrival; `envelope_from` is the SMTP sender ("" for a bounce), `ours` the addresses that we write from."""
    message, whole = opened(raw)
    sender, subject = _sender(message), cut(header(message, "Subject"), 500)
    reason = why_never(message, envelope_from)
    if reason is None and sender and sender.addr_spec.lower() in ours:
        reason = "It comes from our own address."
    if reason or sender is None:
        return Unanswered(
            reason=reason or "It has no sender that one could write to.",
            sender=header(message, "From")[:200],
            subject=subject,
            automatic=reason is not None,
        )
    own = _own_id(message, raw)
    references = _references(message, own)
    text, files = (content_of(message) if whole else None) or _unread(raw)
    customer: dict[str, Json] = {"email": sender.addr_spec, "message_id": own, "references": list(references[:-1])}
    if name := scrubbed(sender.display_name).strip():
        customer["name"] = name[:200]
    return Arrival(
        source=SOURCE,
        key=own if len(own) <= 250 else hashlib.sha256(own.encode()).hexdigest(),
        conversation=Conversation(
            id=conversation_id(references[0]),
            subject=subject or None,
            customer=customer,
            messages=(Message(role="customer", text=excerpt(text, LONGEST_TEXT), at=_date(message)),),
        ),
        connector=connector,
        attachments=files,
        references=references,
    )


def _unread(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """What stands for words that cannot be taken apart; as with any attachment, a person has to look."""
    glance = beginning_of(raw, LONGEST_GLANCE)
    return f"(Sayso cannot read this e-mail. This is how it begins:)\n{glance}", ("the e-mail itself",)


def conversation_id(root: str) -> str:
    """The conversation of a thread that begins with this message."""
    return f"email:{root}" if len(root) <= 200 else f"email:{hashlib.sha256(root.encode()).hexdigest()}"


def why_never(message: EmailMessage, envelope_from: str | None) -> str | None:
    """Why a machine wrote this and waits for no answer (RFC 3834 and what is common); None where a person did."""
    automatic = header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if automatic and automatic != "no":
        return f"It is automatic (Auto-Submitted: {automatic[:40]})."
    if envelope_from == "" or header(message, "Return-Path").strip() == "<>":
        return "It is a bounce: nobody stands in its Return-Path."
    if content_type(message) == "multipart/report":
        return "It is a delivery report."
    precedence = header(message, "Precedence").strip().lower()
    if precedence in _BULK:
        return f"It is automatic (Precedence: {precedence})."
    for name in ("X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond", "X-Loop"):
        if name in message:
            return f"It asks for no automatic answer ({name})."
    if "List-Id" in message or "List-Unsubscribe" in message:
        return "It comes from a mailing list."
    sender = _sender(message)
    if sender and _NOBODY.fullmatch(sender.username):
        return f"Nobody reads {sender.addr_spec}."
    return None


def _sender(message: EmailMessage) -> Address | None:
    """Who wants the answer: Reply-To where it names one address, else From."""
    for name in ("Reply-To", "From"):
        addresses: list[Address] = attempt(partial(_addresses, message, name), [])
        if len(addresses) == 1 and is_address(addresses[0].addr_spec):
            return addresses[0]
    return None


def _addresses(message: EmailMessage, name: str) -> list[Address]:
    return list(getattr(message[name], "addresses", ()))


def _own_id(message: EmailMessage, raw: bytes) -> str:
    found = _MESSAGE_ID.findall(header(message, "Message-ID"))
    return found[0] if found else f"<{hashlib.sha256(raw).hexdigest()[:40]}@without.message-id>"


def _references(message: EmailMessage, own: str) -> tuple[str, ...]:
    """The ids of the thread, the oldest first and this message's own last."""
    text = f"{header(message, 'References')} {header(message, 'In-Reply-To')}"
    earlier = [one for one in dict.fromkeys(_MESSAGE_ID.findall(text)) if one != own]
    return (*earlier[:1], *earlier[1:][-MOST_REFERENCES:], own)


def _date(message: EmailMessage) -> str | None:
    return attempt(lambda: parsedate_to_datetime(header(message, "Date")).isoformat(), None)
