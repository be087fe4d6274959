"""What the team decided about tickets: where they come in, what drafts rest on, and what a model may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

HelpdeskType = Literal["zendesk", "mapping"]
SignatureType = Literal["standard", "hex", "base64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpdesk:
    """One helpdesk that posts to `/v1/inbound/NAME`.

    `fields` are dotted paths into its JSON by our names (conversation, text, email, …). `signature` says how a
    mapping is signed: by Standard Webhooks, or HMAC-SHA256 of the body in `signature_header`.
    """

    name: str
    type: HelpdeskType
    secret_env: str
    connector: str | None = None
    category: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    signature: SignatureType = "standard"
    signature_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailListener:
    """An SMTP server of our own; empty `recipients` takes mail for anybody, larger messages are refused."""

    host: str = "127.0.0.1"
    port: int = 2525
    max_bytes: int = 10_000_000
    recipients: tuple[str, ...] = ()
    connector: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A mailbox that is read by IMAP; of a larger message only the first `max_bytes` are read."""

    host: str
    username_env: str
    password_env: str
    port: int = 993
    tls: bool = True
    folder: str = "INBOX"
    every: timedelta = timedelta(seconds=30)
    max_bytes: int = 10_000_000
    connector: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where tickets come in; `per_sender` bounds the e-mails of one address in an hour."""

    channels: tuple[str, ...] = ()
    helpdesks: Mapping[str, Helpdesk] = field(default_factory=dict)
    email: MailListener | None = None
    mailbox: Mailbox | None = None
    per_sender: int = 20

    @property
    def open(self) -> bool:
        """Whether tickets come in by any way but the HTTP interface."""
        return bool(self.channels or self.helpdesks or self.email or self.mailbox)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeRule:
    """Where the Markdown files lie, relative to where the bot runs; `known` are words that need no source."""

    folder: str = "knowledge"
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftingRule:
    """How far a draft may go: `timeout` for each call, `attempts` for each ticket, limits for each UTC day."""

    timeout: timedelta = timedelta(seconds=60)
    attempts: int = 3
    fallback_models: tuple[str, ...] = ()
    daily_limit_usd: float | None = None
    daily_limit_tokens: int | None = None
