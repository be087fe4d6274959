"""Somebody with a pen in the database alters what was approved: it does not run, and whoever is on call sees why."""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.proposal import Reply, digest_of
from bot.slack import ids
from tests.journeys.props import (
    MovableClock,
    Shop,
    at_rest,
    bot_on,
    empty_slack,
    painted,
    pass_time,
    shop_policy,
    story_of,
    the_chain_holds,
    until_stored,
)

FORGED = "Please pay 900 € to another account."
WHY = "The content is not the one that was approved, so nothing was sent."


def with_words(row: sqlite3.Row) -> dict[str, Any]:
    """Other words."""
    progress = json.loads(row["progress"])
    progress["content"]["text"] = FORGED
    return {"progress": json.dumps(progress)}


def with_words_and_digest(row: sqlite3.Row) -> dict[str, Any]:
    """Other words, with the digest that belongs to them."""
    about = {"recipient": row["recipient"], "connector": row["connector"]}
    return with_words(row) | {"digest": digest_of(Reply(text=FORGED), **about, revision=row["revision"])}


def with_recipient(row: sqlite3.Row) -> dict[str, Any]:
    """Another customer."""
    return {"recipient": "conv-of-somebody-else"}


def with_amount(row: sqlite3.Row) -> dict[str, Any]:
    """More money than runs on its own."""
    progress = json.loads(row["progress"])
    progress["content"]["args"]["amount"] = 9000
    return {"progress": json.dumps(progress)}


def rewrite(database: Path, proposal_id: str, alter: Callable[[sqlite3.Row], dict[str, Any]]) -> None:
    """Write into the row of a case, past every door."""
    outside = sqlite3.connect(database)
    outside.row_factory = sqlite3.Row
    row = outside.execute("SELECT * FROM proposals WHERE id = ?", (proposal_id,)).fetchone()
    altered = alter(row)
    names = ", ".join(f"{name} = :{name}" for name in altered)
    outside.execute(f"UPDATE proposals SET {names} WHERE id = :id", altered | {"id": proposal_id})
    outside.commit()
    outside.close()


@pytest.mark.parametrize("alter", [with_words, with_words_and_digest, with_recipient])
async def test_what_was_altered_after_the_approval_does_not_run_and_the_person_on_call_is_told(
    tmp_path: Path, shop: Shop, clock: MovableClock, alter: Callable[[sqlite3.Row], dict[str, Any]]
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            proposed = await world.propose(category="returns")
            review = await world.card(proposed["id"])
            await world.click("U0MARIA", review, ids.APPROVE)
            await painted(world, review, ids.UNDO)
            await until_stored(world, at_rest(clock, 1))
        rewrite(database, proposed["id"], alter)
        async with bot_on(slack, database, policy, clock, token) as world:
            pass_time(world, clock, timedelta(seconds=31))
            alarm = await world.card(proposed["id"], "C0OPS", WHY)
            assert ids.RETRY in str(alarm.blocks)
            assert ids.GIVE_UP in str(alarm.blocks)
            await painted(world, review, WHY)
            stands = await world.get(proposed["id"])
            assert (stands["state"], stands["closed"]) == ("failed", False)
            assert stands["execution"] | {"result": None} == {"status": "failed", "result": None, "error": WHY}
            assert (await story_of(world, proposed["id"]))[-1] == "proposal.failed"
            await until_stored(world, at_rest(clock))
            pass_time(world, clock, timedelta(days=1))
            await until_stored(world, at_rest(clock))
            assert shop.calls == [], "no later try either"
            await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
            await until_stored(world, at_rest(clock))
            assert shop.calls == [], "nor one that somebody asks for"
            assert (await world.get(proposed["id"]))["state"] == "failed"
            assert await the_chain_holds(world)


@pytest.mark.parametrize("alter", [with_words, with_words_and_digest, with_recipient])
async def test_what_was_altered_under_a_running_bot_does_not_run_either(
    tmp_path: Path, shop: Shop, clock: MovableClock, alter: Callable[[sqlite3.Row], dict[str, Any]]
) -> None:
    """What it remembers of the case no longer counts, once somebody else has written."""
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack, bot_on(slack, database, policy, clock) as world:
        proposed = await world.propose(category="returns")
        review = await world.card(proposed["id"])
        await world.click("U0MARIA", review, ids.APPROVE)
        await painted(world, review, ids.UNDO)
        rewrite(database, proposed["id"], alter)
        pass_time(world, clock, timedelta(seconds=31))
        await world.card(proposed["id"], "C0OPS", WHY)
        await painted(world, review, WHY)
        assert shop.calls == []


async def test_a_case_that_was_put_back_to_waiting_by_hand_does_not_run(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            proposed = await world.propose(category="returns")
            review = await world.card(proposed["id"])
            await world.click("U0MARIA", review, ids.APPROVE)
            await until_stored(world, at_rest(clock, 1))
        rewrite(database, proposed["id"], lambda row: {"state": "pending"})
        async with bot_on(slack, database, policy, clock, token) as world:
            pass_time(world, clock, timedelta(seconds=31))
            await until_stored(world, at_rest(clock))
            assert shop.calls == []
            assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_what_was_altered_is_not_put_to_people_as_if_it_had_been_proposed(
    tmp_path: Path, shop: Shop, clock: MovableClock
) -> None:
    """The policy would ask about this amount; but nobody has proposed it, and that is what has to be heard."""
    database, policy = tmp_path / "sayso.db", shop_policy(shop)
    async with empty_slack() as slack:
        async with bot_on(slack, database, policy, clock) as world:
            token = world.token
            await world.slack.person("U0LEAD").command("/approvals pause")
            proposed = await world.act("refund", {"amount": 20}, category="orders")
            await until_stored(world, at_rest(clock, 1))
        rewrite(database, proposed["id"], with_amount)
        async with bot_on(slack, database, policy, clock, token) as world:
            await world.slack.person("U0LEAD").command("/approvals resume")
            await world.card(proposed["id"], "C0OPS", WHY)
            assert (await world.get(proposed["id"]))["state"] == "failed"
            assert shop.calls == []
