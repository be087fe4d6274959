"""Nobody answers in time: the case expires, which is not a no, and it never runs."""

from datetime import timedelta

from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, painted, pass_time, story_of, told
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
    assert not [block for block in now.blocks if block["type"] == "actions"]
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
