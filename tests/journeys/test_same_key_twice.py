"""An agent sends the same thing twice, or a hundred times at once: it is one proposal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.tokens import Scope
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    cards_of,
    empty_slack,
    shop_policy,
    story_of,
    until_stored,
)
from tests.world import POLICY, World, reply


async def test_the_same_key_gives_the_same_proposal(world: World, clock: MovableClock) -> None:
    first = await world.propose(key="order-1042")
    second = await world.propose(key="order-1042", status=200)
    assert second == first
    await until_stored(world, at_rest(clock))
    assert len(cards_of(world.slack, first["id"])) == len(world.slack.messages("C0REVIEW")) == 1
    assert (await story_of(world, first["id"])).count("proposal.submitted") == 1


async def test_the_same_key_a_hundred_times_at_once_is_one_proposal(world: World, shop: Shop) -> None:
    body = reply(category="orders", confidence=0.95)

    async def send() -> tuple[int, str]:
        url = f"{world.sayso.url}/v1/proposals"
        async with world.http.post(url, json=body, headers=world.headers("the-key")) as answer:
            return answer.status, (await answer.json())["id"]

    answers = await asyncio.gather(*(send() for _ in range(100)))
    assert sorted(status for status, _ in answers) == [200] * 99 + [201]
    (proposal_id,) = {found for _, found in answers}
    await world.get(proposal_id, wait=5)
    assert len(shop.calls) == 1


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    first = await world.propose(key="order-1042")
    refused = await world.propose(key="order-1042", reply={"text": "Something else."}, status=409)
    assert "another body" in refused["detail"]
    assert (await world.get(first["id"]))["digest"] == first["digest"]


async def test_the_same_body_written_in_another_order_is_the_same(world: World) -> None:
    first = await world.propose(key="order-1042")
    body = dict(reversed(reply().items()))
    url = f"{world.sayso.url}/v1/proposals"
    async with world.http.post(url, json=body, headers=world.headers("order-1042")) as answer:
        assert answer.status == 200
        assert (await answer.json())["id"] == first["id"]


async def test_the_key_of_another_agent_is_another_key(world: World) -> None:
    first = await world.propose(key="order-1042")
    other = await world.sayso.tokens.create("another-ai", Scope.PROPOSE)
    url = f"{world.sayso.url}/v1/proposals"
    async with world.http.post(url, json=reply(), headers=world.headers("order-1042", other)) as answer:
        assert answer.status == 201
        assert (await answer.json())["id"] != first["id"]


async def test_a_key_that_is_missing_or_too_long_is_refused(world: World) -> None:
    for key in ("", "k" * 256):
        headers = world.headers() | {"Idempotency-Key": key}
        async with world.http.post(f"{world.sayso.url}/v1/proposals", json=reply(), headers=headers) as answer:
            assert answer.status == 422
            assert "Idempotency-Key" in (await answer.json())["detail"]
    await world.propose(key="k" * 255)


@pytest.mark.parametrize(
    "changes",
    [{"connector": "webhook:shop"}, {"callback_url": "https://shop.example/heard"}],
    ids=["connector", "host"],
)
async def test_the_same_key_has_the_same_answer_whatever_the_policy_says_by_now(
    tmp_path: Path, shop: Shop, clock: MovableClock, changes: dict[str, Any]
) -> None:
    database, without = tmp_path / "sayso.db", POLICY
    policy = shop_policy(shop).replace("[people]", '[callbacks]\nhosts = ["shop.example"]\n\n[people]', 1)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            first, token = await world.propose(key="order-1042", **changes), world.token
        async with bot_on(slack, database, without, clock, token) as world:
            again = await world.propose(key="order-1042", status=200, **changes)
            assert {**again, "note": None} == {**first, "note": None}
            await world.propose(key="order-1042", status=409, confidence=0.5, **changes)
            refused = await world.propose(key="another", status=422, **changes)
            assert "The policy" in refused["detail"]


async def test_a_ticket_of_the_same_key_has_the_same_answer_whatever_the_policy_says_by_now(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database = tmp_path / "sayso.db"
    body = {"conversation": reply()["conversation"], "connector": "webhook:shop"}

    async def send(world: World, key: str) -> tuple[int, str]:
        url = f"{world.sayso.url}/v1/tickets"
        async with world.http.post(url, json=body, headers=world.headers(key)) as answer:
            return answer.status, (await answer.json()).get("id", "")

    async with empty_slack() as slack:
        async with bot_on(slack, database, shop_policy(shop), clock) as world:
            first, token = await send(world, "ticket-1"), world.token
            assert first[0] == 202
        async with bot_on(slack, database, POLICY, clock, token) as world:
            assert await send(world, "ticket-1") == first
            assert (await send(world, "ticket-2"))[0] == 422
