"""A call whose outcome nobody knows is never repeated unasked: a person looks, and says what happened."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.local_slack.model import Message
from bot.slack import ids
from tests.connectors.receiver import Received, hang_up
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    buttons_of,
    empty_slack,
    lost_for_words,
    obliging,
    painted,
    pass_time,
    refusing,
    shop_policy,
    story_of,
    told,
    undo,
    until_stored,
)
from tests.world import POLICY, World, running_world


@pytest.fixture
async def forgetful(tmp_path: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """A world whose shop honours no idempotency key."""
    policy = shop_policy(shop, idempotent=False)
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as made:
        await until_stored(made, at_rest(clock))
        yield made


async def approved(world: World, who: str = "U0MARIA", **changes: Any) -> tuple[dict[str, Any], Message]:
    """A refund that somebody approved, and its review card."""
    proposed = await world.act("refund", {"amount": 180}, **changes)
    card = await world.card(proposed["id"])
    await world.click(who, card, ids.APPROVE)
    return proposed, card


async def in_doubt(world: World, shop: Shop) -> tuple[dict[str, Any], Message, Message]:
    """A refund that was done, though nobody heard of it: the proposal, its review card and its card in ops."""
    shop.mood = lost_for_words
    proposed, card = await approved(world)
    alarm = await world.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
    shop.mood = obliging
    return proposed, card, alarm


async def test_a_lost_answer_is_put_before_people_and_not_repeated(
    forgetful: World, shop: Shop, clock: MovableClock
) -> None:
    proposed, card, alarm = await in_doubt(forgetful, shop)
    stands = await forgetful.get(proposed["id"])
    assert (stands["state"], stands["closed"], stands["execution"]["status"]) == ("in_doubt", False, "in_doubt")
    await painted(forgetful, card, "Nobody knows whether it happened")
    for button in (ids.CONFIRM, ids.RETRY, ids.GIVE_UP):
        assert button in str(alarm.blocks), button
    pass_time(forgetful, clock, timedelta(days=3))
    await until_stored(forgetful, at_rest(clock))
    assert len(shop.calls) == 1


async def test_a_fault_of_our_own_after_the_call_left_is_no_failure_but_a_doubt(
    forgetful: World, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop did it and said so; Sayso stumbled over the answer. "It failed" would invite a second refund."""

    def stumbles(text: str) -> object:
        raise KeyError(text)

    with monkeypatch.context() as patched:
        patched.setattr("bot.connectors.webhook.result_of", stumbles)
        proposed, card = await approved(forgetful)
        alarm = await forgetful.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
        assert "Sayso failed while it was carrying this out (KeyError)" in str(alarm.blocks)
        assert len(shop.effects_of(proposed["id"])) == 1
    stands = await forgetful.get(proposed["id"])
    assert (stands["state"], stands["execution"]["status"]) == ("in_doubt", "in_doubt")
    await painted(forgetful, card, "Nobody knows whether it happened")
    pass_time(forgetful, clock, timedelta(days=3))
    await until_stored(forgetful, at_rest(clock))
    assert len(shop.calls) == 1
    await forgetful.click("U0BEN", alarm, ids.CONFIRM, "C0OPS")
    assert (await forgetful.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1


async def done_elsewhere(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
    """Do it, and send the caller to the result."""
    shop.do(received)
    return web.Response(status=303, headers={"Location": "/refunds/1"})


async def test_whoever_answers_with_a_redirect_may_have_done_it(forgetful: World, shop: Shop) -> None:
    shop.mood = done_elsewhere
    proposed, _ = await approved(forgetful)
    alarm = await forgetful.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
    assert "Sayso follows no redirect" in str(alarm.blocks)
    assert len(shop.calls) == 1


async def test_a_redirect_is_tried_again_with_the_same_key_where_it_is_honoured(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = done_elsewhere
    proposed, _ = await approved(world)
    for _ in range(world.sayso.policy.attempts):
        await shop.arrival()
        await until_stored(world, lambda tx: not tx.outbox_size().get("leased"))
        pass_time(world, clock, timedelta(minutes=20))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_conflict_at_the_first_call_is_no_success(world: World, shop: Shop) -> None:
    shop.mood = refusing(409)
    proposed, _ = await approved(world)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert "answered 409" in str(alarm.blocks)
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    # A receiver that keeps its answers by key would give the old one again.
    assert len({call.headers["Idempotency-Key"] for call in shop.calls}) == 2


@pytest.mark.parametrize("cut_off", [False, True])
async def test_no_call_is_repeated_once_the_policy_says_that_its_key_is_not_honoured(
    tmp_path: Path, shop: Shop, clock: MovableClock, cut_off: bool
) -> None:
    """Not even when a second try, which found nobody there, came between."""
    async with empty_slack() as slack:
        shop.mood = lost_for_words
        async with bot_on(slack, tmp_path / "sayso.db", shop_policy(shop), clock) as world:
            proposed, _ = await approved(world)
            await shop.arrival()
            await until_stored(world, at_rest(clock, 1))
        clock.ahead += timedelta(minutes=1)
        if cut_off:
            nowhere = shop_policy(shop).replace(shop.url, "http://127.0.0.1:9")
            async with bot_on(slack, tmp_path / "sayso.db", nowhere, clock, world.token) as world:
                await until_stored(world, at_rest(clock, 1))
            clock.ahead += timedelta(minutes=1)
        shop.mood = obliging
        policy = shop_policy(shop, idempotent=False)
        async with bot_on(slack, tmp_path / "sayso.db", policy, clock, world.token) as world:
            alarm = await world.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
            assert len(shop.calls) == 1
            await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
            assert len(shop.calls) == 2


async def test_a_call_that_was_cut_off_and_can_never_be_looked_up_is_no_failure_but_a_doubt(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """Sayso ended in the middle of a comment to Zendesk, whose list of changes cannot be read from then on."""
    where = f'type = "zendesk"\nurl = "{shop.url}"\nuser_env = "DESK_USER"\ntoken_env = "DESK_TOKEN"'
    policy = f"{POLICY}\n[connectors.desk]\n{where}\n"
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, DESK_USER="bot", DESK_TOKEN="t") as world:

        async def cut_off(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
            if received.method == "PUT":
                for lane in world.sayso.relay._lanes:
                    lane.cancel()
            return hang_up(request)

        shop.mood = cut_off
        proposed = await world.propose(
            category="orders", connector="zendesk:desk", conversation={"id": "zendesk:4812", "messages": []}
        )
        assert (await shop.arrival()).method == "PUT"
        for _ in range(world.sayso.policy.attempts - 1):
            pass_time(world, clock, timedelta(minutes=20))
            assert (await shop.arrival()).method == "GET"
            await until_stored(world, lambda tx: not tx.outbox_size().get("leased"))
        alarm = await world.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
    assert ids.CONFIRM in str(alarm.blocks)
    assert [call.method for call in shop.calls].count("PUT") == 1


async def test_it_happened(forgetful: World, shop: Shop) -> None:
    proposed, card, alarm = await in_doubt(forgetful, shop)
    await forgetful.click("U0BEN", alarm, ids.CONFIRM, "C0OPS")
    done = await forgetful.get(proposed["id"], wait=5)
    assert done["state"] == "executed"
    assert done["execution"]["result"] == "confirmed by Ben"
    for copy in (card, alarm):
        now = await painted(forgetful, copy, "Done.")
        assert buttons_of(now) == [ids.OPEN]
    assert len(shop.calls) == 1
    assert (await story_of(forgetful, proposed["id"]))[-2:] == ["proposal.in_doubt", "proposal.confirmed"]


async def test_it_did_not_try_again(forgetful: World, shop: Shop) -> None:
    proposed, _, alarm = await in_doubt(forgetful, shop)
    await forgetful.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    done = await forgetful.get(proposed["id"], wait=5)
    assert done["state"] == "executed"
    assert len(shop.calls) == 2
    assert "proposal.retried" in await story_of(forgetful, proposed["id"])


async def test_an_old_try_again_is_no_new_order(forgetful: World, shop: Shop) -> None:
    """A second click on the card as it was, after the retry has ended in doubt too, calls nobody."""
    proposed, _, alarm = await in_doubt(forgetful, shop)
    shop.mood = lost_for_words
    await forgetful.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    await painted(forgetful, alarm, "Tried again by")
    await forgetful.until(proposed["id"], "in_doubt")
    await forgetful.slack.person("U0BEN").click("C0OPS", alarm, ids.RETRY)
    await told(forgetful, "U0BEN", "This case moved on after you saw it")
    assert (await forgetful.get(proposed["id"]))["state"] == "in_doubt"
    assert len(shop.calls) == 2


async def test_undoing_a_retry_leaves_the_doubt(forgetful: World, shop: Shop, clock: MovableClock) -> None:
    shop.mood = lost_for_words
    proposed, _ = await approved(forgetful, category="returns")
    pass_time(forgetful, clock, timedelta(seconds=31))
    alarm = await forgetful.card(proposed["id"], "C0OPS", "Nobody knows whether it happened")
    lead = forgetful.slack.person("U0LEAD")
    await lead.command("/approvals pause")
    # The lead is no reviewer of refunds, but may settle what went wrong, and take that back.
    await forgetful.click("U0LEAD", alarm, ids.RETRY, "C0OPS")
    await undo(forgetful, clock, "U0LEAD", alarm)
    await painted(forgetful, alarm, "Nobody knows whether it happened")
    assert (await forgetful.get(proposed["id"]))["state"] == "in_doubt"
    await lead.command("/approvals resume")
    assert len(shop.calls) == 1


@pytest.mark.parametrize(
    ("first", "on_the_card", "to_the_late"),
    [
        (ids.CONFIRM, "It happened, says", "Ben said that this happened"),
        (ids.RETRY, "Tried again by", "Ben had this tried again"),
    ],
)
async def test_whoever_intervened_is_named_on_every_card_and_to_whoever_comes_late(
    forgetful: World, shop: Shop, first: str, on_the_card: str, to_the_late: str
) -> None:
    _, card, alarm = await in_doubt(forgetful, shop)
    ben, late = forgetful.slack.person("U0BEN"), forgetful.slack.person("U0OTHER")
    await ben.click("C0OPS", alarm, first)
    for copy in (card, alarm):
        now = str((await painted(forgetful, copy, "Done.")).blocks)
        assert on_the_card in now
        assert "U0BEN" in now
    await ben.click("C0OPS", alarm, ids.OPEN)
    assert f"{on_the_card} Ben" in str((await forgetful.slack.wait_for_view("U0BEN")).blocks)
    # Clicks on the card as it looked before: the winner's own second one is no news.
    await ben.click("C0OPS", alarm, first)
    for action in (ids.CONFIRM, ids.RETRY, ids.GIVE_UP):
        since = forgetful.slack.world.new_ts()
        await late.click("C0OPS", alarm, action)
        await told(forgetful, "U0OTHER", to_the_late, since=since)
    assert forgetful.slack.ephemerals("U0BEN") == []


async def test_it_did_not_give_up(forgetful: World, shop: Shop) -> None:
    proposed, card, alarm = await in_doubt(forgetful, shop)
    await forgetful.click("U0BEN", alarm, ids.GIVE_UP, "C0OPS")
    done = await forgetful.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"], done["final"]) == ("cancelled", "rejected", None)
    now = str((await painted(forgetful, card, "Given up by")).blocks)
    assert "U0MARIA" in now, "who had approved it"
    assert "U0BEN" in now
    assert len(shop.calls) == 1


async def test_only_those_whom_the_policy_names_say_what_happened(forgetful: World, shop: Shop) -> None:
    proposed, _, alarm = await in_doubt(forgetful, shop)
    forgetful.slack.add_user("nobody", real_name="Nobody Named", id="U0NOBODY")
    for action in (ids.CONFIRM, ids.RETRY, ids.GIVE_UP):
        since = forgetful.slack.world.new_ts()
        await forgetful.click("U0NOBODY", alarm, action, "C0OPS")
        await told(forgetful, "U0NOBODY", "You are not on the list", since=since)
    assert (await forgetful.get(proposed["id"]))["state"] == "in_doubt"
    assert len(shop.calls) == 1


async def test_the_escalation_team_may_settle_what_went_wrong_too(forgetful: World, shop: Shop) -> None:
    proposed, _, alarm = await in_doubt(forgetful, shop)
    await forgetful.click("U0LEAD", alarm, ids.CONFIRM, "C0OPS")
    assert (await forgetful.get(proposed["id"], wait=5))["state"] == "executed"


async def test_two_people_say_different_things_at_once_and_one_is_heard(forgetful: World, shop: Shop) -> None:
    proposed, _, alarm = await in_doubt(forgetful, shop)
    await asyncio.gather(
        forgetful.click("U0BEN", alarm, ids.CONFIRM, "C0OPS"),
        forgetful.click("U0OTHER", alarm, ids.RETRY, "C0OPS"),
    )
    assert (await forgetful.get(proposed["id"], wait=5))["state"] == "executed"
    story = await story_of(forgetful, proposed["id"])
    assert ("proposal.confirmed" in story) != ("proposal.retried" in story)
    assert len(shop.calls) == (1 if "proposal.confirmed" in story else 2)
    winner, loser = ("U0BEN", "U0OTHER") if "proposal.confirmed" in story else ("U0OTHER", "U0BEN")
    await told(forgetful, loser)
    assert forgetful.slack.ephemerals(winner) == []


async def test_a_refusal_is_a_failure_and_can_be_tried_again(world: World, shop: Shop) -> None:
    shop.mood = refusing(422)
    proposed, card = await approved(world)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert "answered 422" in str(alarm.blocks)
    stands = await world.get(proposed["id"])
    assert (stands["state"], stands["closed"]) == ("failed", False)
    assert shop.effects == {}
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    await painted(world, card, "Done.")
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_failure_can_be_given_up(world: World, shop: Shop) -> None:
    shop.mood = refusing(422)
    proposed, _ = await approved(world)
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    await world.click("U0BEN", alarm, ids.GIVE_UP, "C0OPS")
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["by"]["id"]) == ("cancelled", "U0BEN")


async def test_a_receiver_that_honours_the_key_is_called_again_with_it(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    shop.mood = lost_for_words
    proposed, _ = await approved(world)
    for attempt in range(1, 4):
        await shop.arrival()
        await until_stored(world, at_rest(clock, 1))
        assert len(shop.calls) == attempt
        if attempt == 3:
            shop.mood = obliging
        pass_time(world, clock, timedelta(minutes=1))
    done = await world.get(proposed["id"], wait=5)
    assert done["state"] == "executed"
    assert len({call.headers["Idempotency-Key"] for call in shop.calls}) == 1
    assert len({call.body for call in shop.calls}) == 1
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_after_the_last_try_it_is_a_failure_and_a_retry_keeps_the_key(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """The receiver may have had one of the tries: with another key it would do it twice."""
    shop.mood = lost_for_words
    proposed, _ = await approved(world)
    for _ in range(world.sayso.policy.attempts - 1):
        await shop.arrival()
        await until_stored(world, at_rest(clock, 1))
        pass_time(world, clock, timedelta(minutes=20))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert len(shop.calls) == world.sayso.policy.attempts
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == world.sayso.policy.attempts + 1
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_a_refusal_after_a_lost_answer_is_tried_again_with_the_same_key(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    """The first try may have arrived, whatever the second one was told: another key would do it twice."""
    shop.mood = lost_for_words
    proposed, _ = await approved(world)
    await shop.arrival()
    await until_stored(world, at_rest(clock, 1))
    shop.mood = refusing(403)
    pass_time(world, clock, timedelta(minutes=1))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    shop.mood = obliging
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len({call.headers["Idempotency-Key"] for call in shop.calls}) == 1
    assert len(shop.effects_of(proposed["id"])) == 1
