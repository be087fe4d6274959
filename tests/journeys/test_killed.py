"""The bot is killed with −9 at every step of its walk: nothing is lost, and nothing happens twice."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.audit_log import check_chain
from bot.clock import SystemClock
from bot.local_slack import LocalSlack
from bot.local_slack.model import Message
from bot.slack import ids
from bot.tokens import Scope, Tokens
from storage import open_store
from tests.connectors.receiver import Received, hang_up
from tests.journeys.props import SECRET, Shop, empty_slack, obliging, shop_policy
from tests.world import BOT_TOKEN, SIGNING_SECRET, reply

ROOT = Path(__file__).parents[2]
KILLED = -int(signal.SIGKILL)


@dataclass(kw_only=True)
class Mortal:
    """A bot in a process of its own, which can be killed and started again on the same database and port."""

    slack: LocalSlack
    database: Path
    policy: Path
    port: int
    http: aiohttp.ClientSession
    token: str
    process: asyncio.subprocess.Process | None = None
    deaths: list[int] = field(default_factory=list)

    async def start(self, *, doomed: bool = False) -> None:
        """Start it, and come back once it listens; a doomed one may die before it says so."""
        environ = {
            "PATH": os.environ["PATH"],
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": self.slack.api_url,
            "SAYSO_DATABASE_URL": f"sqlite:///{self.database}",
            "SAYSO_POLICY": str(self.policy),
            "SAYSO_PORT": str(self.port),
            "SAYSO_LOG_LEVEL": "ERROR",
            "SHOP_SECRET": SECRET,
        }
        command = (sys.executable, "-m", "bot", "serve")
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=ROOT, stdout=pipe, stderr=pipe)
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert doomed or b"Sayso listens on" in line, line
        self.slack.connect_bot(f"http://127.0.0.1:{self.port}/slack/events")

    def kill(self) -> None:
        """Kill it, this very moment."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)

    async def dead(self) -> None:
        """Come back once it is dead, of a kill."""
        assert self.process is not None
        await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode == KILLED
        self.deaths.append(KILLED)

    async def submit(self, key: str, **changes: Any) -> dict[str, Any]:
        """Submit as a good agent does: with its key, again and again until there is an answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        url = f"http://127.0.0.1:{self.port}/v1/proposals"
        async with self.http.post(url, json=reply(**changes), headers=headers) as answer:
            document: dict[str, Any] = await answer.json()
            assert answer.status in (200, 201), document
            return document

    async def get(self, proposal_id: str, wait: float = 0) -> dict[str, Any]:
        """Read a proposal."""
        url = f"http://127.0.0.1:{self.port}/v1/proposals/{proposal_id}?wait={wait}"
        async with self.http.get(url, headers={"Authorization": f"Bearer {self.token}"}) as answer:
            document: dict[str, Any] = await answer.json()
            return document


@asynccontextmanager
async def mortal(folder: Path, policy: str) -> AsyncIterator[Mortal]:
    """A bot that can die, not started yet."""
    database, file = folder / "sayso.db", folder / "policy.toml"
    file.write_text(policy)
    store = open_store(f"sqlite:///{database}")
    token = await Tokens(store, SystemClock()).create("shop-ai", Scope.PROPOSE)
    await store.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with empty_slack() as slack, aiohttp.ClientSession() as http:
        bot = Mortal(slack=slack, database=database, policy=file, port=port, http=http, token=token)
        try:
            yield bot
        finally:
            if bot.process is not None and bot.process.returncode is None:
                bot.kill()
                await bot.process.communicate()


async def the_log_holds(database: Path) -> bool:
    """Whether the audit chain of a database at rest verifies."""
    store = open_store(f"sqlite:///{database}")
    try:
        return (await check_chain(store))[1] is None
    finally:
        await store.close()


def dying(bot: Mortal, *, done: bool) -> Any:
    """A shop during whose answer the bot is killed, before or after it did what it was told."""

    async def mood(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        if done:
            shop.do(received)
        bot.kill()
        return hang_up(request)

    return mood


def kill_at(bot: Mortal, kind: str, channel: str = "") -> None:
    """Kill the bot when Slack has taken its next post or change (in this channel), before it can hear the answer."""

    def tap(what: str, message: Message, old: Message | None) -> None:
        if what == kind and channel in ("", message.channel):
            bot.slack.world.tap = None
            bot.kill()

    bot.slack.world.tap = tap


@pytest.mark.timeout(180)
async def test_killed_at_every_step_it_ends_with_one_card_and_one_effect(tmp_path: Path, shop: Shop) -> None:
    async with mortal(tmp_path, shop_policy(shop)) as bot:
        await bot.start()
        kill_at(bot, "post")
        with contextlib.suppress(aiohttp.ClientError):
            await bot.submit("order-1042")
        await bot.dead()

        await bot.start()
        proposed = await bot.submit("order-1042")
        card = await bot.slack.wait_for_message("C0REVIEW", lambda m: proposed["id"] in str(m.blocks), 10)
        shop.mood = dying(bot, done=False)
        await bot.slack.person("U0MARIA").click("C0REVIEW", card.ts, ids.APPROVE)
        await bot.dead()
        assert shop.effects == {}

        shop.mood = dying(bot, done=True)
        await bot.start(doomed=True)
        await bot.dead()
        assert len(shop.effects_of(proposed["id"])) == 1

        shop.mood = obliging
        kill_at(bot, "change")
        await bot.start(doomed=True)
        await bot.dead()

        await bot.start()
        done = await bot.get(proposed["id"], wait=10)
        assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0MARIA")
        await bot.slack.wait_for_message("C0REVIEW", lambda m: m.ts == card.ts and "Sent." in str(m.blocks), 10)
        assert len(bot.slack.messages("C0REVIEW")) == 1
        assert len(shop.effects) == 1
        assert len({call.headers["Idempotency-Key"] for call in shop.calls}) == 1
        bot.kill()
        await bot.dead()
        assert bot.deaths == [KILLED] * 5
        assert await the_log_holds(bot.database)


@pytest.mark.timeout(120)
async def test_killed_in_a_call_to_a_receiver_without_keys_it_asks_a_person(tmp_path: Path, shop: Shop) -> None:
    async with mortal(tmp_path, shop_policy(shop, idempotent=False)) as bot:
        await bot.start()
        proposed = await bot.submit("order-1042")
        card = await bot.slack.wait_for_message("C0REVIEW", lambda m: proposed["id"] in str(m.blocks), 10)
        shop.mood = dying(bot, done=True)
        await bot.slack.person("U0MARIA").click("C0REVIEW", card.ts, ids.APPROVE)
        await bot.dead()
        shop.mood = obliging
        await bot.start()
        alarm = await bot.slack.wait_for_message("C0OPS", lambda m: ids.CONFIRM in str(m.blocks), 10)
        assert "cut off" in str(alarm.blocks)
        assert (await bot.get(proposed["id"]))["state"] == "in_doubt"
        assert len(shop.calls) == 1


@pytest.mark.timeout(120)
async def test_killed_while_lines_of_the_log_go_out_together_it_posts_each_once(tmp_path: Path, shop: Shop) -> None:
    async with mortal(tmp_path, shop_policy(shop)) as bot:
        await bot.start()
        bot.slack.faults.rate_limit("chat.postMessage", retry_after="1", channel="C0LOG")
        sure = [("orders", f"conv-{n}") for n in range(6)]
        ran = [await bot.submit(talk, category=name, conversation={"id": talk, "messages": []}) for name, talk in sure]
        kill_at(bot, "post", "C0LOG")
        await bot.dead()
        (group,) = bot.slack.messages("C0LOG")
        assert sum(proposed["id"] in str(group.blocks) for proposed in ran) > 1
        await bot.start()
        last = await bot.submit("afterwards", category="orders", conversation={"id": "afterwards", "messages": []})
        await bot.slack.wait_for_message("C0LOG", lambda m: last["id"] in str(m.blocks), 20)
        shown = [str(message.blocks) for message in bot.slack.messages("C0LOG")]
        assert [sum(proposed["id"] in text for text in shown) for proposed in (*ran, last)] == [1] * 7
        bot.kill()
        await bot.dead()


@pytest.mark.timeout(120)
async def test_killed_in_a_burst_of_clicks_it_keeps_every_click_that_it_acknowledged(
    tmp_path: Path, shop: Shop
) -> None:
    async with mortal(tmp_path, shop_policy(shop)) as bot:
        await bot.start()
        made = [await bot.submit(f"key-{n}", conversation={"id": f"conv-{n}", "messages": []}) for n in range(24)]
        cards = {
            p["id"]: await bot.slack.wait_for_message("C0REVIEW", lambda m, p=p: p["id"] in str(m.blocks), 10)  # type: ignore[misc]
            for p in made
        }
        answers: dict[str, int] = {}

        async def click(proposal_id: str, card: Message) -> None:
            answered = await bot.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
            answers[proposal_id] = answered.status
            if len(answers) == 8:
                bot.kill()

        await asyncio.gather(*(click(proposal_id, card) for proposal_id, card in cards.items()))
        await bot.dead()
        acknowledged = {proposal_id for proposal_id, status in answers.items() if status == 200}
        assert len(acknowledged) >= 8
        await bot.start()
        for proposal_id in acknowledged:
            assert (await bot.get(proposal_id, wait=20))["state"] == "executed"
        states = {p["id"]: (await bot.get(p["id"], wait=0))["state"] for p in made}
        assert set(states.values()) <= {"executed", "approved", "pending"}
        for proposal_id, state in states.items():
            if state == "approved":
                await bot.get(proposal_id, wait=20)
                states[proposal_id] = "executed"
        ran = sorted(proposal_id for proposal_id, state in states.items() if state == "executed")
        assert sorted(effect["id"] for effect in shop.effects.values()) == ran
        bot.kill()
        await bot.dead()
        assert await the_log_holds(bot.database)
