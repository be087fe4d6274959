"""The second half of a double click decides nothing, whatever button has come to stand under the pointer."""

import asyncio
from datetime import timedelta

import pytest

from bot.slack import ids
from bot.slack.patience import age, begun
from tests.journeys.props import (
    MovableClock,
    Shop,
    obliging,
    open_edit,
    painted,
    pass_time,
    refusing,
    told,
    words_block,
)
from tests.world import World

MOMENT = timedelta(seconds=2)
SECOND_HALF = "so this second click was not taken; click again if you mean it."


async def test_on_approve_does_not_try_again_what_failed_at_once(world: World, shop: Shop, clock: MovableClock) -> None:
    """A receiver that refuses is quicker than a finger, and Try again then stands where Approve stood."""
    shop.mood = refusing(422)
    proposed = await world.propose()
    await world.click("U0BEN", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await told(world, "U0BEN", f"You approved this a moment ago, {SECOND_HALF}")
    assert (await world.get(proposed["id"]))["state"] == "failed"
    assert shop.effects == {}
    pass_time(world, clock, MOMENT)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_on_edit_and_approve_does_not_give_up_what_failed_at_once(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose()
    view = await open_edit(world, "U0BEN", await world.card(proposed["id"]))
    await world.slack.person("U0BEN").submit(view, {words_block(view): "Other words."})
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await world.click("U0BEN", alarm, ids.GIVE_UP, "C0OPS")
    await told(world, "U0BEN", f"You edited and approved this a moment ago, {SECOND_HALF}")
    assert (await world.get(proposed["id"]))["state"] == "failed"


async def test_on_try_again_does_not_try_twice(world: World, shop: Shop, clock: MovableClock) -> None:
    shop.mood = refusing(422)
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    again = await painted(world, alarm, "Tried again by")
    await world.until(proposed["id"], "failed")
    await world.click("U0BEN", await painted(world, again, ids.RETRY), ids.RETRY, "C0OPS")
    await told(world, "U0BEN", f"You had this tried again a moment ago, {SECOND_HALF}")
    assert len(shop.calls) == 2


async def test_a_click_that_waited_for_its_turn_counts_from_when_it_came(
    world: World, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a rush clicks queue up, and both halves may be handled long after each other."""
    shop.mood = refusing(422)
    proposed = await world.propose()
    await world.click("U0BEN", await world.card(proposed["id"]), ids.APPROVE)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    pass_time(world, clock, MOMENT)
    monkeypatch.setattr("bot.slack.roster.age", lambda: MOMENT - timedelta(seconds=0.5))
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await told(world, "U0BEN", "You approved this a moment ago")
    assert (await world.get(proposed["id"]))["state"] == "failed"


async def test_how_old_a_click_is_counts_from_its_arrival() -> None:
    with begun():
        await asyncio.sleep(0.02)
        assert timedelta(seconds=0.02) <= age() < timedelta(seconds=2)
    assert age() < timedelta(seconds=0.02)
