"""Clicks that come twice, too late, too early, or by a clock that moved: one decision, and nothing typed is lost."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.local_slack.model import Delivered, Message, View
from bot.slack import ids
from tests.journeys.props import SECRET as SHOP_SECRET
from tests.journeys.props import (
    MovableClock,
    open_edit,
    open_reject,
    open_shop,
    pass_time,
    shop_policy,
    told,
    words_block,
)
from tests.world import World, running_world


async def story(world: World, proposal_id: str) -> list[str]:
    events = await world.sayso.store.read(lambda tx: tx.audit_events(limit=10_000))
    return [e.event.kind for e in events if e.event.proposal_id == proposal_id]


def errors_of(answer: Delivered) -> str:
    assert answer.body, answer
    assert answer.body["response_action"] == "errors", answer
    return " ".join(answer.body["errors"].values())


async def submit(world: World, user: str, view: View, text: str) -> Delivered:
    return await world.slack.person(user).submit(view, {words_block(view): text})


async def test_a_window_submitted_after_the_decision_keeps_what_was_typed(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    rejecting = await open_reject(world, "U0OTHER", card)
    await world.click("U0MARIA", card, ids.APPROVE)
    assert "Maria approved this" in errors_of(await submit(world, "U0BEN", view, "My careful words"))
    late = await world.slack.person("U0OTHER").submit(rejecting, {ids.OTHER_BLOCK: "A careful reason"})
    assert "Maria approved this" in errors_of(late)
    assert world.slack.person("U0BEN").view is not None
    assert (await world.get(proposed["id"], wait=5))["decision"]["kind"] == "approved"


async def test_the_same_person_with_two_windows_is_told_that_the_second_did_nothing(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    first = await open_edit(world, "U0MARIA", card)
    await world.click("U0MARIA", card, ids.EDIT)
    second = await world.slack.wait_for_view("U0MARIA", predicate=lambda view: view.id != first.id)
    assert not (await submit(world, "U0MARIA", first, "The first wording")).body
    assert "Maria edited this" in errors_of(await submit(world, "U0MARIA", second, "Quite another wording"))
    assert (await world.get(proposed["id"], wait=5))["final"]["reply"]["text"] == "The first wording"


async def test_a_submission_that_slack_delivers_twice_is_quiet(world: World) -> None:
    proposed = await world.propose()
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    world.slack.faults.duplicate("view_submission", copies=3)
    assert not (await submit(world, "U0MARIA", view, "The same wording")).body
    again = await submit(world, "U0MARIA", view, "The same wording")
    assert not again.body
    assert (await story(world, proposed["id"])).count("proposal.edited") == 1
    assert world.slack.ephemerals("U0MARIA") == []


async def test_a_stale_revision_decides_nothing(world: World) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    old = await world.card(proposed["id"])
    bens = await open_edit(world, "U0BEN", old)
    view = await open_edit(world, "U0MARIA", old)
    await world.slack.person("U0MARIA").submit(view, {"arg:account": "A-18"})
    await world.card(proposed["id"], saying="1 of 2 approvals")
    for action in (ids.APPROVE, ids.ESCALATE, ids.EDIT):
        since = world.slack.world.new_ts()
        await world.slack.person("U0OTHER").click("C0REVIEW", old, action)
        await told(world, "U0OTHER", "changed this after you saw it", since=since)
    late = await world.slack.person("U0BEN").submit(bens, {"arg:account": "A-19"})
    assert "changed this after you saw it" in errors_of(late)
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_a_click_before_slack_has_answered_for_the_card_decides_and_paints_it(world: World) -> None:
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    post = world.slack.world.post

    def watch(message: Message) -> Message:
        posted = post(message)
        if ids.APPROVE in str(message.blocks) and not seen.done():
            seen.set_result(message)
        return posted

    world.slack.world.post = watch  # type: ignore[method-assign]
    made = asyncio.create_task(world.propose())
    card = await asyncio.wait_for(seen, 15)
    await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
    done = await world.get((await made)["id"], wait=5)
    assert done["state"] == "executed"
    painted = await world.message("C0REVIEW", "Approved by")
    assert painted.ts == card.ts
    assert len([m for m in world.slack.messages("C0REVIEW") if done["id"] in str(m.blocks) or m.ts == card.ts]) == 1


@pytest.mark.parametrize(("early", "state"), [(timedelta(seconds=1), "approved"), (timedelta(0), "expired")])
async def test_a_click_in_the_second_of_expiry_is_decided_by_the_clock(
    tmp_path: Path, early: timedelta, state: str
) -> None:
    clock = StillClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        proposed = await world.propose(expires_in=60)
        card = await world.card(proposed["id"])
        clock.at += timedelta(seconds=60) - early
        await world.click("U0MARIA", card, ids.APPROVE)
        found = await world.get(proposed["id"])
        if state == "approved":
            assert found["decision"]["kind"] == "approved"
        else:
            assert found["decision"] is None or found["decision"]["kind"] == "expired"
            await told(world, "U0MARIA", "expired")
            assert "proposal.approved" not in await story(world, proposed["id"])


class StillClock(MovableClock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.at = super().now()

    def now(self) -> Any:
        return self.at


async def test_the_click_after_expiry_is_told_so(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running_world(tmp_path / "sayso.db", clock=clock) as world:
        proposed = await world.propose(expires_in=60)
        card = await world.card(proposed["id"])
        pass_time(world, clock, timedelta(seconds=61))
        await world.until(proposed["id"], "expired")
        await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
        await told(world, "U0MARIA", "This case expired")


async def test_a_clock_set_back_an_hour_neither_stops_nor_repeats_anything(tmp_path: Path) -> None:
    clock = MovableClock()
    async with open_shop() as shop:
        policy = shop_policy(shop)
        async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SHOP_SECRET) as world:
            before = await world.propose()
            card = await world.card(before["id"])
            clock.ahead = timedelta(hours=-1)
            after = await world.propose()
            await world.click("U0MARIA", card, ids.APPROVE)
            await world.click("U0BEN", await world.card(after["id"]), ids.APPROVE)
            for one in (before, after):
                assert (await world.get(one["id"], wait=5))["state"] == "executed"
                assert len(shop.effects_of(one["id"])) == 1
            clock.ahead = timedelta(0)
            last = await world.propose()
            await world.click("U0MARIA", await world.card(last["id"]), ids.APPROVE)
            assert (await world.get(last["id"], wait=5))["state"] == "executed"
            assert len(shop.calls) == 3
