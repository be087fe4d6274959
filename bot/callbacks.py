"""Tells an agent how its proposal stands, by a signed webhook (Standard Webhooks)."""

from datetime import timedelta

from bot.address_guard import MayHaveArrived, NotSent, UnsafeAddress
from bot.domain.canonical import Json, canonical_json
from bot.domain.delivery import Delivered, Errand, Failed, Outcome, Postponed
from bot.domain.moment import text_of_time
from bot.outbound import Outbound
from bot.ports import Case, Clock, Store, Token
from bot.resource import filled, resource
from bot.signing import sign
from bot.tokens import callback_secret

GONE = 410


class Callbacks:
    """Implements `bot.ports.Courier` for callbacks; a receiver may get one twice, with the same webhook-id."""

    def __init__(self, *, outbound: Outbound, store: Store, clock: Clock) -> None:
        self._outbound, self._store, self._clock = outbound, store, clock

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Post `{"type", "timestamp", "data"}`, the same at each try; 2xx is an arrival, 410 ends the tries."""
        if case is None or case.proposal.callback_url is None:
            return Delivered()
        agent = case.proposal.agent
        token = _held_by(agent, await self._store.read(lambda tx: tx.tokens()))
        if token is None:
            return Failed(error=f"the token {agent} does not exist any more")
        now = self._clock.now()
        body = canonical_json(document(errand, case))
        headers = sign(callback_secret(token.hash), message_id=errand.id, at=now, body=body)
        try:
            answer = await self._outbound.post(
                case.proposal.callback_url, body=body, headers=headers | {"Content-Type": "application/json"}
            )
        except UnsafeAddress as error:
            return Failed(error=error.sentence)
        except (NotSent, MayHaveArrived) as error:
            return Postponed(error=error.sentence)
        if 200 <= answer.status < 300:
            return Delivered()
        if answer.status == GONE:
            return Failed(error="the agent's callback address answered 410 Gone")
        wait = answer.headers.get("Retry-After", "")
        after = timedelta(seconds=min(int(wait), 3600)) if wait.isdecimal() and len(wait) < 8 else None
        return Postponed(error=f"the agent's callback address answered {answer.status}", after=after)


def _held_by(agent: str, tokens: list[Token]) -> Token | None:
    """The token that the agent has: the one that is not revoked, whatever the clock said when it was made."""
    own = [token for token in tokens if token.name == agent]
    return next((token for token in own if token.revoked_at is None), own[-1] if own else None)


def document(errand: Errand, case: Case) -> dict[str, Json]:
    """What the agent gets: the case as it stood when the errand was written, however it has moved on since."""
    stood = errand.payload.get("stood")
    at = text_of_time(errand.queued_at or errand.due_at)
    if not isinstance(stood, dict):  # written by a Sayso that did not keep it
        return {"type": str(errand.payload["event"]), "timestamp": at, "data": resource(case.proposal)}
    content = next((one.content for one in case.revisions if one.number == stood["revision"]), case.proposal.content)
    return {"type": str(errand.payload["event"]), "timestamp": at, "data": filled(stood, content)}
