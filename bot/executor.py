"""Carries approved replies and actions out: checks once more that what runs is what was approved."""

from collections.abc import Mapping

from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome
from bot.domain.lifecycle import State, Verdict
from bot.domain.policy import Policy, bounds
from bot.domain.proposal import Proposal
from bot.ports import Case, Connector


class Executor:
    """Implements `bot.ports.Courier` for executions."""

    def __init__(self, connectors: Mapping[str, Connector], policy: Policy) -> None:
        self._connectors, self._policy = connectors, policy

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Hand the approved content to its connector, or fail closed."""
        if case is None or case.proposal.state is not State.APPROVED:
            return Delivered()
        proposal = case.proposal
        if not proposal.as_approved(errand.payload.get("digest")):
            return Failed(error="The content is not the one that was approved, so nothing was sent.")
        if forbidden := _forbidden(self._policy, proposal):
            if errand.tried_before:
                return Lost(error=f"{forbidden} An earlier try may have arrived: look there.")
            return Failed(error=f"{forbidden} It was approved before that, and nothing was done.")
        connector = self._connectors.get(proposal.connector)
        if connector is None:
            return Failed(error=f"The policy has no connector {proposal.connector} any more.")
        return await connector.deliver(proposal, errand)


def _forbidden(policy: Policy, proposal: Proposal) -> str | None:
    """Why the policy forbids it by now: it may have been tightened between the approval and this moment."""
    customer = proposal.conversation.customer
    said = bounds(policy, proposal.content, category=proposal.category, customer=customer)
    return said.reason if said and said.verdict is Verdict.REFUSE else None
