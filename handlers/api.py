"""The HTTP interface for agents: identify, call one method, answer."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web

from bot.approvals import Approvals
from bot.connectors.registry import check_reachable
from bot.domain.canonical import canonical_json
from bot.domain.errors import BadInput, NotFound, Refused, TooMuch
from bot.domain.lifecycle import State
from bot.domain.proposal import Action, Proposal
from bot.outbound import Guard
from bot.ports import Query, Reader, Store, Token, Tx
from bot.quick_json import dump
from bot.resource import resource
from bot.strict_json import parse
from bot.submission import Request
from bot.tokens import Scope, Tokens
from bot.waiting import WaitingRoom
from handlers.api_models import CURSOR, ProposalIn
from handlers.body import LARGEST_BODY, read_body
from handlers.openapi import document
from handlers.problems import Unauthorized

LARGEST_ARGS: Final = 40_000
LONGEST_POLL: Final = 60.0
MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the routes need."""

    approvals: Approvals
    store: Store
    tokens: Tokens
    waiting: WaitingRoom
    guard: Guard
    rate: "Rate"

    def routes(self) -> list[web.RouteDef]:
        """Every route of the interface."""
        return [
            web.post("/v1/proposals", self.submit),
            web.get("/v1/proposals", self.find),
            web.get("/v1/proposals/{id}", self.read),
            web.post("/v1/proposals/{id}/withdraw", self.withdraw),
            web.get("/openapi.json", self.openapi),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """POST /v1/proposals"""
        token = await self.identify(request, Scope.PROPOSE, recall=True)
        self.rate.count(token.name)
        key = key_of(request)
        body = ProposalIn.model_validate(parse(await read_body(request), max_bytes=LARGEST_BODY))
        content = body.content
        if isinstance(content, Action) and len(canonical_json(content.canonical())) > LARGEST_ARGS:
            raise BadInput(f"The arguments are longer than {LARGEST_ARGS:,} bytes; pass a reference instead.")
        wished = Request(
            agent=token.name,
            owner=token.owner,
            key=key,
            body_hash=hashlib.sha256(canonical_json(body.model_dump(mode="json"))).hexdigest(),
            category=body.category,
            conversation=body.conversation.domain(),
            content=content,
            confidence=body.confidence,
            in_scope=body.in_scope,
            evidence=body.sources,
            connector=body.connector,
            callback_url=body.callback_url,
            expires_in=body.lifetime,
        )
        proposal, created = await self.approvals.submit(
            wished, lambda tx: self._check(tx, token), lambda connector: self._admit(wished, connector)
        )
        return _answer(proposal, status=201 if created else 200, note=_sooner(proposal, body.lifetime))

    async def read(self, request: web.Request) -> web.Response:
        """GET /v1/proposals/{id}?wait=30"""
        token = await self.identify(request, Scope.READ)
        proposal_id, wait = request.match_info["id"], seconds_of(request.query.get("wait", "0"))

        def look(tx: Reader) -> Proposal:
            self.verify(tx, token)
            proposal = tx.proposal(proposal_id)
            if only(token) not in (None, proposal.agent):
                raise NotFound(f"There is no proposal {proposal_id}.")
            return proposal

        return _answer(await self.waiting.until(proposal_id, look, lambda proposal: proposal.closed, wait))

    async def find(self, request: web.Request) -> web.Response:
        """GET /v1/proposals?state=&category=&cursor=&limit="""
        token = await self.identify(request, Scope.READ)
        asked = request.query
        limit = _limit(asked.get("limit", "50"))
        query = Query(
            states=tuple(_state(name) for name in asked.getall("state", []) if name),
            category=asked.get("category") or None,
            agent=only(token),
            cursor=_cursor(asked.get("cursor", "")),
            limit=limit + 1,
            outline=True,
        )
        found = await self.store.read(lambda tx: tx.find(query))
        cursor = found[limit - 1].id if len(found) > limit else None
        listed = {"proposals": [resource(p) for p in found[:limit]], "cursor": cursor}
        return web.json_bytes_response(listed, dumps=dump)

    async def withdraw(self, request: web.Request) -> web.Response:
        """POST /v1/proposals/{id}/withdraw"""
        token = await self.identify(request, Scope.PROPOSE)
        return _answer(await self.approvals.withdraw(request.match_info["id"], token.name))

    async def openapi(self, request: web.Request) -> web.Response:
        """GET /openapi.json"""
        return web.json_response(document())

    def _admit(self, wished: Request, connector: str) -> None:
        """BadInput for what could never be carried out, or never be told to the agent."""
        if wished.callback_url is not None:
            self.guard.check_url(wished.callback_url)
        check_reachable(connector, wished.conversation)

    def _check(self, tx: Tx, token: Token) -> None:
        try:
            self.tokens.check(tx, token)
        except Refused as refusal:
            raise Unauthorized(refusal.sentence) from None

    def verify(self, tx: Reader, token: Token) -> None:
        """Unauthorized where the token was revoked or has expired since it was shown."""
        try:
            self.tokens.verify(tx, token)
        except Refused as refusal:
            raise Unauthorized(refusal.sentence) from None

    async def identify(self, request: web.Request, needed: Scope, *, recall: bool = False) -> Token:
        """Whose token this is, if it may do what is `needed`; `recall` for whoever checks it again as it acts."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthorized("Send the header `Authorization: Bearer TOKEN`.")
        try:
            token = await (self.tokens.recall if recall else self.tokens.recognise)(secret.strip())
        except Refused as refusal:
            raise Unauthorized(refusal.sentence) from None
        if needed is Scope.PROPOSE and token.scope == Scope.READ:
            raise Refused("This token may only read; create one with `--scope propose`.")
        if needed is Scope.PROPOSE and token.scope == Scope.ADMIN:
            raise Refused("An admin token reads everything but proposes nothing; create one with `--scope propose`.")
        return token


class Rate:
    """At most so many proposals a minute for each token: a bucket that refills steadily."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._now = per_minute, now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, agent: str) -> None:
        """Take one from the agent's bucket, or raise TooMuch."""
        now = self._now()
        left, at = self._buckets.pop(agent, (float(self._per_minute), now))
        left = min(left + (now - at) * self._per_minute / MINUTE, float(self._per_minute))
        allowed = left >= 1
        self._buckets[agent] = (left - 1 if allowed else left, now)
        if not allowed:
            wait = max(1, round((1 - left) * MINUTE / self._per_minute))
            raise TooMuch(f"More than {self._per_minute} proposals a minute; slow down.", retry_after=wait)


def key_of(request: web.Request) -> str:
    """The idempotency key; BadInput where there is none that can be used."""
    key = request.headers.get("Idempotency-Key", "")
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise BadInput(
            "Send an Idempotency-Key header of 1 to 255 printable ASCII characters; the same key never acts twice."
        )
    return key


def _answer(proposal: Proposal, status: int = 200, note: str | None = None) -> web.Response:
    headers = {"Location": f"/v1/proposals/{proposal.id}"} if status == 201 else None
    document = resource(proposal) | ({"note": note} if note else {})
    return web.json_bytes_response(document, dumps=dump, status=status, headers=headers)


def _sooner(proposal: Proposal, asked: timedelta | None) -> str | None:
    """What to say where it expires sooner than the agent asked for."""
    if asked is None or proposal.expires_at - proposal.created_at >= asked:
        return None
    return f"The policy lets {proposal.category} wait no longer than until expires_at; expires_in asked for more."


def only(token: Token) -> str | None:
    """Whose proposals this token may see: one that proposes its own, one that reads or administers everybody's."""
    return None if token.scope in (Scope.ADMIN, Scope.READ) else token.name


def seconds_of(text: str) -> float:
    """The `wait` of a long poll, in seconds from 0 to 60."""
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= LONGEST_POLL:
        raise BadInput(f"wait is a number of seconds from 0 to {LONGEST_POLL:.0f}.")
    return wait


def _limit(text: str) -> int:
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= 200:
        raise BadInput("limit is a whole number from 1 to 200.")
    return int(text)


def _cursor(text: str) -> str | None:
    if text and not re.fullmatch(CURSOR, text):
        raise BadInput("cursor is what the page before gave; leave it out for the first page.")
    return text or None


def _state(name: str) -> State:
    try:
        return State(name)
    except ValueError:
        raise BadInput(f"There is no state {name[:40]}; use one of {', '.join(State)}.") from None
