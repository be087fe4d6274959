"""What `/threshold` says of a category is true: its share, its marks, the labels to come, what a change lets run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.authority import Person
from bot.domain.decision import Actor
from bot.domain.errors import NotListed
from tests.journeys.props import SECRET, Shop, shop_policy
from tests.journeys.thresholds.earning import LEAD, MARIA, DrawnClock, earning_world, go_live, learned, one, seen, teach
from tests.journeys.thresholds.test_is_shown import asked, row
from tests.world import World, running_world

OTTO = Person(actor=Actor(kind="person", id="U0OTTO", name="Otto"))


@pytest.fixture
async def world(tmp_path: Path, shop: Shop, clock: DrawnClock) -> AsyncIterator[World]:
    """The world in which `orders` has a fixed threshold of 0.9, and nothing of it is audited."""
    async with running_world(tmp_path / "fixed.db", shop_policy(shop), clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


@pytest.fixture
async def earning(tmp_path: Path, shop: Shop, clock: DrawnClock) -> AsyncIterator[World]:
    """The world in which `orders` earns its threshold."""
    async with earning_world(tmp_path / "earned.db", shop, clock) as made:
        yield made


async def an_action(world: World, name: str, **args: int) -> dict[str, object]:
    """An action of orders, in a conversation of its own."""
    return await one(world, kind="action", reply=None, action={"name": name, "args": args})


async def test_the_share_on_its_own_counts_what_a_rule_held(world: World) -> None:
    ran = [await one(world), await an_action(world, "refund", amount=20)]
    held = [await an_action(world, "refund", amount=60), await one(world, confidence=0.2)]
    read = await an_action(world, "lookup_order")
    verdicts = [proposed["ruling"]["verdict"] for proposed in (*ran, *held, read)]
    assert verdicts == ["automate", "automate", "ask", "escalate", "automate"]
    await world.sayso.approvals.approve(seen(held[0]), MARIA)
    said = await asked(world, "orders")
    assert "50 % of its cases of the last 4 weeks ran on their own; the others were held for a person" in said
    assert (await row(world))[4] == "50 %"
    direct = world.slack.world.open_im("U0LEAD").id
    message = await world.slack.wait_for_message(direct, lambda m: bool(m.files), 60)
    assert "2 ran on their own, 2 were held" in message.files[0]["alt_txt"]


async def test_a_category_of_which_a_mode_holds_everything_says_that_nothing_ran(world: World) -> None:
    await one(world, category="legal")
    assert (await row(world, "legal"))[4] == "0 %"


async def test_a_what_if_promises_no_labels_where_nothing_is_sampled(world: World) -> None:
    said = await asked(world, "orders tune 2%")
    assert "At best" not in said
    assert "Nothing is sampled here, so no labels come: its threshold is fixed and nothing is audited. " in said
    assert "Set audit in the policy, or the mode suggest: /threshold orders suggest." in said
    assert "Nothing is sampled here" in await asked(world, "orders")
    assert "in the mode escalate the AI's confidence decides nothing" in await asked(world, "legal tune 2%")
    await asked(world, "orders suggest")
    assert "At best 114 more labels would do" in await asked(world, "orders tune 2%")


async def test_with_an_audit_labels_come_to_a_fixed_threshold_as_well(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    audited = shop_policy(shop).replace("threshold = 0.9\n", "threshold = 0.9\naudit = 0.1\n")
    async with running_world(tmp_path / "sayso.db", audited, clock=clock, SHOP_SECRET=SECRET) as world:
        clock.next_draw = 0.05
        await world.sayso.approvals.approve(seen(await one(world)), MARIA)
        await learned(world)
        said = await asked(world, "orders tune 2%")
        assert "1 label, 0 wrong: no threshold keeps that promise yet. At best 113 more labels would do" in said


async def test_what_a_mode_holds_gets_no_labels_though_it_is_to_earn_them(earning: World) -> None:
    assert (await row(earning))[7] == "21"
    await asked(earning, "orders hold")
    assert (await row(earning))[7] == "–"
    assert "0 labels so far. Nothing is sampled here" in await asked(earning, "orders")


async def test_a_category_that_has_earned_nothing_says_so_in_a_sentence(earning: World) -> None:
    said = await asked(earning, "orders")
    assert "It has not earned a threshold yet." in said
    assert "Set by" not in said


async def test_marks_are_shown_beside_the_error_and_never_in_it(world: World) -> None:
    assert "Marked as wrong" not in await asked(world, "orders")
    for proposed in [await one(world), await one(world)]:
        await world.sayso.executions.mark_wrong(proposed["id"], LEAD)
    await learned(world)
    said = await asked(world, "orders")
    assert "Marked as wrong in the last 4 weeks: 2 conversations." in said
    assert "Error among" not in said
    assert (await row(world))[5] == "–"


async def test_admins_and_the_escalation_team_mark_as_well_and_nobody_else(world: World) -> None:
    first, second = await one(world), await one(world)
    with pytest.raises(NotListed, match="Only approvers of orders or of its escalated cases, and admins, may mark"):
        await world.sayso.executions.mark_wrong(first["id"], OTTO)
    for proposed, person in ((first, LEAD), (second, MARIA)):
        marked = await world.sayso.executions.mark_wrong(proposed["id"], person)
        assert marked.marked_by == person.actor


async def test_switching_a_category_to_autonomous_says_what_runs_now_and_on_what_evidence(world: World) -> None:
    await asked(world, "legal 0.8")
    said = await asked(world, "legal autonomous because we try it")
    assert "From 0.8 on its replies and actions run on their own now, an action where its free_when holds." in said
    assert "⚠ It is a fixed threshold: no evidence stands behind it" in said
    notice = str((await world.message("C0OPS", "we try it")).blocks)
    assert "From 0.8 on its replies and actions run on their own now" in notice
    assert "no evidence stands behind it" in notice
    assert "on their own now" not in await asked(world, "legal 0.9"), "a stricter threshold lets nothing more run"


async def test_a_threshold_of_zero_says_that_everything_from_the_floor_on_runs(world: World) -> None:
    said = await asked(world, "orders 0")
    assert "From its floor of 0.3 on its replies and actions run on their own now" in said
    assert (await one(world, confidence=0.31))["ruling"]["verdict"] == "automate"


async def test_in_the_mode_suggest_a_threshold_lets_actions_run_and_says_so(world: World) -> None:
    said = await asked(world, "refunds 0.8")
    assert "From 0.8 on its actions run on their own now, an action where its free_when holds." in said
    assert "For its replies the threshold counts once refunds is autonomous" in said
    assert "refunds is now suggest, a person approves every draft, and freed writes run from 0.8." in said
    assert (await row(world, "refunds"))[1:3] == ["suggest", "0.8, freed writes"]
    said = await asked(world, "refunds autonomous")
    assert "From 0.8 on its replies run on their own now." in said


async def test_a_mode_that_brings_a_certificate_back_says_that_evidence_supports_it(earning: World) -> None:
    await go_live(earning)
    assert "on their own now" not in await asked(earning, "orders hold")
    said = await asked(earning, "orders autonomous")
    assert "run on their own now" in said
    assert "The evidence supports it. At most 30 % of what runs on its own is wrong" in said


async def test_the_error_of_what_would_run_is_not_shown_as_of_what_runs(earning: World, clock: DrawnClock) -> None:
    await go_live(earning)
    clock.next_draw = 0.05
    await teach(earning, 3, confidence=0.98)
    assert (await row(earning))[5].startswith("0 %")
    await asked(earning, "orders suggest")
    assert (await row(earning))[5] == "–"
    assert "Error among what its threshold would let run: 0 %" in await asked(earning, "orders")
