"""A ticket is drafted by a model through litellm; where it fails, a person has the case and the team knows why."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.lifecycle import State
from bot.slack import ids
from tests.drafting.odd_model import OddModel, good, status
from tests.journeys.props import MovableClock
from tests.journeys.tickets import CUSTOMERS, HOURS, INTAKE, QUESTION, case_of, settled, stands, texts, waiting
from tests.world import World, running_world

CUSTOMER = "U0STRANGER"


@asynccontextmanager
async def world_with(
    model: str, place: Path, monkeypatch: pytest.MonkeyPatch, clock: MovableClock
) -> AsyncIterator[World]:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", model)
    monkeypatch.setenv("OPENAI_API_BASE", model)
    policy = f"{INTAKE}\n[drafting]\nattempts = 1\ntimeout = '10s'\n"
    async with running_world(place / "sayso.db", policy, clock=clock, SAYSO_MODEL="openai/tiny") as world:
        yield world


async def test_the_models_draft_is_approved_and_reaches_the_customer(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = good(category="refunds", reply=HOURS)
    async with OddModel([answer]) as model, world_with(model.url, tmp_path, monkeypatch, clock) as world:
        await settled(world)
        said = await world.slack.person(CUSTOMER).say(CUSTOMERS, QUESTION)
        card = await world.message("C0REVIEW", HOURS, seconds=40)
        assert " tokens." in str(card.blocks)
        assert QUESTION in json.dumps(model.requests[0])
        await world.click("U0MARIA", card, ids.APPROVE)
        await stands(world, case_of(card), State.EXECUTED)
        assert texts(world, said.ts)[-1] == HOURS


async def test_an_unreachable_model_loses_no_ticket_and_tells_the_ops_channel(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        OddModel([lambda _: status(500, "out of order")]) as model,
        world_with(model.url, tmp_path, monkeypatch, clock) as world,
    ):
        await world.slack.person(CUSTOMER).say(CUSTOMERS, QUESTION)
        card = await world.message("C0ESCALATE", "could not be asked", seconds=40)
        told = await world.message("C0OPS", "No draft could be made; a person has the case.")
        assert "out of order" in str(told.blocks)
        assert [case.id for case in await waiting(world)] == [case_of(card)]


async def test_words_without_a_source_are_held_and_the_card_says_which(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = good(category="orders", reply="Order B-9876 costs 4,711.50 EUR.", confidence=1.0)
    async with OddModel([answer]) as model, world_with(model.url, tmp_path, monkeypatch, clock) as world:
        await settled(world)
        await world.slack.person(CUSTOMER).say(CUSTOMERS, QUESTION)
        card = await world.message("C0REVIEW", "4,711.50", seconds=40)
        (case,) = await waiting(world)
        assert (case.state, case.ruling.rule) == (State.PENDING, "uncertainty.grounding")
        assert case.ruling.reason in str(card.blocks)
