"""Who goes first: a click that somebody waits for, before the calls and the learning that nobody waits for.

All of it shares one interpreter, so a burst of cards would otherwise stand in front of every acknowledgement.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

STREAK: Final = timedelta(milliseconds=1)
"""Clicks that follow each other within this time are a streak, and nothing goes between them."""
PATIENCE: Final = timedelta(milliseconds=250)
"""How long one piece of background work stands back at most, however much is clicked."""


class RightOfWay:
    """Clicks take it; everything else asks for it, one piece after the other."""

    def __init__(self, *, streak: timedelta = STREAK, patience: timedelta = PATIENCE) -> None:
        self._gap, self._patience = streak.total_seconds(), patience.total_seconds()
        self._taken = 0
        self._streak, self._until = False, 0.0
        self._free = asyncio.Event()
        self._free.set()
        self._turn = asyncio.Lock()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the background back while somebody waits."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        streak = self._taken > 0 or begun < self._until
        self._taken += 1
        self._free.clear()
        try:
            yield
        finally:
            self._taken -= 1
            if not self._taken:
                self._until = loop.time() + self._gap
                self._streak = streak
                self._free.set()

    async def clear(self) -> None:
        """Return when it is the caller's turn and nobody waits for a click, or after `PATIENCE`."""
        latest = asyncio.get_running_loop().time() + self._patience
        async with self._turn:
            # Between two pieces the loop has a look at its sockets: a click that came meanwhile goes first.
            await asyncio.sleep(0)
            if self._clear():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(latest):
                    while not self._clear():
                        await (self._free.wait() if self._taken else asyncio.sleep(self._gap))

    def _clear(self) -> bool:
        return not self._taken and not (self._streak and asyncio.get_running_loop().time() < self._until)
