"""The mailbox reader goes on whatever an e-mail does to the rest of Sayso."""

import asyncio
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope

from bot.clock import SystemClock
from bot.domain.errors import Unavailable
from bot.domain.intake import Mailbox, MailListener
from bot.intake import imap
from bot.intake.imap import MailboxReader
from bot.intake.post import PostRoom
from bot.intake.smtp import Listener
from bot.policy_file import load_policy
from tests.intake.imap_server import ImapServer, imap_server
from tests.world import POLICY

Anything: Any = None
RAW = b"From: Bob <bob@x.example>\r\nSubject: %s\r\nMessage-ID: <%s@x>\r\n\r\nhi"


class Stumbling:
    """A reception with a fault of its own for some e-mails."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault
        self.received: list[str | None] = []

    async def receive(self, arrival: Any) -> None:
        if arrival.conversation.subject == "poison":
            raise self.fault
        self.received.append(arrival.conversation.subject)


class Ops:
    """What the ops channel is told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.told: list[str] = []

    async def ring(self, kind: str, title: str, lines: Any = (), *, level: str = "info") -> bool:
        if self.fault:
            raise self.fault
        self.told.append(title)
        return True


def post_room(reception: Stumbling, ops: Any) -> PostRoom:
    anything: Any = reception
    return PostRoom(reception=anything, bell=ops, policy=load_policy(POLICY))


def reader(post: PostRoom, ops: Any, port: int) -> MailboxReader:
    rule = Mailbox(host="127.0.0.1", port=port, tls=False, username_env="U", password_env="P")
    return MailboxReader(rule, post, ops, {"U": "support", "P": "secret"})


async def test_an_email_that_sayso_fails_on_is_tried_thrice_and_then_left_to_a_person() -> None:
    ops, reception, server = Ops(), Stumbling(RecursionError()), ImapServer()
    server.add(RAW % (b"poison", b"1"))
    server.add(RAW % (b"fine", b"2"))
    async with imap_server(server) as port:
        mailbox = reader(post_room(reception, ops), ops, port)
        for _ in range(imap.TRIES):
            assert 1 not in server.seen
            await mailbox.look()
            assert reception.received == ["fine"]
            assert await mailbox.look() == 0  # it waits, and stands in nobody's way
            mailbox._later.clear()
        assert server.seen == {1, 2}
    assert [title.partition(":")[0] for title in ops.told] == [
        *["Sayso failed on an e-mail"] * imap.TRIES,
        "Sayso cannot take in an e-mail",
    ]


async def test_a_store_that_cannot_answer_is_no_fault_of_the_email() -> None:
    ops, reception, server = Ops(), Stumbling(Unavailable("The database is away.")), ImapServer()
    server.add(RAW % (b"poison", b"1"))
    async with imap_server(server) as port:
        mailbox = reader(post_room(reception, ops), ops, port)
        for _ in range(imap.TRIES + 1):
            with pytest.raises(Unavailable):
                await mailbox.look()
    assert server.seen == set()


async def test_the_reader_outlives_a_fault_that_nobody_thought_of() -> None:
    class Broken(MailboxReader):
        looks = 0

        async def look(self) -> int:
            self.looks += 1
            raise RuntimeError(f"fault {self.looks}")

    ops: Any = Ops()
    rule = Mailbox(host="x", username_env="U", password_env="P", every=SystemClock().now() - SystemClock().now())
    mailbox = Broken(rule, post_room(Stumbling(OSError()), ops), ops, {"U": "u", "P": "p"})
    await mailbox.start()
    async with asyncio.timeout(15):
        while mailbox.looks < 3:
            await asyncio.sleep(0.001)
    await mailbox.stop()
    assert ops.told[0].startswith("The mailbox cannot be read")


@pytest.mark.parametrize("fault", [None, Unavailable("The database is away."), RuntimeError()])
async def test_smtp_keeps_an_email_outside_that_sayso_fails_on(fault: Exception | None) -> None:
    """Even where the alarm about it fails, too."""
    ops, nobody, envelope = Ops(fault), Anything, Envelope()
    listener = Listener(MailListener(), post_room(Stumbling(RecursionError()), ops))
    envelope.mail_from, envelope.original_content = "bob@x.example", RAW % (b"poison", b"1")
    assert (await listener.handle_DATA(nobody, nobody, envelope)).startswith("451")
    envelope.original_content = RAW % (b"fine", b"2")
    assert await listener.handle_DATA(nobody, nobody, envelope) == "250 2.0.0 OK"
