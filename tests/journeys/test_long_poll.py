"""An agent waits for the decision: it is woken by the commit, at once, and not by the clock."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.slack import ids
from bot.tokens import Scope
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    at_rest,
    empty_slack,
    open_reject,
    pass_time,
    shop_policy,
    until_stored,
)
from tests.world import World, running_bot


async def test_a_long_poll_answers_as_soon_as_it_is_decided(world: World) -> None:
    proposed = await world.propose()
    waiting = asyncio.create_task(world.get(proposed["id"], wait=30))
    card = await world.card(proposed["id"])
    view = await open_reject(world, "U0MARIA", card)
    assert not waiting.done()
    await world.slack.person("U0MARIA").submit(view)
    assert (await asyncio.wait_for(waiting, 15))["state"] == "cancelled"


async def test_a_decision_that_is_not_the_end_does_not_answer_yet(world: World) -> None:
    proposed = await world.propose()
    waiting = asyncio.create_task(world.get(proposed["id"], wait=30))
    await world.click("U0BEN", await world.card(proposed["id"]), ids.ESCALATE)
    card = await world.card(proposed["id"], "C0ESCALATE")
    assert not waiting.done()
    await world.click("U0LEAD", card, ids.TAKE_OVER, "C0ESCALATE")
    assert (await asyncio.wait_for(waiting, 15))["decision"]["kind"] == "taken_over"


async def test_fifty_agents_wait_and_the_database_is_left_in_peace(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [await world.propose(expires_in=60) for _ in range(50)]
    await until_stored(world, at_rest(clock))
    read, reads, all_wait = world.sayso.store.read, [0], asyncio.Event()

    async def counted(work: Any) -> Any:
        reads[0] += 1
        if reads[0] == 100:  # each has shown its token and looked once
            all_wait.set()
        return await read(work)

    monkeypatch.setattr(world.sayso.store, "read", counted)
    waiting = [asyncio.create_task(world.get(p["id"], wait=30)) for p in made]
    await asyncio.wait_for(all_wait.wait(), 10)
    other = await world.propose()
    await world.card(other["id"])
    assert reads[0] < 140
    assert not any(task.done() for task in waiting)
    pass_time(world, clock, timedelta(seconds=61))
    found = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [one["id"] for one in found] == [p["id"] for p in made]
    assert {one["state"] for one in found} == {"expired"}


async def test_whoever_waits_looks_at_the_beginning_and_at_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = await world.propose()
    read, looks = world.sayso.store.read, [0]

    async def counted(work: Any) -> Any:
        looks[0] += "Api.read" in work.__qualname__
        return await read(work)

    monkeypatch.setattr(world.sayso.store, "read", counted)
    waiting = asyncio.create_task(world.get(proposed["id"], wait=2.5))
    await asyncio.sleep(2)
    assert looks == [1]
    assert (await waiting)["state"] == "pending"
    assert looks == [2]


async def test_after_the_wait_it_answers_as_it_stands(world: World) -> None:
    proposed = await world.propose()
    assert (await world.get(proposed["id"], wait=0.05))["state"] == "pending"


async def test_another_agent_waits_for_nothing(world: World) -> None:
    proposed = await world.propose()
    other = await world.sayso.tokens.create("another-ai", Scope.PROPOSE)
    url = f"{world.sayso.url}/v1/proposals/{proposed['id']}?wait=30"
    async with world.http.get(url, headers=world.headers(token=other)) as answer:
        assert answer.status == 404


async def test_a_stop_sends_whoever_waits_home(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    async with empty_slack() as slack, aiohttp.ClientSession() as http:
        bot = running_bot(slack, tmp_path / "sayso.db", shop_policy(shop), clock, SHOP_SECRET=SECRET)
        async with bot as sayso:
            token = await sayso.tokens.create("shop-ai", Scope.PROPOSE)
            world = World(slack=slack, sayso=sayso, http=http, token=token)
            proposed = await world.propose()
            waiting = asyncio.create_task(world.get(proposed["id"], wait=30))
            await world.card(proposed["id"])
            assert not waiting.done()
            stopped = time.monotonic()
        assert (await asyncio.wait_for(waiting, 15))["state"] == "pending"
        assert time.monotonic() - stopped < 15


@pytest.mark.parametrize("ended", ["revoked", "expired"])
async def test_a_token_that_ends_meanwhile_is_told_nothing_more(world: World, clock: MovableClock, ended: str) -> None:
    short = await world.sayso.tokens.create("short-ai", Scope.PROPOSE, lifetime=timedelta(hours=1))
    shops, world.token = world.token, short
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    waiting = asyncio.create_task(world.get(proposed["id"], wait=30))
    nothing_new = asyncio.create_task(world.get(proposed["id"], wait=0.5))
    await asyncio.sleep(0.1)
    if ended == "revoked":
        await world.sayso.tokens.revoke("short-ai")
    else:
        clock.ahead += timedelta(hours=2)
    assert (await nothing_new)["status"] == 401
    await world.click("U0MARIA", card, ids.APPROVE)
    answer = await asyncio.wait_for(waiting, 15)
    assert answer["status"] == 401
    assert ended in answer["detail"]
    assert "final" not in answer
    world.token = shops
