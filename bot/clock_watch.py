"""Notices that the machine's clock was set back, by comparing it with the loop's own, which never is."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Clock

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
