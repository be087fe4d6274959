"""Posts an approved reply or action to a receiver of ours as one signed webhook."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bot.connectors.answers import result_of, retry_after, said
from bot.domain.canonical import Json, canonical_json
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.proposal import Proposal
from bot.outbound import MayHaveArrived, NotSent, Outbound, Response, UnsafeAddress
from bot.signing import sign

EVENT_TYPE: Final = "proposal.execute"


class Webhook:
    """One receiver: its name for people, address and signing secret (whsec_…).

    `idempotent` tells of a proposal whether the receiver promises one effect for each Idempotency-Key; only
    then is a call with an unknown outcome repeated.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        secret: str,
        outbound: Outbound,
        idempotent: Callable[[Proposal], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._url, self._secret = name, url, secret
        self._outbound, self._idempotent, self._now = outbound, idempotent, now

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        """Post it; every attempt has the same body and the same key, and its own timestamp and signature."""
        idempotent = self._idempotent(proposal)
        if errand.unsettled and not idempotent:
            cut_off = f"Sayso was cut off while it called {self._name}"
            sentence = cut_off if errand.interrupted else f"A call to {self._name} had no clear end"
            return Lost(error=f"{sentence}: look there whether it was done.")
        body = canonical_json(document(proposal, errand.id))
        headers = {
            **sign(self._secret, message_id=errand.id, at=self._now(), body=body),
            "Idempotency-Key": errand.id,
            "Content-Type": "application/json",
        }
        try:
            answer = await self._outbound.post(self._url, body=body, headers=headers)
        except UnsafeAddress as error:
            return Failed(error=error.sentence)
        except NotSent as error:
            return Postponed(error=error.sentence)
        except MayHaveArrived as error:
            if error.status is None:
                return self._unknown(error.sentence, idempotent)
            # An answer that broke off after its status has said all that matters here.
            answer = Response(status=error.status, headers={}, body=b"")
        return self._outcome(answer, errand, idempotent=idempotent)

    def _outcome(self, answer: Response, errand: Errand, *, idempotent: bool) -> Outcome:
        text = answer.body.decode(errors="replace")
        sentence = said(self._name, answer.status, text)
        wait = retry_after(answer.headers.get("Retry-After"), now=self._now())
        match answer.status:
            case status if 200 <= status < 300:
                return Delivered(result=result_of(text))
            case 429 | 425:  # refused before anything was done
                return Postponed(error=sentence, after=wait, hold_lane=answer.status == 429)
            case 409 if idempotent and wait:  # the earlier call with this key is still under way
                return Postponed(error=sentence, after=wait)
            case 409 if idempotent and (errand.unsettled or errand.retried):
                return Delivered(result=result_of(text))
            case 409 if not idempotent:
                return self._unknown(f"{sentence}. It may have been done already.", idempotent)
            case status if 300 <= status < 400:  # many a receiver does it, and then sends its caller to the result
                unfollowed = "Sayso follows no redirect, and it may have been done all the same."
                return self._unknown(f"{sentence}. {unfollowed}", idempotent, wait)
            case status if status == 408 or status >= 500:
                return self._unknown(f"{sentence}. It may have been done all the same.", idempotent, wait)
        return Failed(error=sentence)

    def _unknown(self, sentence: str, idempotent: bool, wait: timedelta | None = None) -> Outcome:
        if idempotent:
            return Postponed(error=sentence, after=wait, maybe=True)
        return Lost(error=f"{sentence} Look there before you retry.")


def document(proposal: Proposal, delivery: str) -> dict[str, Json]:
    """What the receiver gets. Nothing in it changes between attempts: a strict receiver would refuse it.

    The messages of the conversation stay here: they grow while it waits, and the receiver does not need them.
    """
    conversation, decision = proposal.conversation, proposal.decision
    person = decision.by if decision and decision.by.kind == "person" else None
    return {
        "type": EVENT_TYPE,
        "id": proposal.id,
        "delivery": delivery,
        "kind": proposal.kind,
        "category": proposal.category,
        "conversation": {
            "id": conversation.id,
            "subject": conversation.subject,
            "url": conversation.url,
            "customer": dict(conversation.customer),
        },
        proposal.kind: proposal.content.canonical(),
        "revision": proposal.revision.number,
        "digest": proposal.digest,
        "approved_by": {"id": person.id, "name": person.name} if person else None,
        "at": (decision.at if decision else proposal.created_at).isoformat(),
    }
