"""Wakes whoever waits for a proposal to change: an event for each waiter, set by the commit that changed it."""

import asyncio
from collections import defaultdict

from bot.domain.errors import NotFound
from bot.domain.proposal import Proposal
from bot.ports import Commit, Store


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

    async def until_closed(self, proposal_id: str, agent: str | None, seconds: float) -> Proposal:
        """The proposal once it is closed, or as it stands after that many seconds; `agent` None may see any."""
        event = asyncio.Event()
        self._waiters[proposal_id].add(event)
        try:
            deadline = asyncio.get_running_loop().time() + seconds
            while True:
                event.clear()
                proposal = await self._store.read(lambda tx: tx.proposal(proposal_id))
                if agent is not None and proposal.agent != agent:
                    raise NotFound(f"There is no proposal {proposal_id}.")
                left = deadline - asyncio.get_running_loop().time()
                if proposal.closed or left <= 0 or self._closing:
                    return proposal
                try:
                    await asyncio.wait_for(event.wait(), left)
                except TimeoutError:
                    continue
        finally:
            self._waiters[proposal_id].discard(event)
            if not self._waiters[proposal_id]:
                del self._waiters[proposal_id]
