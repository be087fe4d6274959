"""An admin pulls the brake: nothing more runs until they let go, and what people decide meanwhile is kept."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.slack import ids
from tests.connectors.receiver import Received
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    empty_slack,
    listening,
    obliging,
    open_shop,
    painted,
    pass_time,
    refusing,
    shop_policy,
    undo,
    until_stored,
    withdraw,
)
from tests.world import POLICY, World


async def test_nothing_runs_while_paused_and_everything_after_it(world: World, shop: Shop, clock: MovableClock) -> None:
    lena = world.slack.person("U0LEAD")
    answer = await lena.command("/approvals pause because the shop has an incident")
    assert "paused" in str(answer.body)
    notice = await world.message("C0OPS", "Executions are paused")
    assert "the shop has an incident" in str(notice.blocks)
    assert "U0LEAD" in str(notice.blocks)
    held = await world.propose()
    await world.click("U0MARIA", await world.card(held["id"]), ids.APPROVE)
    alone = await world.propose(category="orders")
    await world.message("C0LOG", "Ana Lopez")
    await world.message("C0REVIEW", "It waits: an admin has paused all executions.")
    await until_stored(world, at_rest(clock, 2))
    assert {(await world.get(p["id"]))["state"] for p in (held, alone)} == {"approved"}
    assert shop.calls == []
    await lena.command("/approvals resume")
    for proposed in (held, alone):
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
        assert len(shop.effects_of(proposed["id"])) == 1
    await world.message("C0OPS", "Executions go on.")


async def test_only_an_admin_pauses(world: World, shop: Shop) -> None:
    answer = await world.slack.person("U0MARIA").command("/approvals pause")
    assert "Only the admins" in str(answer.body)
    proposed = await world.propose(category="orders")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1


async def test_resuming_what_is_not_paused_says_so(world: World) -> None:
    answer = await world.slack.person("U0LEAD").command("/approvals resume")
    assert answer.body == "Executions are not paused."


async def test_the_pause_holds_whatever_comes_at_the_same_moment(world: World, shop: Shop, clock: MovableClock) -> None:
    lena = world.slack.person("U0LEAD")
    early = [asyncio.create_task(world.propose(category="orders")) for _ in range(10)]
    brake = asyncio.create_task(lena.command("/approvals pause"))
    late = [asyncio.create_task(world.propose(category="orders")) for _ in range(10)]
    made = await asyncio.gather(*early, *late)
    await brake
    after = await world.propose(category="orders")
    await until_stored(world, lambda tx: not tx.outbox_size().get("leased"))
    assert (await world.get(after["id"]))["state"] == "approved"
    ran = len(shop.calls)
    assert ran < 21
    pass_time(world, clock, timedelta(hours=1))
    await until_stored(world, at_rest(clock, 21 - ran))
    assert len(shop.calls) == ran
    await lena.command("/approvals resume")
    for proposed in (*made, after):
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects) == len(shop.calls) == 21


async def test_a_pause_stops_what_waits_behind_a_call_that_is_under_way(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """The relay takes several errands of a lane at once: of those, none may begin once the pause is acknowledged."""
    answered, lena = asyncio.Event(), world.slack.person("U0LEAD")

    async def slow(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        await answered.wait()
        return await obliging(request, received, shop)

    shop.mood = slow
    await lena.command("/approvals pause")
    made = [await world.act("refund", {"amount": 10 + number}, category="orders") for number in range(10)]
    await lena.command("/approvals resume")
    await shop.arrival()
    await lena.command("/approvals pause")
    answered.set()
    await world.until(made[0]["id"], "executed")
    await until_stored(world, at_rest(clock, 9))
    assert len(shop.calls) == 1
    await lena.command("/approvals resume")
    for proposed in made:
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == len(shop.effects) == 10


async def test_a_pause_outlives_a_restart(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    database, policy = tmp_path / "second.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            await world.slack.person("U0LEAD").command("/approvals pause")
            proposed, token = await world.propose(category="orders"), world.token
        async with bot_on(slack, database, policy, clock, token) as world:
            await world.card((await world.propose(key="the second life's"))["id"])
            assert shop.calls == []
            await world.slack.person("U0LEAD").command("/approvals resume")
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_what_waits_during_a_pause_can_still_be_stopped(world: World, shop: Shop, clock: MovableClock) -> None:
    """The brake gives time to think: an approval is taken back, and what ran on its own goes to a person instead."""
    lena = world.slack.person("U0LEAD")
    await lena.command("/approvals pause because it answers nonsense")
    alone = await world.propose(category="orders", reply={"text": "Nonsense."})
    approved = await world.act("refund", {"amount": 180}, conversation={"id": "conv-2", "messages": []})
    card = await world.card(approved["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await painted(world, card, "It waits: an admin has paused")
    await undo(world, clock, "U0MARIA", card)
    line = await world.message("C0LOG", "Nonsense.")
    menu = next(block["accessory"] for block in line.blocks if "accessory" in block)
    wrong = next(str(o["value"]) for o in menu["options"] if o["text"]["text"] == "This was wrong")
    await world.slack.person("U0MARIA").choose("C0LOG", line.ts, ids.LOG_MORE, wrong)
    await world.card(alone["id"], saying=ids.APPROVE)
    await lena.command("/approvals resume")
    await until_stored(world, at_rest(clock))
    assert {(await world.get(one["id"]))["state"] for one in (alone, approved)} == {"pending"}
    assert shop.calls == []


@pytest.mark.parametrize("fault", ["hang", "server_error"])
async def test_an_admin_named_by_id_pauses_while_slack_does_not_answer_for_groups(world: World, fault: str) -> None:
    more = {"seconds": 20} if fault == "hang" else {}
    getattr(world.slack.faults, fault)("usergroups.list", times=9, **more)
    answer = await world.slack.person("U0LEAD").command("/approvals pause because of an emergency")
    assert "Executions are paused" in str(answer.body)
    assert "orders is now" in str((await world.slack.person("U0LEAD").command("/threshold orders hold")).body)


async def test_the_go_ahead_for_what_an_agent_carries_out_itself_waits_too(tmp_path: Path, clock: MovableClock) -> None:
    """The agent could not be reached before the pause; what else it is to be told may leave meanwhile."""
    async with empty_slack() as slack, open_shop() as ear, bot_on(slack, tmp_path / "own.db", POLICY, clock) as world:
        ear.mood = refusing(503)
        approved = await world.act("refund", {"amount": 180}, callback_url=f"{ear.url}/sayso")
        await world.click("U0MARIA", await world.card(approved["id"]), ids.APPROVE)
        assert (await ear.arrival()).json["type"] == "proposal.executed"
        await slack.person("U0LEAD").command("/approvals pause")
        ear.mood = listening
        pass_time(world, clock, timedelta(minutes=5))
        withdrawn = await world.act("refund", {"amount": 190}, callback_url=f"{ear.url}/sayso")
        await withdraw(world, withdrawn["id"])
        heard = (await ear.arrival()).json
        assert (heard["type"], heard["data"]["id"]) == ("proposal.cancelled", withdrawn["id"])
        await until_stored(world, at_rest(clock, 1))
        await slack.person("U0LEAD").command("/approvals resume")
        heard = (await ear.arrival()).json
        assert (heard["type"], heard["data"]["id"]) == ("proposal.executed", approved["id"])
        assert len(ear.calls) == 3
