"""An admin pulls the brake: nothing more runs until they let go, and what people decide meanwhile is kept."""

import asyncio
from datetime import timedelta

from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, pass_time, until_stored
from tests.world import World


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
    await world.message("C0REVIEW", "on its way")
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
