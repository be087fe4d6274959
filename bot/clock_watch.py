"""Notices that the clock was set back: by the monotonic one, which never is, and at the start by the audit log."""

import time
from datetime import datetime, timedelta
from typing import Final

from bot.domain.moment import time_of_text
from bot.ports import Clock, Reader, Tx

SKEW: Final = timedelta(seconds=5)
"""What the two may drift apart between two looks; time services correct less than that without a step."""


class ClockWatch:
    """Looks at both clocks now and then, first when it is made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.follow()

    def set_back(self) -> timedelta | None:
        """By how much the clock was set back; None where it was not. Said again until `follow` is called."""
        expected = self._seen + timedelta(seconds=time.monotonic() - self._at)
        by = expected - self._clock.now()
        if by > SKEW:
            return by
        self.follow()
        return None

    def follow(self) -> None:
        """Go by the clock as it stands now."""
        self._seen, self._at = self._clock.now(), time.monotonic()


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
