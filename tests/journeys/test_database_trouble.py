"""The database cannot answer for a moment: nothing is pretended, and everything goes on afterwards."""

from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.slack import ids
from tests.journeys.props import MovableClock, Shop, at_rest, the_chain_holds, until_stored
from tests.world import World, reply


async def test_a_read_that_fails_does_not_end_the_relay(
    world: World, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until_stored(world, at_rest(clock))
    read = world.sayso.store.read
    failed: list[Any] = []

    async def faulty(work: Any) -> Any:
        if len(failed) < 2:
            failed.append(work)
            raise Unavailable("The database cannot answer now.")
        return await read(work)

    with monkeypatch.context() as patched:
        patched.setattr(world.sayso.relay._store, "read", faulty)
        world.sayso.relay._wake.set()
        world.sayso.relay._stirred.set()
        await until_failed(world, failed)
    proposed = await world.propose(category="orders")
    assert (await world.get(proposed["id"], wait=10))["state"] == "executed"
    assert len(shop.calls) == 1


async def until_failed(world: World, failed: list[Any]) -> None:
    """Come back once two reads have failed; each look goes through the writer, so that it is fair to the relay."""
    while len(failed) < 2:
        await world.sayso.store.transact(lambda tx: tx.audit_head())


async def test_on_a_full_disk_nothing_is_promised_and_nothing_lost(
    world: World, shop: Shop, clock: MovableClock
) -> None:
    held = await world.propose()
    card = await world.card(held["id"])
    await until_stored(world, at_rest(clock))
    disk: Any = world.sayso.store
    await disk.transact(lambda _: disk._db.conn.execute("PRAGMA max_page_count = 1"))
    statuses = set()
    for _ in range(8):
        async with world.http.post(
            f"{world.sayso.url}/v1/proposals",
            json=reply(category="orders", evidence=[{"title": "x", "quote": "y" * 2000}] * 20),
            headers=world.headers(),
        ) as answer:
            statuses.add(answer.status)
    assert 503 in statuses
    assert statuses <= {201, 503}
    clicked = await world.click("U0MARIA", card, ids.APPROVE)
    await disk.transact(lambda _: disk._db.conn.execute("PRAGMA max_page_count = 1000000"))
    stands = await world.get(held["id"])
    assert (stands["state"] == "pending") == (not clicked.ok), clicked
    if not clicked.ok:
        await world.click("U0MARIA", card, ids.APPROVE)
    assert (await world.get(held["id"], wait=10))["state"] == "executed"
    assert len(shop.effects_of(held["id"])) == 1
    assert await the_chain_holds(world)
