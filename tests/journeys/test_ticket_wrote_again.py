"""The customer writes again and again while a draft waits: whoever approves has been shown every word of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.lifecycle import State
from bot.domain.proposal import Proposal
from bot.local_slack.model import Message
from bot.slack import ids
from tests.journeys.props import painted, told, until_stored
from tests.journeys.tickets import CUSTOMERS, HOURS, INTAKE, QUESTION, case_of, settled, stands, texts, waiting
from tests.world import World, running_world

CUSTOMER = "U0STRANGER"
LONG = "Thank you. " * 100 + "But cancel my question."


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path / "sayso.db", INTAKE) as made:
        yield made


async def asked(world: World) -> tuple[str | None, Message]:
    """A customer asks; the thread, and the card of the draft."""
    await settled(world)
    ts = (await world.slack.person(CUSTOMER).say(CUSTOMERS, QUESTION)).ts
    return ts, await world.message("C0REVIEW", HOURS)


async def say(world: World, ts: str | None, *words: str) -> None:
    """The customer says this in the same thread."""
    for text in words:
        await world.slack.person(CUSTOMER).say(CUSTOMERS, text, thread_ts=ts)


async def test_what_the_card_leaves_out_stands_in_the_window_with_approve(world: World) -> None:
    ts, card = await asked(world)
    await say(world, ts, "Stop: I found it myself.", LONG, "Bye.", "Really.", "Bye bye.")
    marked = str((await painted(world, card, "Bye bye.")).blocks)
    assert "The customer wrote again 5 times" in marked
    assert "2 more in the full case" in marked
    assert "Stop" not in marked
    assert ids.APPROVE not in marked
    for action in (ids.READ, ids.EDIT):
        await world.click("U0MARIA", await painted(world, card, "Bye bye."), action)
        view = await world.slack.wait_for_view("U0MARIA")
        for words in ("Stop: I found it myself.", "But cancel my question.", "Bye.", "Really.", "Bye bye."):
            assert words in str(view.blocks), (action, words)


async def test_what_is_cut_on_the_card_is_said_to_be(world: World) -> None:
    ts, card = await asked(world)
    await say(world, ts, LONG)
    assert "But cancel" not in str((await painted(world, card, "What is cut here is in the full case")).blocks)
    await say(world, ts, "Once more.", "And again.", "Hello?")
    await painted(world, card, "1 more in the full case")


async def test_what_no_window_can_hold_is_not_approved(world: World) -> None:
    ts, card = await asked(world)
    await say(world, ts, *(f"{number} " + "word " * 7_000 for number in range(4)))
    await painted(world, card, "wrote again 4 times")
    for action in (ids.APPROVE, ids.EDIT):
        await world.slack.person("U0MARIA").click("C0REVIEW", card, action)
        whisper = await told(world, "U0MARIA", "too long to be read in Slack")
        assert "answer the customer yourself" in whisper.text
    assert (await waiting(world))[0].state is State.PENDING


async def test_a_window_that_was_open_meanwhile_says_so_too(world: World) -> None:
    ts, card = await asked(world)
    await say(world, ts, "One question more.")
    await world.click("U0MARIA", await painted(world, card, "One question more."), ids.READ)
    view = await world.slack.wait_for_view("U0MARIA")
    await say(world, ts, *(f"{number} " + "word " * 7_000 for number in range(4)))
    await painted(world, card, "wrote again 5 times")
    answer = await world.slack.person("U0MARIA").submit(view)
    assert "too long to be read in Slack" in str(answer.body)
    assert (await waiting(world))[0].state is State.PENDING


async def test_hearing_everything_is_enough_to_approve(world: World) -> None:
    ts, card = await asked(world)
    await say(world, ts, *(f"Message {number}." for number in range(60)))
    await world.click("U0MARIA", await painted(world, card, "Message 59."), ids.READ)
    view = await world.slack.wait_for_view("U0MARIA")
    assert all(f"Message {number}." in str(view.blocks) for number in range(60))
    await world.slack.person("U0MARIA").submit(view)
    await stands(world, case_of(card), State.EXECUTED)
    assert texts(world, ts)[-1] == HOURS


UNDOABLE = INTAKE.replace(
    '[categories.refunds]\nmode = "suggest"', '[categories.refunds]\nmode = "suggest"\nundo_window = "30s"'
)


async def test_what_the_customer_wrote_while_an_approval_could_be_undone_stands_on_the_undone_card(
    tmp_path: Path,
) -> None:
    """The reply was not out yet: whoever decides anew reads what came since, and so does whoever might undo it."""
    async with running_world(tmp_path / "sayso.db", UNDOABLE) as world:
        ts, card = await asked(world)
        await world.click("U0MARIA", card, ids.APPROVE)
        await painted(world, card, ids.UNDO)
        await say(world, ts, "STOP, I found it.")
        told_of_it = await painted(world, card, "STOP, I found it.")
        assert ids.UNDO in str(told_of_it.blocks)
        assert "Approved by" in str(told_of_it.blocks)
        await world.click("U0BEN", told_of_it, ids.UNDO)
        back = await painted(world, card, ids.READ)
        assert "STOP, I found it." in str(back.blocks)
        assert f"{ids.APPROVE}'" not in str(back.blocks)
        following = await stands_beside(world, case_of(card))
        assert [m.text for m in following.conversation.messages] == [QUESTION, "STOP, I found it."]


async def stands_beside(world: World, case: str) -> Proposal:
    """The next case of the same conversation, once it is there."""
    await until_stored(world, lambda tx: len(tx.waiting()) == 2)
    (other,) = [proposal for proposal in await waiting(world) if proposal.id != case]
    return other


async def test_whoever_has_a_failed_reply_tried_again_sees_what_the_customer_wrote_since(world: World) -> None:
    ts, card = await asked(world)
    world.slack.faults.fail("chat.postMessage", "not_in_channel", times=1, channel=CUSTOMERS)
    await world.click("U0MARIA", card, ids.APPROVE)
    alarm = await world.card(case_of(card), "C0OPS", "It failed")
    assert "wrote again" not in str(alarm.blocks)
    await say(world, ts, "STOP, I found it.")
    now = await painted(world, alarm, "STOP, I found it.")
    assert ids.RETRY in str(now.blocks)
    stands_approved = await world.sayso.store.read(lambda tx: tx.proposal(case_of(card)))
    assert [actor.id for actor in stands_approved.approvals] == ["U0MARIA"]


async def test_a_second_message_reaches_the_undone_card_too_while_the_next_draft_is_made(tmp_path: Path) -> None:
    async with running_world(tmp_path / "sayso.db", UNDOABLE) as world:
        ts, card = await asked(world)
        await world.click("U0MARIA", card, ids.APPROVE)
        await painted(world, card, ids.UNDO)
        await world.sayso.office.stop()  # nobody drafts now, so that the second message joins the first one's ticket
        await say(world, ts, "Wait.", "STOP, I found it.")
        both = await painted(world, card, "STOP, I found it.")
        assert "Wait." in str(both.blocks)


async def failed(world: World) -> tuple[str | None, Message]:
    """A reply that was approved and could not be sent: the customer's thread, and the card in the ops channel."""
    ts, card = await asked(world)
    world.slack.faults.fail("chat.postMessage", "not_in_channel", times=1, channel=CUSTOMERS)
    await world.click("U0MARIA", card, ids.APPROVE)
    return ts, await world.card(case_of(card), "C0OPS", "It failed")


async def test_a_retry_from_before_the_customer_wrote_shows_what_came_since(world: World) -> None:
    ts, alarm = await failed(world)
    await say(world, ts, "STOP, I found it.")
    now = await painted(world, alarm, "STOP, I found it.")
    await world.slack.person("U0BEN").click("C0OPS", alarm, ids.RETRY)
    assert "STOP, I found it." in str((await world.slack.wait_for_view("U0BEN")).blocks)
    await stands(world, case_of(alarm), State.FAILED)
    await world.click("U0BEN", now, ids.RETRY, "C0OPS")
    await stands(world, case_of(alarm), State.EXECUTED)


@pytest.mark.parametrize("since", [["STOP: send nothing.", "Hm.", "Well.", "Anyone?"], [f"{LONG} Anyone?"]])
async def test_what_the_card_leaves_out_is_read_before_it_is_tried_again(world: World, since: list[str]) -> None:
    ts, alarm = await failed(world)
    await say(world, ts, *since)
    now = await painted(world, alarm, "full case")
    await world.click("U0BEN", now, ids.RETRY, "C0OPS")
    view = await world.slack.wait_for_view("U0BEN")
    assert view.payload["submit"]["text"] == "Try again"
    assert all(words in str(view.blocks) for words in (*since, HOURS))
    await stands(world, case_of(alarm), State.FAILED)
    await say(world, ts, "And one more.")
    await painted(world, alarm, "And one more.")
    await world.slack.person("U0BEN").submit(view)
    view = await world.slack.wait_for_view("U0BEN", predicate=lambda found: "And one more." in str(found.blocks))
    await stands(world, case_of(alarm), State.FAILED)
    await world.slack.person("U0BEN").submit(view)
    await stands(world, case_of(alarm), State.EXECUTED)
    assert texts(world, ts).count(HOURS) == 1


async def test_what_no_window_can_hold_is_not_tried_again(world: World) -> None:
    ts, alarm = await failed(world)
    await say(world, ts, *(f"{number} " + "word " * 7_000 for number in range(4)))
    await world.click("U0BEN", await painted(world, alarm, "wrote again 4 times"), ids.RETRY, "C0OPS")
    assert "give it up, and answer the customer yourself." in (await told(world, "U0BEN", "too long")).text
    await stands(world, case_of(alarm), State.FAILED)
