"""Who goes first: clicks that somebody waits for, before the calls and the learning that nobody waits for.

All of it shares one interpreter, so what a rush of clicks causes would otherwise stand in front of the next ones.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

GAP: Final = timedelta(milliseconds=2)
"""Clicks that follow each other within this time are a rush, and nothing goes between them."""
CROWD: Final = 12
"""So many clicks at once are a rush too; fewer leave time while their commit is written, and that is for the rest."""
ABREAST: Final = 4
"""How many pieces of background work may begin between two looks at the sockets: each costs a click a third of a ms.

In a rush those that have waited too long go one by one.
"""
PATIENCE: Final = timedelta(milliseconds=250)
"""How long one piece of background work stands back at most, however much is clicked."""


class RightOfWay:
    """Clicks take it; everything else asks for it, and goes a few pieces abreast."""

    def __init__(self, *, gap: timedelta = GAP, patience: timedelta = PATIENCE) -> None:
        self._gap, self._patience = gap.total_seconds(), patience.total_seconds()
        self._taken = 0
        self._rush, self._until = False, 0.0
        self._free = asyncio.Event()
        self._abreast = 0

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Count somebody who waits; in a rush that holds the background back."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._rush = loop.time() < self._until
        self._taken += 1
        self._rush = self._rush or self._taken >= CROWD
        self._free.clear()
        try:
            yield
        finally:
            self._taken -= 1
            if not self._taken:
                self._until = loop.time() + self._gap
                self._free.set()

    async def clear(self) -> None:
        """Return when it is the caller's turn and clicks are in no rush, or are in one for longer than `PATIENCE`."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._patience
        while True:
            # The loop has a look at its sockets first: a click that came meanwhile goes before this piece.
            await asyncio.sleep(0)
            rush = not self._clear()
            if not rush or loop.time() >= latest:
                if self._finds_a_place(1 if rush else ABREAST):
                    return
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(latest):
                        await (self._free.wait() if self._taken else asyncio.sleep(self._gap))

    def _finds_a_place(self, places: int) -> bool:
        if not self._abreast:
            asyncio.get_running_loop().call_soon(self._looked)
        self._abreast += 1
        return self._abreast <= places

    def _looked(self) -> None:
        self._abreast = 0

    def _clear(self) -> bool:
        return not (self._rush and (self._taken or asyncio.get_running_loop().time() < self._until))
