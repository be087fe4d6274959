"""The customer writes again while a draft is being made: what goes out was made from all that they said."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.proposal import Message
from bot.drafting.draft import Draft, Ticket
from bot.drafting.drafter import Drafting
from tests.journeys.tickets import CUSTOMERS, INTAKE, QUESTION, settled, texts, waiting
from tests.world import World, running_world

AUTONOMOUS = INTAKE.replace(
    '[categories.refunds]\nmode = "suggest"', '[categories.refunds]\nmode = "autonomous"\nthreshold = 0.31'
)
STOP = "STOP, do not answer that, I found it."
Said = Callable[[int], Awaitable[None]]


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Said) -> list[tuple[Message, ...]]:
    """Have this happen while each draft is made, by its number; what each was made from."""
    real, drafted = Drafting.draft, list[tuple[Message, ...]]()

    async def draft(self: Drafting, asked: Ticket) -> Draft:
        drafted.append(asked.conversation.messages)
        await happens(len(drafted))
        # Of its own it escalates who writes for the third time; here the AI has no doubt.
        return replace(await real(self, asked), concerns=(), holds=())

    monkeypatch.setattr(Drafting, "draft", draft)
    return drafted


async def test_an_answer_to_what_was_taken_back_meanwhile_does_not_go_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(tmp_path / "sayso.db", AUTONOMOUS) as world:
        await settled(world)
        said: list[str] = []

        async def stop(number: int) -> None:
            if number == 1:
                await world.slack.person("U0STRANGER").say(CUSTOMERS, STOP, thread_ts=said[0])

        drafted = meanwhile(monkeypatch, stop)
        said.append(str((await world.slack.person("U0STRANGER").say(CUSTOMERS, QUESTION)).ts))
        await ended(world)
        assert [message.text for message in drafted[-1]] == [QUESTION, STOP]
        assert len(drafted) == 2
        (case,) = await world.sayso.store.read(lambda tx: tx.conversation_proposals(f"slack:{CUSTOMERS}:{said[0]}"))
        assert [message.text for message in case.conversation.messages] == [QUESTION, STOP]


async def test_whoever_writes_faster_than_drafts_are_made_gets_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(tmp_path / "sayso.db", AUTONOMOUS) as world:
        await settled(world)
        said: list[str] = []

        async def more(number: int) -> None:
            await world.slack.person("U0STRANGER").say(CUSTOMERS, f"{QUESTION} {'?' * number}", thread_ts=said[0])

        drafted = meanwhile(monkeypatch, more)
        said.append(str((await world.slack.person("U0STRANGER").say(CUSTOMERS, QUESTION)).ts))
        await ended(world)
        assert len(drafted) == world.sayso.policy.drafting.attempts
        (case,) = await waiting(world)
        assert "The customer wrote again while this was drafted." in case.ruling.reason
        assert [message.text for message in case.follow_ups] == [f"{QUESTION} {'?' * len(drafted)}"]
        assert texts(world, said[0])[1 + len(drafted) :] == [], "nothing went out"


async def ended(world: World) -> None:
    """Come back once no ticket waits, and a case stands."""
    async with asyncio.timeout(15):
        while await world.sayso.store.read(lambda tx: tx.next_ticket() is not None or not tx.state_sizes()):
            await asyncio.sleep(0.02)
