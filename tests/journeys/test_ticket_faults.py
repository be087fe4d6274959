"""A fault of ours costs one ticket or one lesson at most: drafting and learning go on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.domain.lifecycle import State
from bot.drafting import precedents
from bot.drafting.learning import Learned
from bot.intake import feedback
from bot.slack import ids
from storage import library_of
from tests.journeys.props import MovableClock, until_stored
from tests.journeys.tickets import CUSTOMERS, HOURS, INTAKE, QUESTION, case_of, settled, stands
from tests.world import World, running_world


@pytest.fixture
async def world(tmp_path: Path, clock: MovableClock) -> AsyncIterator[World]:
    async with running_world(tmp_path / "sayso.db", INTAKE, clock=clock) as made:
        yield made


@pytest.mark.parametrize("fault", [Unavailable("The database is away."), RuntimeError("who knows")])
async def test_the_worker_outlives_a_fault_while_it_waits(world: World, fault: Exception) -> None:
    await settled(world)
    worker: Any = world.sayso.office._worker
    nap, faults = worker._nap, [fault]

    async def stumbling() -> None:
        if faults:
            raise faults.pop()
        await nap()

    worker._nap = stumbling
    worker._wake.set()
    await world.slack.person("U0STRANGER").say(CUSTOMERS, QUESTION)
    await world.message("C0REVIEW", HOURS)
    assert faults == []


async def answered(world: World, question: str) -> str:
    """A customer asks, Maria approves; the case."""
    await world.slack.person("U0STRANGER").say(CUSTOMERS, question)
    card = await world.message("C0REVIEW", question)
    await world.click("U0MARIA", card, ids.APPROVE)
    return (await stands(world, case_of(card), State.EXECUTED)).id


async def test_a_decision_that_cannot_be_learned_from_is_left_out_and_the_next_one_teaches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(world)
    keep = precedents.keep

    def picky(library: Any, case: Any) -> None:
        if "first" in case.question:
            raise RuntimeError("a precedent that nobody thought of")
        keep(library, case)

    monkeypatch.setattr(precedents, "keep", picky)
    await answered(world, f"{QUESTION} The first time.")
    second = await answered(world, f"{QUESTION} The second time.")
    await until_stored(world, lambda tx: tx.kept("feedback") == tx.audit_head()[0])
    (kept,) = await library_of(world.sayso.store).read(lambda lib: lib.precedents([second]))
    assert "second" in kept.question
    await world.message("C0OPS", "cannot learn from a decision")


async def test_learning_that_fails_is_an_alarm_and_the_next_decision_still_teaches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> dict[bool, Learned]:
        raise ZeroDivisionError

    await settled(world)
    monkeypatch.setattr(feedback, "LEARN_EVERY", 1)
    teacher: Any = world.sayso.office._feedback
    teacher._learn = broken
    await answered(world, f"{QUESTION} The first time.")
    await world.message("C0OPS", "could not learn from your decisions")
    second = await answered(world, f"{QUESTION} The second time.")
    await until_stored(world, lambda tx: tx.kept("feedback") == tx.audit_head()[0])
    assert await library_of(world.sayso.store).read(lambda lib: lib.precedents([second]))
