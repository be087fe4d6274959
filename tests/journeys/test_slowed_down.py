"""Receivers that ask for patience get it: Slack for as long as it likes, a connector until its tries are used up."""

import asyncio
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from bot.slack import ids
from tests.connectors.receiver import Received
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    empty_slack,
    obliging,
    painted,
    pass_time,
    shop_policy,
    until_stored,
)
from tests.world import World


async def slow_down(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
    """Do nothing, and ask to come back in half a minute."""
    return web.json_response({"error": "too many"}, status=429, headers={"Retry-After": "30"})


async def test_a_receiver_that_asks_for_patience_again_and_again_has_failed_in_the_end(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = slow_down
    proposed = await world.act("refund", {"amount": 180})
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    for attempt in range(1, world.sayso.policy.attempts):
        await shop.arrival()
        # Whoever looks at the card is told what it waits for.
        await painted(world, card, "answered 429" if attempt == 1 else f"{attempt} tries")
        await until_stored(world, at_rest(clock, 1))
        assert (await world.get(proposed["id"]))["state"] == "approved"
        pass_time(world, clock, timedelta(minutes=2))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert "answered 429" in str(alarm.blocks)
    assert len(shop.calls) == world.sayso.policy.attempts
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_how_often_it_is_tried_is_the_policys_word(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    policy = shop_policy(shop).replace("[defaults]\n", "[defaults]\nattempts = 2\n")
    async with empty_slack() as slack, bot_on(slack, tmp_path / "sayso.db", policy, clock) as world:
        shop.mood = slow_down
        proposed = await world.act("refund", {"amount": 180})
        await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
        await shop.arrival()
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=2))
        await world.card(proposed["id"], "C0OPS", "It failed")
        assert len(shop.calls) == 2


async def test_it_is_called_no_sooner_than_it_asked_for(world: World, shop: Shop, clock: MovableClock) -> None:
    shop.mood = slow_down
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await shop.arrival()
    await until_stored(world, lambda tx: tx.outbox_size() == {"ready": 1})
    pass_time(world, clock, timedelta(seconds=25))
    await until_stored(world, at_rest(clock, 1))
    assert len(shop.calls) == 1
    shop.mood = obliging
    pass_time(world, clock, timedelta(seconds=5))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_a_repaint_that_slack_slows_down_holds_the_card_behind_it(world: World, clock: MovableClock) -> None:
    """A repaint that waits for its time is overtaken; one that Slack slowed down is not, for the channel is slow."""
    world.slack.faults.rate_limit("chat.update", retry_after="30", channel="C0REVIEW")
    first = await world.propose()
    await world.click("U0MARIA", await world.card(first["id"]), ids.APPROVE)
    async with asyncio.timeout(15):
        while not any(call.method == "chat.update" for call in world.slack.calls):
            await asyncio.sleep(0.01)
    await until_stored(world, at_rest(clock, 1))
    second = await world.propose()
    await until_stored(world, at_rest(clock, 2))
    assert len(world.slack.messages("C0REVIEW")) == 1
    elsewhere = await world.propose(category="legal")
    await world.card(elsewhere["id"], "C0ESCALATE")
    pass_time(world, clock, timedelta(seconds=25))
    await until_stored(world, at_rest(clock, 2))
    assert len(world.slack.messages("C0REVIEW")) == 1
    pass_time(world, clock, timedelta(seconds=6))
    await world.card(second["id"])
