"""A customer writes in a watched channel: draft, card, approval, and the reply in their own thread."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.lifecycle import State
from bot.slack import ids
from storage import library_of
from tests.journeys.props import MovableClock, painted, story_of, told, until_stored
from tests.journeys.tickets import (
    CUSTOMERS,
    HOLDING_LINE,
    HOURS,
    INTAKE,
    QUESTION,
    case_of,
    settled,
    stands,
    texts,
    waiting,
)
from tests.world import World, running_world

CUSTOMER = "U0STRANGER"


@pytest.fixture
async def world(tmp_path: Path, clock: MovableClock) -> AsyncIterator[World]:
    async with running_world(tmp_path / "sayso.db", INTAKE, clock=clock) as made:
        yield made


async def asked(world: World, text: str = QUESTION) -> tuple[str, Any]:
    """A customer asks; the thread's timestamp, and the card."""
    await settled(world)
    said = await world.slack.person(CUSTOMER).say(CUSTOMERS, text)
    assert said.status == 200
    return str(said.ts), await world.message("C0REVIEW", HOURS)


async def test_a_question_in_a_watched_channel_is_drafted_approved_and_answered_in_its_thread(world: World) -> None:
    ts, card = await asked(world)
    assert "Sam Stranger" in str(card.blocks)
    assert QUESTION in str(card.blocks)
    await world.click("U0MARIA", card, ids.APPROVE)
    await stands(world, case_of(card), State.EXECUTED)
    assert texts(world, ts) == [QUESTION, HOURS]


async def test_a_watched_private_channel_works_as_a_public_one(world: World) -> None:
    private = world.slack.add_channel("vip-customers", id=CUSTOMERS, private=True)
    world.slack.join(CUSTOMERS, CUSTOMER)
    ts, card = await asked(world)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "In Lisbon, I mean.", thread_ts=ts)
    marked = await painted(world, card, "The customer wrote again")
    await world.click("U0MARIA", marked, ids.READ)
    view = await world.slack.wait_for_view("U0MARIA")
    world.slack.faults.lose_answer("chat.postMessage", channel=CUSTOMERS)
    await world.slack.person("U0MARIA").submit(view)
    await stands(world, case_of(card), State.EXECUTED)
    assert texts(world, ts) == [QUESTION, "In Lisbon, I mean.", HOURS]
    assert private.kind == "group"


async def test_an_approved_reply_is_a_precedent_for_the_next_ticket(world: World) -> None:
    _, card = await asked(world)
    await world.click("U0MARIA", card, ids.APPROVE)
    case = await stands(world, case_of(card), State.EXECUTED)
    library = library_of(world.sayso.store)
    await until_stored(world, lambda tx: tx.kept("feedback") == tx.audit_head()[0])
    (precedent,) = await library.read(lambda lib: lib.precedents([case.id]))
    assert (precedent.answer, precedent.corrected) == (HOURS, False)
    (outcome,) = await library.read(lambda lib: lib.outcomes(10))
    assert (outcome.id, outcome.right) == (case.id, True)


async def test_when_the_customer_writes_again_approve_asks_once_more(world: World) -> None:
    ts, card = await asked(world)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "I mean the shop in Porto &amp; <b>!", thread_ts=ts)
    marked = await painted(world, card, "The customer wrote again")
    assert "I mean the shop in Porto &amp; <b>!" in str(marked.blocks)
    assert ids.APPROVE not in str(marked.blocks)
    await world.click("U0MARIA", marked, ids.READ)
    view = await world.slack.wait_for_view("U0MARIA")
    assert "I mean the shop in Porto" in str(view.blocks)
    assert HOURS in str(view.blocks)
    assert (await waiting(world))[0].id == case_of(card)
    await world.slack.person("U0MARIA").submit(view)
    await stands(world, case_of(card), State.EXECUTED)
    assert texts(world, ts)[-1] == HOURS
    assert len(await waiting(world)) == 0


async def test_a_click_on_the_card_from_before_opens_the_new_message_instead_of_approving(world: World) -> None:
    ts, card = await asked(world)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "Forget it, I want my money back.", thread_ts=ts)
    clicked = await world.slack.person("U0MARIA").click("C0REVIEW", card, ids.APPROVE)
    assert clicked.status == 200
    view = await world.slack.wait_for_view("U0MARIA")
    assert "Forget it, I want my money back." in str(view.blocks)
    assert (await waiting(world))[0].state is State.PENDING
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "And one more thing!", thread_ts=ts)
    await world.slack.person("U0MARIA").submit(view)
    again = await world.slack.wait_for_view("U0MARIA")
    assert "And one more thing!" in str(again.blocks)
    assert (await waiting(world))[0].state is State.PENDING
    await world.slack.person("U0MARIA").submit(again)
    await stands(world, case_of(card), State.EXECUTED)
    assert (await story_of(world, case_of(card))).count("proposal.customer_wrote") == 2


async def test_an_edit_keeps_what_was_typed_when_the_customer_writes_meanwhile(world: World) -> None:
    ts, card = await asked(world)
    await world.click("U0MARIA", card, ids.EDIT)
    view = await world.slack.wait_for_view("U0MARIA")
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "In Lisbon, I mean.", thread_ts=ts)
    block = next(b["block_id"] for b in view.blocks if b["type"] == "input")
    await world.slack.person("U0MARIA").submit(view, {block: "In Lisbon we open at ten."})
    again = await world.slack.wait_for_view("U0MARIA")
    assert "In Lisbon, I mean." in str(again.blocks)
    assert "In Lisbon we open at ten." in str(again.blocks)
    await world.slack.person("U0MARIA").submit(again, {block: "In Lisbon we open at ten."})
    await stands(world, case_of(card), State.EXECUTED)
    assert texts(world, ts)[-1] == "In Lisbon we open at ten."


async def test_a_message_after_the_answer_opens_the_next_case_with_the_story_so_far(world: World) -> None:
    ts, card = await asked(world)
    await world.click("U0MARIA", card, ids.APPROVE)
    await stands(world, case_of(card), State.EXECUTED)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "Do you open on Sunday too, at the same hours?", thread_ts=ts)
    await until_stored(world, lambda tx: len(tx.waiting()) == 1)
    (case,) = await waiting(world)
    assert [(m.role, m.text) for m in case.conversation.messages] == [
        ("customer", QUESTION),
        ("ai", HOURS),
        ("customer", "Do you open on Sunday too, at the same hours?"),
    ]


async def test_no_near_precedent_means_an_escalation_and_the_holding_line_once(world: World) -> None:
    said = await world.slack.person(CUSTOMER).say(CUSTOMERS, "My llama ate the warranty card.")
    card = await world.message("C0ESCALATE", "llama")
    assert "No earlier case is near enough" in str(card.blocks)
    assert ids.EDIT in str(card.blocks)
    await world.slack.wait_for_message(CUSTOMERS, lambda m: m.text == HOLDING_LINE)
    await world.slack.person("U0LEAD").choose("C0ESCALATE", card, ids.MORE, _option(card, "reject"))
    view = await world.slack.wait_for_view("U0LEAD")
    await world.slack.person("U0LEAD").submit(view)
    await stands(world, case_of(card), State.CANCELLED)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, "The llama is still hungry.", thread_ts=said.ts)
    await world.message("C0ESCALATE", "still hungry")
    await until_stored(world, lambda tx: not tx.outbox_size())
    assert texts(world, said.ts).count(HOLDING_LINE) == 1


def _option(card: Any, start: str) -> str:
    menu = next(e for b in card.blocks if b["type"] == "actions" for e in b["elements"] if e["type"] == "overflow")
    return str(next(o["value"] for o in menu["options"] if o["value"].startswith(start)))


async def test_a_message_that_slack_delivers_three_times_is_one_ticket(world: World) -> None:
    await settled(world)
    world.slack.faults.duplicate("event", copies=3)
    await world.slack.person(CUSTOMER).say(CUSTOMERS, QUESTION)
    await world.message("C0REVIEW", HOURS)
    await until_stored(world, lambda tx: tx.next_ticket() is None)
    assert len(await waiting(world)) == 1
    assert (await waiting(world))[0].follow_ups == ()


async def test_edits_bots_and_other_channels_are_no_tickets(world: World) -> None:
    ts, card = await asked(world)
    await world.slack.person(CUSTOMER).edit(CUSTOMERS, ts, "When do you close?")
    await world.slack.person(CUSTOMER).say("C0OPS", "When do you open?")
    await world.slack.person("U0MARIA").say(CUSTOMERS, "I am looking into it.", thread_ts=ts)
    event = {"type": "message", "channel": CUSTOMERS, "ts": "1.1", "text": "beep", "user": "U0ROBOT", "bot_id": "B0X"}
    assert (await world.slack.deliveries.event(event)).status == 200
    joined = {"type": "message", "subtype": "channel_join", "channel": CUSTOMERS, "ts": "1.2", "user": CUSTOMER}
    assert (await world.slack.deliveries.event(joined)).status == 200
    assert [case.id for case in await waiting(world)] == [case_of(card)]
    assert (await waiting(world))[0].follow_ups == ()
    await until_stored(world, lambda tx: tx.next_ticket() is None)


async def test_whoever_asks_does_not_approve_the_answer_to_themselves(world: World) -> None:
    await settled(world)
    said = await world.slack.person("U0MARIA").say(CUSTOMERS, QUESTION)
    card = await world.message("C0REVIEW", HOURS)
    await world.click("U0MARIA", card, ids.APPROVE)
    await told(world, "U0MARIA", "This case is your own, so somebody else has to decide it.")
    assert [case.id for case in await waiting(world)] == [case_of(card)]
    await world.click("U0BEN", card, ids.APPROVE)
    case = await stands(world, case_of(card), State.EXECUTED)
    assert case.decision
    assert case.decision.by.id == "U0BEN"
    # Nor does it help to have somebody else write in the same thread.
    await world.slack.person(CUSTOMER).say(CUSTOMERS, f"{QUESTION} On Sunday, too?", thread_ts=said.ts)
    await until_stored(world, lambda tx: len(tx.waiting()) == 1)
    (following,) = await waiting(world)
    assert following.conversation.customer["id"] == "U0MARIA"


async def test_one_of_the_team_who_asks_may_send_a_second_question_to_the_channel_too(world: World) -> None:
    await settled(world)
    said = await world.slack.person("U0MARIA").say(CUSTOMERS, QUESTION)
    card = await world.message("C0REVIEW", HOURS)
    await world.slack.person("U0MARIA").say(CUSTOMERS, "On Sunday, too?", thread_ts=said.ts, broadcast=True)
    await world.slack.person("U0BEN").say(CUSTOMERS, "Ben will look.", thread_ts=said.ts, broadcast=True)
    await until_stored(world, lambda tx: tx.next_ticket() is None)
    (case,) = await waiting(world)
    assert case.id == case_of(card)
    assert [message.text for message in case.follow_ups] == ["On Sunday, too?"]


async def test_no_holding_line_after_a_case_has_ended(world: World) -> None:
    await world.slack.person("U0LEAD").command("/approvals pause because we look into something")
    ts = (await world.slack.person(CUSTOMER).say(CUSTOMERS, "My llama ate the warranty card.")).ts
    card = await world.message("C0ESCALATE", "llama")
    await world.click("U0LEAD", card, ids.TAKE_OVER, "C0ESCALATE")
    await stands(world, case_of(card), State.CANCELLED)
    await world.slack.person("U0LEAD").say(CUSTOMERS, "It is solved.", thread_ts=ts)
    await world.slack.person("U0LEAD").command("/approvals resume")
    await until_stored(world, lambda tx: not tx.outbox_size())
    assert texts(world, ts) == ["My llama ate the warranty card.", "It is solved."]
