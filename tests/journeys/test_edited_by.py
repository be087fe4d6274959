"""Somebody approves what somebody else edited: each is named for what they did, and the reason is not lost."""

from datetime import timedelta

import pytest

from bot.local_slack.model import Message, View
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    edit_words,
    open_edit,
    painted,
    pass_time,
    refusing,
    told,
    undo,
    until_stored,
)
from tests.world import World

ACCOUNT = {"account": "A-17", "reason": "asked" * 90}
BETTER = "Your refund was sent on Tuesday."


async def undone_edit(world: World, clock: MovableClock) -> Message:
    """The card of a reply that Ben edited, and whose approval he took back."""
    proposed = await world.propose(category="returns")
    card = await world.card(proposed["id"])
    await edit_words(world, "U0BEN", card, BETTER, other_reason="The day was wrong")
    await undo(world, clock, "U0BEN", card)
    pass_time(world, clock, timedelta(seconds=2))
    return await painted(world, card, f"'action_id': '{ids.APPROVE}'")


async def window(world: World, user: str, card: Message, action: str) -> View:
    """The window that this button, or choice of the menu, opens for somebody who has none open."""
    before = world.slack.person(user).view
    if action == ids.OPEN:
        await world.choose(user, card, ids.FULL_OPTION)
    else:
        await world.click(user, card, action)
    return await world.slack.wait_for_view(user, predicate=lambda view: before is None or view.id != before.id)


def lines(message: Message | View) -> list[str]:
    """The lines of a card's or a window's rich text, with people by their ids."""
    found: list[str] = []
    for block in message.blocks:
        for section in block.get("elements", []) if block["type"] == "rich_text" else []:
            parts = [element.get("text") or element.get("user_id") or "…" for element in section["elements"]]
            found += "".join(parts).split("\n")
    return found


async def test_whoever_approves_anothers_edit_is_not_called_its_editor(world: World, clock: MovableClock) -> None:
    card = await undone_edit(world, clock)
    case = card.blocks[-1]["block_id"].split(":")[1]
    await world.click("U0MARIA", card, ids.APPROVE)
    now = await painted(world, card, "as edited by")
    assert any(row.startswith("✏️ Approved by U0MARIA, as edited by U0BEN") for row in lines(now))
    decision = (await world.get(case))["decision"]
    assert (decision["kind"], decision["by"]["id"]) == ("edited", "U0MARIA")
    assert decision["edited_by"] == {"id": "U0BEN", "name": "Ben"}
    await world.click("U0LEAD", now, ids.OPEN)
    assert "Approved by Maria, as edited by Ben" in str((await world.slack.wait_for_view("U0LEAD")).blocks)


async def test_whoever_comes_late_to_anothers_edit_is_told_who_approved_and_who_edited_it(
    world: World, clock: MovableClock
) -> None:
    card = await undone_edit(world, clock)
    for user in ("U0MARIA", "U0MARIA", "U0BEN"):
        await world.slack.person(user).click("C0REVIEW", card, ids.APPROVE)
    assert (await told(world, "U0BEN", "Maria")).text.endswith("Maria approved this, as edited by Ben, just now.")
    await until_stored(world, at_rest(clock, errands=1))
    assert world.slack.ephemerals("U0MARIA") == [], "a second click of the winner needs no answer"


async def test_whoever_comes_to_an_edit_sees_who_made_it_what_changed_and_why(
    world: World, clock: MovableClock
) -> None:
    card = await undone_edit(world, clock)
    assert "✏️ Edited by U0BEN “The day was wrong”:" in lines(card)
    assert "Your refund was sent on MondayTuesday." in lines(card)
    for action in (ids.EDIT, ids.OPEN):
        view = await window(world, "U0MARIA", card, action)
        assert "The day was wrong" in str(view.blocks), action


async def test_the_first_of_two_edits_and_the_second_sees_it_on_every_copy_and_in_every_window(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18", ids.OTHER_BLOCK: "Wrong account"})
    card = await painted(world, card, "1 of 2 approvals")
    told = ["✏️ Edited by U0BEN “Wrong account”:", "account: A-17 → A-18"]
    assert [row for row in lines(card) if row in told] == told
    await world.click("U0MARIA", card, ids.READ)
    read = await world.slack.wait_for_view("U0MARIA")
    assert [row for row in lines(read) if row in told] == told
    await world.choose("U0OTHER", card, ids.FULL_OPTION)
    assert "Edited by Ben “Wrong account”" in lines(await world.slack.wait_for_view("U0OTHER"))
    await world.click("U0OTHER", card, ids.ESCALATE)
    copy = await world.card(proposed["id"], "C0ESCALATE")
    assert [row for row in lines(copy) if row in told] == told


async def test_a_brief_card_says_who_edited_it_and_why(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    world.slack.faults.fail("chat.update", "msg_blocks_too_long", channel="C0REVIEW", times=1)
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18", ids.OTHER_BLOCK: "Wrong account"})
    brief = await painted(world, card, "too long for a card")
    assert "✏️ Edited by U0BEN “Wrong account”." in lines(brief)


async def test_the_reason_of_the_first_of_two_outlives_the_second(world: World) -> None:
    proposed = await world.act("close_account", ACCOUNT)
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    await world.slack.person("U0BEN").submit(view, {"arg:account": "A-18", ids.OTHER_BLOCK: "Wrong account"})
    await world.click("U0MARIA", await painted(world, card, "1 of 2 approvals"), ids.READ)
    await world.slack.person("U0MARIA").submit(await world.slack.wait_for_view("U0MARIA"))
    done = await world.get(proposed["id"], wait=5)
    assert done["decision"]["reason"] == "Wrong account"
    assert (done["decision"]["by"]["id"], done["decision"]["edited_by"]["id"]) == ("U0MARIA", "U0BEN")
    now = await painted(world, card, "as edited by")
    (said,) = [row for row in lines(now) if "as edited by" in row]
    assert said.startswith("✏️ Approved by U0BEN and U0MARIA, as edited by U0BEN") and "“Wrong account”" in said
    written = await world.sayso.store.read(lambda tx: tx.audit_events(limit=100_000))
    told = [one.event.payload for one in written if one.event.kind in {"proposal.edited", "proposal.approved"}]
    assert [(payload["revision"], payload["reason"]) for payload in told] == [(2, "Wrong account"), (2, None)]
    stored = await world.sayso.store.read(lambda tx: tx.revisions(proposed["id"]))
    assert [revision.reason for revision in stored] == [None, "Wrong account"]
    await world.click("U0OTHER", now, ids.OPEN)
    assert "Edited by Ben “Wrong account”" in lines(await world.slack.wait_for_view("U0OTHER"))


@pytest.mark.parametrize(
    ("approver", "on_the_card", "in_full"),
    [
        ("U0BEN", "Edited and approved by U0BEN", "Edited by Ben"),
        ("U0MARIA", "Approved by U0MARIA, as edited by U0BEN", "Approved by Maria, as edited by Ben"),
    ],
)
async def test_whoever_edited_what_was_given_up_is_named_with_the_reason(
    world: World, shop: Shop, clock: MovableClock, approver: str, on_the_card: str, in_full: str
) -> None:
    shop.mood = refusing(422)
    card = await undone_edit(world, clock)
    await world.click(approver, card, ids.APPROVE)
    await painted(world, card, ids.UNDO)
    pass_time(world, clock, timedelta(seconds=31))
    alarm = await world.message("C0OPS", ids.GIVE_UP)
    await world.click("U0MARIA", alarm, ids.GIVE_UP, "C0OPS")
    for copy in (card, alarm):
        now = lines(await painted(world, copy, "Given up by"))
        assert f"{on_the_card} “The day was wrong”" in now
        assert any(row.startswith("⛔ Given up by U0MARIA") for row in now)
    await world.click("U0MARIA", alarm, ids.OPEN, "C0OPS")
    full = lines(await world.slack.wait_for_view("U0MARIA"))
    assert "Edited by Ben “The day was wrong”" in full
    assert any(row.startswith(f"{in_full} · ") and row.endswith("“The day was wrong”") for row in full)


async def test_a_reason_given_with_an_unchanged_text_is_the_reason_of_the_approval(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await edit_words(world, "U0MARIA", card, "Your refund was sent on Monday.", other_reason="I looked it up")
    decision = (await world.get(proposed["id"], wait=5))["decision"]
    assert (decision["kind"], decision["reason"], decision["edited_by"]) == ("approved", "I looked it up", None)


async def test_an_edit_that_is_ones_own_is_called_edited_and_approved(world: World, clock: MovableClock) -> None:
    card = await undone_edit(world, clock)
    await world.click("U0BEN", card, ids.APPROVE)
    now = await painted(world, card, "pproved by")
    assert any(row.startswith("✏️ Edited and approved by U0BEN") for row in lines(now))
