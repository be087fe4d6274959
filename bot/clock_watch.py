"""Notices that the clock was set back: by the loop's own, which never is, and at the start by the audit log."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from bot.domain.moment import time_of_text
from bot.ports import Clock, Reader, Tx

SKEW: Final = timedelta(seconds=5)
"""What the two may drift apart between two looks; time services correct less than that without a step."""


class ClockWatch:
    """Looks at both clocks now and then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: datetime | None = None
        self._at = 0.0

    def set_back(self) -> timedelta | None:
        """By how much the clock was set back since the last look; None where it was not."""
        now, at = self._clock.now(), asyncio.get_running_loop().time()
        expected = now if self._seen is None else self._seen + timedelta(seconds=at - self._at)
        self._seen, self._at = now, at
        return expected - now if expected - now > SKEW else None


def catch_up(tx: Tx, now: datetime) -> timedelta | None:
    """At the start: have nothing wait longer where the clock was set back while Sayso was down; by how much it was."""
    by = _last_seen(tx, now) - now
    if by <= SKEW:
        return None
    tx.clock_set_back(now, by)
    return by


def _last_seen(tx: Reader, now: datetime) -> datetime:
    seq, _ = tx.audit_head()
    last = tx.audit_events(after=seq - 1, limit=1) if seq else []
    return time_of_text(last[0].event.at) if last else now
