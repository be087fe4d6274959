"""Thresholds changed by hand: what an offer was made for no longer stands, and what changes nothing says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.policy import Mode, number
from bot.local_slack.model import Message
from bot.slack import ids
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    empty_slack,
    notices,
    painted,
    pass_time,
    told,
    undo,
    until_stored,
)
from tests.journeys.thresholds.earning import (
    EARNED,
    FIRST_LOOK,
    LEAD,
    DrawnClock,
    earned_policy,
    one,
    standing,
    teach,
)
from tests.world import World, running_world


def undoable(shop: Shop, mode: str = "autonomous") -> str:
    """The policy in which `orders` earns its threshold, in this mode, and an approval can be taken back for a while."""
    own = f'[categories.orders]\nmode = "{mode}"\nundo_window = "30s"\n'
    return earned_policy(shop, EARNED.replace('[categories.orders]\nmode = "autonomous"\n', own))


@asynccontextmanager
async def undoable_world(
    database: Path, shop: Shop, clock: MovableClock, mode: str = "autonomous"
) -> AsyncIterator[World]:
    """The world of that policy."""
    async with running_world(database, undoable(shop, mode), clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


async def offered(world: World, clock: MovableClock | None = None) -> Message:
    """The card of an offer, after as many decisions as it takes."""
    await teach(world, FIRST_LOOK) if clock is None else await _taught(world, clock)
    found: Message = await world.message("C0OPS", "loosen_threshold")
    return found


async def _taught(world: World, clock: MovableClock) -> None:
    """Decisions that teach only once they can no longer be taken back."""
    for _ in range(FIRST_LOOK):
        card = await world.card((await one(world))["id"])
        await world.click("U0MARIA", card, ids.APPROVE)
    pass_time(world, clock, timedelta(seconds=31))


async def command(world: World, text: str) -> str:
    """What the lead is answered."""
    return str((await world.slack.person("U0LEAD").command(text, "C0OPS")).body)


@pytest.mark.parametrize("change", ["suggest because the new model is bad", "0.99 because the new model is bad"])
async def test_an_offer_from_before_a_change_by_hand_is_taken_back(world: World, change: str) -> None:
    card = await offered(world)
    assert "The offer that waited for an answer was taken back." in await command(world, f"/threshold orders {change}")
    gone = await painted(world, card, "Withdrawn by")
    assert "Lena changed orders by hand after this was offered" in str(gone.blocks)
    assert ids.APPROVE not in str(gone.blocks)
    before = (await standing(world)).setting
    await world.slack.person("U0LEAD").click("C0OPS", card, ids.APPROVE)
    await told(world, "U0LEAD", "withdrew this")
    assert (await standing(world)).setting == before
    assert (await one(world, confidence=0.98))["ruling"]["verdict"] == "ask"


async def test_an_offer_that_was_approved_but_not_applied_yet_fails_and_says_why(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with undoable_world(tmp_path / "sayso.db", shop, clock) as world:
        card = await offered(world, clock)
        await world.click("U0LEAD", card, ids.APPROVE, "C0OPS")
        await painted(world, card, ids.UNDO)
        assert "is now hold" in await command(world, "/threshold orders hold because something is wrong")
        pass_time(world, clock, timedelta(seconds=31))
        await painted(world, card, "Lena changed orders by hand after this was offered, so it no longer stands")
        await until_stored(world, at_rest(clock))
        assert "tried again" not in str(notices(world.slack)), "it was tried once"
        assert (await standing(world)).setting.threshold is None


async def test_an_offer_whose_approval_is_taken_back_waits_where_it_was_made(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with undoable_world(tmp_path / "sayso.db", shop, clock) as world:
        card = await offered(world, clock)
        await world.click("U0LEAD", card, ids.APPROVE, "C0OPS")
        await undo(world, clock, "U0LEAD", card)
        again = await painted(world, card, ids.APPROVE)
        pass_time(world, clock, timedelta(seconds=2))
        await until_stored(world, lambda tx: not tx.outbox_size())
        assert [m for m in world.slack.messages("C0REVIEW") if "loosen_threshold" in str(m.blocks)] == []
        await world.click("U0LEAD", again, ids.APPROVE, "C0OPS")
        pass_time(world, clock, timedelta(seconds=31))
        await world.message("C0OPS", "orders runs on its own from")


async def test_an_offer_in_the_mode_suggest_says_that_it_switches_and_does(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with undoable_world(tmp_path / "sayso.db", shop, clock, "suggest") as world:
        card = await offered(world, clock)
        assert "from suggest to autonomous" in str(card.blocks)
        await world.click("U0LEAD", card, ids.APPROVE, "C0OPS")
        pass_time(world, clock, timedelta(seconds=31))
        await world.message("C0OPS", "orders runs on its own from")
        assert (await standing(world)).setting.mode is Mode.AUTONOMOUS


async def test_an_offer_that_did_not_speak_of_the_mode_leaves_it_as_the_file_says_now(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    database = tmp_path / "sayso.db"
    async with empty_slack() as slack:
        async with bot_on(slack, database, undoable(shop), clock) as world:
            assert "from suggest to autonomous" not in str((await offered(world, clock)).blocks)
            waits = next(p for p in await world.sayso.store.read(lambda tx: tx.waiting()) if p.agent == "sayso")
        async with bot_on(slack, database, undoable(shop, "suggest"), clock, world.token) as world:
            await world.sayso.approvals.approve(waits.seen, LEAD)
            pass_time(world, clock, timedelta(seconds=31))
            await world.message("C0OPS", "orders may run on its own, once it is autonomous, from")
            assert (await standing(world)).setting.mode is Mode.SUGGEST
            assert (await one(world, confidence=0.98))["ruling"]["verdict"] == "ask"


async def test_a_threshold_of_what_is_held_is_said_to_count_later(world: World) -> None:
    assert "orders is now hold, everything waits for a person" in await command(world, "/threshold orders hold")
    said = await command(world, "/threshold orders 0.95")
    assert "orders is now hold, everything waits for a person (threshold 0.95)." in said
    assert "It was hold, everything waits for a person (no threshold yet)." in said
    assert "The threshold counts once orders is autonomous: /threshold orders autonomous." in said
    assert "is now autonomous, threshold 0.95." in await command(world, "/threshold orders autonomous")


@pytest.mark.parametrize(
    ("first", "again"),
    [("", "orders autonomous"), ("orders 0.95", "orders 0.95 because again"), ("orders hold", "orders hold")],
)
async def test_what_changes_nothing_says_so_and_is_not_announced(world: World, first: str, again: str) -> None:
    if first:
        await command(world, f"/threshold {first}")
        await world.message("C0OPS", "The threshold of orders was changed")
    before = await world.sayso.store.read(lambda tx: (tx.audit_head(), tx.setting_history("orders")))
    said = await command(world, f"/threshold {again}")
    assert "orders is " in said
    assert "already, so nothing was changed." in said
    assert await world.sayso.store.read(lambda tx: (tx.audit_head(), tx.setting_history("orders"))) == before
    assert len(notices(world.slack)) == bool(first)


async def test_pausing_what_is_paused_says_since_when_and_is_not_announced(world: World) -> None:
    await command(world, "/approvals pause because of an incident")
    await world.message("C0OPS", "Executions are paused")
    assert "Executions are paused already: Lena paused them just now." in await command(world, "/approvals pause")
    pause = await world.sayso.store.read(lambda tx: tx.pause())
    assert pause is not None
    assert pause.reason == "of an incident"
    assert len(notices(world.slack)) == 1


async def test_reset_says_where_nothing_is_earned_yet(world: World) -> None:
    await command(world, "/threshold orders 0.995 because of a test")
    said = await command(world, "/threshold orders reset")
    assert "orders is now autonomous, no threshold yet: the mode is the policy file's" in said
    assert "and the threshold is still to be earned. It was autonomous, threshold 0.995." in said
    assert (await standing(world)).setting.threshold is None


async def test_a_threshold_that_is_still_to_be_earned_does_not_count_once_it_is_autonomous(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with undoable_world(tmp_path / "sayso.db", shop, clock, "suggest") as world:
        assert "the threshold counts once" in await command(world, "/threshold orders 0.995 because of a test")
        said = await command(world, "/threshold orders reset")
        assert "the threshold is still to be earned" in said
        assert "the threshold counts once" not in said


async def test_reset_lets_the_threshold_that_was_earned_count_again(world: World) -> None:
    await teach(world, FIRST_LOOK)
    card = await world.message("C0OPS", "loosen_threshold")
    await world.click("U0LEAD", card, ids.APPROVE, "C0OPS")
    await world.message("C0OPS", "orders runs on its own from")
    earned = (await standing(world)).setting.threshold
    await command(world, "/threshold orders 0.995 because of a test")
    assert (await standing(world)).setting.threshold == 0.995
    said = await command(world, "/threshold orders reset")
    assert f"orders is now autonomous, threshold {number(earned or 0)}: the mode is the policy file's" in said
    assert "and the threshold is the one that was earned. It was autonomous, threshold 0.995." in said
    assert (await standing(world)).setting.threshold == earned
    assert "mode of the file, threshold as earned, by Lena" in await command(world, "/threshold orders")
    assert "so nothing was changed" in await command(world, "/threshold orders reset")
