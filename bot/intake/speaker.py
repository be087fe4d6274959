"""Says to a customer what no person has to approve: the team's holding line; and leaves notes at a helpdesk."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome
from bot.domain.lifecycle import WAITING, Verdict
from bot.domain.proposal import Reply
from bot.ports import Case, Connector


@runtime_checkable
class TakesNotes(Protocol):
    """A connector that can leave a note which the customer does not see."""

    async def note(self, conversation_id: str, text: str, key: str) -> Outcome:
        """Leave it; the same key never leaves it twice."""
        ...


class Speaker:
    """Implements `bot.ports.Courier` for `ErrandKind.SPEAK`."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = connectors

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Carry the words through the case's own connector, marked as automatic."""
        if case is None:
            return Delivered()
        if errand.payload.get("say") == "line" and case.proposal.state not in WAITING:
            # It was held up, by a pause or an outage, until nobody was looking any more.
            return Delivered()
        connector = self._connectors.get(case.proposal.connector)
        if connector is None:
            return Failed(error=f"The policy has no connector {case.proposal.connector} any more.")
        text = str(errand.payload["text"])
        if errand.payload.get("say") == "note":
            return await _noted(connector, case.proposal.conversation.id, text, errand)
        ruling = replace(case.proposal.ruling, verdict=Verdict.AUTOMATE)
        revision = replace(case.proposal.revision, content=Reply(text=text))
        spoken = replace(case.proposal, revision=revision, ruling=ruling, decision=None)
        outcome = await connector.deliver(spoken, errand)
        # Whether a line that promises an answer arrived is not worth a second one.
        return Failed(error=outcome.error) if isinstance(outcome, Lost) else outcome


async def _noted(connector: Connector, conversation_id: str, text: str, errand: Errand) -> Outcome:
    if not isinstance(connector, TakesNotes):
        return Delivered()
    return await connector.note(conversation_id, text, errand.id)
