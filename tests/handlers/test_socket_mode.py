"""Socket Mode: the same cards, clicks, windows and commands without a public address, also after a cut."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.app import App
from bot.config import Config
from bot.domain.errors import BadInput
from bot.local_slack import LocalSlack
from bot.policy_file import load_policy
from bot.slack import ids
from bot.tokens import Scope
from tests.handlers.nasty import read
from tests.world import BOT_TOKEN, POLICY, World, people

APP_TOKEN = "xapp-test-token"


def config_of(slack: LocalSlack, tmp_path: Path, **extra: str) -> Config:
    return Config.of(
        {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_API_URL": slack.api_url,
            "SAYSO_DATABASE_URL": f"sqlite:///{tmp_path / 'sayso.db'}",
            "SAYSO_PORT": "0",
            **extra,
        }
    )


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(bot_token=BOT_TOKEN, signing_secret="unused", app_token=APP_TOKEN) as made:
        people(made)
        yield made


@pytest.fixture
async def world(slack: LocalSlack, tmp_path: Path) -> AsyncIterator[World]:
    async with App(config_of(slack, tmp_path), load_policy(POLICY)) as sayso, aiohttp.ClientSession() as http:
        await slack.sockets.wait_connected()
        token = await sayso.tokens.create("shop-ai", Scope.PROPOSE)
        yield World(slack=slack, sayso=sayso, http=http, token=token)


async def test_a_case_is_decided_over_a_socket(world: World) -> None:
    proposed = await world.propose()
    clicked = await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    assert (clicked.status, clicked.error) == (200, None)
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0MARIA")
    await world.message("C0REVIEW", "Approved by")


async def test_windows_commands_and_home_work_over_a_socket(world: World) -> None:
    proposed = await world.propose()
    await world.click("U0OTHER", await world.card(proposed["id"]), ids.EDIT)
    view = await world.slack.wait_for_view("U0OTHER")
    world.slack.faults.fail("usergroups.list", "internal_error", times=9)
    unsure = await world.slack.person("U0OTHER").submit(view, {"text:0:line": "Better words."})
    assert "Slack did not say in time who may decide" in str(unsure.body)
    world.slack.faults.clear()
    sent = await world.slack.person("U0OTHER").submit(view, {"text:0:line": "Better words."})
    assert sent.ok
    assert (await world.get(proposed["id"], wait=5))["final"]["reply"]["text"] == "Better words."
    table = await world.slack.person("U0LEAD").command("/threshold", "C0OPS")
    assert "orders" in read(table.body["blocks"])
    await world.slack.person("U0BEN").open_home()
    assert (await world.slack.wait_for_home("U0BEN")).blocks


async def test_what_comes_three_times_over_a_socket_is_done_once(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    world.slack.faults.duplicate("block_actions", copies=3)
    await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    world.slack.faults.duplicate("command", copies=3)
    await world.slack.person("U0LEAD").command("/threshold orders 0.95 because it was wrong", "C0OPS")
    edited = await world.propose(key="edited")
    await world.click("U0BEN", await world.card(edited["id"]), ids.EDIT)
    view = await world.slack.wait_for_view("U0BEN")
    world.slack.faults.duplicate("view_submission", copies=3)
    await world.slack.person("U0BEN").submit(view, {"text:0:line": "Better words."})
    assert (await world.get(edited["id"], wait=5))["state"] == "executed"
    await world.message("C0OPS", "it was wrong")
    kinds = [event.event.kind for event in await world.sayso.store.read(lambda tx: tx.audit_events())]
    assert [kinds.count(kind) for kind in ("proposal.approved", "threshold.changed", "proposal.edited")] == [1, 1, 1]
    assert kinds.count("proposal.executed") == 2
    assert len(await world.sayso.store.read(lambda tx: tx.setting_history("orders"))) == 1
    told = [*world.slack.ephemerals("U0MARIA"), *world.slack.ephemerals("U0BEN")]
    assert told == [], "whoever clicked once is not told that they were late"


async def test_there_is_no_door_for_unsigned_requests_without_a_signing_secret(world: World) -> None:
    async with world.http.post(f"{world.sayso.url}/slack/events", data=b"payload=%7B%7D") as answer:
        assert answer.status == 404


async def test_a_connection_that_slack_asks_to_renew_is_renewed(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.slack.refresh_sockets()
    await world.slack.sockets.wait_connected(15)
    await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_a_connection_cut_in_the_middle_comes_back_and_what_was_decided_stands(world: World) -> None:
    proposed, other = await world.propose(), await world.propose()
    first, second = await world.card(proposed["id"]), await world.card(other["id"])
    clicking = asyncio.create_task(world.click("U0MARIA", first, ids.APPROVE))
    await world.slack.cut_sockets()
    clicked = await clicking
    await world.slack.sockets.wait_connected(15)
    if not clicked.ok:
        await world.slack.person("U0MARIA").click("C0REVIEW", first, ids.APPROVE)
    await world.click("U0BEN", second, ids.APPROVE)
    for one in (proposed, other):
        assert (await world.get(one["id"], wait=5))["state"] == "executed"
    events = await world.sayso.store.read(lambda tx: tx.audit_events(limit=1000))
    assert [e.event.kind for e in events].count("proposal.approved") == 2


async def test_readyz_says_so_while_the_socket_is_gone(world: World) -> None:
    async with world.http.get(f"{world.sayso.url}/readyz") as ready:
        assert ready.status == 200
    world.slack.faults.fail("apps.connections.open", "internal_error", times=1000)
    await world.slack.cut_sockets()
    assert "Socket Mode is not connected" in await readiness(world, 503)
    world.slack.faults.clear()
    await world.slack.sockets.wait_connected(15)
    await readiness(world, 200)


async def readiness(world: World, status: int) -> str:
    """What readyz says, as soon as its status is this."""
    async with asyncio.timeout(10):
        while True:
            async with world.http.get(f"{world.sayso.url}/readyz") as ready:
                if ready.status == status:
                    return await ready.text()
            await asyncio.sleep(0.01)


async def test_an_app_token_that_slack_refuses_stops_the_start_with_a_sentence(
    slack: LocalSlack, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="SLACK_APP_TOKEN"):
        async with App(config_of(slack, tmp_path, SLACK_APP_TOKEN="xapp-wrong"), load_policy(POLICY)):
            pass


async def test_slack_away_at_the_start_is_trouble_and_no_dead_end(slack: LocalSlack, tmp_path: Path) -> None:
    slack.faults.fail("apps.connections.open", "internal_error", times=1)
    async with App(config_of(slack, tmp_path), load_policy(POLICY)) as sayso, aiohttp.ClientSession() as http:
        await slack.sockets.wait_connected(15)
        world = World(slack=slack, sayso=sayso, http=http, token="")
        await readiness(world, 200)
