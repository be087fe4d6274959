"""Slack answers nothing while people decide: each decision is durable and acknowledged, for a click calls nobody."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.local_slack.model import Delivered
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    obliging,
    open_edit,
    open_reject,
    painted,
    refusing,
    told,
    until_stored,
    words_block,
)
from tests.world import World

Click = Callable[[], Awaitable[Delivered]]


async def approve(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    card = await world.card(case["id"])
    return lambda: world.click("U0MARIA", card, ids.APPROVE)


async def escalate(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    card = await world.card(case["id"])
    return lambda: world.click("U0MARIA", card, ids.ESCALATE)


async def reject(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    view = await open_reject(world, "U0MARIA", await world.card(case["id"]))
    return lambda: world.slack.person("U0MARIA").submit(view, {ids.OTHER_BLOCK: "It is not true."})


async def edit(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    view = await open_edit(world, "U0MARIA", await world.card(case["id"]))
    return lambda: world.slack.person("U0MARIA").submit(view, {words_block(view): "Better words."})


async def take_over(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    await world.click("U0BEN", await world.card(case["id"]), ids.ESCALATE)
    card = await world.card(case["id"], "C0ESCALATE")
    return lambda: world.click("U0MARIA", card, ids.TAKE_OVER, "C0ESCALATE")


async def undo(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    card = await world.card(case["id"])
    await world.click("U0BEN", card, ids.APPROVE)
    approved = await painted(world, card, ids.UNDO)
    return lambda: world.click("U0MARIA", approved, ids.UNDO)


async def give_up(world: World, shop: Shop, case: dict[str, Any]) -> Click:
    shop.mood = refusing(422)
    await world.click("U0BEN", await world.card(case["id"]), ids.APPROVE)
    alarm = await world.card(case["id"], "C0OPS", "It failed")
    shop.mood = obliging
    return lambda: world.click("U0MARIA", alarm, ids.GIVE_UP, "C0OPS")


async def at_peace(world: World, clock: MovableClock, user: str = "U0MARIA") -> None:
    """The bot knows this person, all that was to be said is said, and nothing more will be said until told."""
    other = await world.propose()
    await world.click(user, await world.card(other["id"]), ids.ESCALATE)
    await world.card(other["id"], "C0ESCALATE")
    await until_stored(world, lambda tx: at_rest(clock)(tx) or at_rest(clock, 1)(tx))
    await world.sayso.relay.stop()


def state_on_disk(database: Path, proposal_id: str) -> str:
    """What another process reads in the database file."""
    outside = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    (state,) = outside.execute("SELECT state FROM proposals WHERE id = ?", (proposal_id,)).fetchone()
    outside.close()
    return str(state)


@pytest.mark.parametrize(
    ("prepare", "category", "becomes"),
    [
        (approve, "refunds", "approved"),
        (escalate, "refunds", "escalated"),
        (reject, "refunds", "cancelled"),
        (edit, "refunds", "approved"),
        (take_over, "refunds", "cancelled"),
        (undo, "returns", "pending"),
        (give_up, "refunds", "cancelled"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_decision_is_durable_and_acknowledged_without_a_call_to_slack(
    world: World,
    shop: Shop,
    clock: MovableClock,
    tmp_path: Path,
    prepare: Callable[[World, Shop, dict[str, Any]], Awaitable[Click]],
    category: str,
    becomes: str,
) -> None:
    case = await world.propose(category=category)
    click = await prepare(world, shop, case)
    await at_peace(world, clock)
    world.slack.faults.hang("*", times=1000)
    before = len(world.slack.calls)
    answer = await click()
    assert state_on_disk(tmp_path / "sayso.db", case["id"]) == becomes
    assert (answer.ok, answer.body or "") == (True, ""), answer
    assert [call.method for call in list(world.slack.calls)[before:]] == []


async def test_whoever_comes_too_late_is_answered_without_a_call_to_slack(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """What they are told is an errand as everything else is: it goes out once Slack is itself again."""
    case = await world.propose()
    card = await world.card(case["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.get(case["id"], wait=5)
    await at_peace(world, clock, "U0BEN")
    world.slack.faults.hang("*", times=1000)
    before = len(world.slack.calls)
    assert (await world.slack.person("U0BEN").click("C0REVIEW", card, ids.APPROVE)).ok
    assert [call.method for call in list(world.slack.calls)[before:]] == []
    world.slack.faults.clear()
    assert world.slack.ephemerals("U0BEN") == []
    world.sayso.relay._stopping = False
    await world.sayso.relay.start()
    await told(world, "U0BEN", "Maria approved this")


async def test_somebody_new_is_asked_about_once_and_nothing_is_said_before_the_answer(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    case = await world.propose()
    card = await world.card(case["id"])
    await at_peace(world, clock, "U0BEN")
    before = len(world.slack.calls)
    assert (await world.click("U0MARIA", card, ids.APPROVE)).ok
    assert (await world.get(case["id"]))["state"] == "approved"
    assert [call.method for call in list(world.slack.calls)[before:]] == ["users.info"]


@pytest.mark.parametrize("trouble", ["hang", "refusal"])
async def test_the_first_click_after_a_start_is_not_lost_while_slack_answers_little(
    world: World, shop: Shop, clock: MovableClock, trouble: str
) -> None:
    """Bolt on its own would ask Slack at the first click whose token it has, and tell the person to install the app."""
    case = await world.propose()
    card = await world.card(case["id"])
    await until_stored(world, at_rest(clock))
    await world.sayso.relay.stop()
    if trouble == "hang":
        world.slack.faults.hang("auth.test", times=1000)
    else:
        world.slack.faults.fail("auth.test", "internal_error", times=1000)
    before = len(world.slack.calls)
    answer = await world.click("U0MARIA", card, ids.APPROVE)
    assert (answer.ok, answer.body or "") == (True, ""), answer
    assert (await world.get(case["id"]))["state"] == "approved"
    assert [call.method for call in list(world.slack.calls)[before:]] == ["users.info"], "who clicked, and no more"
