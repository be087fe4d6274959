"""Closing an account takes two people: one is not enough, nor is one person twice."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.moment import time_of_text
from bot.local_slack import LocalSlack
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    bot_on,
    empty_slack,
    open_edit,
    painted,
    pass_time,
    shop_policy,
    story_of,
    told,
)
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


async def test_the_full_case_names_everybody_who_approved(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.choose("U0BEN", await painted(world, card, "1 of 2 approvals"), ids.FULL_OPTION)
    assert "1 of 2 approvals: Maria" in str((await world.slack.wait_for_view("U0BEN")).blocks)
    await world.click("U0BEN", card, ids.APPROVE)
    await world.click("U0LEAD", await painted(world, card, ids.OPEN), ids.OPEN)
    said = str((await world.slack.wait_for_view("U0LEAD")).blocks)
    assert re.search("2 of 2 approvals: Maria[^,]*, Ben", said)


async def test_the_same_person_twice_is_one_approval(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "another person has to approve it too")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


def leaves_the_group(slack: LocalSlack) -> None:
    slack.set_group_users("S0SUPPORT", [])


def is_deactivated_unheard(slack: LocalSlack) -> None:
    slack.world.users["U0OTHER"] = replace(slack.world.users["U0OTHER"], deleted=True)


@pytest.mark.parametrize("leaves", [leaves_the_group, is_deactivated_unheard])
async def test_the_approval_of_somebody_who_may_not_decide_any_more_does_not_count(
    world: World, shop: Shop, leaves: Callable[[LocalSlack], None]
) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0OTHER", card, ids.APPROVE)
    now = await painted(world, card, "'user_id': 'U0OTHER'")
    leaves(world.slack)
    await world.click("U0BEN", now, ids.APPROVE)
    now = await painted(world, card, "'user_id': 'U0BEN'")
    assert "1 of 2 approvals" in str(now.blocks) and "U0OTHER" not in str(now.blocks)
    await told(world, "U0BEN", "does not count any more")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []
    await world.click("U0MARIA", now, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    events = await world.sayso.store.read(lambda tx: tx.audit_events())
    approvals = [event.event for event in events if event.event.kind == "proposal.approved"]
    assert [(event.actor.id, event.payload.get("lapsed")) for event in approvals] == [
        ("U0OTHER", None),
        ("U0BEN", ["U0OTHER"]),
        ("U0MARIA", None),
    ]


async def test_whoever_approves_in_a_window_is_told_whose_approval_does_not_count(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT | {"reason": "x" * 400})
    card = await world.card(proposed["id"])
    await world.click("U0OTHER", card, ids.READ)
    await world.slack.person("U0OTHER").submit(await world.slack.wait_for_view("U0OTHER"), {})
    now = await painted(world, card, "1 of 2 approvals")
    leaves_the_group(world.slack)
    await world.click("U0BEN", now, ids.READ)
    await world.slack.person("U0BEN").submit(await world.slack.wait_for_view("U0BEN"), {})
    await told(world, "U0BEN", "does not count any more")
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_the_approval_of_somebody_whom_the_policy_names_no_more_does_not_count(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token, proposed = world.token, await world.act("close_account", ACCOUNT)
            card = await world.card(proposed["id"])
            await world.click("U0MARIA", card, ids.APPROVE)
            now = await painted(world, card, "1 of 2 approvals")
        without = policy.replace('["U0MARIA", "U0BEN", "S0SUPPORT"]', '["U0BEN", "S0SUPPORT"]')
        async with bot_on(slack, database, without, clock, token) as world:
            await world.click("U0BEN", now, ids.APPROVE)
            await told(world, "U0BEN", "the earlier approval of Maria does not count any more")
            assert (await world.get(proposed["id"]))["state"] == "pending"
            assert shop.calls == []


async def test_when_slack_does_not_say_how_the_first_one_stands_nothing_is_decided(world: World, shop: Shop) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    now = await painted(world, card, "1 of 2 approvals")
    await open_edit(world, "U0BEN", now)  # so that Ben is known already
    world.slack.faults.fail("users.info", "internal_error", times=5)
    await world.click("U0BEN", now, ids.APPROVE)
    await told(world, "U0BEN", "Slack did not say in time who may decide this")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    world.slack.faults.clear()
    await world.click("U0BEN", now, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1


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


async def test_whoever_approves_from_the_app_home_is_told_there_whose_approval_does_not_count(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    await world.click("U0OTHER", card, ids.APPROVE)
    await painted(world, card, "1 of 2 approvals")
    leaves_the_group(world.slack)
    ben = world.slack.person("U0BEN")
    await ben.open_home()
    home = await world.slack.wait_for_home("U0BEN")
    await ben.click_in_view(home, ids.OPEN)
    await ben.submit(await world.slack.wait_for_view("U0BEN"))
    told_there = "the earlier approval of Otto does not count any more"
    await world.slack.wait_for_home("U0BEN", predicate=lambda home: told_there in str(home))


async def test_the_revision_of_an_edit_that_waits_for_others_is_as_old_as_the_edit(
    world: World, clock: MovableClock, tmp_path: Path
) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    pass_time(world, clock, timedelta(hours=2))
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18"})
    now = await painted(world, card, "A-18")
    pass_time(world, clock, timedelta(hours=1))
    await world.click("U0MARIA", now, ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    with closing(sqlite3.connect(tmp_path / "sayso.db")) as database:
        rows = database.execute("SELECT at FROM revisions ORDER BY number").fetchall()
    made, edited = (time_of_text(at) for (at,) in rows)
    assert timedelta(hours=2) <= edited - made < timedelta(hours=3)
