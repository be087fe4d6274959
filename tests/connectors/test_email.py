import asyncio
import email
import email.policy
import hashlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bot.connectors import email as connector_email
from bot.connectors.email import Email, Tls, is_address, subject_of
from bot.domain.canonical import Json
from bot.domain.decision import Actor
from bot.domain.delivery import Delivered, Failed, Lost, Outcome, Postponed
from bot.domain.errors import BadInput
from bot.domain.lifecycle import Verdict
from bot.domain.proposal import Proposal
from tests.connectors.cases import DELIVERY, MARIA, REFUND, RULE, errand, now, proposal

ANA = "ana@customer.example"
SENDER = "Shop Support <support@shop.example>"


def _transport(server: SMTP) -> asyncio.Transport:
    assert isinstance(server.transport, asyncio.Transport)
    return server.transport


def _cut(server: SMTP) -> None:
    _transport(server).abort()


class Mailbox:
    """What a mail server got, and its fault at each word: an answer to give, or "drop" for a cut line."""

    def __init__(self, **faults: str) -> None:
        self.faults = faults
        self.messages: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.encrypted: list[bool] = []
        self.logins: list[str | None] = []

    def _fault(self, server: SMTP, word: str) -> str | None:
        fault = self.faults.get(word)
        if fault == "drop":
            _cut(server)
        return fault

    async def handle_MAIL(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._fault(server, "mail") or "250 OK"

    async def handle_RCPT(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._fault(server, "rcpt") or "250 OK"

    async def handle_DATA(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        fault = self._fault(server, "data")
        if fault == "hang":
            await asyncio.sleep(3)
        if fault and fault[0] in "45":
            return fault
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None or _transport(server).get_extra_info("ssl_object") is not None)
        self.logins.append(session.auth_data.login.decode() if session.auth_data else None)
        return fault if fault and fault[0] == "2" else "250 OK queued as 1"


@asynccontextmanager
async def serving(mailbox: Mailbox, *, implicit: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """A mail server on 127.0.0.1, as long as the block runs; its port."""
    made: list[SMTP] = []

    def factory() -> SMTP:
        made.append(SMTP(mailbox, hostname="mail.test", **options))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=implicit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for protocol in made:
            if protocol.transport:
                _cut(protocol)


def connector(port: int, *, tls: Tls = "none", **options: Any) -> Email:
    return Email(host="127.0.0.1", port=port, sender=SENDER, tls=tls, now=now, **options)


def case(text: str = "Your refund is on its way.", *, recipient: str = ANA, **options: Any) -> Proposal:
    return proposal(text, conversation="mail:1", connector="email:support", recipient=recipient, **options)


async def sent(mailbox: Mailbox, proposal: Proposal | None = None, **options: Any) -> Outcome:
    async with serving(mailbox) as port:
        return await connector(port).deliver(proposal or case(), errand(**options))


async def test_the_approved_words_arrive_as_a_plain_reply() -> None:
    mailbox = Mailbox()
    text = "Grüße 🙂\n\n.\nFrom here on: a line of " + "words " * 60 + "\n\u2028end"
    outcome = await sent(mailbox, case(text, subject="Where is my money?"))
    [message] = mailbox.messages
    assert message.get_content().replace("\r\n", "\n") == text + "\n"
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert message["From"] == SENDER
    assert message["To"] == ANA
    assert mailbox.recipients == [ANA]
    assert message["Subject"] == "Re: Where is my money?"
    assert message["Date"] == "Sat, 14 Mar 2026 09:26:53 +0000"
    assert max(len(line) for line in mailbox.raw[0].split(b"\r\n")) <= 78
    assert isinstance(outcome, Delivered)
    assert outcome.result == {"message_id": message["Message-ID"], "answer": "OK queued as 1"}


async def test_the_message_id_is_the_same_at_every_attempt_and_other_for_another_delivery() -> None:
    mailbox = Mailbox()
    await sent(mailbox)
    await sent(mailbox, attempts=2)
    await sent(mailbox, delivery="dlv_other")
    first, again, other = [str(message["Message-ID"]) for message in mailbox.messages]
    assert first == again == f"<{hashlib.sha256(DELIVERY.encode()).hexdigest()[:40]}@shop.example>"
    assert other != first


@pytest.mark.parametrize(
    ("customer", "in_reply_to", "references"),
    [
        ({"message_id": "<3@x>"}, "<3@x>", "<3@x>"),
        ({"message_id": "<3@x>", "references": "<1@x>\r\n <2@x>"}, "<3@x>", "<1@x> <2@x> <3@x>"),
        ({"message_id": "<3@x>", "references": ["<1@x>", "<3@x>", "junk"]}, "<3@x>", "<1@x> <3@x>"),
        ({"message_id": "<3@x>\r\nBcc: all@x.example"}, "<3@x>", "<3@x>"),
        ({"message_id": "no id"}, None, None),
        ({"references": "<1@x>"}, None, None),
        ({"message_id": 7, "references": {"a": 1}}, None, None),
        ({}, None, None),
    ],
)
async def test_the_reply_joins_the_customers_thread(
    customer: dict[str, Json], in_reply_to: str | None, references: str | None
) -> None:
    mailbox = Mailbox()
    assert isinstance(await sent(mailbox, case(customer=customer)), Delivered)
    [message] = mailbox.messages
    assert message["In-Reply-To"] == in_reply_to
    assert message["References"] == references
    assert message["Bcc"] is None


async def test_long_message_ids_are_never_encoded_or_lost() -> None:
    mailbox = Mailbox()
    ids: list[Json] = [f"<{number}.{'a' * 150}@mail.example.com>" for number in range(40)]
    await sent(mailbox, case(customer={"message_id": ids[-1], "references": ids[:-1]}))
    assert b"=?" not in mailbox.raw[0]
    unfolded = mailbox.raw[0].replace(b"\r\n ", b" ").decode()
    assert f"In-Reply-To: {ids[-1]}\r\n" in unfolded
    assert f"References: {ids[0]} {' '.join(map(str, ids[19:]))}\r\n" in unfolded
    assert max(map(len, mailbox.raw[0].split(b"\r\n"))) < 998


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (None, "Re: your message"),
        ("  ", "Re: your message"),
        ("Re: Money", "Re: Money"),
        ("RE: Money", "RE: Money"),
        ("Money\r\nBcc: all@x.example", "Re: Money Bcc: all@x.example"),
        ("Money\n\nBody", "Re: Money Body"),
        ("a\u2028b\x00c\x85d", "Re: a b c d"),
        ("=?utf-8?q?Hidden?=", "Re: = ?utf-8?q?Hidden?="),
    ],
)
def test_a_subject_is_one_line_whatever_it_tries(subject: str | None, shown: str) -> None:
    assert subject_of(subject) == shown


async def test_a_subject_that_tries_to_be_a_header_is_only_a_subject() -> None:
    mailbox = Mailbox()
    await sent(mailbox, case(subject="Geld für Ana\r\nBcc: all@x.example\r\n\r\n" + "é" * 500))
    [message] = mailbox.messages
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Re: Geld für Ana Bcc: all@x.example éé")
    assert len(message["Subject"]) < 210
    assert message.get_content().strip() == "Your refund is on its way."


@pytest.mark.parametrize(
    ("verdict", "by", "header"),
    [(Verdict.ASK, MARIA, None), (Verdict.AUTOMATE, RULE, "auto-replied"), (Verdict.AUTOMATE, MARIA, None)],
)
async def test_only_what_nobody_read_says_that_it_is_automatic(verdict: Verdict, by: Actor, header: str | None) -> None:
    mailbox = Mailbox()
    await sent(mailbox, case(verdict=verdict, decided_by=by))
    assert mailbox.messages[0]["Auto-Submitted"] == header


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("mail", "550 sender unknown"),
        ("rcpt", "550 no such user"),
        ("rcpt", "553 blocked"),
        ("data", "554 looks like spam"),
    ],
)
async def test_a_refusal_for_good_fails_with_the_servers_words(word: str, answer: str) -> None:
    mailbox = Mailbox(**{word: answer})
    outcome = await sent(mailbox)
    assert isinstance(outcome, Failed)
    assert f"answered {answer[:3]}: {answer[4:]}" in outcome.error
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("mail", "451 try later"),
        ("rcpt", "450 greylisted"),
        ("rcpt", "421 closing"),
        ("data", "452 disk full"),
        ("mail", "drop"),
        ("rcpt", "drop"),
    ],
)
async def test_a_failure_before_the_mail_was_taken_is_postponed(word: str, answer: str) -> None:
    mailbox = Mailbox(**{word: answer})
    assert isinstance(await sent(mailbox), Postponed)
    assert mailbox.messages == []


async def test_a_line_cut_after_the_mail_was_handed_over_is_in_doubt() -> None:
    mailbox = Mailbox(data="drop")
    outcome = await sent(mailbox)
    assert isinstance(outcome, Lost)
    assert "look there before you retry" in outcome.error
    assert len(mailbox.messages) == 1


async def test_a_server_that_falls_silent_after_the_mail_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_email, "_DATA", 0.2)
    assert isinstance(await sent(Mailbox(data="hang")), Lost)


async def test_an_odd_yes_after_the_mail_is_in_doubt() -> None:
    assert isinstance(await sent(Mailbox(data="251 forwarded")), Lost)


async def test_a_server_that_says_nothing_was_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_email, "_BEFORE_DATA", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert isinstance(await connector(silent.getsockname()[1]).deliver(case(), errand()), Postponed)


async def test_a_server_that_is_not_there_is_postponed() -> None:
    async with serving(Mailbox()) as port:
        pass
    assert isinstance(await connector(port).deliver(case(), errand()), Postponed)


async def test_an_interrupted_mail_is_lost_and_not_sent_again() -> None:
    mailbox = Mailbox()
    assert isinstance(await sent(mailbox, interrupted=True), Lost)
    assert mailbox.messages == []


async def test_an_action_a_blank_reply_and_a_bad_address_are_refused_unsent() -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        for one in (
            proposal(REFUND, recipient=ANA),
            case("  "),
            case(recipient="ana@x.example, bob@x.example"),
        ):
            assert isinstance(await connector(port).deliver(one, errand()), Failed)
    assert mailbox.messages == []


@pytest.mark.parametrize("address", [ANA, "a+b@x.example", "x@localhost", "o'hara@x.example"])
def test_plain_addresses_are_taken(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "@x.example",
        "ana@",
        "a@b@c",
        "Ana <ana@x.example>",
        "a@x.example,b@x.example",
        "a@x.example\r\nRCPT TO:<b@x.example>",
        "ana @x.example",
        "\u0430na@x.example",
        "a" * 250 + "@x.example",
    ],
)
def test_anything_but_one_bare_address_is_refused(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize("sender", ["Support", "", "Support <a@b", "a@b, c@d", "A <a@b>, c@d"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(BadInput, match='The "from"'):
        Email(host="127.0.0.1", port=25, sender=sender, tls="none", now=now)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context with a certificate for 127.0.0.1, and a client's context that trusts it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not on this machine")
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = "-subj /CN=mail.test -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *made.split(), *named.split(), *files], check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


Certificates = tuple[ssl.SSLContext, ssl.SSLContext]


def checking(password: str) -> Callable[..., AuthResult]:
    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password.decode() == password, handled=False, auth_data=data)

    return authenticate


async def test_starttls_encrypts_and_signs_in(certificates: Certificates) -> None:
    server, client = certificates
    mailbox = Mailbox()
    async with serving(
        mailbox, tls_context=server, require_starttls=True, authenticator=checking("pw"), auth_required=True
    ) as port:
        mail = connector(port, tls="starttls", tls_context=client, username="bot", password="pw")
        assert isinstance(await mail.deliver(case(), errand()), Delivered)
    assert (mailbox.encrypted, mailbox.logins) == ([True], ["bot"])


async def test_implicit_tls_encrypts_from_the_first_byte(certificates: Certificates) -> None:
    server, client = certificates
    mailbox = Mailbox()
    async with serving(mailbox, implicit=server) as port:
        mail = connector(port, tls="implicit", tls_context=client)
        assert isinstance(await mail.deliver(case(), errand()), Delivered)
    assert mailbox.encrypted == [True]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificates: Certificates, tls: Tls) -> None:
    server, _ = certificates
    mailbox = Mailbox()
    options: dict[str, Any] = {"implicit": server} if tls == "implicit" else {"tls_context": server}
    async with serving(mailbox, **options) as port:
        assert isinstance(await connector(port, tls=tls).deliver(case(), errand()), Postponed)
    assert mailbox.messages == []


async def test_a_server_without_starttls_gets_nothing_in_clear() -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        assert isinstance(await connector(port, tls="starttls").deliver(case(), errand()), Postponed)
    assert mailbox.messages == []


async def test_a_wrong_password_loses_nothing(certificates: Certificates) -> None:
    server, client = certificates
    mailbox = Mailbox()
    async with serving(mailbox, tls_context=server, authenticator=checking("pw"), auth_required=True) as port:
        mail = connector(port, tls="starttls", tls_context=client, username="bot", password="old")
        outcome = await mail.deliver(case(), errand())
    assert isinstance(outcome, Postponed)
    assert "password" in outcome.error
    assert outcome.hold_lane
