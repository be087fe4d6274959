"""Writes an approved reply as a public comment on a Zendesk ticket, or an internal note.

Zendesk honours an idempotency key only where tickets are created. So each comment carries the delivery id in
the custom metadata of its audit, where people do not see it and where an unknown outcome is looked up.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.connectors.answers import SET_UP_WAIT, retry_after, said, words_of
from bot.domain.canonical import Json
from bot.domain.delivery import Delivered, Errand, Failed, Lost, Outcome, Postponed
from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal

MARK: Final = "sayso_delivery"
_CALL: Final = aiohttp.ClientTimeout(total=15, connect=8)
_LOOK_UP: Final = 25.0  # seconds; together with the call shorter than the errand's lease
_ANSWER_BYTES: Final = 8 * 1024 * 1024
_TICKET: Final = re.compile(r"zendesk:([1-9][0-9]{0,18})")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def parse_ticket_id(conversation_id: str) -> int:
    """The ticket's number of an id like `zendesk:4812`; raises BadInput."""
    match = _TICKET.fullmatch(conversation_id)
    if match is None:
        raise BadInput('A conversation in Zendesk has an id like "zendesk:4812".')
    return int(match[1])


class NotReached(Exception):
    """The request never left."""


class NoAnswer(Exception):
    """The request may have been carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    retry_after: str | None
    text: str

    def json(self) -> Mapping[str, Any]:
        value = json.loads(self.text)
        if not isinstance(value, dict):
            raise TypeError("not an object")
        return value


class Zendesk:
    """One account: its `url` such as https://shop.zendesk.com, an agent's e-mail address and API token."""

    def __init__(
        self, *, session: aiohttp.ClientSession, url: str, user: str, token: str, now: Callable[[], datetime]
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
            raise BadInput("The url of a Zendesk connector is an https address such as https://shop.zendesk.com.")
        self._session, self._now = session, now
        self._base = f"{parts.scheme}://{parts.netloc}"
        credentials = base64.b64encode(f"{user}/token:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        """Add the reply to the ticket as a public comment, which Zendesk sends to the customer."""
        words = words_of(proposal, "Zendesk")
        if isinstance(words, Failed):
            return words
        return await self._comment(
            proposal.conversation.id,
            words,
            errand.id,
            public=True,
            look_first=errand.tried_before,
            unsettled=errand.unsettled,
        )

    async def note(self, conversation_id: str, text: str, key: str) -> Outcome:
        """Add an internal note that the customer does not see; the same key never adds it twice."""
        return await self._comment(conversation_id, text, key, public=False, look_first=True)

    async def _comment(
        self, conversation_id: str, text: str, key: str, *, public: bool, look_first: bool, unsettled: bool = False
    ) -> Outcome:
        try:
            ticket = parse_ticket_id(conversation_id)
        except BadInput as error:
            return Failed(error=error.sentence)
        try:
            if look_first and (audit := await self._find(ticket, key)):
                return _delivered(ticket, audit)
        except (NotReached, NoAnswer) as error:
            sentence = f"{error} Sayso looks into ticket {ticket} before it writes."
            return Postponed(error=sentence, doubtful=unsettled)
        body: Json = {"ticket": {"comment": {"body": text, "public": public}, "metadata": {MARK: key}}}
        try:
            answer = await self._call("PUT", f"/api/v2/tickets/{ticket}.json", body=body)
        except NotReached as error:
            return Postponed(error=str(error))
        except NoAnswer as error:
            return await self._look_up(ticket, key, str(error))
        return await self._outcome(ticket, key, answer)

    async def _outcome(self, ticket: int, key: str, answer: _Answer) -> Outcome:
        sentence = said("Zendesk", answer.status, answer.text)
        match answer.status:
            case 200 | 201:
                return _delivered(ticket, _audit(answer))
            case 429:
                wait = retry_after(answer.retry_after, now=self._now())
                return Postponed(error="Zendesk asks Sayso to slow down.", after=wait, hold_lane=True)
            case 401:
                advice = "Zendesk refuses Sayso's sign-in (401): check the user and the API token."
                return Postponed(error=advice, after=SET_UP_WAIT, hold_lane=True)
            case 409 | 425:  # two updates met, and Zendesk took the other one
                return Postponed(error=sentence, after=retry_after(answer.retry_after, now=self._now()))
            case 404:
                return Failed(error=f"Zendesk has no ticket {ticket}, or this user may not see it.")
            case status if status == 408 or status >= 500 or 200 <= status < 300:
                return await self._look_up(ticket, key, f"{sentence}.")
        return Failed(error=sentence)

    async def _look_up(self, ticket: int, key: str, problem: str) -> Outcome:
        try:
            audit = await self._find(ticket, key)
        except (NotReached, NoAnswer):
            audit = None
        if audit:
            return _delivered(ticket, audit)
        return Lost(error=f"{problem} Look on ticket {ticket} for the comment before you retry.")

    async def _find(self, ticket: int, key: str) -> int | None:
        """The id of the audit that carries this key; raises NotReached or NoAnswer where nobody can tell."""
        query = {"page[size]": "100"}
        try:
            async with asyncio.timeout(_LOOK_UP):
                while True:
                    answer = await self._call("GET", f"/api/v2/tickets/{ticket}/audits.json", query=query)
                    if answer.status != 200:
                        raise NoAnswer(f"{said('Zendesk', answer.status, answer.text)}.")
                    found = answer.json()
                    for audit in found["audits"]:
                        if ((audit.get("metadata") or {}).get("custom") or {}).get(MARK) == key:
                            return int(audit["id"])
                    meta = found.get("meta") or {}
                    if not meta.get("has_more"):
                        return None
                    query["page[after]"] = str(meta["after_cursor"])
        except (TimeoutError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoAnswer("Zendesk's list of changes cannot be read.") from error

    async def _call(
        self, method: str, path: str, *, body: Json = None, query: Mapping[str, str] | None = None
    ) -> _Answer:
        async with self._request(method, path, body, query) as response:
            text = await _text(response)
            return _Answer(status=response.status, retry_after=response.headers.get("Retry-After"), text=text)

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, body: Json, query: Mapping[str, str] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(
                method,
                self._base + path,
                json=body,
                params=query,
                headers=self._headers,
                timeout=_CALL,
                allow_redirects=False,
                middlewares=(_once(),),
            ) as response:
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotReached("Zendesk cannot be reached.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer("Zendesk gave no answer.") from error


def _once() -> aiohttp.ClientMiddlewareType:
    """Stops aiohttp from sending a PUT again by itself when the connection breaks: it could comment twice."""
    sent = False

    async def middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ServerDisconnectedError
        sent = True
        return await handler(request)

    return middleware


async def _text(response: aiohttp.ClientResponse) -> str:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _ANSWER_BYTES:
            raise NoAnswer("Zendesk's answer is too long.")
    return body.decode(errors="replace")


def _audit(answer: _Answer) -> int | None:
    try:
        return int(answer.json()["audit"]["id"])
    except (ValueError, KeyError, TypeError):
        return None


def _delivered(ticket: int, audit: int | None) -> Delivered:
    return Delivered(result={"ticket": ticket, "audit": audit})
