"""Carries an approved offer of a looser threshold into the store: the one connector whose receiver is Sayso itself."""

from bot.domain.delivery import Delivered, Errand, Failed, Outcome
from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal
from bot.thresholds import Thresholds


class ThresholdConnector:
    """Implements `bot.ports.Connector`; applying an offer twice changes nothing."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        """Loosen it, or say why the evidence no longer allows it."""
        try:
            await self._thresholds.loosen(proposal)
        except BadInput as error:
            return Failed(error=error.sentence)
        return Delivered()
