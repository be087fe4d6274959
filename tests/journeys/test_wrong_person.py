"""Somebody decides who may not: they are told so, only they read it, and nothing changes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.local_slack.model import Message
from bot.slack import ids, roster
from bot.tokens import Scope
from tests.journeys.props import SECRET, MovableClock, Shop, open_edit, pass_time, shop_policy, told, words_block
from tests.world import World, reply, running_world


async def head(world: World) -> tuple[int, str]:
    """The end of the audit chain: it moves with everything that is decided."""
    return await world.sayso.store.read(lambda tx: tx.audit_head())


async def becomes(world: World, user: str, **fields: Any) -> None:
    """Somebody's profile changes, and the bot has heard of it."""
    profile = world.slack.change_user(user, **fields).as_json()
    await world.slack.deliveries.event({"type": "user_change", "user": profile, "event_ts": world.slack.world.new_ts()})


def becomes_unheard(world: World, user: str, **fields: Any) -> None:
    """Somebody's profile changes, and the bot hears nothing of it."""
    users = world.slack.world.users
    users[user] = replace(users[user], **fields)


async def nothing_changed(world: World, shop: Shop, before: dict[str, Any], seen: tuple[int, str]) -> None:
    """The case stands as it stood, nobody wrote anything down, and nothing ran."""
    assert await world.get(before["id"]) == before
    assert await head(world) == seen
    assert shop.calls == []


async def refused(world: World, shop: Shop, user: str, proposed: dict[str, Any], sentence: str) -> None:
    """Every move of this person is answered with the refusal and moves nothing."""
    card = await world.card(proposed["id"])
    seen = await head(world)
    for action in (ids.APPROVE, ids.EDIT, ids.ESCALATE):
        since = world.slack.world.new_ts()
        clicked = await world.click(user, card, action)
        assert clicked.status == 200, action
        line = await told(world, user, sentence, since=since)
        assert line.ephemeral_to == user
    since = world.slack.world.new_ts()
    await world.choose(user, card, ids.REJECT_OPTION)
    await told(world, user, sentence, since=since)
    assert world.slack.person(user).view is None
    await nothing_changed(world, shop, proposed, seen)


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ("U0LEAD", "You are not on the list of approvers for refunds"),
        ("U0GUEST", "Guests cannot decide here"),
        ("U0ROBOT", "A bot cannot decide"),
        ("U0STRANGER", "You are not in this team's own workspace"),
    ],
)
async def test_whoever_may_not_decide_is_told_so_and_changes_nothing(
    world: World, shop: Shop, user: str, sentence: str
) -> None:
    world.slack.join("C0REVIEW", user)  # somebody let them in, or they could not click there
    await refused(world, shop, user, await world.propose(), sentence)


async def test_whoever_may_not_decide_is_refused_by_name_of_the_list_not_by_their_own_name(
    world: World, shop: Shop
) -> None:
    world.slack.add_user("maria", real_name="Maria", id="U0FALSE")
    await refused(world, shop, "U0FALSE", await world.propose(), "You are not on the list of approvers")


async def test_a_person_of_another_team_with_an_approvers_id_is_refused(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    world.slack.change_user("U0MARIA", team_id="T0OTHER")
    await refused(world, shop, "U0MARIA", proposed, "You are not in this team's own workspace")


async def test_a_person_who_was_deactivated_between_post_and_click_changes_nothing(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.EDIT)
    await world.slack.wait_for_view("U0MARIA")
    await becomes(world, "U0MARIA", deleted=True)
    seen = await head(world)
    clicked = await world.click("U0MARIA", card, ids.APPROVE)
    assert clicked.status == 200
    await nothing_changed(world, shop, proposed, seen)


async def test_a_change_of_which_no_event_came_is_known_before_the_next_click(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event was lost, or reached another replica: those who acted lately are asked about in the background."""
    monkeypatch.setattr(roster, "AGAIN_SECONDS", 0.05)
    async with running_world(tmp_path / "sayso.db", shop_policy(shop), SHOP_SECRET=SECRET) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        await open_edit(world, "U0BEN", card)
        becomes_unheard(world, "U0BEN", is_restricted=True)
        seen, so_far = await head(world), asked(world)
        async with asyncio.timeout(15):
            while asked(world) < so_far + 2:
                await asyncio.sleep(0.01)
        world.slack.faults.hang("users.info", times=1000)
        clicked = await world.click("U0BEN", card, ids.APPROVE)
        assert clicked.status == 200
        await told(world, "U0BEN", "Guests cannot decide here")
        await nothing_changed(world, shop, proposed, seen)


@pytest.mark.parametrize("change", [{"deleted": True}, {"is_restricted": True}], ids=str)
async def test_a_change_of_which_no_event_came_is_known_after_a_minute_at_most(
    world: World, shop: Shop, clock: MovableClock, change: dict[str, Any]
) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await open_edit(world, "U0BEN", card)
    becomes_unheard(world, "U0BEN", **change)
    seen = await head(world)
    pass_time(world, clock, timedelta(seconds=60))
    assert (await world.click("U0BEN", card, ids.APPROVE)).status == 200
    await nothing_changed(world, shop, proposed, seen)


async def test_whoever_has_not_acted_for_ten_minutes_is_not_asked_about_any_more(
    tmp_path: Path, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "AGAIN_SECONDS", 0.05)
    async with running_world(tmp_path / "sayso.db", shop_policy(shop), clock=clock, SHOP_SECRET=SECRET) as world:
        proposed = await world.propose()
        await open_edit(world, "U0BEN", await world.card(proposed["id"]))
        pass_time(world, clock, timedelta(minutes=10))
        await asyncio.sleep(0.2)
        so_far = asked(world)
        await asyncio.sleep(0.3)
        assert asked(world) == so_far


def asked(world: World) -> int:
    """How often Slack was asked who somebody is."""
    return sum(call.method == "users.info" for call in list(world.slack.calls))


async def test_a_person_taken_out_of_the_group_between_post_and_click_is_refused(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    await world.card(proposed["id"])
    world.slack.set_group_users("S0SUPPORT", [])
    await refused(world, shop, "U0OTHER", proposed, "You are not on the list of approvers")


async def test_a_person_of_the_group_may_decide(world: World) -> None:
    proposed = await world.propose()
    await world.click("U0OTHER", await world.card(proposed["id"]), ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["decision"]["by"]["id"] == "U0OTHER"


async def test_a_person_made_a_guest_while_the_window_is_open_is_refused_in_it(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0BEN", card, ids.EDIT)
    view = await world.slack.wait_for_view("U0BEN")
    await becomes(world, "U0BEN", is_restricted=True)
    answer = await world.slack.person("U0BEN").submit(view)
    assert "Guests cannot decide here" in str(answer.body["errors"])
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def test_a_person_taken_out_of_the_group_while_the_window_is_open_is_refused_in_it(
    world: World, shop: Shop
) -> None:
    """Slack's event may come late, so groups are asked about at each decision, however lately they were asked about."""
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    edit = await open_edit(world, "U0OTHER", card)
    world.slack.set_group_users("S0SUPPORT", [])
    seen = await head(world)
    answer = await world.slack.person("U0OTHER").submit(edit, {words_block(edit): "Something else."})
    assert "You are not on the list of approvers" in str(answer.body["errors"])
    assert world.slack.person("U0OTHER").view is not None, "what was typed stays"
    await nothing_changed(world, shop, proposed, seen)
    world.slack.set_group_users("S0SUPPORT", ["U0OTHER"])
    await world.slack.person("U0OTHER").submit(edit, {words_block(edit): "Something else."})
    assert (await world.get(proposed["id"], wait=5))["final"] == {"reply": {"text": "Something else."}}


async def test_nobody_approves_what_their_own_agent_proposed(world: World, shop: Shop) -> None:
    marias = await world.sayso.tokens.create("marias-ai", Scope.PROPOSE, owner="U0MARIA")
    headers = world.headers(token=marias)
    async with world.http.post(f"{world.sayso.url}/v1/proposals", json=reply(), headers=headers) as answer:
        proposed = await answer.json()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "This case is your own")
    assert shop.calls == []
    await world.click("U0BEN", card, ids.APPROVE)
    await world.message("C0REVIEW", "Approved by")
    assert len(shop.effects_of(proposed["id"])) <= 1


async def test_a_customer_does_not_approve_their_own_refund(world: World, shop: Shop) -> None:
    conversation = {"id": "conv-3", "customer": {"name": "Ben", "slack_user": "U0BEN"}, "messages": []}
    proposed = await world.act("refund", {"amount": 100}, conversation=conversation)
    await refused(world, shop, "U0BEN", proposed, "This case is your own")


async def test_an_approver_alone_does_not_decide_what_was_escalated(world: World, shop: Shop) -> None:
    proposed = await world.propose(category="legal")
    card: Message = await world.card(proposed["id"], "C0ESCALATE")
    seen = await head(world)
    await world.click("U0OTHER", card, ids.APPROVE, "C0ESCALATE")
    await told(world, "U0OTHER", "You are not on the list of approvers for escalated cases")
    await nothing_changed(world, shop, proposed, seen)


async def test_where_slack_does_not_say_who_somebody_is_nobody_decides(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    seen = await head(world)
    world.slack.faults.server_error("users.info")
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "Slack did not say in time who may decide")
    world.slack.faults.fail("usergroups.list", "internal_error")
    await world.click("U0OTHER", card, ids.APPROVE)
    await told(world, "U0OTHER", "Slack did not say in time who may decide")
    await nothing_changed(world, shop, proposed, seen)
