"""The machine's clock is set forward or back while calls are under way and errands wait."""

import asyncio
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from bot.clock_watch import ClockWatch
from bot.relay import CLOCK_LOOK
from bot.slack import ids
from tests.connectors.receiver import Received
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    cards_of,
    empty_slack,
    obliging,
    painted,
    pass_time,
    refusing,
    shop_policy,
    story_of,
    told,
    until_stored,
)
from tests.world import World


async def test_a_call_under_way_is_not_made_again_because_the_clock_went_forward(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """Its lease is over by the clock, but its caller is alive and still waits for the answer."""
    answered = asyncio.Event()

    async def slow(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        await answered.wait()
        return await obliging(request, received, shop)

    shop.mood = slow
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await shop.arrival()
    pass_time(world, clock, timedelta(minutes=10))
    other = await world.propose()
    await world.card(other["id"])  # the relay has leased again since the jump
    answered.set()
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["execution"]["status"]) == ("executed", "succeeded")
    assert len(shop.calls) == 1
    assert (await story_of(world, proposed["id"]))[-1] == "proposal.executed"


async def test_a_lane_that_slack_holds_for_a_second_is_not_held_for_an_hour(world: World, clock: MovableClock) -> None:
    pass_time(world, clock, timedelta(hours=1))
    await world.card((await world.propose())["id"])
    world.slack.faults.rate_limit("chat.postMessage", retry_after="1", channel="C0REVIEW")
    held = await world.propose(conversation={"id": "conv-2", "messages": []})
    await until_stored(world, at_rest(clock, 1))
    pass_time(world, clock, -timedelta(hours=1))
    await world.card(held["id"], seconds=8)
    assert len(cards_of(world.slack, held["id"])) == 1


async def test_the_time_to_undo_is_neither_cut_short_nor_stretched_by_a_clock_that_goes_back(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    pass_time(world, clock, timedelta(hours=1))
    proposed = await world.propose(category="returns")
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    pass_time(world, clock, -timedelta(hours=1))
    await world.card((await world.propose(conversation={"id": "conv-2", "messages": []}))["id"])
    assert shop.calls == []
    pass_time(world, clock, timedelta(seconds=31))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_an_approval_right_after_the_clock_went_back_has_its_time_to_undo(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    pass_time(world, clock, timedelta(hours=1))
    card = await world.card((await world.propose(category="returns"))["id"])
    await until_stored(world, at_rest(clock))
    await asyncio.sleep(1.5 * CLOCK_LOOK.total_seconds())
    clock.ahead -= timedelta(hours=1)
    await asyncio.sleep(1.5 * CLOCK_LOOK.total_seconds())
    await world.click("U0MARIA", card, ids.APPROVE)
    await painted(world, card, ids.UNDO)
    await asyncio.sleep(1.5 * CLOCK_LOOK.total_seconds())
    assert shop.calls == []


async def test_a_clock_that_went_back_is_said_until_it_is_followed() -> None:
    """Where the database could not be used when it was first seen, what waits would wait an hour longer."""
    clock = MovableClock()
    watch = ClockWatch(clock)
    assert watch.set_back() is None
    clock.ahead -= timedelta(hours=1)
    for _ in range(2):
        assert timedelta(minutes=59) < (watch.set_back() or timedelta(0)) < timedelta(minutes=61)
    watch.follow()
    assert watch.set_back() is None
    clock.ahead += timedelta(hours=2)
    assert watch.set_back() is None


async def test_what_was_due_is_not_put_off_by_a_clock_that_went_back_while_sayso_was_down(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    policy, database = shop_policy(shop), tmp_path / "sayso.db"
    clock.ahead = timedelta(hours=1)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            await slack.person("U0LEAD").command("/approvals pause")
            proposed = await world.propose()
            await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
            await until_stored(world, at_rest(clock, 1))
        clock.ahead = timedelta(0)
        async with bot_on(slack, database, policy, clock, world.token) as world:
            await slack.person("U0LEAD").command("/approvals resume")
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
            assert len(shop.calls) == 1


async def test_the_loser_of_a_retry_is_told_who_won_also_after_the_clock_went_back(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = refusing(422)
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    pass_time(world, clock, -timedelta(hours=1))
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await world.get(proposed["id"], wait=5)
    for user in ("U0BEN", "U0LEAD"):
        await world.slack.person(user).click("C0OPS", alarm, ids.RETRY)
    await told(world, "U0LEAD", "Ben had this tried again just now.")
    assert not world.slack.world.ephemerals.get("U0BEN")


async def test_the_loser_of_a_retry_that_was_given_up_since_is_told_who_gave_it_up(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = refusing(422)
    proposed = await world.act("refund", {"amount": 180})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    again = await painted(world, alarm, "Tried again by")
    again = await painted(world, again, ids.GIVE_UP)
    await world.click("U0LEAD", again, ids.GIVE_UP, "C0OPS")
    await world.slack.person("U0MARIA").click("C0OPS", again, ids.RETRY)
    await told(world, "U0MARIA", "Lena rejected this just now.")
