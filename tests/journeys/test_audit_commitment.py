"""The audit log keeps no words, only a salted commitment to each content: it says nothing once the salt is erased."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from bot.audit_log import check_chain, events_of
from bot.slack import ids
from tests.journeys.props import Shop, the_chain_holds
from tests.world import World

WORDS = "Your refund was sent on Monday."


async def decided(world: World) -> dict[str, Any]:
    """The same words to the same customer, approved and carried out."""
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    return await world.get(proposed["id"], wait=5)


async def exported(world: World) -> list[dict[str, Any]]:
    """What `sayso export audit` prints."""
    return [json.loads(json.dumps(document)) async for document in events_of(world.sayso.store)]


def commitments(events: list[dict[str, Any]], proposal_id: str) -> set[str]:
    """The commitments of one proposal's events."""
    return {event["payload"]["commitment"] for event in events if event["proposal_id"] == proposal_id}


async def test_the_same_words_twice_have_different_commitments(world: World, shop: Shop) -> None:
    first, second = await decided(world), await decided(world)
    assert first["digest"] == second["digest"], "the very same content, for the very same customer"
    events = await exported(world)
    (one,), (other,) = commitments(events, first["id"]), commitments(events, second["id"])
    assert one != other, "or whoever reads the log could tell that two customers were told the same"
    assert first["digest"] not in json.dumps(events)
    assert WORDS not in json.dumps(events)
    assert await the_chain_holds(world)


async def test_whoever_has_the_salt_can_show_which_content_it_was(world: World, shop: Shop) -> None:
    done = await decided(world)
    salt = await world.sayso.store.read(lambda tx: tx.salt(done["id"]))
    assert len(salt) == 32
    assert set(salt) <= set("0123456789abcdef")
    shown = hashlib.sha256(f"{salt}:{done['digest']}".encode()).hexdigest()
    assert commitments(await exported(world), done["id"]) == {shown}


async def test_the_chain_holds_after_a_customer_was_erased(world: World, shop: Shop, tmp_path: Path) -> None:
    done = await decided(world)
    before = await exported(world)
    with sqlite3.connect(tmp_path / "sayso.db") as outside:
        outside.execute("DELETE FROM decisions WHERE proposal_id = ?", (done["id"],))
        outside.execute("DELETE FROM revisions WHERE proposal_id = ?", (done["id"],))
        outside.execute("DELETE FROM receipts WHERE proposal_id = ?", (done["id"],))
        outside.execute("DELETE FROM proposals WHERE id = ?", (done["id"],))
    outside.close()
    assert await check_chain(world.sayso.store) == (len(before), None)
    assert await exported(world) == before
    unsalted = {hashlib.sha256(text.encode()).hexdigest() for text in (done["digest"], f":{done['digest']}")}
    assert not unsalted & commitments(before, done["id"]), "the content alone, guessed, proves nothing"
