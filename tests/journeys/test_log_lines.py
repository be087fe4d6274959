"""Every line of the log of what ran on its own stands once, however Slack answered when lines went out together."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.delivery import Receipt
from tests.journeys.props import MovableClock, Shop, at_rest, pass_time, until_stored
from tests.world import World

SOON = timedelta(seconds=3)


async def ran_alone(world: World, *names: str) -> list[dict[str, Any]]:
    """Sure replies, one in each of these conversations, that ran on their own."""
    ran = [await world.propose(category="orders", conversation={"id": name, "messages": []}) for name in names]
    return [await world.get(proposed["id"], wait=5) for proposed in ran]


def lines_of(world: World, proposals: list[dict[str, Any]]) -> list[int]:
    """In how many messages of the log each of these stands."""
    shown = [str(message.blocks) for message in world.slack.messages("C0LOG")]
    return [sum(proposed["id"] in text for text in shown) for proposed in proposals]


async def receipts_of(world: World, proposal_id: str) -> list[Receipt]:
    """Which messages the store holds to be about this proposal."""
    return await world.sayso.store.read(lambda tx: tx.receipts(proposal_id))


@pytest.mark.parametrize("lost", [1, 2])
async def test_lines_that_join_after_a_lost_answer_are_posted_too(
    world: World, shop: Shop, clock: MovableClock, lost: int
) -> None:
    world.slack.faults.lose_answer("chat.postMessage", channel="C0LOG")
    if lost > 1:
        world.slack.faults.server_error("conversations.history", channel="C0LOG")
    ran = await ran_alone(world, "first")
    await world.message("C0LOG", ran[0]["id"])
    for number in range(lost):
        ran += await ran_alone(world, *(f"later-{number}-{n}" for n in range(3)))
        await until_stored(world, at_rest(clock, len(ran)))
        pass_time(world, clock, SOON)
    await until_stored(world, at_rest(clock))
    assert lines_of(world, ran) == [1] * len(ran)
    for proposed in ran:
        (receipt,) = await receipts_of(world, proposed["id"])
        (message,) = [m for m in world.slack.messages("C0LOG") if m.ts == receipt.ts]
        assert proposed["id"] in str(message.blocks), "a later mark as wrong has to find its line"


async def test_a_group_whose_answer_was_lost_is_not_posted_again(world: World, shop: Shop, clock: MovableClock) -> None:
    world.slack.faults.rate_limit("chat.postMessage", retry_after="2", channel="C0LOG")
    world.slack.faults.lose_answer("chat.postMessage", channel="C0LOG")
    ran = await ran_alone(world, *(f"talk-{n}" for n in range(6)))
    await until_stored(world, at_rest(clock, len(ran)))
    pass_time(world, clock, SOON)
    await world.message("C0LOG", ran[-1]["id"])
    ran += await ran_alone(world, "afterwards")
    await until_stored(world, at_rest(clock, len(ran)))
    pass_time(world, clock, SOON)
    await until_stored(world, at_rest(clock))
    assert lines_of(world, ran) == [1] * len(ran)
    assert len(world.slack.messages("C0LOG")) == 2


async def test_a_line_whose_answer_was_lost_says_how_things_stand_when_it_is_found(
    world: World, clock: MovableClock
) -> None:
    world.slack.faults.lose_answer("chat.postMessage", channel="C0LOG")
    (ran,) = await ran_alone(world, "one")
    line = await world.message("C0LOG", ran["id"])
    menu: dict[str, Any] = line.blocks[0]["accessory"]
    wrong = next(one["value"] for one in menu["options"] if one["text"]["text"] == "This was wrong")
    await world.slack.person("U0MARIA").choose("C0LOG", line.ts, menu["action_id"], wrong)
    await until_stored(world, lambda tx: tx.proposal(ran["id"]).marked_by is not None)
    pass_time(world, clock, SOON)
    await until_stored(world, at_rest(clock))
    (found,) = world.slack.messages("C0LOG")
    assert "Marked" in str(found.blocks)
