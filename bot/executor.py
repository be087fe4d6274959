"""Carries approved replies and actions out: checks once more that what runs is what was approved."""

from collections.abc import Mapping

from bot.domain.delivery import Delivered, Errand, Failed, Outcome
from bot.domain.lifecycle import State
from bot.domain.proposal import digest_of
from bot.ports import Case, Connector


class Executor:
    """Implements `bot.ports.Courier` for executions."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = connectors

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Hand the approved content to its connector, or fail closed."""
        if case is None or case.proposal.state is not State.APPROVED:
            return Delivered()
        proposal = case.proposal
        digest = digest_of(
            proposal.content,
            recipient=proposal.recipient,
            connector=proposal.connector,
            revision=proposal.revision.number,
        )
        if not digest == proposal.digest == errand.payload.get("digest"):
            return Failed(error="The content is not the one that was approved, so nothing was sent.")
        connector = self._connectors.get(proposal.connector)
        if connector is None:
            return Failed(error=f"The policy has no connector {proposal.connector} any more.")
        return await connector.deliver(proposal, errand)
