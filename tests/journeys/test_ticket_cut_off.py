"""The bot is cut off between a ticket's case and the ticket's end: what the customer writes next reaches the case."""

from pathlib import Path
from typing import Any

import pytest

from bot.approvals import Approvals
from bot.clock import SystemClock
from bot.connectors.registry import recipient_of
from bot.domain.lifecycle import State
from bot.domain.proposal import Conversation, Message, Proposal, Reply
from bot.domain.ticket import TicketState
from bot.drafting.draft import Draft
from bot.figures import Figures
from bot.intake.arrival import Arrival
from bot.intake.reception import Reception
from bot.intake.worker import _request
from bot.policy_file import load_policy
from bot.slack import ids
from storage import open_store
from tests.journeys.props import MovableClock, until_stored
from tests.journeys.tickets import INTAKE, case_of, waiting
from tests.world import World, running_world

TALK = "slack:C0CUSTOMERS:17.1"
FIRST, STOP = "Please refund me.", "Stop, it has arrived. Do not refund."


def arrival(text: str, key: str) -> Arrival:
    talk = Conversation(id=TALK, messages=(Message(role="customer", text=text),))
    return Arrival(source="slack", key=key, conversation=talk, connector="slack_thread")


async def cut_off(database: Path, *, category: str = "refunds", meanwhile: bool = False) -> Proposal:
    """What a bot leaves that dies right after a ticket's proposal; `meanwhile`: the customer wrote while it drafted."""
    store, clock = open_store(f"sqlite:///{database}"), SystemClock()
    approvals = Approvals(
        store=store, policy=load_policy(INTAKE), clock=clock, recipient_of=recipient_of, figures=Figures()
    )
    reception = Reception(store=store, approvals=approvals, clock=clock)
    ticket = await reception.receive(arrival(FIRST, "1"))
    assert ticket
    if meanwhile:
        await reception.receive(arrival(STOP, "2"))
    draft = Draft(category=category, in_scope=True, content=Reply(text="It is on its way."), confidence=0.95)
    proposal, _ = await approvals.submit(_request(ticket, ticket.conversation, draft))
    await store.close()
    return proposal


async def written_before_the_worker_comes(database: Path) -> list[Message]:
    """The customer writes again right after the restart, before anybody looks at the ticket; what a case knows."""
    store, clock = open_store(f"sqlite:///{database}"), SystemClock()
    approvals = Approvals(
        store=store, policy=load_policy(INTAKE), clock=clock, recipient_of=recipient_of, figures=Figures()
    )
    await Reception(store=store, approvals=approvals, clock=clock).receive(arrival(STOP, "2"))
    cases = await store.read(lambda tx: tx.open_in(TALK))
    await store.close()
    return [message for case in cases for message in case.follow_ups]


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_the_next_message_is_on_the_card_and_approve_asks_once_more(
    tmp_path: Path, clock: MovableClock, meanwhile: bool
) -> None:
    database = tmp_path / "sayso.db"
    case = await cut_off(database, meanwhile=meanwhile)
    if not meanwhile:
        assert [message.text for message in await written_before_the_worker_comes(database)] == [STOP]
    async with running_world(database, INTAKE, clock=clock) as world:
        card = await world.message("C0REVIEW", STOP)
        assert ids.APPROVE not in str(card.blocks)
        assert case_of(card) == case.id
        await until_stored(world, lambda tx: tx.next_ticket() is None)
        (only,) = await waiting(world)
        assert [message.text for message in only.follow_ups] == [STOP]
        await ended(world, case.id)


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_after_an_answer_that_ran_on_its_own_the_next_message_is_the_next_case(
    tmp_path: Path, clock: MovableClock, meanwhile: bool
) -> None:
    database = tmp_path / "sayso.db"
    case = await cut_off(database, category="orders", meanwhile=meanwhile)
    assert case.state is State.APPROVED
    if not meanwhile:
        await written_before_the_worker_comes(database)
    async with running_world(database, INTAKE, clock=clock) as world:
        await world.message("C0ESCALATE", STOP)
        (following,) = await waiting(world)
        assert following.conversation.last_customer_text == STOP
        assert FIRST in str(following.conversation)
        await ended(world, case.id)


async def ended(world: World, proposal_id: str) -> None:
    """The first ticket is over, and points to its case."""

    def first(tx: Any) -> bool:
        ticket = tx.arrived("slack", "1")
        return bool(ticket.state is TicketState.PROPOSED and ticket.proposal_id == proposal_id)

    await until_stored(world, first)
