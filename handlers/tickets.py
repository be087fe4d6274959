"""Tickets over HTTP: an agent hands a conversation over, and follows what becomes of it."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from bot.domain.canonical import Json, canonical_json
from bot.domain.errors import BadInput, NotFound
from bot.domain.moment import text_of_time
from bot.domain.policy import Policy
from bot.domain.proposal import Proposal
from bot.domain.ticket import QueuedTicket, TicketState
from bot.intake.arrival import Arrival
from bot.intake.reception import Reception
from bot.ports import Reader
from bot.resource import resource
from bot.strict_json import parse
from bot.tokens import Scope
from handlers.api import Api, key_of, only, seconds_of
from handlers.api_models import TicketIn
from handlers.body import LARGEST_BODY, read_body

_ID: Final = re.compile(r"tkt_[0-9a-f]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketApi:
    """`/v1/tickets`, for the same tokens as the rest of the interface."""

    api: Api
    reception: Reception
    policy: Policy

    def routes(self) -> list[web.RouteDef]:
        """Its routes."""
        return [web.post("/v1/tickets", self.submit), web.get("/v1/tickets/{id}", self.read)]

    async def submit(self, request: web.Request) -> web.Response:
        """POST /v1/tickets"""
        token = await self.api.identify(request, Scope.PROPOSE)
        self.api.rate.count(token.name)
        key = key_of(request)
        body = TicketIn.model_validate(parse(await read_body(request), max_bytes=LARGEST_BODY))
        source = f"api:{token.name}"
        unknown = body.connector is not None and body.connector not in self.policy.connectors
        # What came in once keeps its answer, whatever the policy says by now.
        if unknown and await self.api.store.read(lambda tx: tx.arrived(source, key)) is None:
            known = ", ".join(sorted(self.policy.connectors))
            raise BadInput(f"The policy has no connector {body.connector}; use one of {known}.")
        arrival = Arrival(
            source=source,
            key=key,
            body_hash=hashlib.sha256(canonical_json(body.model_dump(mode="json"))).hexdigest(),
            conversation=body.conversation.domain(),
            agent=token.name,
            owner=token.owner,
            category=body.category,
            connector=body.connector,
            attachments=tuple(body.attachments),
            whole=True,
        )
        ticket = await self.reception.receive(arrival)
        if ticket is None:
            raise NotFound("There is no such ticket.")
        seen = await self.api.store.read(lambda tx: _seen(tx, ticket.id, token.name))
        return web.json_response(_resource(*seen), status=202, headers={"Location": f"/v1/tickets/{ticket.id}"})

    async def read(self, request: web.Request) -> web.Response:
        """GET /v1/tickets/{id}?wait=30"""
        token = await self.api.identify(request, Scope.READ)
        ticket_id, agent = request.match_info["id"], only(token)
        if not _ID.fullmatch(ticket_id):
            raise NotFound("There is no ticket of that id.")

        def look(tx: Reader) -> tuple[QueuedTicket, Proposal | None]:
            self.api.verify(tx, token)
            return _seen(tx, ticket_id, agent)

        seen = await self.api.waiting.until(
            ticket_id,
            look,
            lambda pair: pair[1] is not None or pair[0].state is TicketState.FAILED,
            seconds_of(request.query.get("wait", "0")),
        )
        return web.json_response(_resource(*seen))


def _seen(tx: Reader, ticket_id: str, agent: str | None) -> tuple[QueuedTicket, Proposal | None]:
    """The ticket and its proposal; a ticket that joined another takes part in that one's."""
    ticket = tx.ticket(ticket_id)
    if agent is not None and ticket.agent != agent:
        raise NotFound(f"There is no ticket {ticket_id}.")
    if ticket.state is TicketState.JOINED and ticket.proposal_id is None:
        if tx.waiting_ticket(ticket.conversation.id):
            return ticket, None
        newest = next(iter(tx.conversation_proposals(ticket.conversation.id, 1)), None)
        ticket = replace(ticket, proposal_id=newest.id if newest else None)
    return ticket, tx.proposal(ticket.proposal_id) if ticket.proposal_id else None


def _resource(ticket: QueuedTicket, proposal: Proposal | None) -> dict[str, Json]:
    return {
        "id": ticket.id,
        "state": ticket.state.value,
        "conversation": ticket.conversation.id,
        "attempts": ticket.attempts,
        "error": ticket.error,
        "created_at": text_of_time(ticket.created_at),
        "proposal": resource(proposal) if proposal else None,
    }
