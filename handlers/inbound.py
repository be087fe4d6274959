"""Helpdesks' webhooks: check the signature over the raw body, keep the ticket, answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.domain.errors import BadInput, NotFound
from bot.domain.intake import Helpdesk
from bot.domain.ticket import QueuedTicket
from bot.errands import Line
from bot.intake.bell import Bell
from bot.intake.helpdesk import Aside, arrival_of, check_signature, usable
from bot.intake.reception import Reception
from bot.ports import Clock
from bot.signing import BadSignature
from bot.strict_json import parse
from handlers.body import read_body
from handlers.problems import problem

LARGEST: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """`POST /v1/inbound/{name}`; `secrets` by the helpdesk's name."""

    helpdesks: Mapping[str, Helpdesk]
    secrets: Mapping[str, str]
    reception: Reception
    bell: Bell
    clock: Clock

    @classmethod
    def of(
        cls,
        helpdesks: Mapping[str, Helpdesk],
        environ: Mapping[str, str],
        *,
        reception: Reception,
        bell: Bell,
        clock: Clock,
    ) -> "Inbound":
        """The door for these helpdesks; BadInput where a secret is missing."""
        secrets = {name: usable(desk, environ.get(desk.secret_env)) for name, desk in helpdesks.items()}
        return cls(helpdesks=helpdesks, secrets=secrets, reception=reception, bell=bell, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        """Its route."""
        return [web.post("/v1/inbound/{name}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """POST /v1/inbound/{name}"""
        desk = self.helpdesks.get(request.match_info["name"])
        if desk is None:
            raise NotFound("There is no helpdesk of that name in the policy file.")
        try:
            body = await read_body(request, LARGEST)
        except web.HTTPRequestEntityTooLarge as error:
            await self._tell(desk, "A helpdesk's webhook was too large and was refused.", error.text or "")
            raise
        try:
            check_signature(desk, self.secrets[desk.name], headers=request.headers, body=body, now=self.clock.now())
        except BadSignature as error:
            await self._tell(desk, "A helpdesk's webhook was refused: its signature does not hold.", error.sentence)
            return problem(401, error.sentence)
        try:
            # A million characters of HTML take seconds; clicks go on meanwhile.
            arrival = await asyncio.to_thread(arrival_of, desk, parse(body, max_bytes=LARGEST), body)
        except BadInput as error:
            await self._tell(desk, "A helpdesk's webhook could not be read.", error.sentence)
            raise
        except Exception as error:
            await self._tell(desk, "Sayso failed on a helpdesk's webhook.", type(error).__name__)
            raise
        if isinstance(arrival, Aside):
            return web.json_response({"state": "left aside", "reason": arrival.reason}, status=202)
        return _answer(await self.reception.receive(arrival))

    async def _tell(self, desk: Helpdesk, title: str, why: str) -> None:
        lines = [Line(label="Helpdesk", text=desk.name), Line(label="Why", text=why)]
        await self.bell.ring(f"{desk.name}:{title}", title, lines, level="alarm")


def _answer(ticket: QueuedTicket | None) -> web.Response:
    document = {"state": ticket.state.value, "id": ticket.id} if ticket else {"state": "known"}
    return web.json_response(document, status=202)
