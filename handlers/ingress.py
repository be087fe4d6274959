"""Slack's own door: the signature is checked over the raw body before anything is parsed."""

from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from yarl import query_to_pairs

from bot.right_of_way import RightOfWay
from bot.slack.patience import begun
from handlers.body import bounded

LARGEST: Final = 1_000_000
SLOWEST: Final = 10.0
"""Seconds; Slack itself gives up after three, and whoever needs longer has not been told apart from Slack yet."""


class SlackDoor:
    """`POST /slack/events` for everything that Slack delivers over HTTP."""

    def __init__(self, app: AsyncApp, signing_secret: str, way: RightOfWay) -> None:
        if not signing_secret:
            raise ValueError("an empty signing secret would let anybody in")
        self._app, self._way = app, way
        self._verifier = SignatureVerifier(signing_secret)

    async def deliver(self, request: web.Request) -> web.StreamResponse:
        """Refuse what Slack did not sign within five minutes; hand the rest to Bolt."""
        body = await bounded(request, largest=LARGEST, seconds=SLOWEST)
        if (request.charset or "utf-8").lower() != "utf-8":
            # The signature covers the bytes alone; a header may not choose how they are read.
            return web.Response(status=400, text="not in UTF-8")
        if not self._genuine(body, request):
            return web.Response(status=401, text="not signed by Slack")
        with self._way.taken(), begun():
            return await to_aiohttp_response(await self._app.async_dispatch(_for_bolt(body.decode(), request)))

    def _genuine(self, body: bytes, request: web.Request) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12 or not signature.isascii():
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:
            return False


def opened(body: str) -> str:
    """The JSON of an interaction taken out of its form, or the body as it is.

    A click carries the whole card, most of it percent signs, which Bolt would decode ten times slower than yarl does.
    """
    payload = dict(query_to_pairs(body)).get("payload", "") if body.startswith("payload=") else ""
    return payload if payload.startswith("{") else body


def _for_bolt(body: str, request: web.Request) -> AsyncBoltRequest:
    return AsyncBoltRequest(body=opened(body), query=request.query_string, headers={**request.headers})
