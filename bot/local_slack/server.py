"""The local Slack as one object: starts, stops, knows people and channels, and can be waited for."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from aiohttp import web

from bot.local_slack import api_files, responses
from bot.local_slack.deliveries import FORM, Deliveries
from bot.local_slack.faults import Faults
from bot.local_slack.interactions import Interactions
from bot.local_slack.model import Call, Delivered, Message, View
from bot.local_slack.page import Page
from bot.local_slack.roster import Roster
from bot.local_slack.scopes import GRANTED
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Workspace
from bot.local_slack.web_api import WebApi


class LocalSlack(Roster):
    """A Slack for one machine: Web API, signed deliveries, Socket Mode and a page.

    `scopes` are what the bot token may do, `pacing` turns on Slack's rate limits, for every method and channel,
    `control` opens `POST /control/faults`, `port` 0 takes a free one, `echo_bot_messages` delivers the bot's own
    messages to it as events.
    Use it as `async with LocalSlack(...) as slack:`, or call `start` and `stop`.
    """

    def __init__(
        self,
        *,
        bot_token: str,
        signing_secret: str,
        app_token: str | None = None,
        scopes: Iterable[str] = GRANTED,
        pacing: bool = False,
        control: bool = False,
        team_id: str = "T0LOCAL",
        port: int = 0,
        host: str = "127.0.0.1",
        team_name: str = "Local workspace",
        bot_name: str = "sayso",
        echo_bot_messages: bool = False,
    ) -> None:
        self.world = Workspace(team_id=team_id, team_name=team_name, bot_name=bot_name)
        self.faults = Faults()
        self.sockets = Sockets(app_id=self.world.app_id)
        self.deliveries = Deliveries(self.world, self.faults, self.sockets, signing_secret=signing_secret)
        self.interactions = Interactions(self.world, self.deliveries)
        if echo_bot_messages:
            self.world.tap = self.interactions.echo
        self._api = WebApi(
            self.world,
            self.faults,
            self.sockets,
            bot_token=bot_token,
            app_token=app_token,
            granted=frozenset(scopes),
            pacing=pacing,
        )
        self._page = Page(self.world, self.interactions, self.faults, self.sockets, control=control)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    # Life

    async def start(self) -> Self:
        """Listen; afterwards the addresses are known."""
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/socket", self.sockets.handle)
        app.router.add_post("/response/{token}", self._respond)
        app.router.add_post("/upload/v1/{id}", self._upload)
        app.router.add_get("/files/{id}/{name}", self._download)
        self._page.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.world.address = f"http://{self._host}:{self._port}/"
        self.sockets.url = f"ws://{self._host}:{self._port}/socket"
        await self.deliveries.start()
        return self

    async def stop(self) -> None:
        """Stop listening and drop what is under way."""
        await self._page.stop()
        await self.sockets.close()
        await self.deliveries.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return await responses.handle(self.world, request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return await api_files.upload(self.world, request)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        return await api_files.download(self.world, request)

    @property
    def page_url(self) -> str:
        """The address of the page, such as `http://127.0.0.1:8000/`."""
        return self.world.address

    @property
    def api_url(self) -> str:
        """The address of the Web API, for `AsyncWebClient(base_url=...)`."""
        return self.world.address + "api/"

    @property
    def calls(self) -> deque[Call]:
        """The last 10,000 calls of the Web API, oldest first."""
        return self.world.calls

    def connect_bot(self, request_url: str) -> None:
        """Deliver to this address from now on (an open Socket Mode connection goes before it)."""
        self.deliveries.request_url = request_url

    # What was said

    def messages(self, channel: str) -> list[Message]:
        """Return all messages of a channel as they stand now, oldest first, thread replies included."""
        return list(self.world.channel(channel).messages.values())

    def message(self, channel: str, ts: str) -> Message:
        """Return one message as it stands now; raises KeyError."""
        return self.world.channel(channel).messages[ts]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a message and its replies, oldest first."""
        found = self.world.channel(channel)
        wanted = [ts, *found.threads.get(ts, [])]
        return [found.messages[t] for t in wanted if t in found.messages]

    def ephemerals(self, user: str) -> list[Message]:
        """Return what was shown to one person only, oldest first."""
        return list(self.world.ephemerals.get(user, {}).values())

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message quietly, as a person would; `person.delete` tells the bot too."""
        self.world.delete(self.world.channel(channel), ts)

    async def wait_for_message(
        self,
        channel: str,
        predicate: Callable[[Message], bool] = lambda m: True,
        timeout: float = 5.0,
        *,
        fresh: bool = False,
    ) -> Message:
        """Return a message that fits, the one changed last first, or the next that is posted or changed so.

        With `fresh`, only what happens from now on counts. Raises TimeoutError.
        """
        found = self.world.channel(channel)
        seen = () if fresh else reversed(found.latest.values())
        return await self.world.feed.wait(("message", found.id), predicate, timeout, seen)

    async def wait_for_ephemeral(
        self, user: str, predicate: Callable[[Message], bool] = lambda m: True, timeout: float = 5.0
    ) -> Message:
        """Return a message shown to this person only that fits, the newest first, or the next one."""
        seen = reversed(self.world.ephemerals.get(user, {}).values())
        return await self.world.feed.wait(("ephemeral", user), predicate, timeout, seen)

    async def wait_for_view(
        self, user: str, timeout: float = 5.0, predicate: Callable[[View], bool] = lambda v: True
    ) -> View:
        """Return the modal this person has open, or the next one opened, pushed or updated."""
        top = self.world.top_view(user)
        return await self.world.feed.wait(("view", user), predicate, timeout, [top] if top else [])

    async def wait_for_home(
        self, user: str, timeout: float = 5.0, predicate: Callable[[View], bool] = lambda v: True
    ) -> View:
        """Return the Home that was published to this person, or the next one."""
        home = self.world.homes.get(user)
        return await self.world.feed.wait(("home", user), predicate, timeout, [home] if home else [])

    # What goes wrong

    async def deliver_raw(
        self,
        body: str | bytes,
        *,
        content_type: str = FORM,
        timestamp: str | None = None,
        signature: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Delivered:
        """Post any bytes to the bot; timestamp and signature are right unless given, "" leaves them out."""
        return await self.deliveries.raw(
            body, content_type=content_type, timestamp=timestamp, signature=signature, headers=headers
        )

    async def verify_url(self) -> Delivered:
        """Send url_verification, as when the request URL is saved in Slack's settings."""
        return await self.deliveries.url_verification()

    async def cut_sockets(self) -> None:
        """Break every Socket Mode connection without a word."""
        await self.sockets.cut()

    async def refresh_sockets(self) -> None:
        """Ask every Socket Mode connection to reconnect."""
        await self.sockets.disconnect()
