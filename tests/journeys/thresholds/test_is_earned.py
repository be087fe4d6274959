"""A category earns its threshold from people's decisions, and runs on its own once an admin has said so."""

import pytest

from bot.domain.proposal import Reply
from bot.slack import ids
from tests.journeys.props import Shop, the_chain_holds, told
from tests.journeys.thresholds.earning import (
    FIRST_LOOK,
    MARIA,
    DrawnClock,
    go_live,
    kinds,
    learned,
    one,
    seen,
    standing,
    teach,
)
from tests.world import World


async def test_nothing_runs_before_it_is_earned_and_one_label_too_few_earns_nothing(world: World) -> None:
    await teach(world, FIRST_LOOK - 1)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (stands.setting.threshold, stands.monitor.sample, stands.monitor.labels_needed()) == (None, 20, 1)
    assert [m for m in world.slack.messages("C0OPS") if "loosen_threshold" in str(m.blocks)] == []
    assert (await one(world, confidence=0.999))["ruling"]["reason"].startswith("orders has not yet earned")


async def test_the_offer_says_everything_and_an_admin_approves_it(world: World, shop: Shop) -> None:
    await teach(world, FIRST_LOOK)
    offer = await world.message("C0OPS", "loosen_threshold")
    shown = str(offer.blocks)
    for words in (
        "At most 30 % of what runs on its own is wrong, with 60 % confidence.",
        "none, every case is held",
        "21; 0 wrong of the 21 at or above it",
        "100 % of its cases would run on their own",
        "Of 21 labelled cases of the last 4 weeks, 21 would have run on their own; people had found 0 of those wrong.",
    ):
        assert words in shown, words
    for offered in (ids.APPROVE, ids.EDIT, ids.REJECT):
        assert offered in shown
    assert ids.ESCALATE not in shown
    await world.click("U0MARIA", offer, ids.APPROVE, "C0OPS")
    await told(world, "U0MARIA", "not on the list of approvers")
    assert (await standing(world)).setting.threshold is None
    await world.click("U0LEAD", offer, ids.APPROVE, "C0OPS")
    live = str((await world.message("C0OPS", "orders runs on its own from")).blocks)
    assert "21 labels; 0 wrong of the 21 at or above 0." in live
    assert (await standing(world)).setting.threshold == pytest.approx(0.9677, abs=0.01)
    sent = await one(world, confidence=0.98)
    assert (sent["ruling"]["verdict"], sent["decision"]["kind"]) == ("automate", "automatic")
    held = await one(world, confidence=0.5)
    assert held["ruling"]["verdict"] == "ask"
    found = await kinds(world)
    assert [kind for kind in found if kind.startswith("threshold.")][-3:] == [
        "threshold.looked",
        "threshold.offered",
        "threshold.live",
    ]
    assert await the_chain_holds(world)
    assert shop.calls == [] or all(call.json["category"] == "orders" for call in shop.calls)


async def test_an_edited_offer_is_stricter_and_a_looser_one_is_refused(world: World) -> None:
    await teach(world, FIRST_LOOK, confidence=0.9)
    offer = await world.message("C0OPS", "loosen_threshold")
    lead = world.slack.person("U0LEAD")
    await world.click("U0LEAD", offer, ids.EDIT, "C0OPS")
    view = await world.slack.wait_for_view("U0LEAD")
    field, labels = f"{ids.ARG_BLOCK}:threshold", f"{ids.ARG_BLOCK}:labels"
    refused = await lead.submit(view, {field: "0.5"})
    assert "at the loosest" in str(refused.body)
    offered = next(block["element"]["initial_value"] for block in view.blocks if block["block_id"] == labels)
    sample = await lead.submit(view, {labels: "1,000,000; 0 wrong"})
    assert "Only the threshold" in str(sample.body)
    await lead.submit(view, {field: "0.95", labels: offered})
    await world.message("C0OPS", "orders runs on its own from")
    threshold = (await standing(world)).setting.threshold
    assert threshold is not None
    assert 0.95 <= threshold < 0.954


async def test_a_rejected_offer_changes_nothing(world: World) -> None:
    await teach(world, FIRST_LOOK)
    offer = await world.message("C0OPS", "loosen_threshold")
    await world.click("U0LEAD", offer, ids.REJECT, "C0OPS")
    await world.slack.person("U0LEAD").submit(await world.slack.wait_for_view("U0LEAD"), {})
    await world.message("C0OPS", "Rejected by")
    assert (await standing(world)).setting.threshold is None
    assert (await one(world))["ruling"]["verdict"] == "ask"


async def test_labels_come_from_what_people_did_and_each_conversation_counts_once(world: World) -> None:
    approvals = world.sayso.approvals
    talk = {"id": "same-talk", "messages": [{"role": "customer", "text": "Hello?"}]}
    await approvals.approve(seen(await one(world, conversation=talk)), MARIA)
    await learned(world)
    await approvals.reject(seen(await one(world, conversation=talk)), MARIA)
    cosmetic = await one(world, reply={"text": "Your refund, was sent on Monday"})
    await approvals.edit(seen(cosmetic), Reply(text="your refund was sent on monday."), MARIA)
    number = await one(world, reply={"text": "You get 1.000 back."})
    await approvals.edit(seen(number), Reply(text="You get 1,000 back."), MARIA)
    await approvals.escalate(seen(await one(world)), MARIA)
    await approvals.reject(seen(await one(world)), MARIA)
    withdrawn = await one(world)
    await approvals.withdraw(withdrawn["id"], "shop-ai")
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (sum(stands.monitor.regime.n), sum(stands.monitor.regime.k)) == (5, 3)


async def test_what_a_hard_rule_holds_is_no_label(world: World) -> None:
    approvals = world.sayso.approvals
    await approvals.approve(seen(await one(world, in_scope=True, confidence=0.9)), MARIA)
    unsure = await one(world, confidence=0.1)
    action = await world.act("refund", {"amount": 900}, category="orders")
    assert [unsure["state"], action["state"]] == ["escalated", "pending"]
    await approvals.approve(seen(action), MARIA)
    await approvals.approve(seen(unsure), MARIA)
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert stands.monitor.sample == 1


async def test_an_audited_case_looks_like_any_other_and_is_watched(world: World, clock: DrawnClock) -> None:
    await go_live(world)
    clock.next_draw = 0.05
    audited = await one(world, confidence=0.98)
    card = str((await world.card(audited["id"])).blocks)
    assert audited["ruling"]["verdict"] == "ask"
    for word in ("audit", "Audit", "sample", "drawn"):
        assert word not in card, word
    await world.sayso.approvals.approve(seen(audited), MARIA)
    await learned(world)
    stands = await standing(world)
    assert stands.monitor is not None
    assert (stands.monitor.regime.audits.count, stands.monitor.sample) == (1, FIRST_LOOK + 1)
