"""The bot stops after a click was durable and before anything ran; started again, it runs once."""

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.delivery import ErrandKind
from bot.ports import Tx
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    cards_of,
    empty_slack,
    painted,
    shop_policy,
    story_of,
    the_chain_holds,
    until_stored,
)


async def test_what_was_approved_before_the_stop_runs_once_after_it(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            proposed = await world.propose()
            card = await world.card(proposed["id"])
            await until_stored(world, at_rest(clock))
            await world.sayso.relay.stop()
            clicked = await world.click("U0MARIA", card, ids.APPROVE)
            assert clicked.status == 200
            assert (await world.get(proposed["id"]))["state"] == "approved"
        assert shop.calls == []
        async with bot_on(slack, database, policy, clock, token) as world:
            done = await world.get(proposed["id"], wait=5)
            assert (done["state"], done["decision"]["by"]["id"]) == ("executed", "U0MARIA")
            await painted(world, card, "Sent.")
            assert len(shop.calls) == 1
            assert len(slack.messages("C0REVIEW")) == 1
            assert await the_chain_holds(world)


async def test_what_was_leased_in_the_moment_of_the_stop_goes_back_untried(
    tmp_path: Path, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next start would take it for a call that was cut off, and ask a person what became of it."""
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack, bot_on(slack, database, policy, clock) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        await until_stored(world, at_rest(clock))
        relay, leasing = world.sayso.relay, threading.Event()
        lease = relay._lease

        def slowly(tx: Tx, busy: frozenset[str]) -> object:
            found = lease(tx, busy)
            if any(item.errand.kind is ErrandKind.EXECUTE for item in found.leased):
                leasing.set()
                time.sleep(0.3)
            return found

        monkeypatch.setattr(relay, "_lease", slowly)
        await world.click("U0MARIA", card, ids.APPROVE)
        assert await asyncio.to_thread(leasing.wait, 5)
        await relay.stop()
        assert shop.calls == []
        assert set(await world.sayso.store.read(lambda tx: tx.outbox_size())) == {"ready"}
        (errand,) = await world.sayso.store.transact(
            lambda tx: [
                errand
                for errand in tx.lease(now=clock.now(), owner="test", until=clock.now(), limit=9)
                if errand.kind is ErrandKind.EXECUTE
            ]
        )
        assert (errand.attempts, errand.interrupted) == (1, False)


async def test_a_call_that_an_earlier_life_began_is_never_given_back_as_untried(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """Its lease is all that tells the next start that it may have arrived."""
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack, bot_on(slack, database, policy, clock) as world:
        proposed = await world.propose()
        card = await world.card(proposed["id"])
        await until_stored(world, at_rest(clock))
        relay, store = world.sayso.relay, world.sayso.store
        await relay.stop()
        await world.click("U0MARIA", card, ids.APPROVE)
        for interrupted in (False, True, True):
            await store.transact(lambda tx: tx.abandon_leases(clock.now()))
            leased = (await store.transact(relay._lease)).leased
            (item,) = [one for one in leased if one.errand.kind is ErrandKind.EXECUTE]
            assert item.errand.interrupted is interrupted
            if interrupted:
                await store.transact(lambda tx: relay._back([item], tx))  # noqa: B023 - awaited here


async def test_what_waits_still_waits_and_its_old_card_still_works(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            proposed = await world.propose()
            card = await world.card(proposed["id"])
            await until_stored(world, at_rest(clock))
        async with bot_on(slack, database, policy, clock, token) as world:
            assert cards_of(slack, proposed["id"]) == [card]
            await world.click("U0MARIA", card, ids.APPROVE)
            assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
            assert len(shop.calls) == 1


async def test_what_expired_while_the_bot_was_away_never_runs(tmp_path: Path, shop: Shop, clock: MovableClock) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            proposed = await world.propose(expires_in=3600)
            card = await world.card(proposed["id"])
        clock.ahead += timedelta(hours=2)
        async with bot_on(slack, database, policy, clock, token) as world:
            await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
            assert (await world.get(proposed["id"], wait=5))["state"] == "expired"
            assert "proposal.approved" not in await story_of(world, proposed["id"])
            assert shop.calls == []


async def test_a_changed_threshold_a_pause_and_a_repeated_key_outlive_the_process(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            await slack.person("U0LEAD").command("/threshold orders 0.99 because it erred")
            await slack.person("U0LEAD").command("/approvals pause because of the incident")
            first = await world.propose(category="orders", confidence=0.95, key="the-key")
            assert first["state"] == "pending"
        async with bot_on(slack, database, policy, clock, token) as world:
            again = await world.propose(category="orders", confidence=0.95, key="the-key", status=200)
            assert again["id"] == first["id"]
            other = await world.propose(category="orders", confidence=0.95)
            assert (other["state"], other["ruling"]["threshold"]) == ("pending", 0.99)
            queue = await slack.person("U0LEAD").command("/approvals")
            assert "Executions are paused" in str(queue.body)
