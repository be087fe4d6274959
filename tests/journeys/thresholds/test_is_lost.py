"""Autonomy is taken back at once when audits or marks show errors, and when what it rests on changes."""

from pathlib import Path

import pytest

from bot.domain.authority import Person
from bot.domain.decision import Actor
from bot.domain.errors import AlreadyDecided
from bot.domain.proposal import Reply
from bot.slack import ids
from tests.journeys.props import Shop, bot_on, empty_slack, story_of, told
from tests.journeys.thresholds.earning import (
    EARNED,
    FIRST_LOOK,
    MARIA,
    DrawnClock,
    earned_policy,
    go_live,
    kinds,
    learned,
    one,
    seen,
    standing,
    teach,
)
from tests.world import World

BEN = Person(actor=Actor(kind="person", id="U0BEN", name="Ben"))


async def audits_fail(world: World, clock: DrawnClock) -> int:
    """Wrong audits, until nothing runs on its own any more; how many it took."""
    clock.next_draw = 0.05
    for count in range(1, 40):
        proposed = await one(world, confidence=0.98)
        await world.sayso.approvals.edit(seen(proposed), Reply(text="That is not so."), MARIA)
        await learned(world)
        if (await standing(world)).setting.threshold is None:
            return count
    raise AssertionError("forty wrong audits did not tighten it")


async def test_wrong_audits_hold_the_category_at_once_and_the_incident_says_what_was_seen(
    world: World, clock: DrawnClock
) -> None:
    live = await go_live(world)
    count = await audits_fail(world, clock)
    incident = str((await world.message("C0OPS", "is held again")).blocks)
    assert "🚨" in incident
    assert f"{count} of the last {count} cases that people checked were wrong; at most 30 % may be" in incident
    assert f"until at least {FIRST_LOOK} labels" in incident
    assert "That is not so." in incident, "an example of what was wrong belongs into it"
    clock.next_draw = 0.99
    assert (await one(world, confidence=0.999))["ruling"]["verdict"] == "ask"
    after = await standing(world)
    assert after.monitor is not None
    assert (after.regime, after.monitor.sample) == (live.regime + 1, 0)
    assert (await kinds(world)).count("threshold.tightened") == 1


async def test_a_reply_marked_as_wrong_counts_once_and_shows_who_marked_it(world: World) -> None:
    await go_live(world)
    world.slack.faults.rate_limit("chat.postMessage", retry_after="1", channel="C0LOG")
    sent = [await one(world, confidence=0.98) for _ in range(4)]
    line = await world.message("C0LOG", "ran on their own")
    ours = next(p["id"] for p in sent if f"log:{p['id']}" in line.blocks[0]["block_id"])
    await mark(world, "U0OTHER", line, ours)
    world.slack.join("C0LOG", "U0GUEST")
    await mark(world, "U0GUEST", line, ours)
    await told(world, "U0GUEST")
    painted = await world.message("C0LOG", "Marked as wrong by")
    assert painted.ts == line.ts
    assert "'user_id': 'U0OTHER'" in str(painted.blocks)
    assert (str(painted.blocks).count("❌"), str(painted.blocks).count("This was wrong")) == (
        1,
        str(line.blocks).count("This was wrong") - 1,
    )
    with pytest.raises(AlreadyDecided, match="Otto marked this as wrong just now; it counts once"):
        await world.sayso.executions.mark_wrong(ours, BEN)
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (stands.monitor.regime.marked, sum(stands.monitor.regime.k)) == (1, 0)
    assert (await story_of(world, ours)).count("proposal.marked_wrong") == 1


async def test_enough_marks_hold_the_category(world: World) -> None:
    await go_live(world)
    sent = [await one(world, confidence=0.98) for _ in range(12)]
    assert {proposed["ruling"]["verdict"] for proposed in sent} == {"automate"}
    for proposed in sent:
        await world.sayso.executions.mark_wrong(proposed["id"], MARIA)
    await learned(world)
    assert (await standing(world)).regime == 2
    await world.message("C0OPS", "is held again")
    assert (await one(world, confidence=0.999))["ruling"]["verdict"] == "ask"


async def mark(world: World, user: str, message: object, proposal_id: str) -> None:
    """Choose "This was wrong" from the menu of one line."""
    value = f"{ids.WRONG_OPTION}|{proposal_id}"
    await world.slack.person(user).choose("C0LOG", message.ts, ids.LOG_MORE, value)  # type: ignore[attr-defined]


async def test_another_promise_or_model_begins_a_new_regime_and_the_ops_channel_says_what_it_costs(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with empty_slack() as slack:
        async with bot_on(slack, tmp_path / "sayso.db", earned_policy(shop), clock) as first:
            await go_live(first)
        async with bot_on(slack, tmp_path / "sayso.db", earned_policy(shop), clock, first.token) as same:
            assert (await standing(same)).setting.threshold is not None, "a restart alone costs nothing"
        stricter = earned_policy(shop, EARNED.replace("risk = 0.3", "risk = 0.25"))
        async with bot_on(slack, tmp_path / "sayso.db", stricter, clock, first.token) as second:
            told_ = str((await second.message("C0OPS", "is held again until")).blocks)
            assert "orders is held again until 27 labels." in told_
            assert "the category's policy changed" in told_
            assert "from 0.96" in told_
            assert (await standing(second)).setting.threshold is None
            assert (await one(second, confidence=0.999))["ruling"]["verdict"] == "ask"
            events = [w.event for w in await second.sayso.store.read(lambda tx: tx.audit_events(limit=100_000))]
            regimes = [e.payload["category"] for e in events if e.kind == "threshold.regime"]
            assert regimes.count("orders") == regimes.count("refunds") + 1, "nothing changed for refunds"


async def test_labels_that_a_crash_left_over_are_learned_at_the_next_start(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    async with empty_slack() as slack:
        async with bot_on(slack, tmp_path / "sayso.db", earned_policy(shop), clock) as first:
            await teach(first, 5)
            proposed = await one(first)
            await first.sayso.approvals.approve(seen(proposed), MARIA)
            await learned(first)
            # What a crash between the decision and the lesson leaves behind: the lesson, unlearned; and one twice.
            await first.sayso.store.transact(lambda tx: tx.add_lesson(proposed["id"]))
        async with bot_on(slack, tmp_path / "sayso.db", earned_policy(shop), clock, first.token) as second:
            await learned(second)
            stands = await standing(second)
            assert stands.monitor is not None
            assert stands.monitor.sample == 6
