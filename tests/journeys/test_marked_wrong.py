"""What ran on its own, or was about to, is marked as wrong from the log: the mark stays, and counts once."""

from datetime import timedelta
from typing import Any

from bot.domain.proposal import Proposal
from bot.local_slack.model import Message
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    buttons_of,
    cards_of,
    edit_words,
    mark_wrong,
    notices,
    obliging,
    painted,
    pass_time,
    refusing,
    story_of,
    told,
    until_stored,
)
from tests.world import World


async def paused(world: World, *, go_on: bool = False) -> None:
    await world.slack.person("U0LEAD").command("/approvals resume" if go_on else "/approvals pause")


async def waiting(world: World, **changes: Any) -> tuple[str, Message]:
    """What the policy let run on its own, held by a pause: its id, and its line in the log."""
    await paused(world)
    proposed = await world.propose(category="orders", reply={"text": "Nonsense."}, **changes)
    return proposed["id"], await world.message("C0LOG", "Nonsense.")


async def stands(world: World, proposal_id: str) -> Proposal:
    return await world.sayso.store.read(lambda tx: tx.proposal(proposal_id))


async def test_a_mark_takes_back_what_is_not_out_yet_and_stays(world: World, shop: Shop, clock: MovableClock) -> None:
    case, line = await waiting(world)
    await mark_wrong(world, "U0MARIA", line, case)
    card = await world.card(case)
    assert "Maria marked this as wrong before it went out." in str(card.blocks)
    now = await painted(world, line, "Marked as wrong by")
    assert "❌" in str(now.blocks) and "It did not go out on its own." in str(now.blocks)
    assert "This was wrong" not in str(now.blocks)
    marked = await stands(world, case)
    assert marked.state == "pending"
    assert marked.marked_by is not None and marked.marked_by.id == "U0MARIA"
    assert marked.marked_at is not None and marked.created_at < marked.marked_at < clock.now()
    assert (await story_of(world, case))[-3:] == ["proposal.undone", "proposal.ruled", "proposal.marked_wrong"]
    await paused(world, go_on=True)
    await edit_words(world, "U0BEN", card, "Sense.")
    assert (await world.get(case, wait=5))["state"] == "executed"
    assert [effect["reply"]["text"] for effect in shop.effects_of(case)] == ["Sense."]
    assert (await stands(world, case)).marked_by == marked.marked_by


async def test_what_is_marked_after_its_time_waits_its_whole_time_for_a_person(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    case, line = await waiting(world, expires_in=60)
    pass_time(world, clock, timedelta(seconds=61))
    marked = clock.now()
    await mark_wrong(world, "U0MARIA", line, case)
    await world.card(case)
    assert timedelta(seconds=59) < (await stands(world, case)).expires_at - marked < timedelta(seconds=75)
    assert "expired" not in str(notices(world.slack))


async def test_what_is_marked_goes_to_the_escalation_team_where_the_policy_sends_all_of_its_kind_by_now(
    world: World, shop: Shop
) -> None:
    case, line = await waiting(world)
    await world.slack.person("U0LEAD").command("/threshold orders escalate because it answers nonsense")
    await mark_wrong(world, "U0MARIA", line, case)
    card = await world.card(case, "C0ESCALATE")
    assert "Maria marked this as wrong before it went out." in str(card.blocks)
    marked = await stands(world, case)
    assert (marked.state, marked.ruling.verdict) == ("escalated", "escalate")
    await world.message("C0OPS", "A case was escalated.")
    assert cards_of(world.slack, case) == []


async def test_a_mark_of_a_retry_takes_it_back_where_it_stood(world: World, shop: Shop, clock: MovableClock) -> None:
    shop.mood = refusing(422)
    case = (await world.propose(category="orders", reply={"text": "Nonsense."}))["id"]
    alarm = await world.card(case, "C0OPS", "It failed")
    shop.mood = obliging
    await paused(world)
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await painted(world, alarm, "It waits")
    await mark_wrong(world, "U0MARIA", await world.message("C0LOG", "Nonsense."), case)
    again = await painted(world, alarm, ids.RETRY)
    assert buttons_of(again)[:2] == [ids.RETRY, ids.GIVE_UP]
    assert cards_of(world.slack, case) == [], "those who settle it have its card in the ops channel"
    await world.message("C0LOG", "Marked as wrong by")
    await paused(world, go_on=True)
    await world.click("U0BEN", again, ids.RETRY, "C0OPS")
    assert (await world.get(case, wait=5))["state"] == "executed"
    assert (await story_of(world, case)).count("proposal.marked_wrong") == 1


async def test_whoever_marks_second_is_told_who_did_and_when_and_the_first_nothing(
    world: World, clock: MovableClock
) -> None:
    case, line = await waiting(world)
    await mark_wrong(world, "U0BEN", line, case)
    pass_time(world, clock, timedelta(minutes=3))
    await mark_wrong(world, "U0MARIA", line, case)
    await told(world, "U0MARIA", "Ben marked this as wrong 3 minutes ago; it counts once.")
    await mark_wrong(world, "U0BEN", line, case)
    await until_stored(world, at_rest(clock))
    assert not world.slack.world.ephemerals.get("U0BEN")
    assert (await story_of(world, case)).count("proposal.marked_wrong") == 1


async def test_a_mark_of_what_a_person_decided_since_says_who_and_when(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    case, line = await waiting(world)
    await world.slack.person("U0LEAD").command("/threshold orders hold because it answers nonsense")
    await paused(world, go_on=True)
    await world.click("U0BEN", await world.card(case), ids.APPROVE)
    await world.get(case, wait=5)
    await mark_wrong(world, "U0MARIA", line, case)
    await told(world, "U0MARIA", "Ben approved this just now. Only what ran on its own can be marked as wrong.")
