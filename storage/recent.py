"""Proposals as they were last committed, so that the next move need not read one out of its JSON again."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from bot.domain.proposal import Proposal

KEPT: Final = 1000
HEAVIEST: Final = 10_000
"""Characters of JSON, in each of two columns, that are worth keeping in memory; what is longer is read each time."""


class Recent:
    """A bounded memory, never the truth: what it gives counts only if the database still has that very version.

    A proposal's version grows with each move, under the compare-and-swap of the move itself.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Proposal] = OrderedDict()

    def of(self, proposal_id: str, version: int) -> Proposal | None:
        """The proposal, if this very version of it is remembered."""
        found = self._kept.get(proposal_id)
        return found if found is not None and found.version == version else None

    def committed(self, proposals: Iterable[Proposal]) -> None:
        """Remember these; only what is durable may come here, for a version that was undone will be given again."""
        for proposal in proposals:
            self._kept.pop(proposal.id, None)
            self._kept[proposal.id] = proposal
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
