"""A person deletes a card in Slack: the case goes on, and its card comes back."""

import asyncio
from datetime import timedelta

from bot.domain import proposal
from bot.local_slack import Message
from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, cards_of, painted, pass_time, until_stored
from tests.world import World


async def test_a_deleted_card_comes_back_when_it_is_painted_again(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    card = await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    world.slack.delete_message("C0REVIEW", card.ts)
    assert cards_of(world.slack, proposed["id"]) == []
    await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
    back = await world.card(proposed["id"], saying="1 of 2 approvals")
    assert back.ts != card.ts
    await world.click("U0BEN", back, ids.APPROVE)
    await painted(world, back, "Approved by")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    await until_stored(world, at_rest(clock))
    assert len(world.slack.messages("C0REVIEW")) == 1
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_card_deleted_twice_comes_back_twice_and_stands_once(world: World, clock: MovableClock) -> None:
    proposed = await world.act("close_account", {"account": "A-17"})
    for approvals, user in ((1, "U0MARIA"), (2, "U0BEN")):
        card = await world.card(proposed["id"])
        await until_stored(world, at_rest(clock))
        world.slack.delete_message("C0REVIEW", card.ts)
        await world.slack.person(user).click("C0REVIEW", card, ids.APPROVE)
        if approvals == 1:
            await world.card(proposed["id"], saying="1 of 2 approvals")
    await world.message("C0REVIEW", "Approved by")
    await world.get(proposed["id"], wait=5)
    await until_stored(world, at_rest(clock))
    assert len(world.slack.messages("C0REVIEW")) == 1


async def test_the_deletion_itself_decides_nothing(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.slack.person("U0BEN").delete("C0REVIEW", card.ts)
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def escalated_and_deleted(world: World, clock: MovableClock, proposal_id: str) -> Message:
    """Its card in the escalation channel; the one for the reviewers is gone, and the next answer there will be lost."""
    card = await world.card(proposal_id)
    await world.click("U0MARIA", card, ids.ESCALATE)
    escalated: Message = await world.card(proposal_id, "C0ESCALATE")
    await until_stored(world, at_rest(clock))
    world.slack.delete_message("C0REVIEW", card.ts)
    world.slack.faults.lose_answer("chat.postMessage", channel="C0REVIEW")
    return escalated


async def test_a_card_that_comes_back_hides_no_younger_one_whose_answer_was_lost(
    world: World, clock: MovableClock
) -> None:
    old = await world.propose(conversation={"id": "conv-old", "messages": []})
    escalated = await escalated_and_deleted(world, clock, old["id"])
    await world.click("U0LEAD", escalated, ids.APPROVE, "C0ESCALATE")
    young = await world.propose(conversation={"id": "conv-young", "messages": []})
    await world.card(young["id"])
    await world.card(old["id"])
    for _ in range(3):
        pass_time(world, clock, timedelta(seconds=3))
        await asyncio.sleep(0.3)
    await until_stored(world, at_rest(clock))
    assert [len(cards_of(world.slack, case["id"])) for case in (old, young)] == [1, 1]


async def test_a_card_that_comes_back_and_whose_answer_is_lost_shows_what_was_decided_meanwhile(
    world: World, clock: MovableClock
) -> None:
    proposed = await world.propose()
    escalated = await escalated_and_deleted(world, clock, proposed["id"])
    more = proposal.Message(role="customer", text="Are you there?")
    wrote = world.sayso.approvals.customer_wrote
    await world.sayso.store.transact(lambda tx: wrote(tx, tx.proposal(proposed["id"]), more))
    await world.card(proposed["id"])
    escalated = await painted(world, escalated, "Are you there?")
    await world.click("U0LEAD", escalated, ids.TAKE_OVER, "C0ESCALATE")
    pass_time(world, clock, timedelta(seconds=3))
    await until_stored(world, at_rest(clock))
    (back,) = cards_of(world.slack, proposed["id"])
    assert "Taken over by" in str(back.blocks)
