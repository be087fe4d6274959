"""The post room: what the SMTP listener and the mailbox do with each e-mail."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from bot.domain.policy import Policy
from bot.domain.text import shorten
from bot.errands import Line
from bot.intake.bell import Bell
from bot.intake.mail import Unanswered, read_mail
from bot.intake.reception import Reception

HOUR: Final = 3600.0
SENDERS: Final = 10_000


class Taken(StrEnum):
    """What became of an e-mail."""

    KEPT = "kept"
    UNANSWERED = "unanswered"
    LATER = "later"


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
        """Keep it, durable, or say in the ops channel why it is not answered; LATER where it has to come again."""
        arrival = read_mail(raw, envelope_from=envelope_from, ours=self._ours, connector=connector)
        if isinstance(arrival, Unanswered):
            lines = [
                Line(label="Why", text=arrival.reason),
                Line(label="From", text=arrival.sender),
                Line(label="Subject", text=shorten(arrival.subject, 200)),
            ]
            await self._bell.ring("automatic mail", "An e-mail was not answered.", lines)
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


def _addresses(policy: Policy) -> list[str]:
    """The addresses that our own connectors write from."""
    found = []
    for rule in policy.connectors.values():
        sender = rule.options.get("from")
        if rule.type == "email" and isinstance(sender, str):
            found.append(sender.rpartition("<")[2].rstrip("> ").strip().lower())
    return found
