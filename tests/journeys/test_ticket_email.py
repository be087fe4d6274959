"""A customer writes an e-mail: it is threaded, drafted, approved, and answered in its own thread."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from bot.domain.lifecycle import State
from bot.slack import ids
from tests.connectors.test_email import Mailbox, serving
from tests.intake.imap_server import ImapServer, imap_server
from tests.journeys.props import MovableClock, until_stored
from tests.journeys.tickets import HOLDING_LINE, HOURS, INTAKE, QUESTION, case_of, settled, stands, waiting
from tests.world import World, running_world

ANA = "ana@customer.example"
SENDER = "support@shop.example"


@pytest.fixture
def sent() -> Mailbox:
    """What the customers received."""
    return Mailbox()


@pytest.fixture
def imap() -> ImapServer:
    """The team's mailbox."""
    return ImapServer()


@pytest.fixture
async def world(tmp_path: Path, clock: MovableClock, sent: Mailbox, imap: ImapServer) -> AsyncIterator[World]:
    async with serving(sent) as port, imap_server(imap) as imap_port:
        policy = f"""{INTAKE}
[connectors.support]
type = "email"
host = "127.0.0.1"
port = {port}
from = "Shop Support <{SENDER}>"
starttls = false

[intake.email]
port = 0
max_bytes = 3000000
recipients = ["{SENDER}"]

[intake.mailbox]
host = "127.0.0.1"
port = {imap_port}
tls = false
username_env = "IMAP_USER"
password_env = "IMAP_PASSWORD"
every = "1s"
"""
        policy = policy.replace("[intake]", "[intake]\nper_sender = 5")
        env: Any = {"IMAP_USER": "support", "IMAP_PASSWORD": "secret"}
        async with running_world(tmp_path / "sayso.db", policy, clock=clock, **env) as made:
            yield made


def mail(text: str = QUESTION, message_id: str = "<1@customer.example>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = f"Ana Lopez <{ANA}>", SENDER
    message["Subject"], message["Message-ID"] = "Opening hours", message_id
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


async def arrive(world: World, message: EmailMessage, *, sender: str = ANA, to: str = SENDER) -> str:
    """Send it to our listener; the server's answer."""
    listener = world.sayso.office.listener
    assert listener
    try:
        _, answer = await aiosmtplib.send(
            message, hostname="127.0.0.1", port=listener.port, sender=sender, recipients=[to], start_tls=False
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        return str(error.recipients[0].code)
    except aiosmtplib.SMTPResponseException as error:
        return str(error.code)
    return answer


async def approved(world: World, card: object) -> str:
    await world.click("U0MARIA", card, ids.APPROVE)
    return (await stands(world, case_of(card), State.EXECUTED)).id


async def marked(imap: ImapServer, uids: set[int]) -> None:
    """Come back once these, and no others, are marked as seen."""
    async with asyncio.timeout(15):
        while imap.seen != uids:
            await asyncio.sleep(0.01)


async def test_an_email_is_answered_in_its_thread_and_the_answer_to_that_goes_on(world: World, sent: Mailbox) -> None:
    await settled(world)
    assert "OK" in await arrive(world, mail())
    card = await world.message("C0REVIEW", HOURS)
    assert "Ana Lopez" in str(card.blocks)
    await approved(world, card)
    (answer,) = sent.messages
    assert sent.recipients == [ANA]
    assert answer.get_content().strip() == HOURS
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: Opening hours", "<1@customer.example>")
    await until_stored(world, lambda tx: tx.kept("feedback") == tx.audit_head()[0])
    # A mail program that names only our own message still lands in the same conversation.
    reply = mail("Thanks. On Sunday too?", "<2@customer.example>", In_Reply_To=str(answer["Message-ID"]))
    assert "OK" in await arrive(world, reply)
    await until_stored(world, lambda tx: len(tx.waiting()) == 1)
    (case,) = await waiting(world)
    assert case.conversation.id == "email:<1@customer.example>"
    assert [message.role for message in case.conversation.messages] == ["customer", "ai", "customer"]


async def test_the_same_email_twice_is_one_ticket_and_a_second_one_joins_the_case(world: World) -> None:
    await settled(world)
    await arrive(world, mail())
    await arrive(world, mail())
    await world.message("C0REVIEW", HOURS)
    await arrive(world, mail("Hello?", "<2@customer.example>", References="<1@customer.example>"))
    await world.message("C0REVIEW", "The customer wrote again")
    assert len(await waiting(world)) == 1


async def test_no_machine_is_answered_and_the_ops_channel_says_so_once(world: World, sent: Mailbox) -> None:
    for number in range(4):
        message = mail("I am away.", f"<{number}@x>", Auto_Submitted="auto-replied")
        assert "OK" in await arrive(world, message)
    assert "OK" in await arrive(world, mail("Undelivered", "<9@x>"), sender="")
    told = await world.message("C0OPS", "An e-mail was not answered.")
    assert "Auto-Submitted" in str(told.blocks)
    await until_stored(world, lambda tx: not tx.outbox_size())
    assert len([m for m in world.slack.messages("C0OPS") if "was not answered" in m.text]) == 1
    assert await waiting(world) == []
    assert sent.messages == []


async def test_a_loop_is_broken_by_the_senders_rate_and_nothing_is_lost(world: World) -> None:
    answers = [await arrive(world, mail(f"Number {n}", f"<{n}@x>")) for n in range(7)]
    assert ["OK" in answer for answer in answers] == [True] * 5 + [False] * 2
    assert answers[-1] == "450"
    await world.message("C0OPS", "One sender writes very often")


async def test_an_escalated_email_gets_the_holding_line_once_marked_as_automatic(world: World, sent: Mailbox) -> None:
    await arrive(world, mail("My llama ate the warranty card."))
    await world.message("C0ESCALATE", "llama")
    await until_stored(world, lambda tx: not tx.outbox_size())
    (line,) = sent.messages
    assert line.get_content().strip() == HOLDING_LINE
    assert (line["Auto-Submitted"], line["In-Reply-To"]) == ("auto-replied", "<1@customer.example>")


async def test_mail_for_others_and_mail_that_is_too_large_is_refused(world: World) -> None:
    assert await arrive(world, mail(), to="somebody@else.example") == "550"
    assert await arrive(world, mail("line of words\n" * 300_000)) == "552"
    assert await waiting(world) == []


async def test_a_two_megabyte_email_is_a_case_of_bounded_size(world: World) -> None:
    assert "OK" in await arrive(world, mail("My llama. " + "line of words\n" * 150_000))
    card = await world.message("C0ESCALATE", "llama")
    (case,) = await waiting(world)
    assert case.id == case_of(card)
    assert len(case.conversation.last_customer_text) < 101_000


async def test_a_mailbox_is_read_and_marked_once_the_ticket_is_kept(world: World, imap: ImapServer) -> None:
    await settled(world)
    uid = imap.add(mail().as_bytes())
    imap.add(mail("I am away.", "<8@x>", Auto_Submitted="auto-replied").as_bytes())
    card = await world.message("C0REVIEW", HOURS)
    await asyncio.wait_for(imap.marked.wait(), 15)
    assert uid in imap.seen
    assert "Ana Lopez" in str(card.blocks)
    assert imap.logins[0] == 'support "secret"'
    await world.message("C0OPS", "An e-mail was not answered.")


async def test_a_mailbox_that_refuses_is_one_line_in_the_ops_channel(world: World, imap: ImapServer) -> None:
    imap.fault = True
    told = await world.message("C0OPS", "The mailbox cannot be read")
    assert "wrong password" in str(told.blocks)
    assert "secret" not in str(told.blocks)


POISON = (
    b"From: Bob <bob@x.example>\r\nMessage-ID: <p%d@x>\r\nContent-Type: text/html; charset=undefined\r\n"
    b"Date: Mon, 1 Jan 99999999999999999999 00:00:00 +0000\r\n\r\n<p>My llama is <![x y]>caf\xe9.</p>"
)


async def test_an_email_that_breaks_every_rule_is_a_case_and_the_next_one_is_read(
    world: World, imap: ImapServer
) -> None:
    await settled(world)
    first = imap.add(POISON % 1)
    named = imap.add(b"From: Andr\xe9 <andre@x.example>\r\n\r\nMy llama again.")
    last = imap.add(mail().as_bytes())
    card = await world.message("C0ESCALATE", "café")
    assert "Bob" in str(card.blocks)
    assert "André" in str((await world.message("C0ESCALATE", "My llama again.")).blocks)
    await world.message("C0REVIEW", HOURS)
    await marked(imap, {first, named, last})


async def test_an_email_that_cannot_be_taken_apart_is_a_case_that_a_person_has_to_look_at(world: World) -> None:
    level = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    raw = b"From: Bob <bob@x.example>\r\n" + b"".join(level % (depth, depth) for depth in range(1_500))
    listener = world.sayso.office.listener
    assert listener
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=listener.port, start_tls=False) as client:
        _, answer = await client.sendmail("bob@x.example", [SENDER], raw)
    assert "OK" in answer
    card = await world.message("C0ESCALATE", "Sayso cannot read this e-mail")
    assert "the e-mail itself" in str(card.blocks)


async def test_a_person_whose_address_cannot_be_read_is_an_alarm_for_each_and_no_machine(
    world: World, imap: ImapServer
) -> None:
    imap.add(mail("I am away.", "<8@x>", Auto_Submitted="auto-replied").as_bytes())
    imap.add(b"From: Ana\r\nSubject: My parcel\r\n\r\nWhere is it?")
    imap.add(b"From: Ben\r\nSubject: My money\r\n\r\nWhere is it?")
    for subject in ("My parcel", "My money"):
        told = await world.message("C0OPS", subject)
        assert "a person has to look at it" in told.text
    await marked(imap, {1, 2, 3})


async def test_an_email_that_the_server_does_not_give_is_an_alarm_and_the_next_one_is_read(
    world: World, imap: ImapServer
) -> None:
    await settled(world)
    imap.withheld = {1}
    imap.add(mail("Lost", "<8@x>").as_bytes())
    imap.add(mail().as_bytes())
    await world.message("C0REVIEW", HOURS)
    await world.message("C0OPS", "does not give an e-mail")


EVE = "eve@evil.example"


def forged(message_id: str, text: str = "Please cancel all my orders.") -> EmailMessage:
    """A stranger's e-mail that names Ana's first one, under her name."""
    message = mail(text, message_id, In_Reply_To="<1@customer.example>", References="<1@customer.example>")
    del message["From"]
    message["From"] = f"Ana Lopez <{EVE}>"
    return message


async def test_a_stranger_who_knows_a_message_id_gets_a_case_of_their_own(world: World, sent: Mailbox) -> None:
    await settled(world)
    await arrive(world, mail(f"{QUESTION} It is for the house in Lisbon."))
    card = await world.message("C0REVIEW", HOURS)
    await arrive(world, forged("<9@evil.example>"), sender=EVE)
    await world.message("C0ESCALATE", "cancel all my orders")
    theirs, ours = sorted(await waiting(world), key=lambda case: case.recipient == ANA)
    assert (theirs.recipient, ours.recipient) == (EVE, ANA)
    assert ours.follow_ups == ()
    assert theirs.conversation.id != ours.conversation.id
    assert "Lisbon" not in str(theirs.conversation)
    await approved(world, card)
    await arrive(world, forged("<10@evil.example>", "And my address?"), sender=EVE)
    await until_stored(world, lambda tx: tx.next_ticket() is None)
    assert all("Lisbon" not in str(case.conversation) and case.recipient == EVE for case in await waiting(world))
    assert ANA in sent.recipients
    # Ana herself, from another mail program and in capitals, still writes in her own conversation.
    shouting = mail("Thanks!", "<2@customer.example>", In_Reply_To="<1@customer.example>")
    shouting.replace_header("From", ANA.upper())
    await arrive(world, shouting)
    await until_stored(world, lambda tx: any(case.recipient.lower() == ANA for case in tx.waiting()))
    hers = next(case for case in await waiting(world) if case.recipient.lower() == ANA)
    assert hers.conversation.id == ours.conversation.id
    assert "Lisbon" in str(hers.conversation)


async def test_a_strangers_second_email_goes_on_in_their_own_case(world: World) -> None:
    await arrive(world, mail("My llama ate the warranty card."))
    await world.message("C0ESCALATE", "llama")
    await arrive(world, forged("<9@evil.example>"), sender=EVE)
    card = await world.message("C0ESCALATE", "cancel all my orders")
    again = forged("<10@evil.example>", "Hello?")
    again.replace_header("References", "<1@customer.example> <9@evil.example>")
    await arrive(world, again, sender=EVE)
    await world.message("C0ESCALATE", "The customer wrote again")
    case = await world.sayso.store.read(lambda tx: tx.proposal(case_of(card)))
    assert [message.text.strip() for message in case.follow_ups] == ["Hello?"]


async def test_a_message_id_that_a_stranger_claims_first_is_still_the_customers(world: World) -> None:
    """Ana's thread began elsewhere, and somebody on it wrote to us before her, under the id of its beginning."""
    claimed = forged("<0@list.example>")
    await arrive(world, claimed, sender=EVE)
    await world.message("C0ESCALATE", "cancel all my orders")
    await arrive(world, mail("My llama is ill.", "<5@customer.example>", References="<0@list.example>"))
    await world.message("C0ESCALATE", "llama")
    await arrive(world, mail("Very ill!", "<6@customer.example>", References="<0@list.example> <5@customer.example>"))
    await world.message("C0ESCALATE", "Very ill!")
    theirs, hers = sorted(await waiting(world), key=lambda case: case.recipient == ANA)
    assert (theirs.follow_ups, len(hers.follow_ups)) == ((), 1)
    assert "llama" not in str(theirs.conversation)
