"""The composition root: reads nothing, joins everything, starts and stops it in order."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.address_guard import Guard
from bot.approvals import Approvals
from bot.audit_log import note_head
from bot.callbacks import Callbacks
from bot.clock import SystemClock
from bot.clock_watch import catch_up
from bot.config import Config
from bot.connectors.registry import build, recipient_of
from bot.connectors.thresholds import ThresholdConnector
from bot.domain.delivery import ErrandKind
from bot.domain.errors import BadInput
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import Policy
from bot.drafting import prompt
from bot.drafting.ports import LibraryAccess
from bot.errands import Errands
from bot.executions import Executions
from bot.executor import Executor
from bot.figures import Figures
from bot.intake.office import Office
from bot.intake.speaker import Speaker
from bot.learner import Learner
from bot.offers import Offers
from bot.outbound import Outbound
from bot.ports import Clock, Connector, Courier, Store
from bot.regimes import Ground
from bot.relay import Relay
from bot.right_of_way import RightOfWay
from bot.slack.chart import ChartCourier
from bot.slack.courier import NETWORK, SlackCourier, said
from bot.slack.roster import Roster
from bot.slack.session import slack_session
from bot.switch import Switch
from bot.thresholds import Thresholds
from bot.tokens import Tokens
from bot.waiting import WaitingRoom
from handlers import register
from handlers.api import Api, Rate
from handlers.desk import Desk
from handlers.health import Health
from handlers.inbound import Inbound
from handlers.ingress import SlackDoor
from handlers.problems import problems
from handlers.tickets import TicketApi
from storage import library_of, open_store, serving

if TYPE_CHECKING:
    from bot.slack.socket_mode import SocketMode

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 75.0
"""A connection that brought no whole head of a request by then is cut; proxies keep theirs a minute, and cut first."""
LINGER_SECONDS: Final = 2.0
"""How long what follows a refusal is read and thrown away, so that the sender sees the refusal."""
SAID_IN_SLACK: Final = (
    *(ErrandKind.CARD, ErrandKind.REPAINT, ErrandKind.WHISPER),
    *(ErrandKind.NOTICE, ErrandKind.LOG, ErrandKind.RELOG),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayso:
    """A running Sayso: where it listens, and the parts that tests and the sample shop talk to."""

    url: str
    store: Store
    tokens: Tokens
    policy: Policy
    approvals: Approvals
    executions: Executions
    switch: Switch
    relay: Relay
    office: Office


class App:
    """`async with App(config, policy) as sayso:` runs the bot; leaving stops it cleanly."""

    def __init__(self, config: Config, policy: Policy, *, clock: Clock | None = None) -> None:
        self._config, self._policy, self._clock = config, policy, clock or SystemClock()
        self._way = RightOfWay()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Sayso:
        try:
            return await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> Sayso:
        """Build from the inside out, start in the order of what needs what; the stack stops it the other way round."""
        config, policy, clock = self._config, self._policy, self._clock
        self._stack.enter_context(serving(config.database_url))
        store = open_store(config.database_url)
        self._stack.push_async_callback(store.close)
        # Before anything of this start is written, which would hide when the last one was.
        await store.transact(lambda tx: catch_up(tx, clock.now()))
        session = await self._stack.enter_async_context(slack_session())
        client = AsyncWebClient(
            token=config.bot_token, base_url=config.slack_api_url, session=session, retry_handlers=[]
        )
        team = await _team(client, policy)
        figures = Figures()
        approvals = Approvals(store=store, policy=policy, clock=clock, recipient_of=recipient_of, figures=figures)
        executions = Executions(store=store, policy=policy, clock=clock)
        switch = Switch(store=store, policy=policy, clock=clock)
        offers = Offers(policy, clock)
        thresholds = Thresholds(store=store, policy=policy, clock=clock, retract=offers.retract)
        learner = Learner(
            store=store,
            policy=policy,
            clock=clock,
            offers=offers,
            way=self._way,
            ground=_ground(config, policy, library_of(store)),
        )
        office = Office(
            config=config,
            policy=policy,
            store=store,
            access=library_of(store),
            approvals=approvals,
            clock=clock,
            client=client,
            way=self._way,
        )
        guard = Guard(allowed_hosts=policy.callback_hosts, allow_loopback_http=_on_loopback(config))
        courier = SlackCourier(client, policy)
        couriers = await self._couriers(store, thresholds, courier, client, session, guard)
        relay = self._relay(store, approvals, executions, couriers)
        roster = Roster(client, policy, clock, team=team)
        desk = Desk(
            approvals=approvals,
            executions=executions,
            switch=switch,
            thresholds=thresholds,
            roster=roster,
            store=store,
            policy=policy,
            clock=clock,
            reception=office.reception,
        )
        self._stack.push_async_callback(desk.aside.stop)
        bolt = _bolt(client, desk, team=team)
        tokens, waiting = Tokens(store, clock), WaitingRoom(store)
        routes = self._routes(store, approvals, tokens, waiting, guard, office)
        socket = await self._socket_mode(bolt)
        health = Health(store=store, figures=figures, troubles=lambda: _troubles(courier, socket))
        await roster.start()
        self._stack.push_async_callback(roster.stop)
        await learner.start()
        self._stack.push_async_callback(learner.stop)
        url = await self._listen(routes, health, bolt)
        self._stack.callback(waiting.close)
        await relay.start()
        self._stack.push_async_callback(relay.stop)
        self._stack.push_async_callback(office.stop)
        await office.start()
        return Sayso(
            url=url,
            store=store,
            tokens=tokens,
            policy=policy,
            approvals=approvals,
            executions=executions,
            switch=switch,
            relay=relay,
            office=office,
        )

    async def _couriers(
        self,
        store: Store,
        thresholds: Thresholds,
        slack: SlackCourier,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        guard: Guard,
    ) -> dict[ErrandKind, Courier]:
        """Who carries which kind of errand."""
        config, policy, clock = self._config, self._policy, self._clock
        callbacks = await self._stack.enter_async_context(Outbound(guard))
        told = Callbacks(outbound=callbacks, store=store, clock=clock)
        webhooks = await self._stack.enter_async_context(Outbound(_webhook_guard(policy)))
        connectors: dict[str, Connector] = {
            **build(
                policy, slack_client=client, outbound=webhooks, session=session, environ=config.environ, clock=clock
            ),
            THRESHOLDS_CONNECTOR: ThresholdConnector(thresholds),
        }
        return {
            **dict.fromkeys(SAID_IN_SLACK, slack),
            ErrandKind.EXECUTE: Executor(connectors, self._policy),
            ErrandKind.CALLBACK: told,
            ErrandKind.GO_AHEAD: told,
            ErrandKind.SPEAK: Speaker(connectors),
            ErrandKind.CHART: ChartCourier(client, thresholds),
        }

    def _relay(
        self, store: Store, approvals: Approvals, executions: Executions, couriers: dict[ErrandKind, Courier]
    ) -> Relay:
        policy, clock = self._policy, self._clock
        return Relay(
            store=store,
            clock=clock,
            way=self._way,
            couriers=couriers,
            stands=executions.stands,
            record=executions.record,
            logged=executions.logged,
            delayed=executions.delay,
            buried=lambda tx, errand, error: Errands(tx, policy, clock).given_up(errand, error),
            sweep=partial(_sweep, approvals, store, policy, clock),
            attempts=policy.attempts,
            owner=f"{os.getpid()}",
        )

    def _routes(
        self, store: Store, approvals: Approvals, tokens: Tokens, waiting: WaitingRoom, guard: Guard, office: Office
    ) -> list[web.RouteDef]:
        """Every address of ours but Slack's door and the health pages."""
        config, policy = self._config, self._policy
        api = Api(
            approvals=approvals,
            store=store,
            tokens=tokens,
            waiting=waiting,
            guard=guard,
            rate=Rate(policy.limits.per_minute),
        )
        inbound = Inbound.of(
            policy.intake.helpdesks, config.environ, reception=office.reception, bell=office.bell, clock=self._clock
        )
        tickets = TicketApi(api=api, reception=office.reception, policy=policy)
        return [*api.routes(), *tickets.routes(), *inbound.routes()]

    async def _listen(self, routes: list[web.RouteDef], health: Health, bolt: AsyncApp) -> str:
        server = web.Application(middlewares=[problems], client_max_size=2_000_000)
        server.add_routes(routes)
        server.add_routes(
            [
                web.get("/healthz", health.alive),
                web.get("/readyz", health.ready),
                web.get("/metrics", health.metrics),
            ]
        )
        if self._config.signing_secret:
            door = SlackDoor(bolt, self._config.signing_secret, self._way)
            server.add_routes([web.post("/slack/events", door.deliver)])
        # A compressed body is refused unread: nothing here may unpack one, not even to throw it away.
        runner = web.AppRunner(
            server,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self._config.host, self._config.port)
        try:
            await site.start()
        except OSError as error:
            raise BadInput(
                f"Port {self._config.port} on {self._config.host} cannot be used ({error.strerror}); "
                "set SAYSO_PORT to a free one."
            ) from None
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _socket_mode(self, bolt: AsyncApp) -> "SocketMode | None":
        config = self._config
        if not config.app_token:
            return None
        from bot.slack.socket_mode import SocketMode  # only where it is used

        socket = SocketMode(
            bolt, app_token=config.app_token, bot_token=config.bot_token, api_url=config.slack_api_url, way=self._way
        )
        await socket.start()
        self._stack.push_async_callback(socket.stop)
        return socket


def _bolt(client: AsyncWebClient, desk: Desk, *, team: str) -> AsyncApp:
    async def ours() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=team, bot_token=client.token)

    app = AsyncApp(
        client=client,
        authorize=ours,  # else Bolt would ask Slack for it at the first click, and lose that one while Slack is away
        process_before_response=True,
        request_verification_enabled=False,  # `SlackDoor` has checked the signature, over the raw body
    )
    register(app, desk)
    return app


async def _sweep(approvals: Approvals, store: Store, policy: Policy, clock: Clock) -> int:
    """What has to happen in time though nobody asks: cases expire, and the audit log's head is noted once a day."""
    await note_head(store, policy, clock)
    return await approvals.expire()


def _ground(config: Config, policy: Policy, library: LibraryAccess) -> Callable[[], Awaitable[Ground]]:
    """What the bot's own drafts rest on; an agent that answers elsewhere keeps its model to itself."""
    model = ", ".join([config.model, *policy.drafting.fallback_models]) if config.model else ""

    async def now() -> Ground:
        documents = await library.read(lambda lib: lib.documents())
        digest = hashlib.sha256("\n".join(sorted(f"{d.name} {d.hash}" for d in documents)).encode()).hexdigest()
        return Ground(model=model, prompt=prompt.VERSION if model else "", knowledge=digest if documents else "")

    return now


async def _team(client: AsyncWebClient, policy: Policy) -> str:
    """Our own team's id; waits for Slack a little, and refuses a token of another team than the policy's."""
    for attempt in range(5):
        try:
            team = str((await client.auth_test())["team_id"])
            break
        except SlackApiError as error:
            name = said(error)[1]
            if name in {"invalid_auth", "not_authed", "account_inactive", "token_revoked"}:
                raise BadInput(
                    f"Slack refuses SLACK_BOT_TOKEN ({name}); reinstall the app and copy the token again."
                ) from None
        except NETWORK:
            log.warning("slack_unreachable", attempt=attempt + 1)
        await asyncio.sleep(0.2 * 2**attempt)
    else:
        if policy.team is None:
            raise BadInput("Slack cannot be reached, and the policy names no [slack] team to start without it.")
        return policy.team
    if policy.team is not None and policy.team != team:
        raise BadInput(f"SLACK_BOT_TOKEN belongs to team {team}, but the policy is for {policy.team}.")
    return team


def _on_loopback(config: Config) -> bool:
    return config.local or config.slack_api_url.startswith(("http://127.0.0.1", "http://localhost"))


def _webhook_guard(policy: Policy) -> Guard:
    urls = [str(rule.options.get("url", "")) for rule in policy.connectors.values() if rule.type == "webhook"]
    places = {URL(url).authority for url in urls if url.startswith("https://")}
    return Guard(allowed_hosts=frozenset(places), allow_loopback_http=any(url.startswith("http://") for url in urls))


def _troubles(courier: SlackCourier, socket: "SocketMode | None") -> list[str]:
    return [trouble for trouble in (courier.trouble, socket.trouble if socket else None) if trouble]
