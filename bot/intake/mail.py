"""An e-mail as an arrival: its thread, its words, its customer; or the reason why it is never answered."""

import email
import email.policy
import hashlib
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Final

from bot.connectors.email import is_address
from bot.domain.proposal import Conversation, Json, Message
from bot.drafting.words import excerpt
from bot.intake.arrival import Arrival
from bot.intake.mail_text import text_of_html

SOURCE: Final = "email"
LONGEST_TEXT: Final = 100_000
LONGEST_HTML: Final = 1_000_000
MOST_REFERENCES: Final = 50
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,300}>")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_NOBODY: Final = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+\-_.].*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """An e-mail that is never answered: why, and what it was, for the ops channel."""

    reason: str
    sender: str
    subject: str


def read_mail(
    raw: bytes, *, envelope_from: str | None = None, ours: frozenset[str] = frozenset(), connector: str | None = None
) -> Arrival | Unanswered:
    """The arrival; `envelope_from` is the SMTP sender ("" for a bounce), `ours` the addresses that we write from."""
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    sender, subject = _sender(message), _header(message, "Subject")[:500]
    reason = why_never(message, envelope_from)
    if reason is None and sender is None:
        reason = "It has no sender that one could write to."
    elif reason is None and sender and sender.addr_spec.lower() in ours:
        reason = "It comes from our own address."
    if reason or sender is None:
        return Unanswered(reason=reason or "", sender=_header(message, "From")[:200], subject=subject)
    own = _own_id(message, raw)
    references = _references(message, own)
    text, files = _content(message)
    customer: dict[str, Json] = {"email": sender.addr_spec, "message_id": own, "references": list(references[:-1])}
    if sender.display_name:
        customer["name"] = sender.display_name[:200]
    return Arrival(
        source=SOURCE,
        key=own if len(own) <= 250 else hashlib.sha256(own.encode()).hexdigest(),
        conversation=Conversation(
            id=conversation_id(references[0]),
            subject=subject or None,
            customer=customer,
            messages=(Message(role="customer", text=text, at=_date(message)),),
        ),
        connector=connector,
        attachments=files,
        references=references,
    )


def conversation_id(root: str) -> str:
    """The conversation of a thread that begins with this message."""
    return f"email:{root}" if len(root) <= 200 else f"email:{hashlib.sha256(root.encode()).hexdigest()}"


def why_never(message: EmailMessage, envelope_from: str | None) -> str | None:
    """Why a machine wrote this and waits for no answer (RFC 3834 and what is common); None where a person did."""
    automatic = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if automatic and automatic != "no":
        return f"It is automatic (Auto-Submitted: {automatic[:40]})."
    if envelope_from == "" or _header(message, "Return-Path").strip() == "<>":
        return "It is a bounce: nobody stands in its Return-Path."
    if message.get_content_type() == "multipart/report":
        return "It is a delivery report."
    precedence = _header(message, "Precedence").strip().lower()
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
        try:
            addresses: list[Address] = list(getattr(message[name], "addresses", ()))
        except (ValueError, IndexError, TypeError, AttributeError):
            continue  # the library stumbles over some malformed headers
        if len(addresses) == 1 and is_address(addresses[0].addr_spec):
            return addresses[0]
    return None


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, TypeError, AttributeError):
        return ""


def _own_id(message: EmailMessage, raw: bytes) -> str:
    found = _MESSAGE_ID.findall(_header(message, "Message-ID"))
    return found[0] if found else f"<{hashlib.sha256(raw).hexdigest()[:40]}@without.message-id>"


def _references(message: EmailMessage, own: str) -> tuple[str, ...]:
    """The ids of the thread, the oldest first and this message's own last."""
    text = f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}"
    earlier = [one for one in dict.fromkeys(_MESSAGE_ID.findall(text)) if one != own]
    return (*earlier[:1], *earlier[1:][-MOST_REFERENCES:], own)


def _content(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    """The words of the e-mail, and the names of what came with it and was not read."""
    try:
        body = message.get_body(preferencelist=("plain", "html"))
    except (ValueError, KeyError, AttributeError):
        body = None
    text = _text(body) if isinstance(body, EmailMessage) else ""
    if not text.strip() and isinstance(body, EmailMessage) and body.get_content_type() == "text/plain":
        html = message.get_body(preferencelist=("html",))
        text = _text(html) if isinstance(html, EmailMessage) else text
    files = tuple(part.get_filename() or part.get_content_type() for part in _attachments(message, body))
    return excerpt(text.replace("\x00", ""), LONGEST_TEXT), files[:20]


def _attachments(message: EmailMessage, body: object) -> list[EmailMessage]:
    """Every part that is neither the text nor the same text in another form."""
    if not message.is_multipart():
        return [] if message.get_content_maintype() == "text" else [message]
    found = []
    for part in message.walk():
        if part.is_multipart() or part is body or not isinstance(part, EmailMessage):
            continue
        if part.get_content_maintype() == "text" and not part.get_filename() and not part.is_attachment():
            continue
        found.append(part)
    return found


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        text = payload.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        text = payload.decode("utf-8", errors="replace")
    if part.get_content_type() == "text/html":
        return text_of_html(text[:LONGEST_HTML])
    return text.replace("\r\n", "\n")


def _date(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError):
        return None
