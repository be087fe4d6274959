"""Whatever somebody sends, it is read or left, it can be stored, and an answer to it can be written."""

import time
from datetime import UTC, datetime
from email.headerregistry import Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.connectors.email import compose
from bot.domain.canonical import Json, canonical_json
from bot.intake.arrival import Arrival
from bot.intake.mail import Unanswered, read_mail
from bot.intake.mail_text import text_of_html
from tests.connectors.cases import proposal

BOB = b"From: Bob <bob@x.example>\r\n"
HEAD = BOB + b"Subject: hi\r\nMessage-ID: <1@x>\r\n"
CHARSETS = [
    *("utf-8", "us-ascii", "utf-7", "utf-16-le", "idna", "punycode", "undefined"),
    *("unicode-escape", "raw-unicode-escape", "hex", "rot13", "klingon"),
]
NAMES = [
    *("From", "Reply-To", "Subject", "Date", "Message-ID", "References", "In-Reply-To"),
    *("Content-Type", "Content-Disposition", "Auto-Submitted", "Precedence"),
]
ENCODINGS = st.sampled_from([b"7bit", b"8bit", b"base64", b"quoted-printable", b"x-uuencode", b"\xe9"])
PIECES = [
    *b'< > ( ) [ ] " \\ : ; , @ = ? * . <a@[ bob@x.example <bob@x.example> Ana'.split(),
    *b"text/html text/plain multipart/mixed message/rfc822 attachment boundary=b".split(),
    *b"filename= filename*0*= filename*=idna''%80 charset*=idna''%ff".split(),
    *b"=?utf-8?q?=00?= =?utf-8?b?!!!?= =?unicode-escape?q?=5Cud800?= =?x?=".split(),
    *b"Mon 99999999999999999999 2026 10:00:00 +0000".split(),
    *(f"charset={name}".encode() for name in CHARSETS),
    b" ",
    b"Andr\xe9",
    b"\xed\xa0\x80",
    b"\x00",
    b"(" * 3_000,
    b"\r\n ",
]
TEXTS = [
    *b"<p>hi</p> <![x <![endif]--> ]> <!-- --> <!ELEMENT <a <script> </ begin end".split(),
    *b"&#xd800; &amp &#1114112; +2AA- \\ud800".split(),
    b"&#" + b"9" * 5_000 + b";",
    b"caf\xe9",
    b"\xff\xfe",
    b"\x00",
    b"\r\n",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\r\n\r\n",
    b"begin 644 a\r\n#86)C\r\nend\r\n",
]
words = (
    st.sampled_from(PIECES)
    | st.lists(st.sampled_from(PIECES), max_size=6).map(b" ".join)
    | st.lists(st.sampled_from(PIECES)).map(b"".join)
)
headers = st.lists(st.tuples(st.sampled_from(NAMES).map(str.encode), words), max_size=4)
bodies = st.lists(st.sampled_from(TEXTS) | st.binary(max_size=8), max_size=8).map(b" ".join)


@st.composite
def parts(draw: st.DrawFn, inner: st.SearchStrategy[bytes]) -> bytes:
    """A part of an e-mail, with headers of its own; perhaps one that has parts itself."""
    charset = draw(st.sampled_from(CHARSETS)).encode()
    kind = draw(st.sampled_from([b"text/plain", b"text/html", b"image/png", b"message/rfc822"]))
    lines = [b"Content-Type: " + kind + b"; charset=" + charset, b"Content-Transfer-Encoding: " + draw(ENCODINGS)]
    if draw(st.booleans()):
        lines.append(b"Content-Disposition: attachment; " + draw(words))
    if draw(st.booleans()):
        children = draw(st.lists(inner, min_size=1, max_size=3))
        lines[0] = b"Content-Type: multipart/" + draw(st.sampled_from([b"mixed", b"alternative"])) + b"; boundary=b"
        return b"\r\n".join(lines) + b"\r\n\r\n--b\r\n" + b"\r\n--b\r\n".join(children) + b"\r\n--b--\r\n"
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(bodies)


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    """An e-mail with headers that break the rules, sometimes behind some that keep them."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in draw(headers))
    head = draw(st.sampled_from([b"", BOB, BOB, HEAD]))
    return head + lines + draw(parts(parts(bodies)))


def check(raw: bytes) -> Arrival | Unanswered:
    """Read it; what was read must fit every store, and take an answer."""
    found = read_mail(raw, envelope_from="bob@x.example", ours=frozenset({"support@shop.example"}))
    if isinstance(found, Unanswered):
        assert "\x00" not in repr(canonical_json([found.reason, found.sender, found.subject]))
        return found
    talk = found.conversation
    (message,) = talk.messages
    stored: Json = [found.key, talk.id, talk.subject, dict(talk.customer), message.text, message.at, *found.attachments]
    assert b"\\u0000" not in canonical_json(stored)
    customer = dict(talk.customer)
    answered = proposal(recipient=str(customer["email"]), subject=talk.subject, customer=customer)
    now = datetime(2026, 3, 14, tzinfo=UTC)
    sent = compose(answered, "Hello.", sender=Address("", "support", "shop.example"), delivery="d", now=now)
    assert sent.as_bytes()
    assert [address.addr_spec for address in sent["To"].addresses] == [talk.customer["email"]]
    return found


@settings(deadline=None, max_examples=600)
@given(mails())
def test_any_mail_is_read_or_left_and_can_be_stored_and_answered(raw: bytes) -> None:
    check(raw)


def html(text: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + text


def nested(depth: int) -> bytes:
    level = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return HEAD + b"".join(level % (number, number) for number in range(depth)) + b"Where is my parcel?"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (html(b"<p>hi</p><![x y]>there"), "hi\n\nthere"),
        (html(b"<p>hi</p><!--[if mso]>not<![endif]-->the<![if !mso]>re<![endif]>"), "hi\n\nthere"),
        (html(b"hi &#" + b"9" * 5_000 + b"; there"), "hi \ufffd there"),
        (html(b"hi <3 you &amp; me <b"), "hi <3 you & me"),
        (HEAD + b"Date: Mon, 1 Jan 99999999999999999999 00:00:00 +0000\r\n\r\nhi", "hi"),
        (HEAD + b"Content-Type: text/plain; charset=undefined\r\n\r\nhi", "hi"),
        (HEAD + b'Content-Type: text/plain; charset="\x00"\r\n\r\nhi', "hi"),
        (HEAD + b"Content-Type: text/plain; charset=unicode-escape\r\n\r\n\\ud800 hi", "\\ud800 hi"),
        (HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA- hi", "\ufffd hi"),
        (HEAD + b"\r\ncaf\xe9", "café"),
        (HEAD + b"\r\ncaf\xc3\xa9 \xc3", "café "),
        (b"From: a@x.example\r\nMessage-ID: <a@[\r\nReferences: <[\r\n\r\nhi", "hi"),
        (nested(5), "Where is my parcel?"),
    ],
)
def test_what_can_be_read_of_it_is_read(raw: bytes, says: str) -> None:
    found = check(raw)
    assert isinstance(found, Arrival)
    assert found.conversation.last_customer_text.rstrip("\r\n") == says


@pytest.mark.parametrize(
    "raw",
    [
        nested(1_500),
        HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1_500 + b"x",
        HEAD + b"Content-Type: text/plain; charset*=idna''%ff\r\n\r\nContent-Type matters.",
    ],
)
def test_what_cannot_be_taken_apart_is_a_case_that_says_so_and_shows_its_beginning(raw: bytes) -> None:
    found = check(raw)
    assert isinstance(found, Arrival)
    assert found.conversation.customer["name"] == "Bob"
    assert found.conversation.last_customer_text.startswith("(Sayso cannot read this e-mail. This is how it begins:)\n")
    assert "Content-Type" in found.conversation.last_customer_text
    assert found.attachments == ("the e-mail itself",)


def test_a_name_in_bytes_of_western_europe_is_read() -> None:
    found = check(b"From: Andr\xe9 <andre@x.example>\r\n\r\nhi")
    assert isinstance(found, Arrival)
    assert found.conversation.customer["name"] == "André"


def test_a_person_whose_address_cannot_be_read_is_no_machine() -> None:
    found = check(b"From: " + b"(" * 3_000 + b" a@x.example\r\nSubject: help\r\n\r\nhi")
    assert isinstance(found, Unanswered)
    assert not found.automatic
    assert found.sender.startswith("(((")


@pytest.mark.parametrize("piece", ["<!--", "<a ", "<a b='", "<![", "</", "&#", "<script></", "<a><", "<blockquote>\n"])
def test_html_that_is_built_to_take_hours_takes_seconds(piece: str) -> None:
    begun = time.process_time()
    text_of_html(piece * (300_000 // len(piece)))
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b'"' * 500_000 + b"\r\n\r\nhi",
        b"From: " + b"a@b.example, " * 50_000 + b"\r\n\r\nhi",
        HEAD + b"Content-Type: text/plain; " + b"; ".join(b"a%d=b" % n for n in range(50_000)) + b"\r\n\r\nhi",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 200_000,
    ],
)
def test_headers_and_parts_that_are_built_to_take_minutes_take_seconds(raw: bytes) -> None:
    begun = time.process_time()
    check(raw)
    assert time.process_time() - begun < 10
