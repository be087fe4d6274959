"""Nobody answers in time: the case expires, which is not a no, and it never runs."""

import asyncio
import time
from datetime import timedelta

import pytest

from bot.relay import BREATH
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    buttons_of,
    painted,
    pass_time,
    story_of,
    told,
    until_stored,
)
from tests.world import World


async def test_an_expired_case_never_runs_and_is_not_a_rejected_one(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(expires_in=3600)
    card = await world.card(proposed["id"])
    pass_time(world, clock, timedelta(minutes=59))
    assert (await world.get(proposed["id"]))["state"] == "pending"
    pass_time(world, clock, timedelta(minutes=2))
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["closed"]) == ("expired", True)
    assert done["decision"]["kind"] == "expired"
    assert done["decision"]["by"] == {"id": "sayso", "name": "Sayso"}
    assert done["final"] is None
    now = await painted(world, card, "Expired")
    assert "Rejected" not in str(now.blocks)
    assert buttons_of(now) == [ids.OPEN]
    assert shop.calls == []
    assert (await story_of(world, proposed["id"]))[-1] == "proposal.expired"


async def test_a_late_click_is_told_that_the_case_expired(world: World, shop: Shop, clock: MovableClock) -> None:
    proposed = await world.propose(expires_in=60)
    card = await world.card(proposed["id"])
    pass_time(world, clock, timedelta(seconds=61))
    await world.get(proposed["id"], wait=5)
    clicked = await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
    assert clicked.status == 200
    await told(world, "U0MARIA", "This case expired")
    assert (await world.get(proposed["id"]))["state"] == "expired"
    assert shop.calls == []


async def test_a_click_after_the_hour_but_before_the_sweep_decides_nothing(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(expires_in=60)
    card = await world.card(proposed["id"])
    clock.ahead += timedelta(seconds=60)
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "expired before you decided")
    pass_time(world, clock, timedelta(0))
    assert (await world.get(proposed["id"], wait=5))["state"] == "expired"
    assert shop.calls == []


async def test_the_ops_channel_hears_of_it(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(expires_in=60)
    pass_time(world, clock, timedelta(seconds=61))
    notice = await world.message("C0OPS", "A case expired")
    assert proposed["id"] in str(notice.blocks)


async def test_a_hundred_cases_expire_together(world: World, clock: MovableClock) -> None:
    made = [await world.propose(expires_in=60) for _ in range(100)]
    pass_time(world, clock, timedelta(seconds=61))
    for proposed in made:
        assert (await world.get(proposed["id"], wait=10))["state"] == "expired"


async def test_a_clock_set_back_an_hour_expires_nothing_and_decides_all_the_same(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.propose(expires_in=60)
    card = await world.card(proposed["id"])
    pass_time(world, clock, timedelta(hours=-1))
    await world.click("U0MARIA", card, ids.APPROVE)
    pass_time(world, clock, timedelta(hours=1))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_on_the_machines_own_clock_it_expires_when_its_time_is_over(world: World) -> None:
    """Nobody moves this clock, and nobody wakes the bot: it knows itself when to look."""
    later = await world.propose(expires_in=3600)
    begun = time.monotonic()
    proposed = await world.propose(expires_in=1)
    assert (await world.get(proposed["id"], wait=10))["state"] == "expired"  # not only after its longest nap, 30 s
    assert time.monotonic() - begun > 0.9
    assert (await world.get(later["id"]))["state"] == "pending"


async def test_until_something_expires_nobody_looks(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = await world.propose(expires_in=3600)
    await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    await asyncio.sleep(2 * BREATH.total_seconds())  # the sweep has seen the new case
    sweep, sweeps = world.sayso.relay._sweep, [0]

    async def counted() -> int:
        sweeps[0] += 1
        return await sweep()

    monkeypatch.setattr(world.sayso.relay, "_sweep", counted)
    await asyncio.sleep(1.5)
    assert sweeps == [0]
