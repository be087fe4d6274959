"""Sends an approved reply by SMTP, in the thread of the customer's e-mail."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Final, Literal

import aiosmtplib

from bot.connectors.answers import SET_UP_WAIT, excerpt, said, words_of
from bot.domain.canonical import Json
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.errors import BadInput
from bot.domain.lifecycle import Verdict
from bot.domain.proposal import Proposal
from bot.domain.text import shorten

Tls = Literal["none", "starttls", "implicit"]

_BEFORE_DATA: Final = 20.0  # seconds; together with the next shorter than the errand's lease
_DATA: Final = 30.0
_REFUSED: Final = 400
_REFUSED_FOR_GOOD: Final = 500
_SUBJECT: Final = 200
_LONGEST_ADDRESS: Final = 254  # RFC 5321
_REFERENCES: Final = 20
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]+@[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]+")
_SENDER: Final = re.compile(r"\s*(?:\"?([^<>\"]*)\"?\s*<([^<>]*)>|([^<>\s]+))\s*")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,300}>")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class _Threaded(EmailPolicy):
    """SMTP's policy, without the library's way of encoding long message ids, which breaks threads."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in ("in-reply-to", "references", "message-id"):
            ids = "\r\n ".join(value.split())
            return f"{name}: {ids}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_POLICY: Final = _Threaded(linesep="\r\n")


class Email:
    """One mail server; `sender` is an address or `Name <address>`, `tls` how the connection is protected."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        tls: Tls,
        now: Callable[[], datetime],
        username: str | None = None,
        password: str | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self.port, self.tls, self._now = host, port, tls, now
        self._username, self._password, self._tls_context = username, password, tls_context
        match = _SENDER.fullmatch(sender)
        name, address = (match[1] or "", match[2] or match[3]) if match else ("", "")
        if not is_address(address):
            raise BadInput(f'The "from" of an e-mail connector is an address, and {sender!r} is none.')
        self._sender = Address(display_name=_one_line(name), addr_spec=address)

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        """Send the reply once; SMTP knows no idempotency key, so an unknown outcome is Lost."""
        words = words_of(proposal, "E-mail")
        if isinstance(words, Failed):
            return words
        if not is_address(proposal.recipient):
            return Failed(error=f"Sayso cannot write to the e-mail address {excerpt(proposal.recipient)!r}.")
        if errand.unsettled:
            return Lost(error="Sayso was cut off while it sent this e-mail: look for it before you retry.")
        message = compose(proposal, words, sender=self._sender, delivery=errand.id, now=self._now())
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self.port,
            username=self._username,
            password=self._password,
            use_tls=self.tls == "implicit",
            start_tls=self.tls == "starttls",
            tls_context=self._tls_context,
            timeout=_BEFORE_DATA,
        )
        try:
            return await self._send(client, message, proposal.recipient)
        finally:
            client.close()

    async def _send(self, client: aiosmtplib.SMTP, message: EmailMessage, recipient: str) -> Outcome:
        try:
            async with asyncio.timeout(_BEFORE_DATA):
                await client.connect()
                await client.mail(self._sender.addr_spec)
                await client.rcpt(recipient)
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            return self._refusal(error)
        try:
            async with asyncio.timeout(_DATA):
                answer = await client.data(message.as_bytes())
        except (aiosmtplib.SMTPException, OSError) as error:
            if isinstance(error, aiosmtplib.SMTPDataError) and error.code >= _REFUSED:
                return self._refusal(error)
            sentence = f"{self._host} was given the e-mail and did not say whether it took it"
            return Lost(error=f"{sentence}: look there before you retry.")
        return Delivered(result={"message_id": str(message["Message-ID"]), "answer": excerpt(answer.message)})

    def _refusal(self, error: Exception) -> Outcome:
        """What a failure means before the mail server has taken the message."""
        match error:
            case aiosmtplib.SMTPAuthenticationError():
                sentence = f"{self._host} refuses the sign-in ({error.code}): check user name and password."
                return Postponed(error=sentence, after=SET_UP_WAIT, hold_lane=True)
            case aiosmtplib.SMTPResponseException():
                sentence = said(self._host, error.code, error.message)
                about_this_mail = isinstance(
                    error,
                    aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError,
                )
                final = about_this_mail and error.code >= _REFUSED_FOR_GOOD
                return Failed(error=sentence) if final else Postponed(error=sentence)
            case ssl.SSLError() | aiosmtplib.SMTPNotSupported():
                return Postponed(error=f"No protected connection to {self._host}: {excerpt(str(error))}")
        return Postponed(error=f"{self._host} cannot be reached or broke off before it had the e-mail.")


def compose(proposal: Proposal, words: str, *, sender: Address, delivery: str, now: datetime) -> EmailMessage:
    """The e-mail: plain text in UTF-8, in the customer's thread; each attempt has the same Message-ID."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = Address(addr_spec=proposal.recipient)
    message["Subject"] = subject_of(proposal.conversation.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{hashlib.sha256(delivery.encode()).hexdigest()[:40]}@{sender.domain}>"
    thread = _thread(proposal.conversation.customer)
    if thread:
        message["In-Reply-To"] = thread[-1]
        message["References"] = " ".join(thread)
    if _automatic(proposal):
        message["Auto-Submitted"] = "auto-replied"
    message.set_content(words, charset="utf-8", cte="quoted-printable")
    return message


def _automatic(proposal: Proposal) -> bool:
    """Whether nobody read it first (RFC 3834); a case that was undone and then approved has been read."""
    decided_by = proposal.decision.by.kind if proposal.decision else "rule"
    return proposal.ruling.verdict is Verdict.AUTOMATE and decided_by != "person"


def subject_of(subject: str | None) -> str:
    """`Re: …` on one line, however the customer's subject tries to be more; never `Re: Re: …`."""
    # The library would decode what looks encoded once more, and stumble over charsets that are none.
    line = shorten(_one_line(subject or ""), _SUBJECT).replace("=?", "= ?") or "your message"
    return line if line.lower().startswith("re:") else f"Re: {line}"


def is_address(text: str) -> bool:
    """Whether Sayso can write there: one bare address in ASCII, as every mail server takes it."""
    plain = text.isascii() and "=?" not in text
    return plain and len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def _one_line(text: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _thread(customer: Mapping[str, Json]) -> list[str]:
    """The ids of the thread so far, the oldest first, the customer's newest last; junk is left out."""
    newest = _message_ids(customer.get("message_id"))[:1]
    earlier = [one for one in dict.fromkeys(_message_ids(customer.get("references"))) if one not in newest]
    # The first one names the thread, the last ones are what mail programs look at.
    return [*earlier[:1], *earlier[1:][-_REFERENCES:], *newest] if newest else []


def _message_ids(value: Json) -> list[str]:
    text = " ".join(str(item) for item in value) if isinstance(value, list) else str(value or "")
    return _MESSAGE_ID.findall(text)
