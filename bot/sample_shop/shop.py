"""The sample shop, put together: a local Slack with people, a payments server, the bot, and an AI that proposes."""

import asyncio
import contextlib
import secrets
import socket
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp

from bot.app import App, Sayso
from bot.config import Config
from bot.domain.errors import NotFound
from bot.domain.policy import Policy
from bot.local_slack import LocalSlack
from bot.policy_file import read_policy
from bot.sample_shop import people
from bot.sample_shop.agent import Agent, Bot
from bot.sample_shop.customers import Customers
from bot.sample_shop.guide import guide
from bot.sample_shop.payments import Payments
from bot.tokens import Scope, Tokens

PACE_SECONDS: Final = 3.0
READING_SECONDS: Final = 2.0
PAYMENTS_CONNECTOR: Final = "webhook:payments"
SECRET_VARIABLE: Final = "SHOP_PAYMENTS_SECRET"  # noqa: S105 - a variable's name
BOT_TOKEN: Final = "xoxb-sample-shop"  # noqa: S105 - opens nothing but the local Slack of this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running sample shop; `page` is the address that a newcomer opens, `taken` the usual port if another has it.

    `anywhere` says that a free port was asked for.
    """

    page: str
    taken: int | None
    anywhere: bool
    slack: LocalSlack
    sayso: Sayso


@asynccontextmanager
async def opened(config: Config, *, pace: float = PACE_SECONDS) -> AsyncIterator[Shop]:
    """Open the shop on a database and ports that nobody else uses, unless the environment names them."""
    policy = read_policy(_policy_path(config))
    signing_secret = secrets.token_hex(16)
    payments_secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    async with AsyncExitStack() as stack:
        bot_port, page_port = _ports(config)
        slack = await stack.enter_async_context(
            LocalSlack(
                bot_token=BOT_TOKEN,
                signing_secret=signing_secret,
                team_name=people.TEAM_NAME,
                host=config.host,
                port=page_port,
                control=True,
            )
        )
        people.settle(slack, policy)
        customers = Customers(slack, reading_seconds=min(READING_SECONDS, pace))
        payments = await stack.enter_async_context(Payments(payments_secret, customers.tell))
        settings = replace(
            config,
            bot_token=BOT_TOKEN,
            signing_secret=signing_secret,
            app_token=None,
            slack_api_url=slack.api_url,
            database_url=_database(config, stack),
            port=bot_port,
            environ={SECRET_VARIABLE: payments_secret, **config.environ},
        )
        sayso = await stack.enter_async_context(App(settings, _paying_at(policy, payments.url)))
        slack.connect_bot(f"{sayso.url}/slack/events")
        guide(slack, policy.channels.ops, sayso.url, await _token(sayso.tokens, "newcomer"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        bot = Bot(session, sayso.url, await _token(sayso.tokens, "shop-ai"))
        agent = asyncio.create_task(Agent(bot=bot, customers=customers, pace=pace).run())
        stack.push_async_callback(_dismiss, agent)
        taken = None if bot_port == config.port else config.port
        yield Shop(
            page=f"{slack.page_url}#{_review_name(slack, policy)}",
            taken=taken,
            anywhere=config.port == 0,
            slack=slack,
            sayso=sayso,
        )


def _policy_path(config: Config) -> Path:
    own = Path(__file__).with_name("policy.toml")
    return config.policy_path if config.environ.get("SAYSO_POLICY") else own


def _database(config: Config, stack: AsyncExitStack) -> str:
    if config.environ.get("SAYSO_DATABASE_URL"):
        return config.database_url
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sayso-sample-", ignore_cleanup_errors=True))
    return f"sqlite:///{folder}/sayso.db"


def _ports(config: Config) -> tuple[int, int]:
    """The bot's port and the page's: those that were asked for, else the usual ones, else free ones (0)."""
    if config.port == 0:
        return 0, 0
    asked = bool(config.environ.get("SAYSO_PORT"))
    bot_port = config.port if asked or _free(config.host, config.port) else 0
    page_port = config.port + 1
    return bot_port, page_port if page_port <= 65_535 and _free(config.host, page_port) else 0


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _paying_at(policy: Policy, url: str) -> Policy:
    """The policy with the present address of the shop's own payments server."""
    rule = policy.connectors.get(PAYMENTS_CONNECTOR)
    if rule is None or not str(rule.options.get("url", "")).startswith("http://127.0.0.1"):
        return policy
    here = replace(rule, options={**rule.options, "url": url})
    return replace(policy, connectors={**policy.connectors, PAYMENTS_CONNECTOR: here})


async def _token(tokens: Tokens, name: str) -> str:
    """A new token of this name; one of an earlier start, in a database that was kept, is revoked."""
    with contextlib.suppress(NotFound):
        await tokens.revoke(name)
    return await tokens.create(name, Scope.PROPOSE)


def _review_name(slack: LocalSlack, policy: Policy) -> str:
    return slack.world.channel(policy.channels.review).name


async def _dismiss(agent: "asyncio.Task[None]") -> None:
    agent.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await agent
