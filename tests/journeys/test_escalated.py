"""A case is escalated: the whole story goes to people with more authority, and nothing runs until they decide."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.local_slack import LocalSlack
from bot.local_slack.model import Message
from bot.slack import ids
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    buttons_of,
    cards_of,
    edit_words,
    obliging,
    open_edit,
    open_reject,
    painted,
    pass_time,
    refusing,
    shop_policy,
    story_of,
    told,
    undo,
    words_block,
)
from tests.world import POLICY, World, running_world

TALK = [
    {"role": "customer", "text": "Hello, my parcel came broken."},
    {"role": "agent", "text": "I am sorry to hear that. Which order was it?"},
    {"role": "customer", "text": "Order 1042. I want my money back."},
]
EVIDENCE = [{"title": "Damage policy", "quote": "Broken goods are refunded.", "url": "https://shop.example/damage"}]


async def escalated(world: World, who: str = "U0BEN", **changes: Any) -> tuple[dict[str, Any], Message, Message]:
    """A case that this person escalated: the proposal, its review card and its escalation card."""
    body: dict[str, Any] = {"conversation": {"id": "conv-9", "messages": TALK}, "evidence": EVIDENCE} | changes
    proposed = await world.propose(**body)
    card = await world.card(proposed["id"])
    await world.click(who, card, ids.ESCALATE)
    return proposed, card, await world.card(proposed["id"], "C0ESCALATE")


async def test_the_escalation_channel_sees_the_whole_story(world: World, shop: Shop) -> None:
    proposed, _, card = await escalated(world)
    shown = str(card.blocks)
    for words in (*(message["text"] for message in TALK), "Your refund was sent on Monday.", "Damage policy"):
        assert words in shown, words
    assert "Broken goods are refunded." in shown
    assert "Escalated by" in shown
    assert "'user_id': 'U0BEN'" in shown
    for button in (ids.TAKE_OVER, ids.APPROVE, ids.EDIT, ids.MORE):
        assert button in shown, button
    assert "with a note" not in shown
    assert ids.ESCALATE not in shown.replace(ids.ESCALATE + "d", "")
    held = await world.get(proposed["id"])
    assert (held["state"], held["decision"]["kind"], held["final"]) == ("escalated", "escalated", None)
    assert shop.calls == []


async def test_whoever_escalates_with_a_note_says_why_to_whoever_picks_it_up(world: World) -> None:
    note = "He is a lawyer. <!channel> *Do not* promise anything."
    proposed = await world.propose()
    review = await world.card(proposed["id"])
    await world.choose("U0BEN", review, ids.ESCALATE_OPTION)
    view = await world.slack.wait_for_view("U0BEN")
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert (await world.slack.person("U0BEN").submit(view, {ids.OTHER_BLOCK: note})).ok
    held = await world.get(proposed["id"])
    assert (held["state"], held["decision"]["kind"], held["decision"]["reason"]) == ("escalated", "escalated", note)
    for message in (
        await world.card(proposed["id"], "C0ESCALATE", note),
        await painted(world, review, note),
        await world.message("C0OPS", "A case was escalated."),
    ):
        assert note in str(message.blocks)
    events = await world.sayso.store.read(lambda tx: tx.audit_events(kinds=["proposal.escalated"]))
    assert [written.event.payload["reason"] for written in events] == [note]


async def test_a_note_that_comes_too_late_is_kept_in_its_window(world: World) -> None:
    proposed = await world.propose()
    review = await world.card(proposed["id"])
    await world.choose("U0BEN", review, ids.ESCALATE_OPTION)
    view = await world.slack.wait_for_view("U0BEN")
    await world.click("U0MARIA", review, ids.APPROVE)
    answer = await world.slack.person("U0BEN").submit(view, {ids.OTHER_BLOCK: "Look at this, please."})
    assert "Maria approved this" in answer.body["errors"][ids.OTHER_BLOCK]


async def test_the_review_card_says_who_escalated_it_and_has_no_buttons_any_more(world: World) -> None:
    _, card, _ = await escalated(world)
    now = await painted(world, card, "Escalated by")
    assert "U0BEN" in str(now.blocks)
    assert "It is with the escalation team now." in str(now.blocks)
    assert buttons_of(now) == [ids.OPEN]


async def test_a_person_takes_over_and_the_ai_says_nothing(world: World, shop: Shop) -> None:
    proposed, review, card = await escalated(world)
    await world.click("U0LEAD", card, ids.TAKE_OVER, "C0ESCALATE")
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("cancelled", "taken_over")
    assert done["decision"]["by"] == {"id": "U0LEAD", "name": "Lena"}
    assert done["final"] is None
    for copy in (review, card):
        now = await painted(world, copy, "Taken over by")
        assert "U0LEAD" in str(now.blocks)
        assert buttons_of(now) == [ids.OPEN]
    assert shop.calls == []
    assert (await story_of(world, done["id"]))[-1] == "proposal.taken_over"


async def test_the_escalation_team_approves(world: World, shop: Shop) -> None:
    proposed, review, card = await escalated(world)
    await world.click("U0LEAD", card, ids.APPROVE, "C0ESCALATE")
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("executed", "approved")
    assert len(shop.effects_of(done["id"])) == 1
    for copy in (review, card):
        now = await painted(world, copy, "Approved by")
        assert "Escalated by" in str(now.blocks)
        assert "'user_id': 'U0BEN'" in str(now.blocks)
        assert "'user_id': 'U0LEAD'" in str(now.blocks)


async def test_the_escalation_team_edits(world: World, shop: Shop) -> None:
    proposed, _, card = await escalated(world)
    await edit_words(world, "U0LEAD", card, "We refund you today.")
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("executed", "edited")
    assert [effect["reply"]["text"] for effect in shop.effects_of(done["id"])] == ["We refund you today."]


async def test_the_escalation_team_rejects(world: World, shop: Shop) -> None:
    proposed, review, card = await escalated(world)
    view = await open_reject(world, "U0LEAD", card)
    await world.slack.person("U0LEAD").submit(view, {"other_reason": "We do not refund this"})
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("cancelled", "rejected")
    assert "We do not refund this" in str((await painted(world, review, "Rejected by")).blocks)
    assert shop.calls == []


async def test_a_reviewer_who_is_late_is_told_who_escalated_it(world: World) -> None:
    proposed, card, _ = await escalated(world)
    await world.slack.person("U0OTHER").click("C0REVIEW", card, ids.APPROVE)
    await told(world, "U0OTHER", "Ben escalated this")
    assert (await world.get(proposed["id"]))["state"] == "escalated"


async def test_whoever_is_on_both_teams_decides_an_escalated_case_only_where_it_was_handed_over(
    world: World, shop: Shop
) -> None:
    """Maria still looks at the card as it was before Ben escalated: what stands now is another case."""
    proposed, card, handed_over = await escalated(world)
    maria = world.slack.person("U0MARIA")
    for old in (ids.APPROVE, ids.ESCALATE, ids.EDIT):
        since = world.slack.world.new_ts()
        await maria.click("C0REVIEW", card, old)
        await told(world, "U0MARIA", "Ben escalated this", since=since)
    assert maria.view is None
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["decision"]["kind"], stands["final"]) == ("escalated", "escalated", None)
    assert (await story_of(world, proposed["id"]))[-1] == "proposal.escalated"
    assert shop.calls == []
    await world.click("U0MARIA", handed_over, ids.APPROVE, "C0ESCALATE")
    assert (await world.get(proposed["id"], wait=5))["decision"]["by"]["id"] == "U0MARIA"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_window_from_before_the_escalation_decides_nothing_and_keeps_what_was_typed(
    world: World, shop: Shop
) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    edit = await open_edit(world, "U0MARIA", card)
    await world.choose("U0MARIA", card, ids.REJECT_OPTION)
    reject = await world.slack.wait_for_view("U0MARIA", predicate=lambda view: view.id != edit.id)
    await world.click("U0BEN", card, ids.ESCALATE)
    maria = world.slack.person("U0MARIA")
    for answer in (
        await maria.submit(edit, {words_block(edit): "My careful words."}),
        await maria.submit(reject, {ids.OTHER_BLOCK: "My careful reason."}),
    ):
        assert "Ben escalated this" in str(answer.body["errors"]), answer
    assert maria.view is not None
    assert (await world.get(proposed["id"]))["state"] == "escalated"
    assert shop.calls == []


async def test_a_second_click_on_escalate_needs_no_answer(world: World) -> None:
    proposed, card, _ = await escalated(world)
    await world.slack.person("U0BEN").click("C0REVIEW", card, ids.ESCALATE)
    await world.message("C0OPS", "A case was escalated.")
    assert world.slack.ephemerals("U0BEN") == []
    assert (await story_of(world, proposed["id"])).count("proposal.escalated") == 1
    assert len([m for m in world.slack.messages("C0ESCALATE") if proposed["id"] in str(m.blocks)]) == 1


async def test_whoever_escalated_it_cannot_decide_it_any_more(world: World) -> None:
    proposed, _, card = await escalated(world)
    before = world.slack.world.new_ts()
    await world.click("U0BEN", card, ids.APPROVE, "C0ESCALATE")
    await told(world, "U0BEN", "Ben escalated this", since=before)
    assert (await world.get(proposed["id"]))["state"] == "escalated"


async def test_a_category_of_the_escalation_team_goes_there_at_once(world: World) -> None:
    proposed = await world.propose(category="legal")
    assert (proposed["state"], proposed["decision"]) == ("escalated", None)
    card = await world.card(proposed["id"], "C0ESCALATE")
    assert "Everything in legal goes to the escalation team." in str(card.blocks)
    assert [m for m in world.slack.messages("C0REVIEW") if proposed["id"] in str(m.blocks)] == []


async def test_an_uncertain_case_goes_to_a_person_with_the_reason(world: World) -> None:
    for changes, reason in (
        ({"confidence": None}, "did not say how sure"),
        ({"in_scope": False}, "outside what it can answer"),
        ({"confidence": 0.1}, "below the escalation floor"),
        ({"reply": {"text": "  "}}, "no draft"),
    ):
        proposed = await world.propose(**changes)
        assert (proposed["state"], proposed["ruling"]["verdict"]) == ("escalated", "escalate"), changes
        assert reason in proposed["ruling"]["reason"]
        await world.card(proposed["id"], "C0ESCALATE", saying=reason)


async def test_an_escalated_case_expires_too(world: World, clock: MovableClock, shop: Shop) -> None:
    proposed, review, card = await escalated(world, expires_in=3600)
    pass_time(world, clock, timedelta(seconds=3601))
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("expired", "expired")
    for copy in (review, card):
        await painted(world, copy, "Expired")
    assert shop.calls == []


BEYOND = """
[actions.payout]
effect = "write"
escalate_when = "args.amount > 500"
"""
TEAM = POLICY.replace('escalation = ["U0LEAD", "U0MARIA"]', 'escalation = ["S0LEADS"]')


@asynccontextmanager
async def leads(folder: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """A world whose escalation team is a user group: Lena, and Ben, who is an ordinary approver by name too."""

    def prepare(slack: LocalSlack) -> None:
        slack.add_group("leads", ["U0BEN", "U0LEAD"], id="S0LEADS")

    policy = shop_policy(shop, base=TEAM) + BEYOND
    async with running_world(folder / "sayso.db", policy, clock=clock, prepare=prepare, SHOP_SECRET=SECRET) as made:
        yield made


async def test_what_the_policy_escalated_stays_with_the_escalation_team(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """An ordinary reviewer may neither undo their decision and make it himself, nor have it tried again."""
    async with leads(tmp_path, shop, clock) as world:
        proposed = await world.act("payout", {"amount": 600}, category="returns")
        card = await world.card(proposed["id"], "C0ESCALATE")
        await world.click("U0LEAD", card, ids.APPROVE, "C0ESCALATE")
        approved = await painted(world, card, ids.UNDO)
        await world.click("U0MARIA", approved, ids.UNDO, "C0ESCALATE")
        await told(world, "U0MARIA", "You are not on the list of approvers for escalated cases")
        # Take over stands first here, so Undo does: never where Approve was.
        assert (buttons_of(card)[:2], buttons_of(approved)) == ([ids.TAKE_OVER, ids.APPROVE], [ids.UNDO, ids.OPEN])
        await undo(world, clock, "U0LEAD", approved)
        again = await painted(world, card, ids.TAKE_OVER)
        pass_time(world, clock, timedelta(seconds=2))
        assert (await world.get(proposed["id"]))["state"] == "escalated"
        assert cards_of(world.slack, proposed["id"], "C0REVIEW") == []
        await world.click("U0LEAD", again, ids.APPROVE, "C0ESCALATE")
        shop.mood = refusing(422)
        pass_time(world, clock, timedelta(seconds=31))
        alarm = await world.card(proposed["id"], "C0OPS", "It failed")
        before = world.slack.world.new_ts()
        await world.click("U0MARIA", alarm, ids.RETRY, "C0OPS")
        await told(world, "U0MARIA", "You are not on the list", since=before)
        shop.mood = obliging
        await world.click("U0LEAD", alarm, ids.RETRY, "C0OPS")
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_undoing_their_approval_leaves_it_escalated_by_whoever_did(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    async with leads(tmp_path, shop, clock) as world:
        proposed, review, card = await escalated(world, "U0MARIA", category="returns")
        await world.click("U0LEAD", card, ids.APPROVE, "C0ESCALATE")
        await undo(world, clock, "U0LEAD", card)
        await painted(world, card, ids.TAKE_OVER)
        assert "U0MARIA" in str((await painted(world, review, "It is with the escalation team now.")).blocks)
        stands = await world.get(proposed["id"])
        assert (stands["state"], stands["decision"]["kind"]) == ("escalated", "escalated")
        decisions = await world.sayso.store.read(lambda tx: tx.decisions(proposed["id"]))
        assert [decision.kind.value for decision in decisions] == ["escalated", "approved"]


async def test_a_reviewer_who_is_in_the_escalation_group_too_may_decide_it(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    async with leads(tmp_path, shop, clock) as world:
        proposed, _, card = await escalated(world, "U0MARIA")
        await world.click("U0BEN", card, ids.APPROVE, "C0ESCALATE")
        done = await world.get(proposed["id"], wait=5)
        assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0BEN")
        assert world.slack.ephemerals("U0BEN") == []


async def test_a_long_message_stands_on_the_escalation_card_whole_and_one_that_is_cut_says_so(world: World) -> None:
    talk = {"id": "conv-9", "messages": [{"role": "customer", "text": f"{'A' * 3000} please cancel TAILWORD"}]}
    _, review, card = await escalated(world, conversation=talk)
    assert "TAILWORD" in str(card.blocks)
    assert "The rest of it" not in str(card.blocks)
    assert "TAILWORD" not in str(review.blocks)
    assert "The rest of it is in the full case." in str(review.blocks)
    talk = {"id": "conv-10", "messages": [{"role": "customer", "text": f"{'B' * 5000} please cancel TAILWORD"}]}
    _, _, card = await escalated(world, conversation=talk, key="longer")
    assert "The rest of it is in the full case." in str(card.blocks)


async def test_a_double_click_on_escalate_does_not_decide_the_card_that_appears_below(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """Where one channel serves both, the new card comes to stand where the old one stood."""
    base = POLICY.replace('escalation = "C0ESCALATE"', 'escalation = "C0REVIEW"')
    async with running_world(
        tmp_path / "sayso.db", shop_policy(shop, base=base), clock=clock, SHOP_SECRET=SECRET
    ) as made:
        proposed = await made.propose()
        card = await made.card(proposed["id"])
        await made.click("U0MARIA", card, ids.ESCALATE)
        new = await made.card(proposed["id"], saying=ids.TAKE_OVER)
        for other in (ids.APPROVE, ids.TAKE_OVER):
            since = made.slack.world.new_ts()
            await made.click("U0MARIA", new, other)
            await told(made, "U0MARIA", "You escalated this a moment ago", since=since)
        assert (await made.get(proposed["id"]))["state"] == "escalated"
        pass_time(made, clock, timedelta(seconds=2))
        await made.click("U0MARIA", new, ids.TAKE_OVER)
        assert (await made.get(proposed["id"]))["decision"]["kind"] == "taken_over"
