"""Slack may deliver a submission twice: the second one decides nothing, and where it says the same, nobody is told."""

import pytest

from bot.local_slack.model import Delivered, Message, View
from bot.slack import ids
from handlers.views import NOT_USED
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    open_edit,
    painted,
    story_of,
    told,
    until_stored,
    words_block,
)
from tests.world import World

LONG = "We are sorry.\n" * 150
CLOSED = (200, "")
ACCOUNT = {"account": "A-17", "reason": "asked"}


async def deliver(world: World, view: View, typed: dict[str, str], user: str = "U0MARIA") -> Delivered:
    """The submission, as often as Slack likes: `view` is as the person saw it, also where it has closed since."""
    return await world.slack.person(user).submit(view, typed)


async def whispered(world: World, clock: MovableClock) -> list[str]:
    """What Maria alone was told, once every errand is out."""
    await until_stored(world, at_rest(clock))
    return [message.text for message in world.slack.world.ephemerals.get("U0MARIA", {}).values()]


async def opened(world: World, card: Message, action: str) -> View:
    await world.click("U0MARIA", card, action)
    return await world.slack.wait_for_view("U0MARIA")


@pytest.mark.parametrize("better", ["We are very sorry.", None], ids=["edited", "unchanged"])
async def test_an_edit_that_is_delivered_twice_is_one_and_nobody_is_told(
    world: World, shop: Shop, clock: MovableClock, better: str | None
) -> None:
    case = (await world.propose())["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    typed = {words_block(view): better} if better else {}
    for _ in range(2):
        answer = await deliver(world, view, typed)
        assert (answer.status, answer.body) == CLOSED, answer
    await world.get(case, wait=5)
    answer = await deliver(world, view, typed)
    assert (answer.status, answer.body) == CLOSED, "also once it has gone out"
    assert len(shop.effects_of(case)) == 1
    assert await whispered(world, clock) == []
    kinds = [kind for kind in await story_of(world, case) if kind in ("proposal.edited", "proposal.approved")]
    assert kinds == ["proposal.edited" if better else "proposal.approved"]


@pytest.mark.parametrize("account", ["A-18", "A-17"], ids=["edited", "unchanged"])
async def test_an_edit_that_waits_for_another_person_is_one_however_often_it_is_delivered(
    world: World, shop: Shop, clock: MovableClock, account: str
) -> None:
    case = (await world.act("close_account", ACCOUNT))["id"]
    card = await world.card(case)
    view = await open_edit(world, "U0MARIA", card)
    for _ in range(2):
        answer = await deliver(world, view, {"arg:account": account})
        assert (answer.status, answer.body) == CLOSED, answer
    now = await painted(world, card, "1 of 2 approvals")
    assert (await world.get(case))["state"] == "pending"
    await world.click("U0BEN", now, ids.APPROVE)
    done = await world.get(case, wait=5)
    assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0BEN")
    answer = await deliver(world, view, {"arg:account": account})
    assert (answer.status, answer.body) == CLOSED, "also once the other one has approved it"
    assert len(shop.effects_of(case)) == 1
    assert await whispered(world, clock) == []


@pytest.mark.parametrize("needed", [1, 2])
async def test_what_was_read_and_approved_is_approved_once_however_often_it_is_delivered(
    world: World, clock: MovableClock, needed: int
) -> None:
    proposed = (
        await world.propose(reply={"text": LONG})
        if needed == 1
        else await world.act("close_account", ACCOUNT | {"reason": "x" * 400})
    )
    view = await opened(world, await world.card(proposed["id"]), ids.READ)
    for _ in range(3):
        answer = await deliver(world, view, {})
        assert (answer.status, answer.body) == CLOSED, answer
    assert (await story_of(world, proposed["id"])).count("proposal.approved") == 1
    await world.until(proposed["id"], "pending" if needed == 2 else "executed")
    assert await whispered(world, clock) == []


async def test_something_else_from_the_same_person_is_answered(world: World) -> None:
    case = (await world.propose())["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    await deliver(world, view, {words_block(view): "One."})
    answer = await deliver(world, view, {words_block(view): "Two."})
    assert answer.body["errors"] == {words_block(view): f"Maria edited this just now. {NOT_USED}"}


async def test_something_else_from_whoever_waits_for_another_person_is_answered(world: World) -> None:
    case = (await world.act("close_account", ACCOUNT))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    await deliver(world, view, {"arg:account": "A-18"})
    answer = await deliver(world, view, {"arg:account": "A-19"})
    told_her = "Maria changed this after you saw it; look at the new wording and decide again."
    assert answer.body["errors"] == {"arg:account": f"{told_her} {NOT_USED}"}


async def test_the_same_is_answered_where_it_does_not_stand_any_more(world: World, shop: Shop) -> None:
    case = (await world.act("close_account", ACCOUNT))["id"]
    card = await world.card(case)
    view = await open_edit(world, "U0MARIA", card)
    await deliver(world, view, {})
    await world.choose("U0BEN", await painted(world, card, "1 of 2 approvals"), ids.REJECT_OPTION)
    await deliver(world, await world.slack.wait_for_view("U0BEN"), {}, "U0BEN")
    answer = await deliver(world, view, {})
    assert list(answer.body["errors"].values()) == ["Ben rejected this just now."]
    assert shop.calls == []


async def test_the_same_from_somebody_else_is_answered(world: World) -> None:
    case = (await world.act("close_account", ACCOUNT))["id"]
    card = await world.card(case)
    ben, maria = await open_edit(world, "U0BEN", card), await open_edit(world, "U0MARIA", card)
    await deliver(world, maria, {"arg:account": "A-18"})
    answer = await deliver(world, ben, {"arg:account": "A-18"}, "U0BEN")
    assert "Maria changed this after you saw it" in str(answer.body["errors"])
    await world.click("U0MARIA", await painted(world, card, "1 of 2 approvals"), ids.APPROVE)
    await told(world, "U0MARIA", "another person has to approve it too")
