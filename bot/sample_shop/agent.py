"""A stand-in for the support AI: it knows what to propose, and talks to the bot only over HTTP, with its token."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import structlog

from bot.sample_shop.customers import Case, Customers
from bot.sample_shop.tickets import Draft, filled

log = structlog.get_logger(__name__)

HANDFUL: Final = 5
MOST_OPEN: Final = 10
HEAD_START: Final = 4
LONG_POLL: Final = 30
NETWORK: Final = (aiohttp.ClientError, TimeoutError, OSError)
OPEN: Final = ("pending", "escalated", "approved", "failed", "in_doubt")
Resource = dict[str, Any]


class Refused(Exception):
    """The bot will not take this proposal, whoever asks again."""


class Bot:
    """Sayso's HTTP interface, as any agent uses it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url = session, f"{url}/v1/proposals"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def propose(self, body: Mapping[str, Any]) -> Resource:
        """Submit a proposal; the key makes a second try harmless when the answer was lost."""
        headers = self._headers | {"Idempotency-Key": str(uuid.uuid4())}
        while True:
            try:
                async with self._session.post(self._url, json=body, headers=headers) as answer:
                    return await _document(answer)
            except NETWORK:
                await asyncio.sleep(1)

    async def until_closed(self, proposal_id: str) -> Resource:
        """The proposal once nothing more can happen to it: one long poll after the other."""
        while True:
            try:
                url, wait = f"{self._url}/{proposal_id}", {"wait": str(LONG_POLL)}
                async with self._session.get(url, params=wait, headers=self._headers) as answer:
                    proposal = await _document(answer)
            except NETWORK:
                await asyncio.sleep(1)
                continue
            if proposal["closed"]:
                return proposal

    async def still_open(self) -> dict[str, str]:
        """The newest of this agent's proposals that are not closed: id to state."""
        params = [("limit", "200"), *(("state", state) for state in OPEN)]
        async with self._session.get(self._url, params=params, headers=self._headers) as answer:
            return {proposal["id"]: proposal["state"] for proposal in (await _document(answer))["proposals"]}


@dataclass(slots=True, kw_only=True)
class Agent:
    """Proposes one thing every `pace` seconds until a handful waits, then tops up; reacts to every decision."""

    bot: Bot
    customers: Customers
    pace: float
    proposed: set[str] = field(default_factory=set)
    """Since this start: what waits from an earlier one, in a database that was kept, has no card any more."""
    asking: int = 0
    """Proposals under way whose ruling is not known yet."""

    async def run(self) -> None:
        """Work until cancelled."""
        number = 0
        async with asyncio.TaskGroup() as followers:
            while True:
                if await self._has_room():
                    followers.create_task(self._try_to_serve(self.customers.next_case()))
                    number += 1
                await asyncio.sleep(min(self.pace, 0.15) if number < HEAD_START else self.pace)

    async def _has_room(self) -> bool:
        asking = self.asking
        try:
            found = await self.bot.still_open()
        except NETWORK:
            return False
        states = [state for proposal_id, state in found.items() if proposal_id in self.proposed]
        return states.count("pending") + asking < HANDFUL and len(states) + asking < MOST_OPEN

    async def _try_to_serve(self, case: Case) -> None:
        try:
            await self._serve(case)
        except Refused as refused:
            log.warning("the_bot_refused", ticket=case.ticket.name, detail=str(refused))

    async def _serve(self, case: Case) -> None:
        if case.ticket.look_up:
            look = Draft(
                category=case.ticket.draft.category,
                kind="action",
                content={"name": "look_up_order", "args": {"order": case.words["order"]}},
                confidence=1.0,
            )
            await self._settled(case, look)
        done = await self._settled(case, case.ticket.draft)
        if _rejected(done) and case.ticket.second_draft:
            done = await self._settled(case, case.ticket.second_draft)
        if done["state"] != "executed":
            return
        if done["kind"] == "action":
            action = done["final"]["action"]
            self.customers.carry_out(case, action)
            if case.ticket.then is None:
                return
            done = await self._settled(case, case.ticket.then, _spoken(action["args"]))
        if done["state"] == "executed":
            await self.customers.thank(case)

    async def _settled(self, case: Case, draft: Draft, more: Mapping[str, str] | None = None) -> Resource:
        """Propose a draft and wait for what becomes of it."""
        words = {**case.words, **(more or {})}
        body = {
            "kind": draft.kind,
            "category": draft.category,
            "conversation": case.conversation,
            draft.kind: filled(draft.content, words),
            "confidence": draft.confidence,
            "in_scope": draft.in_scope,
            "evidence": filled(list(draft.evidence), words),
        }
        if draft.kind == "reply":
            body["connector"] = "slack_thread"
        self.asking += 1
        try:
            proposed = await self.bot.propose(body)
            self.proposed.add(proposed["id"])
        finally:
            self.asking -= 1
        return await self.bot.until_closed(proposed["id"])


def _rejected(proposal: Resource) -> bool:
    return proposal["state"] == "cancelled" and (proposal["decision"] or {}).get("kind") == "rejected"


def _spoken(args: Mapping[str, Any]) -> dict[str, str]:
    """What was really done, as the customer should read it: people may have changed it."""
    return {
        name: f"{value:.2f}" if name == "amount" and isinstance(value, int | float) else str(value)
        for name, value in args.items()
    }


async def _document(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    document: dict[str, Any] = await answer.json(content_type=None)
    if answer.status == 429 or answer.status >= 500:
        raise aiohttp.ClientError(f"the bot answered with {answer.status}")
    if answer.status >= 400:
        raise Refused(str(document.get("detail")))
    return document
