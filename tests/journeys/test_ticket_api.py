"""An agent hands a conversation over: the ticket is kept, drafted and proposed, whatever happens in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.ticket import TicketState
from bot.drafting.draft import Draft, Ticket
from bot.drafting.drafter import Drafting
from bot.intake.worker import Worker
from bot.local_slack import LocalSlack
from bot.slack import ids
from bot.tokens import Scope
from tests.journeys.props import SECRET, MovableClock, Shop, empty_slack, shop_policy, until_stored
from tests.journeys.tickets import HOURS, INTAKE, QUESTION, settled
from tests.world import World, running_bot, running_world


@pytest.fixture
async def world(tmp_path: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    policy = shop_policy(shop, base=INTAKE.partition("[defaults]")[0])
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


def ticket(text: str = QUESTION, conversation: str = "conv-7", **changes: Any) -> dict[str, Any]:
    return {
        "conversation": {
            "id": conversation,
            "customer": {"name": "Ana Lopez"},
            "messages": [{"role": "customer", "text": text}],
        },
        **changes,
    }


async def handed(world: World, body: Any = None, *, status: int = 202, **headers: str) -> dict[str, Any]:
    url = f"{world.sayso.url}/v1/tickets"
    async with world.http.post(url, json=body or ticket(), headers=world.headers(**headers)) as answer:
        document: dict[str, Any] = await answer.json()
        assert answer.status == status, document
        if status == 202:
            assert answer.headers["Location"] == f"/v1/tickets/{document['id']}"
        return document


async def read(world: World, ticket_id: str, wait: float = 10, *, token: str | None = None) -> dict[str, Any]:
    url = f"{world.sayso.url}/v1/tickets/{ticket_id}"
    async with world.http.get(url, params={"wait": str(wait)}, headers=world.headers(token=token)) as answer:
        document: dict[str, Any] = await answer.json()
        return {**document, "status": answer.status}


async def test_a_ticket_is_drafted_and_its_proposal_followed_to_the_end(world: World, shop: Shop) -> None:
    await settled(world)
    made = await handed(world)
    assert made["state"] in ("waiting", "proposed")
    drafted = await read(world, made["id"])
    assert drafted["state"] == "proposed"
    proposal = drafted["proposal"]["id"]
    await world.click("U0MARIA", await world.card(proposal), ids.APPROVE)
    done = await world.get(proposal, wait=5)
    assert (done["state"], done["final"]) == ("executed", {"reply": {"text": HOURS}})
    (effect,) = shop.effects_of(proposal)
    assert effect["reply"] == {"text": HOURS}


async def test_the_same_key_is_the_same_ticket_and_another_body_is_refused(world: World) -> None:
    first, second = await asyncio.gather(handed(world, key="k1"), handed(world, key="k1"))
    assert first["id"] == second["id"]
    refused = await handed(world, ticket("Something else"), key="k1", status=409)
    assert "Idempotency-Key" in refused["detail"]


async def test_a_conversation_that_grows_joins_its_waiting_case(world: World) -> None:
    await settled(world)
    first = await read(world, (await handed(world))["id"])
    grown = ticket()
    grown["conversation"]["messages"].append({"role": "customer", "text": "On Sundays, I mean."})
    second = await handed(world, grown)
    assert (second["state"], second["proposal"]["id"]) == ("joined", first["proposal"]["id"])
    await world.card(first["proposal"]["id"], saying="On Sundays, I mean.")


async def test_another_agents_ticket_is_not_found(world: World) -> None:
    made = await handed(world)
    other = await world.sayso.tokens.create("other-ai", Scope.PROPOSE)
    assert (await read(world, made["id"], 0, token=other))["status"] == 404
    assert (await read(world, "tkt_ffff", 0))["status"] == 404
    assert (await read(world, "nonsense", 0))["status"] == 404


@pytest.mark.parametrize(
    ("body", "saying"),
    [
        ({"conversation": {"id": "c", "messages": []}}, "at least one message of the customer"),
        ({"conversation": {"id": "c", "messages": [{"role": "ai", "text": "hi"}]}}, "at least one message"),
        (ticket(connector="email:nowhere"), "no connector email:nowhere"),
        (ticket(category="NO GOOD"), "category"),
        ({"nonsense": 1}, "conversation"),
    ],
)
async def test_what_is_no_ticket_is_refused_with_a_sentence(world: World, body: Any, saying: str) -> None:
    assert saying in (await handed(world, body, status=422))["detail"]


async def test_a_two_megabyte_ticket_is_refused_before_it_is_read(world: World) -> None:
    assert "larger than" in (await handed(world, ticket("a" * 2_000_000), status=413))["detail"]


async def test_a_ticket_survives_the_death_of_the_process(
    tmp_path: Path, shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = shop_policy(shop, base=INTAKE.partition("[defaults]")[0])
    real = Drafting.draft
    begun = asyncio.Event()

    async def endless(self: Drafting, asked: Ticket) -> Draft:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with empty_slack() as slack, aiohttp.ClientSession() as http:
        monkeypatch.setattr(Drafting, "draft", endless)
        async with running_bot(slack, tmp_path / "sayso.db", policy, clock, SHOP_SECRET=SECRET) as sayso:
            token = await sayso.tokens.create("shop-ai", Scope.PROPOSE)
            world = World(slack=slack, sayso=sayso, http=http, token=token)
            made = await handed(world)
            await asyncio.wait_for(begun.wait(), 15)
        monkeypatch.setattr(Drafting, "draft", real)
        await _found_again(slack, http, tmp_path, policy, clock, token, made["id"])


async def _found_again(
    slack: LocalSlack,
    http: aiohttp.ClientSession,
    place: Path,
    policy: str,
    clock: MovableClock,
    token: str,
    ticket_id: str,
) -> None:
    async with running_bot(slack, place / "sayso.db", policy, clock, SHOP_SECRET=SECRET) as sayso:
        world = World(slack=slack, sayso=sayso, http=http, token=token)
        drafted = await read(world, ticket_id)
        assert drafted["state"] == "proposed"
        await world.card(drafted["proposal"]["id"], "C0ESCALATE")


async def test_drafting_that_always_fails_ends_with_a_person_and_a_line_in_the_ops_channel(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Drafting, asked: Ticket) -> Draft:
        raise RuntimeError("the model fell over")

    monkeypatch.setattr(Drafting, "draft", broken)
    made = await handed(world)
    for attempt in range(1, 3):
        await until_stored(world, lambda tx: tx.ticket(made["id"]).error is not None)
        await until_stored(world, lambda tx, n=attempt: tx.ticket(made["id"]).attempts >= n)  # type: ignore[misc]
        await world.sayso.store.transact(lambda tx: tx.release_tickets(clock.now()))
        world.sayso.office._worker._wake.set()
    drafted = await read(world, made["id"])
    assert drafted["proposal"]["state"] == "escalated"
    assert drafted["attempts"] == 3
    await world.message("C0OPS", "A draft could not be made; Sayso tries again.")
    told = await world.message("C0OPS", "No draft could be made; a person has the case.")
    assert "the model fell over" in str(told.blocks)
    kept = await world.sayso.store.read(lambda tx: tx.ticket(made["id"]))
    assert kept.state is TicketState.PROPOSED


async def test_a_message_that_comes_while_the_draft_is_made_joins_the_case(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(world)
    real, go, begun = Drafting.draft, asyncio.Event(), asyncio.Event()

    async def slow(self: Drafting, asked: Ticket) -> Draft:
        begun.set()
        await go.wait()
        return await real(self, asked)

    monkeypatch.setattr(Drafting, "draft", slow)
    made = await handed(world)
    await asyncio.wait_for(begun.wait(), 15)
    grown = ticket()
    grown["conversation"]["messages"].append({"role": "customer", "text": "Please hurry."})
    joined = await handed(world, grown)
    assert (joined["state"], joined["proposal"]) == ("joined", None)
    go.set()
    proposal = (await read(world, made["id"]))["proposal"]["id"]
    assert (await read(world, joined["id"]))["proposal"]["id"] == proposal
    await world.card(proposal, saying="Please hurry.")


async def test_a_token_that_is_revoked_while_its_ticket_is_drafted_is_told_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(world)
    real, go, begun = Drafting.draft, asyncio.Event(), asyncio.Event()

    async def slow(self: Drafting, asked: Ticket) -> Draft:
        begun.set()
        await go.wait()
        return await real(self, asked)

    monkeypatch.setattr(Drafting, "draft", slow)
    made = await handed(world)
    await asyncio.wait_for(begun.wait(), 15)
    waiting = asyncio.create_task(read(world, made["id"]))
    await asyncio.sleep(0.1)
    await world.sayso.tokens.revoke("shop-ai")
    go.set()
    answer = await waiting
    assert (answer["status"], "revoked" in answer["detail"]) == (401, True)


async def test_a_ticket_that_is_drafted_twice_is_one_case(
    world: World, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = Worker._finish, asyncio.Event()

    def cut_off(self: Worker, *args: Any) -> None:
        """As if the process had died between the submission and the note that it was made."""
        if failed.is_set():
            real(self, *args)
            return
        failed.set()
        raise RuntimeError("cut off")

    monkeypatch.setattr(Worker, "_finish", cut_off)
    made = await handed(world)
    await until_stored(world, lambda tx: tx.ticket(made["id"]).error is not None)
    await world.sayso.store.transact(lambda tx: tx.release_tickets(clock.now()))
    world.sayso.office._worker._wake.set()
    drafted = await read(world, made["id"])
    assert drafted["attempts"] == 2
    cases = await world.sayso.store.read(lambda tx: tx.waiting())
    assert [case.id for case in cases] == [drafted["proposal"]["id"]]


async def test_a_case_that_waits_hears_the_customer_however_much_was_read_since(world: World) -> None:
    talk = {"id": "ticket-88", "messages": [{"role": "customer", "text": "Please refund 180."}]}
    waits = await world.act("refund", {"amount": 180}, conversation=talk)
    for number in range(25):
        await world.act("lookup_order", {"order": str(number)}, conversation=talk)
    stop = {"role": "customer", "text": "Stop! Do not refund me."}
    joined = await handed(world, {"conversation": {**talk, "messages": [*talk["messages"], stop]}})
    assert (joined["state"], joined["proposal"]["id"]) == ("joined", waits["id"])
    card = await world.card(waits["id"], saying="Stop! Do not refund me.")
    assert f"{ids.APPROVE}'" not in str(card.blocks)


async def test_a_ticket_that_is_not_plain_json_is_refused_in_a_sentence(world: World) -> None:
    plain = json.dumps(ticket()).encode()
    for name, (raw, sentence) in {
        "duplicate keys": (plain[:-1] + b', "category": "a", "category": "b"}', "stands twice"),
        "NaN": (plain[:-1] + b', "category": NaN}', "NaN is not JSON"),
        "deep": (b"[" * 100_000, "nests deeper"),
        "BOM": (b"\xef\xbb\xbf" + plain, "byte order mark"),
        "UTF-16": (json.dumps(ticket()).encode("utf-16"), "UTF-16"),
        "lone surrogate": (plain.replace(b"Ana", b"\\ud800"), "surrogate"),
        "NUL": (plain.replace(b"Ana", b"\\u0000"), "NUL"),
        "unknown field": (plain[:-1] + b', "confidence": 1}', "confidence"),
    }.items():
        headers = world.headers() | {"Content-Type": "application/json"}
        async with world.http.post(f"{world.sayso.url}/v1/tickets", data=raw, headers=headers) as answer:
            assert answer.status == 422, name
            assert sentence in (await answer.json())["detail"], name
    assert not await world.sayso.store.read(lambda tx: tx.any_ticket())
