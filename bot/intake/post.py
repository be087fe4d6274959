"""The post room: what the SMTP listener and the mailbox do with each e-mail."""

import asyncio
import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from bot.domain.errors import Unavailable
from bot.domain.masking import cut
from bot.domain.policy import Policy
from bot.errands import Line
from bot.intake.arrival import Arrival
from bot.intake.bell import Bell
from bot.intake.mail import Unanswered, read_mail
from bot.intake.mime import header, opened
from bot.intake.reception import Reception

HOUR: Final = 3600.0
SENDERS: Final = 10_000
log = structlog.get_logger(__name__)


class Taken(StrEnum):
    """What became of an e-mail."""

    KEPT = "kept"
    UNANSWERED = "unanswered"
    LATER = "later"
    STUMBLED = "stumbled"


class PostRoom:
    """Breaks loops: no machine is answered, and one sender gets through only so often in an hour."""

    def __init__(
        self, *, reception: Reception, bell: Bell, policy: Policy, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._reception, self._bell, self._now = reception, bell, now
        self._most = policy.intake.per_sender
        self._ours = frozenset(_addresses(policy))
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    async def take(self, raw: bytes, *, envelope_from: str | None, connector: str | None) -> Taken:
        """Keep it, durable, or say in the ops channel why it is not answered; LATER where it has to come again.

        STUMBLED where Sayso failed on it, which the ops channel is told; Unavailable where the store cannot answer.
        """
        try:
            # Reading can take seconds where somebody built the e-mail for that; clicks go on meanwhile.
            arrival = await asyncio.to_thread(
                read_mail, raw, envelope_from=envelope_from, ours=self._ours, connector=connector
            )
            return await self._taken(arrival)
        except Unavailable:
            raise
        except Exception as error:
            # One e-mail must not stand in the way of all others.
            log.exception("mail_not_taken")
            title = "Sayso failed on an e-mail: it was not taken in, and is tried again."
            await self._bell.ring("stumbled", title, [_why(error), *_about(raw)], level="alarm")
            return Taken.STUMBLED

    async def give_up(self, raw: bytes) -> None:
        """Say that a person has to look at this e-mail, because Sayso failed on it again and again."""
        title = "Sayso cannot take in an e-mail: open the mailbox and answer it there."
        await self._bell.ring(f"given up:{hashlib.sha256(raw).hexdigest()}", title, _about(raw), level="alarm")

    async def _taken(self, arrival: Arrival | Unanswered) -> Taken:
        if isinstance(arrival, Unanswered):
            await self._tell(arrival)
            return Taken.UNANSWERED
        sender = str(arrival.conversation.customer["email"]).lower()
        if not self._within(sender):
            lines = [Line(label="From", text=sender), Line(label="Limit", text=f"{self._most} in an hour")]
            title = "One sender writes very often: their e-mails wait outside, in case this is a loop."
            await self._bell.ring(f"rate:{sender}", title, lines, level="alarm")
            return Taken.LATER
        await self._reception.receive(arrival)
        self._count(sender)
        return Taken.KEPT

    async def _tell(self, mail: Unanswered) -> None:
        lines = [Line(label="Why", text=mail.reason), *_lines(mail.sender, mail.subject)]
        if mail.automatic:
            await self._bell.ring("automatic mail", "An e-mail was not answered.", lines)
        else:
            title = "An e-mail cannot be answered from here: a person has to look at it."
            await self._bell.ring(f"no sender:{mail.sender}", title, lines, level="alarm")

    def _within(self, sender: str) -> bool:
        times = self._seen.get(sender, deque())
        while times and times[0] <= self._now() - HOUR:
            times.popleft()
        return len(times) < self._most

    def _count(self, sender: str) -> None:
        self._seen.setdefault(sender, deque()).append(self._now())
        self._seen.move_to_end(sender)
        while len(self._seen) > SENDERS:
            self._seen.popitem(last=False)


def _about(raw: bytes) -> list[Line]:
    message, _ = opened(raw)
    return _lines(header(message, "From")[:200], header(message, "Subject"))


def _lines(sender: str, subject: str) -> list[Line]:
    return [Line(label="From", text=sender), Line(label="Subject", text=cut(subject, 200))]


def _why(error: Exception) -> Line:
    return Line(label="Why", text=type(error).__name__)


def _addresses(policy: Policy) -> list[str]:
    """The addresses that our own connectors write from."""
    found = []
    for rule in policy.connectors.values():
        sender = rule.options.get("from")
        if rule.type == "email" and isinstance(sender, str):
            found.append(sender.rpartition("<")[2].rstrip("> ").strip().lower())
    return found
