"""Closing an account takes two people: one is not enough, nor is one person twice."""

import asyncio

from bot.slack import ids
from tests.journeys.props import Shop, open_edit, painted, story_of, told
from tests.world import World

ACCOUNT = {"account": "A-17", "reason": "asked"}


async def test_one_approval_runs_nothing_and_the_card_says_whose_it_is(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"], saying="0 of 2 approvals")
    await world.click("U0MARIA", card, ids.APPROVE)
    now = await painted(world, card, "1 of 2 approvals")
    assert "U0MARIA" in str(now.blocks)
    assert ids.APPROVE in str(now.blocks)
    held = await world.get(proposed["id"])
    assert (held["state"], held["decision"]) == ("pending", None)
    assert shop.calls == []


async def test_what_somebody_has_approved_waits_only_for_others(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    listed = {user: await world.slack.person(user).command("/approvals mine") for user in ("U0MARIA", "U0BEN")}
    assert proposed["id"] not in str(listed["U0MARIA"].body)
    assert proposed["id"] in str(listed["U0BEN"].body)


async def test_the_second_person_lets_it_run(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.click("U0BEN", card, ids.APPROVE)
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0BEN")
    assert len(shop.effects_of(proposed["id"])) == 1
    assert (await story_of(world, proposed["id"])).count("proposal.approved") == 2


async def test_the_same_person_twice_is_one_approval(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "another person has to approve it too")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def test_two_people_at_once_are_two_approvals(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await asyncio.gather(*(world.click(user, card, ids.APPROVE) for user in ("U0MARIA", "U0BEN", "U0OTHER")))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1
    assert (await story_of(world, proposed["id"])).count("proposal.approved") == 2


async def test_an_edit_voids_the_earlier_approval_and_its_author_is_only_one_of_two(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    old = await world.card(proposed["id"])
    await world.click("U0MARIA", old, ids.APPROVE)
    card = await painted(world, old, "1 of 2 approvals")
    view = await open_edit(world, "U0BEN", card)
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18"})
    held = await world.get(proposed["id"])
    assert (held["state"], held["revision"]) == ("pending", 2)
    card = await painted(world, old, "A-18")
    assert "1 of 2 approvals" in str(card.blocks)
    assert "'user_id': 'U0MARIA'" not in str(card.blocks)
    await world.click("U0BEN", card, ids.APPROVE)
    await told(world, "U0BEN", "another person has to approve it too")
    assert shop.calls == []
    await world.click("U0MARIA", card, ids.APPROVE)
    done = await world.get(proposed["id"], wait=5)
    assert done["decision"]["kind"] == "edited"
    assert [effect["action"]["args"]["account"] for effect in shop.effects_of(proposed["id"])] == ["A-18"]


async def test_a_click_on_the_wording_before_the_edit_approves_nothing(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    old = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", old)
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18"})
    await world.slack.person("U0MARIA").click("C0REVIEW", old, ids.APPROVE)
    await told(world, "U0MARIA", "Ben changed this after you saw it")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []
