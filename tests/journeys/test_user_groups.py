"""Approvers named by user group: asked of Slack at each decision, within the twenty calls a minute that it promises."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.local_slack import LocalSlack
from bot.local_slack.pacing import Pacing
from bot.slack import groups, ids
from tests.journeys.props import told
from tests.world import POLICY, World, running_world

GROUPS = ("S0SUPPORT", "S0BILLING", "S0LEADS", "S0ADMINS")
NAMED = (
    POLICY.replace('["U0MARIA", "U0BEN", "S0SUPPORT"]', '["S0SUPPORT", "S0BILLING"]')
    .replace('escalation = ["U0LEAD", "U0MARIA"]', 'escalation = ["S0LEADS"]')
    .replace('admins = ["U0LEAD"]', 'admins = ["S0ADMINS"]')
)


@asynccontextmanager
async def team(folder: Path, policy: str = NAMED) -> AsyncIterator[World]:
    """A world whose policy names four groups; Maria and Otto are in all of them."""

    def prepare(slack: LocalSlack) -> None:
        for group in GROUPS[1:]:
            slack.add_group(group.lower(), ["U0MARIA", "U0OTHER"], id=group)
        slack.set_group_users("S0SUPPORT", ["U0MARIA", "U0OTHER"])

    async with running_world(folder / "sayso.db", policy, prepare=prepare) as made:
        yield made


def asked(world: World) -> int:
    """How often Slack was asked who is in a group."""
    return sum(call.method.startswith("usergroups.") for call in list(world.slack.calls))


async def case(world: World, number: int = 0, **changes: Any) -> tuple[str, Any]:
    """A case and its card."""
    made = await world.propose(conversation={"id": f"c{number}", "customer": {"name": "Ana"}}, **changes)
    return made["id"], await world.card(made["id"])


async def waits(world: World, proposal: str) -> bool:
    """Whether nobody has decided it yet."""
    return (await world.get(proposal))["decision"] is None


def leave_unheard(world: World, *stay: str) -> None:
    """People leave the group, and no event says so."""
    world.slack.world.groups["S0SUPPORT"].users[:] = stay
    world.slack.world.groups["S0BILLING"].users[:] = stay


async def test_a_busy_team_is_decided_for_within_slacks_pace(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        cases = [await case(world, number) for number in range(24)]
        world.slack._api.pace = Pacing()
        began = time.monotonic()
        for number, (proposal, card) in enumerate(cases):
            await world.click(("U0MARIA", "U0OTHER")[number % 2], card, ids.APPROVE)
            assert not await waits(world, proposal)
        assert asked(world) <= groups.AT_ONCE + (time.monotonic() - began) / groups.EVERY_SECONDS


def test_in_any_minute_slack_is_asked_twenty_times_at_most_and_a_click_always_finds_an_answer() -> None:
    assert groups.AT_ONCE + 60 / groups.EVERY_SECONDS <= 20
    assert groups.SHARED_SECONDS >= groups.EVERY_SECONDS


async def test_all_groups_of_a_decision_are_asked_for_in_one_call(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        proposal, card = await case(world)
        await world.click("U0OTHER", card, ids.APPROVE)
        assert not await waits(world, proposal)
        assert asked(world) == 1


async def test_who_left_the_group_a_moment_ago_decides_nothing_though_no_event_came(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        _, first = await case(world, 1)
        proposal, second = await case(world, 2)
        await world.click("U0OTHER", first, ids.APPROVE)
        leave_unheard(world, "U0MARIA")
        await world.click("U0OTHER", second, ids.APPROVE)
        await told(world, "U0OTHER", "You are not on the list of approvers")
        assert await waits(world, proposal)


async def test_while_the_pace_is_spent_a_read_of_the_last_seconds_serves_and_no_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "AT_ONCE", 1)
    monkeypatch.setattr(groups, "EVERY_SECONDS", 600.0)
    monkeypatch.setattr(groups, "SHARED_SECONDS", 60.0)
    async with team(tmp_path) as world:
        cases = [await case(world, number) for number in range(3)]
        await world.click("U0OTHER", cases[0][1], ids.APPROVE)
        await world.click("U0MARIA", cases[1][1], ids.APPROVE)
        monkeypatch.setattr(groups, "SHARED_SECONDS", 0.0)
        await world.click("U0MARIA", cases[2][1], ids.APPROVE)
        await told(world, "U0MARIA", "nothing was decided; try again in 10 minutes")
        assert [await waits(world, proposal) for proposal, _ in cases] == [False, False, True]
        assert asked(world) == 1


@pytest.mark.parametrize("change", ["left", "disabled"])
async def test_what_was_read_before_slack_tells_of_a_change_serves_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(groups, "AT_ONCE", 1)
    monkeypatch.setattr(groups, "EVERY_SECONDS", 60.0)
    async with team(tmp_path) as world:
        _, first = await case(world, 1)
        proposal, second = await case(world, 2)
        await world.click("U0MARIA", first, ids.APPROVE)
        heard = world.slack.deliveries.event_soon
        events: list[dict[str, Any]] = []
        monkeypatch.setattr(world.slack.deliveries, "event_soon", events.append)
        if change == "left":
            world.slack.set_group_users("S0BILLING", [])
        else:
            world.slack.disable_group("S0BILLING")
        monkeypatch.setattr(world.slack.deliveries, "event_soon", heard)
        for event in events:
            await world.slack.deliveries.event(event)
        await world.click("U0MARIA", second, ids.APPROVE)
        await told(world, "U0MARIA", "nothing was decided; try again in ")
        assert await waits(world, proposal)


async def test_a_change_of_another_group_spoils_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "AT_ONCE", 1)
    async with team(tmp_path) as world:
        _, first = await case(world, 1)
        proposal, second = await case(world, 2)
        await world.click("U0MARIA", first, ids.APPROVE)
        await world.slack.deliveries.event({"type": "subteam_updated", "subteam": {"id": "S0OTHERS"}})
        await world.click("U0MARIA", second, ids.APPROVE)
        assert not await waits(world, proposal)


async def test_a_429_is_told_with_its_time_and_slack_is_left_alone_until_then(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        proposal, card = await case(world)
        world.slack.faults.rate_limit("usergroups.list", retry_after="600")
        await world.click("U0OTHER", card, ids.APPROVE)
        await told(world, "U0OTHER", "nothing was decided; try again in 10 minutes.")
        await world.click("U0MARIA", card, ids.APPROVE)
        await told(world, "U0MARIA", "nothing was decided; try again in 10 minutes.")
        assert (asked(world), await waits(world, proposal)) == (1, True)


async def test_a_click_after_the_time_that_a_429_named_decides(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        proposal, card = await case(world)
        world.slack.faults.rate_limit("usergroups.list", retry_after="1")
        await world.click("U0OTHER", card, ids.APPROVE)
        await told(world, "U0OTHER", "nothing was decided; try again in 1 second.")
        await asyncio.sleep(1.1)
        await world.click("U0OTHER", card, ids.APPROVE)
        assert not await waits(world, proposal)


async def test_a_429_about_a_person_is_told_with_its_time_too(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        proposal, card = await case(world)
        world.slack.faults.rate_limit("users.info", retry_after="17")
        await world.click("U0MARIA", card, ids.APPROVE)
        await told(world, "U0MARIA", "nothing was decided; try again in 17 seconds.")
        assert await waits(world, proposal)


async def test_the_earlier_approver_and_the_clicker_are_asked_for_in_one_call(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        made = await world.act("close_account", {"account": "A-17"})
        await world.click("U0MARIA", await world.card(made["id"]), ids.APPROVE)
        card = await world.card(made["id"], saying="1 of 2 approvals")
        before = asked(world)
        await world.click("U0OTHER", card, ids.APPROVE)
        assert (asked(world) - before, await waits(world, made["id"])) == (1, False)


async def test_a_case_whose_approvers_are_all_named_by_id_asks_for_no_group(tmp_path: Path) -> None:
    policy = NAMED.replace('["S0SUPPORT", "S0BILLING"]', '["U0BEN", "U0MARIA"]')
    async with team(tmp_path, policy) as world:
        _, card = await case(world)
        await world.click("U0OTHER", card, ids.APPROVE)
        await told(world, "U0OTHER", "You are not on the list of approvers")
        assert asked(world) == 0


async def test_a_guest_costs_no_question_about_groups(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        _, card = await case(world)
        world.slack.join("C0REVIEW", "U0GUEST")
        await world.click("U0GUEST", card, ids.APPROVE)
        await told(world, "U0GUEST", "Guests cannot decide here")
        assert asked(world) == 0


async def test_whoever_could_decide_through_a_group_until_it_was_escalated_is_late_and_no_stranger(
    tmp_path: Path,
) -> None:
    """The escalation team is named by id, so that only what was before it makes a question about groups worthwhile."""
    policy = NAMED.replace('escalation = ["S0LEADS"]', 'escalation = ["U0LEAD"]')
    async with team(tmp_path, policy) as world:
        proposal, card = await case(world)
        await world.click("U0MARIA", card, ids.ESCALATE)
        escalated = await world.card(proposal, "C0ESCALATE")
        await world.click("U0OTHER", escalated, ids.APPROVE, "C0ESCALATE")
        await told(world, "U0OTHER", "Maria escalated this")


async def test_looking_again_and_again_asks_once_until_slack_tells_of_a_change(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        await case(world)
        for user in ("U0MARIA", "U0OTHER", "U0MARIA"):
            await world.slack.person(user).open_home()
            assert "1 waiting" in str((await world.slack.person(user).command("/approvals mine", "C0OPS")).body)
        assert asked(world) == 1
        leave_unheard(world)
        await world.slack.deliveries.event({"type": "subteam_updated", "subteam": {"id": "S0SUPPORT"}})
        assert "1 waiting" not in str((await world.slack.person("U0MARIA").command("/approvals mine", "C0OPS")).body)


async def test_nobody_is_in_a_group_that_is_disabled_or_empty(tmp_path: Path) -> None:
    async with team(tmp_path) as world:
        proposal, card = await case(world)
        world.slack.disable_group("S0SUPPORT")
        world.slack.set_group_users("S0BILLING", [])
        await world.click("U0OTHER", card, ids.APPROVE)
        await told(world, "U0OTHER", "You are not on the list of approvers")
        assert await waits(world, proposal)
