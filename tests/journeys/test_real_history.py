"""Real tickets, decided one by one by clicking, as people decided them."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.canonical import Json
from bot.slack import ids
from tests.domain.history import CLINC150, TAU_AIRLINE, folder
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    open_edit,
    open_reject,
    shop_policy,
    the_chain_holds,
    words_block,
)
from tests.world import POLICY, World, running_world

REPLIES = 200
REVIEWERS = ("U0MARIA", "U0BEN", "U0OTHER")
ENDS = {
    "approved": ("executed", "approved"),
    "edited": ("executed", "edited"),
    "rejected": ("cancelled", "rejected"),
    "escalated": ("escalated", "escalated"),
}


def rows(name: str, limit: int | None = None) -> list[dict[str, Any]]:
    """The first rows of a history; skips the test where the file is absent."""
    file = folder() / name
    if not file.exists():
        pytest.skip(f"{file} is absent; set SAYSO_DATA to the folder that holds {name}")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for _, line in zip(range(limit or 10**9), lines, strict=False)]


@pytest.fixture
async def world(tmp_path: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """A team that decides everything itself, however unsure the AI was."""
    policy = shop_policy(shop, base=POLICY).replace("[defaults]", "[defaults]\nfloor = 0.0")
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One row: what is submitted, what a person decides, and what has to come out."""

    body: dict[str, Any]
    decision: str
    final: dict[str, Json]


def as_reply(row: dict[str, Any]) -> Ticket:
    """A row of the CLINC150 history."""
    talk = {"id": row["ticket_id"], "messages": [{"role": "customer", "text": row["customer_message"]}]}
    body = {
        "category": row["category"],
        "conversation": talk,
        "reply": {"text": row["proposal"]},
        "confidence": row["confidence"],
    }
    return Ticket(body=body, decision=row["human_decision"], final={"text": row["human_final"]})


def as_action(row: dict[str, Any]) -> Ticket:
    """A row of the tau-bench history; of the actions that would have been right, the one of the same form."""
    name, args = row["action_name"], row["action_args"]
    talk = {"id": row["ticket_id"], "messages": [{"role": "customer", "text": row["customer_message"]}]}
    body = {
        "kind": "action",
        "reply": None,
        "category": row["category"],
        "conversation": talk,
        "action": {"name": name, "args": args},
        "confidence": row["confidence"],
    }
    final = args
    if row["human_decision"] == "edited":
        right = [wish["kwargs"] for wish in row["human_final"] if wish["name"] == name]
        final = next(wish for wish in right if set(wish) == set(args))
    return Ticket(body=body, decision=row["human_decision"], final={"name": name, "args": final})


async def decide(world: World, user: str, proposed: dict[str, Any], ticket: Ticket) -> None:
    """Click as the row says."""
    card, person = await world.card(proposed["id"], seconds=60), world.slack.person(user)
    match ticket.decision:
        case "approved" if ids.READ in str(card.blocks):
            await world.click(user, card, ids.READ)
            done = await person.submit(await world.slack.wait_for_view(user))
        case "approved":
            done = await world.click(user, card, ids.APPROVE)
        case "escalated":
            done = await world.click(user, card, ids.ESCALATE)
        case "rejected":
            done = await person.submit(await open_reject(world, user, card))
        case _:
            view = await open_edit(world, user, card)
            values = {words_block(view): ticket.final["text"]} if "text" in ticket.final else typed(ticket)
            done = await person.submit(view, values)
    assert done.ok, (ticket, done)
    assert not done.body, (ticket, done.body)
    assert person.view is None


def typed(ticket: Ticket) -> dict[str, str]:
    """What a person types into the field of each argument that is to be another."""
    was, final = ticket.body["action"]["args"], ticket.final["args"]
    assert isinstance(final, dict)
    return {
        f"{ids.ARG_BLOCK}:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in final.items()
        if value != was[name]
    }


async def decide_all(world: World, tickets: list[Ticket]) -> dict[str, Ticket]:
    """Three reviewers work through the tickets side by side; the tickets by proposal id."""
    queue, decided = iter(tickets), dict[str, Ticket]()

    async def work(user: str) -> None:
        for ticket in queue:
            proposed = await world.propose(**ticket.body)
            assert proposed["state"] == "pending", proposed["ruling"]
            decided[proposed["id"]] = ticket
            await decide(world, user, proposed, ticket)

    await asyncio.gather(*(work(user) for user in REVIEWERS))
    return decided


async def check(world: World, shop: Shop, decided: dict[str, Ticket]) -> Counter[str]:
    """Every case stands as its row says, and what was done is what was decided, once each; the counts."""
    seen: Counter[str] = Counter()
    effects: dict[str, Any] = {}
    for proposal_id, ticket in decided.items():
        runs = ticket.decision in ("approved", "edited")
        stands = await world.get(proposal_id, wait=30 if runs else 0)
        assert (stands["state"], stands["decision"]["kind"]) == ENDS[ticket.decision], (ticket, stands)
        assert stands["decision"]["by"]["id"] in REVIEWERS
        assert stands["final"] == ({stands["kind"]: ticket.final} if runs else None)
        if runs:
            effects[proposal_id] = ticket.final
        elif ticket.decision == "escalated":
            await world.card(proposal_id, "C0ESCALATE")
        seen[ticket.decision] += 1
    done = {effect["id"]: effect[effect["kind"]] for effect in shop.effects.values()}
    assert done == effects
    assert len(shop.effects) == len(shop.calls) == len(effects)
    assert await the_chain_holds(world)
    return seen


@pytest.mark.timeout(180)
async def test_two_hundred_real_questions_are_decided_as_people_decided_them(world: World, shop: Shop) -> None:
    history = rows(CLINC150, REPLIES)
    seen = await check(world, shop, await decide_all(world, [as_reply(row) for row in history]))
    assert seen == Counter(row["human_decision"] for row in history)
    assert seen.total() == REPLIES
    assert min(seen[decision] for decision in ("approved", "edited", "escalated")) > 0


@pytest.mark.timeout(180)
async def test_real_bookings_and_refunds_are_decided_as_people_decided_them(world: World, shop: Shop) -> None:
    history = rows(TAU_AIRLINE)
    seen = await check(world, shop, await decide_all(world, [as_action(row) for row in history]))
    assert seen == Counter(row["human_decision"] for row in history)
    assert min(seen[decision] for decision in ("approved", "edited", "rejected")) > 0
