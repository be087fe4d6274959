"""Socket Mode: Slack's deliveries over a connection that Sayso opens, where nothing can reach it from outside."""

import asyncio
from typing import Any, Final

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.errors import BadInput
from bot.right_of_way import RightOfWay
from bot.slack.courier import said
from bot.slack.patience import begun

LOOK_EVERY: Final = 3  # seconds between two looks whether the connection stands: as long as a cut may go unnoticed
PATIENCE: Final = 5.0
REFUSALS: Final = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
    | {"missing_scope", "no_permission"}
)


class SocketMode:
    """Keeps the connection; `trouble` says while there is none."""

    def __init__(self, bolt: AsyncApp, *, app_token: str, bot_token: str | None, api_url: str, way: RightOfWay) -> None:
        self._opener = _Opener(token=bot_token, base_url=api_url)
        self._handler = _Handler(bolt, app_token, web_client=self._opener, ping_interval=LOOK_EVERY)
        self._handler.way = way
        self._connecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, or go on trying in the background while Slack is away; BadInput for a token that Slack refuses."""
        self._connecting = asyncio.create_task(self._handler.connect_async())  # type: ignore[no-untyped-call]
        refused = asyncio.create_task(self._opener.refused.wait())
        try:
            await asyncio.wait({self._connecting, refused}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            refused.cancel()
        if self._opener.refusal:
            await self.stop()
            raise BadInput(
                f"Slack refuses SLACK_APP_TOKEN ({self._opener.refusal}); "
                "create an app-level token with the scope connections:write, and copy it again."
            )

    @property
    def trouble(self) -> str | None:
        """Why nothing of Slack's can arrive now."""
        session = self._handler.client.current_session
        return None if session is not None and not session.closed else "Socket Mode is not connected"

    async def stop(self) -> None:
        """Hang up, and stop trying."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await self._handler.close_async()  # type: ignore[no-untyped-call]


class _Handler(AsyncSocketModeHandler):
    way: RightOfWay

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # Bolt does
        """Hand a delivery to Bolt, before anything that nobody waits for."""
        with self.way.taken(), begun():
            await super().handle(client, req)


class _Opener(AsyncWebClient):
    """Asks for connections, and remembers that Slack will never give one for this token."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refusal: str | None = None
        self.refused = asyncio.Event()

    async def apps_connections_open(self, *, app_token: str, **kwargs: Any) -> AsyncSlackResponse:
        """Ask for a connection; a word that will not change by asking again is noted."""
        try:
            return await super().apps_connections_open(app_token=app_token, **kwargs)
        except SlackApiError as error:
            if (name := said(error)[1]) in REFUSALS:
                self.refusal = name
                self.refused.set()
            raise
