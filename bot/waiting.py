"""Wakes whoever waits for a proposal to change: an event for each waiter, set by the commit that changed it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from bot.naps import comes
from bot.ports import Commit, Reader, Store

T = TypeVar("T")


class WaitingRoom:
    """Long polls sit here; nobody asks the database by the second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closing = False
        store.subscribe(self._on_commit)

    def _on_commit(self, commit: Commit) -> None:
        for proposal_id in commit.proposals & self._waiters.keys():
            for event in self._waiters[proposal_id]:
                event.set()

    def close(self) -> None:
        """Send everybody home, so that a stop does not wait for a long poll."""
        self._closing = True
        for events in self._waiters.values():
            for event in events:
                event.set()

    async def until(self, touched: str, look: Callable[[Reader], T], enough: Callable[[T], bool], seconds: float) -> T:
        """What `look` sees once it is `enough`, or after that time; it looks after each commit that touched this id."""
        event = asyncio.Event()
        self._waiters[touched].add(event)
        try:
            deadline = asyncio.get_running_loop().time() + seconds
            while True:
                event.clear()
                seen = await self._store.read(look)
                left = deadline - asyncio.get_running_loop().time()
                if enough(seen) or left <= 0 or self._closing:
                    return seen
                await comes(event, timedelta(seconds=left))
        finally:
            self._waiters[touched].discard(event)
            if not self._waiters[touched]:
                del self._waiters[touched]
