"""What the writer's last transactions read and wrote, so that the next one need not ask for it again.

It stands as long as nothing is undone and nobody else writes; `forget` is for whoever sees that one of them happened.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.domain.proposal import Proposal
from storage.rows import Row

Run = Callable[[str, dict[str, Any]], list[Row]]

KEPT: Final = 1000
HEAVIEST: Final = 10_000
"""Characters of JSON, in each of two columns, that are worth keeping in memory; what is longer is read each time."""

READS: Final[Mapping[str, str]] = {"setting_history": "settings", "regime": "regimes", "token": "tokens"}
"""Queries that every move asks, and the table that each depends on alone, which seldom changes."""
WRITES: Final[Mapping[str, str]] = {
    "add_setting": "settings",
    "put_regime": "regimes",
    "add_token": "tokens",
    "touch_token": "tokens",
    "revoke_token": "tokens",
}
"""Every query that changes one of those tables."""


class Recent:
    """A bounded memory of proposals with their salts, of the end of the audit chain, and of rows that seldom change."""

    def __init__(self) -> None:
        self._proposals: OrderedDict[str, tuple[Proposal, str]] = OrderedDict()
        self._rows: dict[tuple[Any, ...], list[Row]] = {}
        self.head: tuple[int, str] | None = None

    def forget(self) -> None:
        """Something was undone, or written by somebody else: none of it can be relied on."""
        self._proposals.clear()
        self._rows.clear()
        self.head = None

    def of(self, proposal_id: str) -> tuple[Proposal, str] | None:
        """The proposal and its salt, if they are remembered."""
        return self._proposals.get(proposal_id)

    def remember(self, proposal: Proposal, salt: str) -> None:
        """The proposal as it was just written."""
        self.drop(proposal.id)
        self._proposals[proposal.id] = (proposal, salt)
        if len(self._proposals) > KEPT:
            self._proposals.popitem(last=False)

    def drop(self, proposal_id: str) -> None:
        """It was written, and is too heavy to be kept."""
        self._proposals.pop(proposal_id, None)

    def through(self, run: Run) -> Run:
        """`run`, but for the queries of `READS` only where their table has changed since they were last asked."""

        def remembering(name: str, parameters: dict[str, Any]) -> list[Row]:
            if name not in READS:
                if name in WRITES:
                    self._rows.clear()
                return run(name, parameters)
            key = (name, *parameters.values())
            if (found := self._rows.get(key)) is None:
                if len(self._rows) >= KEPT:
                    self._rows.clear()
                found = self._rows[key] = run(name, parameters)
            return found

        return remembering
