"""Where evidence comes from and where it goes: suggest mode, undone approvals, newer looks, exported histories."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from bot.domain.authority import Person
from bot.domain.decision import Actor
from bot.domain.lifecycle import State
from bot.domain.proposal import Reply
from bot.history import history_of
from bot.ports import Tx
from bot.regimes import save, standing_of
from bot.slack import ids
from bot.tuning import tune
from tests.journeys.props import SECRET, Shop, bot_on, empty_slack, painted, pass_time, until_stored
from tests.journeys.thresholds.earning import (
    EARNED,
    FIRST_LOOK,
    LEAD,
    MARIA,
    DrawnClock,
    earned_policy,
    go_live,
    learned,
    one,
    seen,
    standing,
    teach,
)
from tests.world import World, running_world

BEN = Person(actor=Actor(kind="person", id="U0BEN", name="Ben"))


async def test_a_category_in_suggest_mode_earns_too_and_the_offer_says_that_it_switches(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    suggest = earned_policy(shop, EARNED.replace('mode = "autonomous"\nrisk', 'mode = "suggest"\nrisk'))
    async with running_world(tmp_path / "sayso.db", suggest, clock=clock, SHOP_SECRET=SECRET) as world:
        await teach(world, FIRST_LOOK)
        offer = await world.message("C0OPS", "loosen_threshold")
        assert "Approving also switches its mode from suggest to autonomous." in str(offer.blocks)
        await world.click("U0LEAD", offer, ids.APPROVE, "C0OPS")
        live = await world.message("C0OPS", "orders runs on its own from")
        assert "suggest, a person approves every draft" in str(live.blocks)
        assert (await one(world, confidence=0.98))["ruling"]["verdict"] == "automate"


async def test_an_approval_is_no_label_while_it_can_be_undone(tmp_path: Path, shop: Shop, clock: DrawnClock) -> None:
    undoable = earned_policy(shop, EARNED.replace("risk = 0.3\n", 'risk = 0.3\nundo_window = "30s"\n'))
    async with running_world(tmp_path / "sayso.db", undoable, clock=clock, SHOP_SECRET=SECRET) as world:
        undone, kept = await one(world), await one(world)
        for proposed in (undone, kept):
            await world.sayso.approvals.approve(seen(proposed), MARIA)
        await learned(world)
        pass_time(world, clock, timedelta(seconds=2))
        back = await world.sayso.approvals.undo(seen(undone), MARIA)
        pass_time(world, clock, timedelta(seconds=2))
        await world.sayso.approvals.reject(back.seen, MARIA)
        await learned(world)
        stands = await standing(world)
        assert stands.monitor is not None
        assert (stands.monitor.sample, sum(stands.monitor.regime.k)) == (1, 1), "only the rejection is settled"
        pass_time(world, clock, timedelta(seconds=31))
        await world.until(kept["id"], "executed")
        async with asyncio.timeout(15):
            while True:
                stands = await standing(world)
                if stands.monitor is not None and stands.monitor.sample == 2:
                    break
                await asyncio.sleep(0.01)
        assert stands.monitor is not None
        assert sum(stands.monitor.regime.k) == 1


async def test_what_a_stricter_policy_takes_back_is_no_audit(world: World, clock: DrawnClock) -> None:
    """Those of its kind that were drawn for an audit stand for it already, so it would count twice."""
    live = await go_live(world)
    assert live.monitor is not None
    lena = world.slack.person("U0LEAD")
    await lena.command("/approvals pause")
    sure = await one(world, confidence=0.98)
    assert sure["ruling"]["verdict"] == "automate"
    await lena.command("/threshold orders hold because it answers nonsense")
    await lena.command("/approvals resume")
    await world.until(sure["id"], "pending")
    back = await world.sayso.store.read(lambda tx: tx.proposal(sure["id"]))
    await world.sayso.approvals.approve(back.seen, MARIA)
    await learned(world)
    label = await world.sayso.store.read(lambda tx: tx.label("orders", live.regime, back.conversation.id))
    stands = await standing(world)
    assert stands.monitor is not None
    assert stands.monitor.sample == live.monitor.sample
    audits = stands.monitor.regime.audits
    assert (audits.count, audits.wrong, stands.monitor.regime.marked) == (0, 0, 0)
    assert label is not None
    assert (label.wrong, label.sampled, label.audited) == (False, False, False)


async def test_an_approval_that_a_stricter_policy_takes_back_is_one_label(world: World, clock: DrawnClock) -> None:
    lena = world.slack.person("U0LEAD")
    await lena.command("/approvals pause")
    held = await one(world)
    await world.sayso.approvals.approve(seen(held), BEN)
    await learned(world)
    await lena.command("/threshold orders escalate because it answers nonsense")
    await lena.command("/approvals resume")
    await world.until(held["id"], "escalated")
    back = await world.sayso.store.read(lambda tx: tx.proposal(held["id"]))
    await world.sayso.approvals.approve(back.seen, LEAD)
    await world.until(held["id"], "executed")
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (stands.monitor.sample, sum(stands.monitor.regime.k)) == (1, 0)


async def test_a_mark_before_it_went_out_counts_as_one_after_it(world: World, clock: DrawnClock) -> None:
    await go_live(world)
    await world.slack.person("U0LEAD").command("/approvals pause")
    early = await one(world, confidence=0.98)
    await world.sayso.executions.mark_wrong(early["id"], MARIA)
    await learned(world)
    back = await world.sayso.store.read(lambda tx: tx.proposal(early["id"]))
    await world.sayso.approvals.edit(back.seen, Reply(text="That is not so."), BEN)
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (stands.monitor.regime.marked, sum(stands.monitor.regime.k)) == (1, 0)
    shown = await world.slack.person("U0LEAD").command("/threshold orders")
    assert "1 conversation" in str(shown.body)


async def test_a_newer_offer_takes_the_place_of_one_that_still_waits(world: World) -> None:
    await teach(world, FIRST_LOOK)
    first = await world.message("C0OPS", "loosen_threshold")
    await teach(world, FIRST_LOOK, confidence=0.8)
    second = await world.message("C0OPS", "42; 0 wrong of the 42")
    assert second.ts != first.ts
    taken_back = await world.message("C0OPS", "Withdrawn by")
    assert taken_back.ts == first.ts
    await world.click("U0LEAD", second, ids.APPROVE, "C0OPS")
    await world.message("C0OPS", "orders runs on its own from 0.79")


async def test_an_offer_whose_approver_is_no_admin_by_now_waits_for_the_admins_again(
    tmp_path: Path, shop: Shop, clock: DrawnClock
) -> None:
    database, policy = tmp_path / "sayso.db", earned_policy(shop)
    others = policy.replace('admins = ["U0LEAD"]', 'admins = ["U0MARIA"]')
    assert others != policy
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            await teach(world, FIRST_LOOK)
            offer = await world.message("C0OPS", "loosen_threshold")
            await world.sayso.switch.pause(LEAD, None)
            await world.click("U0LEAD", offer, ids.APPROVE, "C0OPS")
            case = str(await world.sayso.store.read(lambda tx: tx.kept("offer:orders")))
            promised = (await world.sayso.store.read(lambda tx: tx.proposal(case))).ruling.reason
        async with bot_on(slack, database, others, clock, world.token) as world:
            await world.sayso.switch.resume(MARIA)
            await until_stored(world, lambda tx: tx.proposal(case).state is State.PENDING)
            back = await world.sayso.store.read(lambda tx: tx.proposal(case))
            assert (back.approvals, back.decision, back.ruling.reason) == ((), None, promised)
            assert (await standing(world)).setting.threshold is None
            await world.click("U0MARIA", await painted(world, offer, "Approval undone by"), ids.APPROVE, "C0OPS")
            await world.message("C0OPS", "orders runs on its own from")


async def test_an_offer_that_was_approved_after_the_evidence_fell_is_refused(world: World, clock: DrawnClock) -> None:
    await teach(world, FIRST_LOOK)
    offer = await world.message("C0OPS", "loosen_threshold")
    await world.sayso.switch.pause(LEAD, None)
    await world.click("U0LEAD", offer, ids.APPROVE, "C0OPS")

    def restart(tx: Tx) -> None:
        stands = standing_of(tx, world.sayso.policy, "orders")
        assert stands.monitor is not None
        stands.monitor.restart("the model changed")
        save(tx, stands, clock.now())

    await world.sayso.store.transact(restart)
    await world.sayso.switch.resume(LEAD)
    failed = await world.message("C0OPS", "a new regime began after the offer")
    assert "It failed" in str(failed.blocks)
    assert (await standing(world)).setting.threshold is None


async def test_no_agent_can_pose_as_an_offer(world: World) -> None:
    args = {"category": "orders", "threshold": 0.1, "regime": 1}
    refused = await world.act("loosen_threshold", args, connector="thresholds", status=422)
    assert "no connector thresholds" in refused["detail"]
    posed = await world.act("loosen_threshold", args, category="orders")
    await world.sayso.approvals.approve(seen(posed), MARIA)
    await world.until(posed["id"], "executed")
    assert (await standing(world)).setting.threshold is None, "the agent's own connector carried it, nothing else"


async def test_an_exported_history_is_what_tune_reads(world: World, clock: DrawnClock, tmp_path: Path) -> None:
    await go_live(world)
    held = await one(world, confidence=0.5, reply={"text": "Your card 4111 1111 1111 1111 was charged."})
    await world.sayso.approvals.edit(seen(held), Reply(text="Nothing was charged."), MARIA)
    clock.next_draw = 0.05
    audited = await one(world, confidence=0.99)
    await world.sayso.approvals.approve(seen(audited), MARIA)
    clock.next_draw = 0.99
    await one(world, confidence=0.99)
    await learned(world)
    rows = [row async for row in history_of(world.sayso.store)]
    assert len(rows) == FIRST_LOOK + 2, "what ran on its own has no label, and the offer is no ticket"
    edited, approved = rows[-2:]
    assert (edited["human_decision"], edited["correct"], edited["sampled"]) == ("edited", False, False)
    assert "4111 1111" not in str(edited["proposal"])
    assert (approved["human_decision"], approved["correct"], approved["sampled"]) == ("approved", True, True)
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    report = tune(path, risk=0.3, confidence=0.6)
    (tuned,) = report.categories
    assert (tuned.labels, tuned.wrong) == (FIRST_LOOK + 1, 0)
    assert "not part of the fair sample" in report.faults[0]


async def test_a_clock_that_goes_back_loses_no_label(world: World, clock: DrawnClock) -> None:
    await teach(world, 5)
    clock.ahead -= timedelta(days=3)
    await teach(world, 5)
    stands = await standing(world)
    assert stands.monitor is not None
    assert stands.monitor.sample == 10
