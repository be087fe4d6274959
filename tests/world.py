"""A small world for tests: a real local Slack, the real bot, an agent that speaks HTTP, and people who click."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import App, Sayso
from bot.config import Config
from bot.local_slack import LocalSlack
from bot.policy_file import load_policy
from bot.ports import Clock
from bot.slack import ids
from bot.tokens import Scope

BOT_TOKEN = "xoxb-test-token"
SIGNING_SECRET = "test-signing-secret"

POLICY = """
[channels]
review = "C0REVIEW"
escalation = "C0ESCALATE"
ops = "C0OPS"
log = "C0LOG"

[people]
approvers = ["U0MARIA", "U0BEN", "S0SUPPORT"]
escalation = ["U0LEAD", "U0MARIA"]
admins = ["U0LEAD"]

[categories.orders]
mode = "autonomous"
threshold = 0.9

[categories.refunds]
mode = "suggest"

[categories.legal]
mode = "escalate"

[actions.lookup_order]
effect = "read"

[actions.refund]
effect = "write"
free_when = "args.amount <= 50"

[actions.close_account]
effect = "write"
approvals = 2
"""


@dataclass
class World:
    """Everything a journey needs."""

    slack: LocalSlack
    sayso: Sayso
    http: aiohttp.ClientSession
    token: str
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def headers(self, key: str | None = None, token: str | None = None) -> dict[str, str]:
        """The agent's headers with a fresh idempotency key."""
        return {
            "Authorization": f"Bearer {token or self.token}",
            "Idempotency-Key": key or f"key-{next(self.keys)}",
        }

    async def propose(self, *, status: int = 201, key: str | None = None, **changes: Any) -> dict[str, Any]:
        """Submit a reply (or whatever `changes` say) and give the resource."""
        body = reply(**changes)
        async with self.http.post(f"{self.sayso.url}/v1/proposals", json=body, headers=self.headers(key)) as answer:
            document: dict[str, Any] = await answer.json()
            assert answer.status == status, document
            return document

    async def act(self, name: str, args: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Submit an action."""
        return await self.propose(kind="action", reply=None, action={"name": name, "args": dict(args)}, **changes)

    async def get(self, proposal_id: str, wait: float = 0) -> dict[str, Any]:
        """Read a proposal, waiting until it is closed where asked."""
        url = f"{self.sayso.url}/v1/proposals/{proposal_id}"
        async with self.http.get(url, params={"wait": str(wait)}, headers=self.headers()) as answer:
            document: dict[str, Any] = await answer.json()
            return document

    async def until(self, proposal_id: str, state: str, seconds: float = 10) -> dict[str, Any]:
        """The proposal once it is in this state."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.get(proposal_id)
                if found["state"] == state:
                    return found
                await asyncio.sleep(0.01)

    async def card(self, proposal_id: str, channel: str = "C0REVIEW", saying: str = "", seconds: float = 10) -> Any:
        """The card of a proposal in a channel, once it says this."""

        def is_it(message: Any) -> bool:
            text = str(message)
            return f"sayso:{proposal_id}:" in text and saying in text

        return await self.slack.wait_for_message(channel, is_it, seconds)

    async def message(self, channel: str, saying: str, seconds: float = 10) -> Any:
        """The message in a channel that says this."""
        return await self.slack.wait_for_message(channel, lambda message: saying in str(message), seconds)

    async def click(self, user: str, message: Any, action: str, channel: str = "C0REVIEW") -> Any:
        """Click a button of a card."""
        return await self.slack.person(user).click(channel, message.ts, action)

    async def choose(self, user: str, message: Any, option: str, channel: str = "C0REVIEW") -> Any:
        """Choose from the ⋯ menu of a card: `reject` or `full`."""
        block = next(b for b in message.blocks if b["type"] == "actions")
        menu = next(e for e in block["elements"] if e["type"] == "overflow")
        value = next(o["value"] for o in menu["options"] if o["value"].startswith(option))
        return await self.slack.person(user).choose(channel, message.ts, ids.MORE, value)


def reply(**changes: Any) -> dict[str, Any]:
    """A plain proposal body, changed where asked; None leaves a field out."""
    body: dict[str, Any] = {
        "kind": "reply",
        "category": "refunds",
        "conversation": {
            "id": "conv-1",
            "customer": {"name": "Ana Lopez", "email": "ana@example.com"},
            "messages": [{"role": "customer", "text": "Where is my refund for order 1042?"}],
        },
        "reply": {"text": "Your refund was sent on Monday."},
        "confidence": 0.95,
        "in_scope": True,
    }
    body |= changes
    return {name: value for name, value in body.items() if value is not None or name == "confidence"}


def people(slack: LocalSlack) -> None:
    """The team, its channels and its groups."""
    for user, name in (("U0MARIA", "maria"), ("U0BEN", "ben"), ("U0LEAD", "lena"), ("U0OTHER", "otto")):
        slack.add_user(name, real_name=name.title(), id=user)
    slack.add_user("gina", real_name="Gina Guest", id="U0GUEST", is_restricted=True)
    slack.add_user("robo", real_name="Robo", id="U0ROBOT", is_bot=True)
    slack.add_user("dora", real_name="Dora Deactivated", id="U0GONE", deleted=True)
    slack.add_user("sam", real_name="Sam Stranger", id="U0STRANGER", team_id="T0OTHER", is_stranger=True)
    for channel, name in (("C0REVIEW", "review"), ("C0ESCALATE", "escalations"), ("C0OPS", "ops"), ("C0LOG", "ai-log")):
        slack.add_channel(name, id=channel)
    slack.add_channel("customers", id="C0CUSTOMERS")
    slack.add_group("support", ["U0OTHER"], id="S0SUPPORT")
    slack.add_command("/threshold", "thresholds", "")
    slack.add_command("/approvals", "queue", "")


def config_for(slack: LocalSlack, database: Path, **extra: str) -> Config:
    """The environment of a bot on this local Slack."""
    return Config.of(
        {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": slack.api_url,
            "SAYSO_DATABASE_URL": f"sqlite:///{database}",
            "SAYSO_PORT": "0",
            **extra,
        }
    )


@asynccontextmanager
async def running_bot(
    slack: LocalSlack, database: Path, policy: str = POLICY, clock: Clock | None = None, **extra: str
) -> AsyncIterator[Sayso]:
    """The bot, connected to a local Slack."""
    async with App(config_for(slack, database, **extra), load_policy(policy), clock=clock) as sayso:
        slack.connect_bot(f"{sayso.url}/slack/events")
        yield sayso


@asynccontextmanager
async def running_world(
    database: Path,
    policy: str = POLICY,
    *,
    clock: Clock | None = None,
    prepare: Callable[[LocalSlack], None] = lambda _: None,
    **extra: str,
) -> AsyncIterator[World]:
    """The whole world on a fresh database."""
    async with LocalSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET) as slack:
        people(slack)
        prepare(slack)
        async with running_bot(slack, database, policy, clock, **extra) as sayso, aiohttp.ClientSession() as http:
            token = await sayso.tokens.create("shop-ai", Scope.PROPOSE)
            yield World(slack=slack, sayso=sayso, http=http, token=token)
