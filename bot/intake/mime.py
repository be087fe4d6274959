"""What can be read of an e-mail, however it breaks the rules: the library raises nearly anything on such mail."""

import codecs
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import Any, Final, TypeVar

from bot.intake.mail_text import text_of_html

LONGEST_HEADER: Final = 2_000
LONGEST_LIST: Final = 20_000
MOST_BOUNDARIES: Final = 1_000
LONGEST_NAME: Final = 200
_LISTS: Final = frozenset({"references", "in-reply-to", "subject"})
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_CONTENT: Final = re.compile(rb"^(?=content-)", re.IGNORECASE | re.MULTILINE)
_HALF: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
# Python's own notations, and what an e-mail calls plain ASCII and then fills with other bytes.
_NO_CHARSETS: Final = frozenset({"ascii", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
T = TypeVar("T")


class _Bounded(EmailPolicy):
    """The library's policy; of a header that is long enough to keep its parser busy only the beginning is read."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        most = LONGEST_LIST if name.lower() in _LISTS else LONGEST_HEADER
        return super().header_fetch_parse(name, value[:most])


_POLICY: Final = _Bounded()


def attempt(read: Callable[[], T], otherwise: T) -> T:
    """What `read` says of somebody's mail, or `otherwise` where the library stumbles over it."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - RecursionError, UnboundLocalError, AssertionError: all seen, from one header or part
        return otherwise


def opened(raw: bytes) -> tuple[EmailMessage, bool]:
    """The message, and whether it could be taken apart; else its headers alone, without those about the content."""
    raw = raw[: _end(raw)]
    whole = attempt(lambda: _parsed(raw), None)
    if whole is not None:
        return whole, True
    head = attempt(lambda: _parsed(_CONTENT.sub(b"X-", _END_OF_HEAD.split(raw, maxsplit=1)[0])), None)
    return head if head is not None else EmailMessage(policy=_POLICY), False


def _parsed(raw: bytes) -> EmailMessage | None:
    message = BytesParser(EmailMessage, policy=_POLICY).parsebytes(raw)
    return message if isinstance(message, EmailMessage) else None


def _end(raw: bytes) -> int:
    """Where to stop reading: so many parts that they take minutes are nobody's letter."""
    at = 0
    for _ in range(MOST_BOUNDARIES):
        at = raw.find(b"\n--", at + 1)
        if at < 0:
            return len(raw)
    return at


def header(message: EmailMessage, name: str) -> str:
    """A header on one line, decoded where it can be; an empty text where it is missing."""
    written = next((str(value) for other, value in message.raw_items() if other.lower() == name.lower()), "")
    return scrubbed(" ".join(attempt(lambda: str(message.get(name, "")), written[:LONGEST_LIST]).split()))


def content_type(message: EmailMessage) -> str:
    """The content type, such as `text/html`; plain text where it is missing or unreadable."""
    return attempt(message.get_content_type, "text/plain")


def content_of(message: EmailMessage) -> tuple[str, tuple[str, ...]] | None:
    """The words, and the names of what came with them and was not read; None where it cannot be taken apart."""
    return attempt(lambda: _content(message), None)


def beginning_of(raw: bytes, most: int) -> str:
    """The first characters after the headers, as they came."""
    body = _END_OF_HEAD.split(raw, maxsplit=1)[-1]
    return scrubbed(_guessed(body[: most * 4]))[:most]


def scrubbed(text: str) -> str:
    """The text as every store takes it: undecoded bytes as they were most likely meant, no half characters, no NUL."""
    if _HALF.search(text):
        text = _HALF.sub("\ufffd", text)
    if _UNDECODED.search(text):
        text = _guessed(text.encode("utf-8", "surrogateescape"))
    return text.replace("\x00", "")


def _guessed(raw: bytes) -> str:
    """Bytes of no known charset: UTF-8, even where it is cut in the middle of a character, or else Western European."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        if error.end == len(raw) and not before.isascii():
            return before.decode()
        return raw.decode("cp1252", errors="replace")


def _content(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    body = message.get_body(preferencelist=("plain", "html"))
    text = _text(body) if isinstance(body, EmailMessage) else ""
    if not text.strip() and isinstance(body, EmailMessage) and content_type(body) == "text/plain":
        html = message.get_body(preferencelist=("html",))
        text = _text(html) if isinstance(html, EmailMessage) else text
    files = tuple(_name(part) for part in _attachments(message, body))
    return text, files[:20]


def _name(part: EmailMessage) -> str:
    return scrubbed(attempt(part.get_filename, None) or content_type(part))[:LONGEST_NAME]


def _attachments(message: EmailMessage, body: object) -> list[EmailMessage]:
    """Every part that is neither the text nor the same text in another form."""
    if not message.is_multipart():
        return [] if content_type(message).startswith("text/") else [message]
    found = []
    for part in message.walk():
        if part.is_multipart() or part is body or not isinstance(part, EmailMessage):
            continue
        if content_type(part).startswith("text/") and not _is_file(part):
            continue
        found.append(part)
    return found


def _is_file(part: EmailMessage) -> bool:
    return attempt(lambda: bool(part.get_filename()) or part.is_attachment(), otherwise=True)


def _text(part: EmailMessage) -> str:
    payload = attempt(lambda: part.get_payload(decode=True), None)
    if not isinstance(payload, bytes):
        undecoded = part.get_payload()
        text = undecoded if isinstance(undecoded, str) else ""
    else:
        charset = attempt(lambda: part.get_content_charset("ascii"), "ascii")
        text = attempt(lambda: _decoded(payload, charset), None) or _guessed(payload)
    if content_type(part) == "text/html":
        text = text_of_html(text)
    return scrubbed(text.replace("\r\n", "\n"))


def _decoded(payload: bytes, charset: str) -> str | None:
    """The text in its own charset; None for a name that no mail program gives to one."""
    if codecs.lookup(charset).name.replace("_", "-") in _NO_CHARSETS:
        return None
    return payload.decode(charset, errors="replace")
