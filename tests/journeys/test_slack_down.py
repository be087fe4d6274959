"""Slack is down, slow or forgetful while a proposal arrives: the card appears once, when Slack is back."""

from datetime import timedelta

import pytest

from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, cards_of, notices, painted, pass_time, told, until_stored
from tests.world import World

SOON = timedelta(seconds=3)


async def test_the_card_appears_when_slack_is_back(world: World, clock: MovableClock) -> None:
    await world.slack.stop()
    proposed = await world.propose()
    assert proposed["state"] == "pending"
    await until_stored(world, at_rest(clock, 1))
    await world.slack.start()
    pass_time(world, clock, SOON)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"


async def test_a_card_outlives_an_outage_that_is_longer_than_all_tries_of_anything_else(
    world: World, clock: MovableClock
) -> None:
    tries = world.sayso.policy.attempts + 3
    world.slack.faults.server_error("chat.postMessage", times=tries, channel="C0REVIEW")
    proposed = await world.propose()
    for _ in range(tries):
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=1))
    await world.card(proposed["id"])
    assert notices(world.slack) == []


async def test_an_approved_reply_in_a_thread_outlives_such_an_outage_as_well(world: World, clock: MovableClock) -> None:
    said = await world.slack.person("U0OTHER").say("C0CUSTOMERS", "Where is my refund?")
    thread = {"id": f"slack:C0CUSTOMERS:{said.ts}", "messages": []}
    proposed = await world.propose(connector="slack_thread", conversation=thread)
    card = await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    tries = world.sayso.policy.attempts + 3
    for method in ("chat.postMessage", "conversations.replies"):
        world.slack.faults.server_error(method, times=tries, channel="C0CUSTOMERS")
    await world.click("U0MARIA", card, ids.APPROVE)
    for _ in range(tries):
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=1))
    world.slack.faults.clear()
    pass_time(world, clock, timedelta(minutes=1))
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(world.slack.thread("C0CUSTOMERS", said.ts)) == 2
    assert notices(world.slack) == []


@pytest.mark.parametrize("ahead", [-50, -3, 3, 50])
async def test_a_card_whose_answer_was_lost_is_found_though_the_clocks_disagree(
    world: World, clock: MovableClock, ahead: int
) -> None:
    clock.ahead = timedelta(minutes=ahead)
    world.slack.faults.lose_answer("chat.postMessage", channel="C0REVIEW")
    proposed = await world.propose()
    await until_stored(world, at_rest(clock, 1))
    pass_time(world, clock, SOON)
    await until_stored(world, at_rest(clock))
    (card,) = cards_of(world.slack, proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await painted(world, card, "Sent.")


async def test_a_lost_card_is_not_looked_for_behind_what_was_posted_last(world: World, clock: MovableClock) -> None:
    """A channel may see hundreds of messages an hour, and Slack gives two hundred at a time."""
    for number in range(410):
        await world.slack.person("U0BEN").say("C0REVIEW", f"chatter {number}")
    await world.card((await world.propose())["id"])
    world.slack.faults.server_error("chat.postMessage", channel="C0REVIEW")
    lost = await world.propose(conversation={"id": "conv-2", "messages": []})
    await until_stored(world, at_rest(clock, 1))
    pass_time(world, clock, SOON)
    await world.card(lost["id"])
    assert len([call for call in world.slack.calls if call.method == "conversations.history"]) == 1


async def test_what_was_decided_while_slack_was_down_shows_when_it_is_back(
    world: World, clock: MovableClock, shop: Shop
) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    world.slack.faults.server_error("chat.update", times=1)
    await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1
    await until_stored(world, lambda tx: not tx.outbox_size().get("leased"))
    assert "Approved by" not in str(world.slack.message("C0REVIEW", card.ts).blocks)
    pass_time(world, clock, SOON)
    await painted(world, card, "Approved by")


@pytest.mark.parametrize("fault", ["lose_answer", "server_error", "bad_gateway", "hang"])
async def test_a_call_that_went_wrong_leaves_exactly_one_card(world: World, clock: MovableClock, fault: str) -> None:
    more = {"seconds": 0.05} if fault == "hang" else {}
    getattr(world.slack.faults, fault)("chat.postMessage", channel="C0REVIEW", **more)
    proposed = await world.propose()
    await until_stored(world, at_rest(clock, 1))
    assert len(cards_of(world.slack, proposed["id"])) == (1 if fault == "lose_answer" else 0)
    pass_time(world, clock, SOON)
    await until_stored(world, at_rest(clock))
    (card,) = cards_of(world.slack, proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await painted(world, card, "Sent.")
    assert len(world.slack.messages("C0REVIEW")) == 1


async def test_a_click_on_a_card_whose_answer_was_lost_decides(world: World, shop: Shop, clock: MovableClock) -> None:
    world.slack.faults.lose_answer("chat.postMessage", channel="C0REVIEW")
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    assert len(shop.effects_of(proposed["id"])) == 1
    pass_time(world, clock, SOON)
    await painted(world, card, "Sent.")
    assert len(world.slack.messages("C0REVIEW")) == 1


async def test_a_429_holds_the_whole_lane_and_no_other(world: World, clock: MovableClock) -> None:
    world.slack.faults.rate_limit("chat.postMessage", retry_after="30", channel="C0REVIEW")
    held = [await world.propose() for _ in range(3)]
    await until_stored(world, at_rest(clock, 3))
    tried = [call for call in world.slack.calls if call.args.get("channel") == "C0REVIEW"]
    assert len(tried) == 1
    other = await world.propose(category="legal")
    await world.card(other["id"], "C0ESCALATE")
    pass_time(world, clock, timedelta(seconds=25))
    later = await world.propose()
    await until_stored(world, at_rest(clock, 4))
    assert world.slack.messages("C0REVIEW") == []
    pass_time(world, clock, timedelta(seconds=10))
    for proposed in (*held, later):
        await world.card(proposed["id"])
    shown = [str(message.blocks) for message in world.slack.messages("C0REVIEW")]
    assert [p["id"] in text for p, text in zip((*held, later), shown, strict=True)] == [True] * 4


@pytest.mark.parametrize(("header", "seconds"), [("0", 1), ("1", 1), ("3600", 3600), (None, 1), ("soon", 1)])
async def test_whatever_retry_after_says_the_card_comes_after_it(
    world: World, clock: MovableClock, header: str | None, seconds: int
) -> None:
    world.slack.faults.rate_limit("chat.postMessage", retry_after=header, channel="C0REVIEW")
    proposed = await world.propose()
    await until_stored(world, at_rest(clock, 1))
    due = await world.sayso.store.read(lambda tx: tx.next_due())
    assert due is not None
    assert timedelta(seconds=seconds - 1) < due - clock.now() <= timedelta(seconds=seconds)
    pass_time(world, clock, timedelta(seconds=seconds))
    await world.card(proposed["id"])


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "not_in_channel", "invalid_auth"])
async def test_what_an_admin_can_mend_is_tried_again_until_it_is_mended(
    world: World, clock: MovableClock, error: str
) -> None:
    world.slack.faults.fail("chat.postMessage", error, times=2, channel="C0REVIEW")
    proposed = await world.propose()
    for _ in range(2):
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(seconds=30))
    await world.card(proposed["id"])


async def test_a_lost_whisper_is_whispered_again(world: World, clock: MovableClock) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await until_stored(world, at_rest(clock))
    await world.slack.stop()
    await world.slack.start()
    world.slack.faults.hang("chat.postEphemeral", seconds=0.05)
    await world.click("U0LEAD", card, ids.APPROVE)
    await until_stored(world, at_rest(clock, 1))
    pass_time(world, clock, SOON)
    await told(world, "U0LEAD", "You are not on the list")
