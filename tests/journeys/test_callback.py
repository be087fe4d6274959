"""The agent is called back when its proposal closes, with a signature that it can check with its own token."""

from datetime import timedelta
from typing import Any

import pytest

from bot.signing import BadSignature, verify
from bot.slack import ids
from bot.tokens import Scope, callback_secret, hashed
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    listening,
    obliging,
    open_reject,
    open_shop,
    pass_time,
    refusing,
    until_stored,
)
from tests.world import World


async def heard(world: World, ear: Shop) -> Any:
    """What the agent hears next, once its signature is checked."""
    call = await ear.arrival()
    headers = {name.lower(): value for name, value in call.headers.items()}
    verify(callback_secret(hashed(world.token)), headers=headers, body=call.body)
    return call.json


async def test_the_agent_hears_that_it_ran(world: World) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        proposed = await world.propose(callback_url=f"{ear.url}/sayso")
        await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
        call = await heard(world, ear)
        assert call["type"] == "proposal.executed"
        assert call["data"] == await world.get(proposed["id"])
        assert call["data"]["decision"]["by"] == {"id": "U0MARIA", "name": "Maria"}
        assert len(ear.calls) == 1


async def test_the_token_of_now_signs_also_where_the_clock_was_set_back_before_it_was_made(
    world: World, clock: MovableClock
) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        clock.ahead -= timedelta(minutes=4)
        await world.sayso.tokens.revoke("shop-ai")
        world.token = await world.sayso.tokens.create("shop-ai", Scope.PROPOSE)
        proposed = await world.propose(callback_url=f"{ear.url}/sayso")
        await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
        assert (await heard(world, ear))["type"] == "proposal.executed"


async def test_the_agent_hears_of_an_escalation_and_of_the_rejection_after_it(world: World) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        proposed = await world.propose(callback_url=f"{ear.url}/sayso")
        await world.click("U0BEN", await world.card(proposed["id"]), ids.ESCALATE)
        assert (await heard(world, ear))["type"] == "proposal.escalated"
        view = await open_reject(world, "U0LEAD", await world.card(proposed["id"], "C0ESCALATE"))
        await world.slack.person("U0LEAD").submit(view, {"other_reason": "Not ours"})
        call = await heard(world, ear)
        assert (call["type"], call["data"]["decision"]["reason"]) == ("proposal.cancelled", "Not ours")


async def test_the_agent_hears_of_expiry_and_of_failure(world: World, shop: Shop, clock: MovableClock) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        await world.propose(callback_url=f"{ear.url}/sayso", expires_in=60)
        pass_time(world, clock, timedelta(seconds=61))
        assert (await heard(world, ear))["type"] == "proposal.expired"
        shop.mood = refusing(422)
        await world.propose(callback_url=f"{ear.url}/sayso", category="orders")
        call = await heard(world, ear)
        assert (call["type"], call["data"]["closed"]) == ("proposal.failed", False)


async def test_a_callback_that_fails_comes_again_with_the_same_id(world: World, clock: MovableClock) -> None:
    async with open_shop() as ear:
        ear.mood = refusing(500)
        await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        first = await ear.arrival()
        await until_stored(world, at_rest(clock, 1))
        ear.mood = listening
        pass_time(world, clock, timedelta(minutes=1))
        second = await ear.arrival()
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        await until_stored(world, at_rest(clock))


async def test_a_callback_that_comes_again_says_the_same_although_the_case_moved_on(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    async with open_shop() as ear:
        ear.mood, shop.mood = refusing(500), refusing(403)
        proposed = await world.propose(callback_url=f"{ear.url}/sayso")
        await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
        first = await ear.arrival()
        alarm = await world.card(proposed["id"], "C0OPS", "It failed")
        await until_stored(world, at_rest(clock, 1))
        shop.mood = obliging
        await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
        assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
        ear.mood = listening
        pass_time(world, clock, timedelta(minutes=1))
        second, third = await ear.arrival(), await ear.arrival()
        assert second.headers["webhook-id"] == first.headers["webhook-id"]
        assert second.body == first.body
        assert (first.json["type"], first.json["data"]["state"]) == ("proposal.failed", "failed")
        assert first.json["data"]["final"] == {"reply": {"text": "Your refund was sent on Monday."}}
        assert (third.json["type"], third.json["data"]) == ("proposal.executed", await world.get(proposed["id"]))


async def test_a_changed_callback_does_not_verify(world: World) -> None:
    async with open_shop() as ear:
        ear.mood = listening
        await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        call = await ear.arrival()
        headers = {name.lower(): value for name, value in call.headers.items()}
        secret = callback_secret(hashed(world.token))
        verify(secret, headers=headers, body=call.body)
        with pytest.raises(BadSignature):
            verify(secret, headers=headers, body=call.body.replace(b"executed", b"rejected"))
        with pytest.raises(BadSignature):
            verify(callback_secret(hashed("sayso_another")), headers=headers, body=call.body)


async def test_an_address_that_the_policy_does_not_list_is_refused(world: World) -> None:
    for address in ("http://169.254.169.254/latest", "https://evil.example/x", "http://10.0.0.1/"):
        refused = await world.propose(callback_url=address, status=422)
        assert "detail" in refused


async def test_a_deaf_agent_is_given_up_and_the_ops_channel_told(world: World, clock: MovableClock) -> None:
    async with open_shop() as ear:
        ear.mood = refusing(410)
        proposed = await world.propose(category="orders", callback_url=f"{ear.url}/sayso")
        notice = await world.message("C0OPS", "could not be delivered and was given up")
        assert "410 Gone" in str(notice.blocks)
        assert proposed["id"] in str(notice.blocks)
        assert len(ear.calls) == 1
        assert (await world.get(proposed["id"]))["state"] == "executed"
