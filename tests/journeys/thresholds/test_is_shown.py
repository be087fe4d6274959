"""What `/threshold` answers: the table, one category with its picture, what-ifs, and changes by hand."""

import pytest

from bot.slack import ids
from tests.journeys.props import told
from tests.journeys.thresholds.earning import (
    FIRST_LOOK,
    MARIA,
    DrawnClock,
    go_live,
    learned,
    one,
    seen,
    standing,
    teach,
)
from tests.world import World


async def asked(world: World, text: str, user: str = "U0LEAD") -> str:
    """What the bot answers to `/threshold TEXT`."""
    answer = await world.slack.person(user).command(f"/threshold {text}", "C0OPS")
    assert answer.status == 200
    return str(answer.body)


async def row(world: World, category: str = "orders") -> list[str]:
    """The cells of a category's row in the table."""
    answer = await world.slack.person("U0LEAD").command("/threshold", "C0OPS")
    table = next(block for block in answer.body["blocks"] if block["type"] == "table")
    assert [cell["text"] for cell in table["rows"][0]] == [
        *("Category", "Mode", "Threshold", "Set by"),
        *("On its own", "Audited error", "Labels", "Needed"),
    ]
    return next([cell["text"] for cell in cells] for cells in table["rows"] if cells[0]["text"] == category)


async def test_the_table_says_what_applies_why_and_what_is_missing(world: World, clock: DrawnClock) -> None:
    assert await row(world) == ["orders", "autonomous", "not earned yet", "not earned yet", "–", "–", "0", "21"]
    assert (await row(world, "legal"))[1:4] == ["escalate", "–", "policy file"]
    await go_live(world)
    clock.next_draw = 0.05
    for _ in range(3):
        await world.sayso.approvals.approve(seen(await one(world, confidence=0.98)), MARIA)
    clock.next_draw = 0.99
    await one(world, confidence=0.98)
    await learned(world)
    found = await row(world)
    assert found[3] == "certificate, 21 labels, by Lena"
    assert found[4] == "4 %", "one of the 25 cases ran on its own"
    assert found[5].startswith("0 % (0 % to ")
    assert found[6:] == ["24", "18"]


async def test_one_category_comes_with_its_picture_in_a_direct_message(world: World) -> None:
    await go_live(world)
    said = await asked(world, "orders", "U0MARIA")
    assert "Set by certificate, 21 labels, by Lena." in said
    assert "A picture of its last weeks follows" in said
    direct = world.slack.world.open_im("U0MARIA").id
    message = await world.slack.wait_for_message(direct, lambda m: bool(m.files), 60)
    (file,) = message.files
    assert (file["mimetype"], file["title"]) == ("image/png", "orders: the last 10 weeks")
    assert world.slack.world.files[file["id"]][1].startswith(b"\x89PNG")
    assert "0 ran on their own, 21 were held" in file["alt_txt"]


async def test_a_threshold_set_by_hand_beyond_the_evidence_is_allowed_and_said_plainly(world: World) -> None:
    said = await asked(world, "orders 0.8 because we are in a hurry")
    assert "⚠ The evidence does not support it: orders has earned no threshold yet (0 labels so far)." in said
    notice = str((await world.message("C0OPS", "The threshold of orders was changed")).blocks)
    assert "The evidence does not support it" in notice
    assert (await one(world, confidence=0.85))["ruling"]["verdict"] == "automate"
    assert (await row(world))[3] == "Lena"


async def test_a_threshold_set_by_hand_within_the_evidence_is_said_to_be(world: World) -> None:
    await go_live(world)
    assert "The evidence supports it." in await asked(world, "orders 0.99")
    assert "it supports 0.96" in await asked(world, "orders 0.5")
    assert "fixed threshold: no evidence stands behind it" in await asked(world, "refunds 0.92")


async def test_a_what_if_says_what_it_is_worth_and_only_admins_may_apply_it(world: World) -> None:
    assert "no threshold keeps that promise yet" in await asked(world, "orders tune 30%")
    await teach(world, FIRST_LOOK - 2)
    for user, offered in (("U0MARIA", False), ("U0LEAD", True)):
        said = await asked(world, "orders tune 30 %", user)
        assert "orders could run on its own from 0.96" in said
        assert "This is a what-if, at a moment that you chose, and not a certificate" in said
        assert "the next of which comes at 21 labels" in said
        assert (ids.APPLY in said) is offered
    answer = await world.slack.person("U0LEAD").command("/threshold orders tune 30%", "C0OPS")
    assert answer.status == 200
    shown = await told(world, "U0LEAD", "A what-if")
    assert (await standing(world)).setting.threshold is None, "a what-if changes nothing"
    await world.slack.person("U0LEAD").click("C0OPS", shown, ids.APPLY)
    await told(world, "U0LEAD", "The evidence does not support it")
    assert (await one(world, confidence=0.98))["ruling"]["verdict"] == "automate"


async def test_an_admin_who_applies_a_what_if_where_sayso_is_no_member_hears_how_it_went(world: World) -> None:
    world.slack.add_channel("elsewhere", id="C0ELSEWHERE", bot_is_member=False)
    await teach(world, FIRST_LOOK - 2)
    lead = world.slack.person("U0LEAD")
    await lead.command("/threshold orders tune 30%", "C0ELSEWHERE")
    shown = await told(world, "U0LEAD", "A what-if")
    await lead.click("C0ELSEWHERE", shown, ids.APPLY)
    await world.message("U0LEAD", "The evidence does not support it")
    await lead.click("C0ELSEWHERE", shown, ids.APPLY)
    await world.message("U0LEAD", "What this rests on has changed since")


async def test_a_what_if_is_not_applied_after_what_it_rests_on_has_changed(world: World) -> None:
    await teach(world, FIRST_LOOK - 2)
    await asked(world, "orders tune 30%")
    shown = await told(world, "U0LEAD", "A what-if")
    await asked(world, "orders hold because something is wrong")
    await world.slack.person("U0LEAD").click("C0OPS", shown, ids.APPLY)
    await told(world, "U0LEAD", "What this rests on has changed since")
    stands = await standing(world)
    assert (stands.setting.mode.value, stands.setting.threshold) == ("hold", None)


@pytest.mark.parametrize("risk", ["0%", "80%", "nine", "2% 3%", "-1%"])
async def test_a_risk_that_makes_no_sense_is_answered_with_the_right_form(world: World, risk: str) -> None:
    said = await asked(world, f"orders tune {risk}")
    assert "/threshold refunds tune 2%" in said


async def test_a_mode_alone_leaves_the_certificate_in_force(world: World) -> None:
    live = await go_live(world)
    await asked(world, "orders hold")
    assert (await one(world, confidence=0.99))["ruling"]["verdict"] == "ask"
    await asked(world, "orders autonomous")
    assert (await one(world, confidence=0.99))["ruling"]["verdict"] == "automate"
    assert (await standing(world)).setting.threshold == live.setting.threshold
    assert (await row(world))[3] == "certificate, 21 labels, by Lena"
