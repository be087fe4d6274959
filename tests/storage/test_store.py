"""The contract of the store: what every database behind `bot.ports.Store` has to keep."""

import asyncio
import errno
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import storage.sqlite
from bot.audit_log import check_chain
from bot.domain.canonical import Json
from bot.domain.decision import Decision, DecisionKind, Intervention
from bot.domain.delivery import ErrandKind, Receipt
from bot.domain.errors import BadInput, NotFound, Unavailable
from bot.domain.lifecycle import Move, State
from bot.domain.proposal import Conversation, Evidence, Execution, Message, Reply
from bot.ports import Commit, Pause, Query, Store, Tx
from storage import serving
from storage.sqlite import SqliteStore
from tests.storage.builders import MARIA, NOW, a_proposal, a_store, an_errand, an_event, leased, submission

LATER = NOW + timedelta(seconds=30)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A fresh store."""
    made = a_store(tmp_path)
    yield made
    await made.close()


# proposals and compare-and-swap


async def test_a_proposal_comes_back_as_it_was_written(store: Store) -> None:
    proposal = a_proposal()
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))
    assert await store.read(lambda tx: tx.proposal(proposal.id)) == proposal
    assert await store.read(lambda tx: tx.submitted("shop-ai", "key-1")) == (proposal.id, "0" * 64)
    assert await store.read(lambda tx: tx.salt(proposal.id)) == "5" * 32
    assert await store.read(lambda tx: tx.revisions(proposal.id)) == [proposal.revision]


@pytest.mark.parametrize("intervention", [None, Intervention(move=Move.RETRY, by=MARIA, at=LATER)])
async def test_how_an_execution_stands_comes_back_as_it_was_written(
    store: Store, intervention: Intervention | None
) -> None:
    proposal = a_proposal()
    execution = Execution(status="failed", error="422", attempts=2, key="dlv_1", intervention=intervention)
    failed = replace(proposal, state=State.FAILED, execution=execution, version=proposal.version + 1)
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))
    assert await store.transact(lambda tx: tx.swap(proposal, failed))
    assert await store.read(lambda tx: tx.proposal(proposal.id)) == failed


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no proposal prp_x"):
        await store.read(lambda tx: tx.proposal("prp_x"))


@pytest.mark.parametrize("strange", ["state", "revision", "digest", "version"])
async def test_a_swap_from_anything_but_the_present_changes_nothing(store: Store, strange: str) -> None:
    proposal = a_proposal()
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))
    before = {
        "state": replace(proposal, state=State.ESCALATED),
        "revision": replace(proposal, revision=replace(proposal.revision, number=2)),
        "digest": replace(proposal, revision=replace(proposal.revision, digest="f" * 64)),
        "version": replace(proposal, version=2),
    }[strange]
    after = replace(proposal, state=State.CANCELLED, version=3)
    assert await store.transact(lambda tx: tx.swap(before, after)) is False
    assert await store.read(lambda tx: tx.proposal(proposal.id)) == proposal


async def test_of_fifty_swaps_at_once_one_wins(store: Store) -> None:
    proposal = a_proposal()
    await store.transact(lambda tx: tx.add_proposal(proposal, submission()))

    answers: dict[int, bool] = {}

    async def try_it(number: int) -> None:
        decision = Decision(kind=DecisionKind.REJECTED, by=replace(MARIA, id=f"U{number}"), at=NOW, revision=1)
        after = replace(proposal, state=State.CANCELLED, version=2, decision=decision)
        answers[number] = await store.transact(lambda tx: tx.swap(proposal, after))

    await asyncio.gather(*(try_it(number) for number in range(50)))
    (winner,) = [number for number, won in answers.items() if won]
    stands = await store.read(lambda tx: tx.proposal(proposal.id))
    assert stands.decision is not None
    assert stands.decision.by.id == f"U{winner}"
    assert len(await store.read(lambda tx: tx.decisions(proposal.id))) == 1


async def test_a_swap_keeps_every_revision_and_every_decision(store: Store) -> None:
    first = a_proposal()
    decision = Decision(kind=DecisionKind.EDITED, by=MARIA, at=LATER, revision=2, reason="wrong day")
    second = replace(first.revised(Reply(text="Better."), MARIA), state=State.APPROVED, version=2, decision=decision)

    def work(tx: Tx) -> None:
        tx.add_proposal(first, submission())
        assert tx.swap(first, second)
        tx.add_revision(second, LATER)

    await store.transact(work)
    assert await store.read(lambda tx: tx.proposal(first.id)) == second
    assert await store.read(lambda tx: tx.revisions(first.id)) == [first.revision, second.revision]
    assert await store.read(lambda tx: tx.decisions(first.id)) == [decision]


async def test_one_agents_key_is_used_once(store: Store) -> None:
    await store.transact(lambda tx: tx.add_proposal(a_proposal(1), submission(1)))
    with pytest.raises(Unavailable, match="UNIQUE"):
        await store.transact(lambda tx: tx.add_proposal(a_proposal(2), submission(1)))
    assert len(await store.read(lambda tx: tx.find(Query()))) == 1


async def test_lists_are_newest_first_and_go_on_below_the_cursor(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number in range(1, 8):
            state = State.PENDING if number % 2 else State.CANCELLED
            tx.add_proposal(a_proposal(number, state=state), submission(number))

    await store.transact(work)

    def numbers(query: Query) -> object:
        return store.read(lambda tx: [int(p.id.removeprefix("prp_")) for p in tx.find(query)])

    assert await numbers(Query(limit=3)) == [7, 6, 5]  # type: ignore[misc]  # it is awaitable
    assert await numbers(Query(limit=3, cursor=a_proposal(5).id)) == [4, 3, 2]  # type: ignore[misc]
    assert await numbers(Query(states=(State.CANCELLED,))) == [6, 4, 2]  # type: ignore[misc]
    assert await numbers(Query(category="orders")) == []  # type: ignore[misc]
    assert await numbers(Query(agent="another")) == []  # type: ignore[misc]
    assert await store.read(lambda tx: tx.waiting_of("shop-ai")) == 4


async def test_a_list_in_outline_leaves_out_what_may_be_long_and_nothing_else(store: Store) -> None:
    customer: dict[str, Json] = {
        "name": "Ana \u2028 “Lopez”",
        "note": "1e400",
        "n": 10**18,
        "deep": [[{"a": [0.1, None, True]}]],
    }
    plain = a_proposal()
    long = "“Ä\u2028\U0001f642" * 2000
    talk = (
        Message(role="customer", text="First"),
        Message(role="customer", text=long, at="today"),
        Message(role="ai", text="An answer"),
    )
    whole = replace(
        plain,
        conversation=replace(
            plain.conversation, customer=customer, subject="Ünder", url="https://desk.example/1", messages=talk
        ),
        evidence=(Evidence(title="Rules", quote="q" * 2000),),
        owner="U0BEN",
        notes=("a note",),
        cards=(("review", "C0REVIEW"),),
        approvals=(MARIA,),
        escalated_by=MARIA,
    )
    asked = Message(role="customer", text="x" * 100_000)
    later = replace(whole, follow_ups=(asked,), version=2)
    begun = (replace(talk[1], text=long[:4000]),)
    outline = replace(later, conversation=replace(later.conversation, messages=begun), evidence=(), follow_ups=())

    def work(tx: Tx) -> None:
        tx.add_proposal(whole, submission())
        assert tx.swap(whole, later)

    await store.transact(work)
    assert await store.read(lambda tx: tx.waiting()) == [outline]
    assert await store.read(lambda tx: tx.find(Query(outline=True))) == [outline]
    (found,) = await store.read(lambda tx: tx.find(Query()))
    assert found.conversation.messages == (*whole.conversation.messages, asked)
    assert await store.read(lambda tx: tx.waiting_in_all()) == 1


async def test_of_what_waits_a_page_comes_and_all_is_counted(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number in range(1, 10):
            state = State.EXECUTED if number == 1 else State.ESCALATED if number % 2 else State.PENDING
            expires_at = NOW + timedelta(minutes=60 - number)
            tx.add_proposal(a_proposal(number, state=state, expires_at=expires_at), submission(number))

    await store.transact(work)
    assert [p.id for p in await store.read(lambda tx: tx.waiting(3))] == [a_proposal(n).id for n in (9, 8, 7)]
    assert await store.read(lambda tx: tx.waiting_in_all()) == 8


async def test_only_what_waits_is_overdue(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.add_proposal(a_proposal(1), submission(1))
        tx.add_proposal(a_proposal(2, state=State.APPROVED), submission(2))
        tx.add_proposal(a_proposal(3, state=State.ESCALATED, expires_at=NOW + timedelta(minutes=5)), submission(3))

    await store.transact(work)
    assert await store.read(lambda tx: tx.next_expiry()) == NOW + timedelta(minutes=5)
    assert await store.read(lambda tx: tx.overdue(NOW, 10)) == []
    assert await store.read(lambda tx: tx.overdue(NOW + timedelta(hours=1), 10)) == [a_proposal(3).id, a_proposal(1).id]


# the outbox


async def test_a_lane_goes_in_order_and_one_lane_does_not_wait_for_another(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number, lane in enumerate("ABABA"):
            tx.enqueue(an_errand(number, lane))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0000", "dlv_0002", "dlv_0004", "dlv_0001", "dlv_0003"]
    assert await store.transact(leased) == []


async def test_what_comes_behind_a_leased_errand_waits_for_it(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1)))
    assert await store.transact(leased) == ["dlv_0001"]
    await store.transact(lambda tx: tx.enqueue(an_errand(2)))
    assert await store.transact(leased) == []
    await store.transact(lambda tx: tx.done("dlv_0001"))
    assert await store.transact(leased) == ["dlv_0002"]


def next_in(tx: Tx, lane: str, at: datetime = NOW) -> list[str]:
    """The ids of what a lane that has ended what it had may go on with, in order."""
    return [errand.id for errand in tx.lease_next(lane, now=at, owner="me", until=at + timedelta(minutes=1))]


async def test_a_lane_that_has_ended_what_it_had_goes_on_with_its_own(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number, lane in enumerate("ABA"):
            tx.enqueue(an_errand(number, lane, due_at=LATER if number == 2 else NOW))
        tx.enqueue(an_errand(3, "A"))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0000", "dlv_0001"]
    assert await store.transact(lambda tx: next_in(tx, "A", LATER)) == []
    await store.transact(lambda tx: tx.done("dlv_0000"))
    assert await store.transact(lambda tx: next_in(tx, "A")) == []
    await store.transact(lambda tx: tx.hold_lane("A", until=LATER + timedelta(seconds=1)))
    assert await store.transact(lambda tx: next_in(tx, "A", LATER)) == []
    assert await store.transact(lambda tx: next_in(tx, "A", LATER + timedelta(seconds=1))) == ["dlv_0002", "dlv_0003"]


async def test_a_lane_goes_on_with_nothing_that_a_pause_stops(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "A", kind=ErrandKind.EXECUTE))
        tx.enqueue(an_errand(2, "A"))
        tx.set_pause(Pause(by=MARIA, at=NOW, reason=None))

    await store.transact(work)
    assert await store.transact(lambda tx: next_in(tx, "A")) == ["dlv_0002"]
    await store.transact(lambda tx: tx.done("dlv_0002"))
    await store.transact(lambda tx: tx.set_pause(None))
    assert await store.transact(lambda tx: next_in(tx, "A")) == ["dlv_0001"]


async def test_nothing_overtakes_an_errand_that_is_not_due_yet(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1))
        tx.enqueue(an_errand(2, due_at=LATER))
        tx.enqueue(an_errand(3))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0001"]
    await store.transact(lambda tx: tx.done("dlv_0001"))
    assert await store.transact(leased) == []
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0002", "dlv_0003"]


async def test_a_decision_that_can_be_undone_stands_in_the_way_of_its_own_conversation_only(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number, talk in enumerate(("a", "b", "a", "b"), start=1):
            conversation = Conversation(id=talk)
            tx.add_proposal(a_proposal(number, conversation=conversation), submission(number))
            about = a_proposal(number).id
            tx.enqueue(an_errand(number, proposal_id=about, due_at=LATER if number == 1 else NOW))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0002", "dlv_0004"]
    for done in ("dlv_0002", "dlv_0004"):
        await store.transact(lambda tx: tx.done(done))  # noqa: B023 - awaited here
    assert await store.transact(leased) == []
    assert await store.read(lambda tx: tx.next_due()) == LATER
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0001", "dlv_0003"]


async def test_what_was_tried_and_waits_to_be_tried_again_is_not_overtaken_by_other_conversations(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number, talk in enumerate("ab", start=1):
            tx.add_proposal(a_proposal(number, conversation=Conversation(id=talk)), submission(number))
            tx.enqueue(an_errand(number, proposal_id=a_proposal(number).id))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0001", "dlv_0002"]
    await store.transact(lambda tx: tx.postpone("dlv_0001", due_at=LATER, error="busy"))
    await store.transact(lambda tx: tx.release("dlv_0002"))
    assert await store.transact(leased) == []
    assert await store.read(lambda tx: tx.next_due()) == LATER


async def test_a_lane_that_is_being_carried_is_not_leased_again_whatever_the_clock_says(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1, "slack:C1")))
    assert await store.transact(leased) == ["dlv_0001"]
    await store.transact(lambda tx: tx.enqueue(an_errand(2, "slack:C2")))
    much_later, busy = LATER + timedelta(hours=1), frozenset({"slack:C1"})

    def lease(tx: Tx) -> list[str]:
        found = tx.lease(now=much_later, owner="me", until=much_later + timedelta(minutes=1), limit=9, busy=busy)
        return [errand.id for errand in found]

    assert await store.transact(lease) == ["dlv_0002"]
    assert await store.transact(lambda tx: leased(tx, much_later)) == ["dlv_0001"]


async def test_lanes_that_are_being_carried_take_no_place_of_others(store: Store) -> None:
    """Their leases are over by the clock, so they stand first in the line again."""

    def work(tx: Tx) -> None:
        for number in (1, 2, 3, 4, 5):
            tx.enqueue(an_errand(number, f"slack:C{number}"))

    await store.transact(work)
    later, busy = LATER + timedelta(hours=1), frozenset({"slack:C1", "slack:C2"})

    def lease(tx: Tx) -> list[str]:
        first = tx.lease(now=NOW, owner="me", until=NOW + timedelta(minutes=1), limit=2)
        assert [errand.id for errand in first] == ["dlv_0001", "dlv_0002"]
        until, elsewhere = later + timedelta(minutes=1), frozenset({"slack:C8", "slack:C9"})
        found = tx.lease(now=later, owner="me", until=until, limit=1, busy=busy)
        found += tx.lease(now=NOW, owner="me", until=until, limit=1, busy=elsewhere)
        return [errand.id for errand in found]

    assert await store.transact(lease) == ["dlv_0003", "dlv_0004"]


@pytest.mark.parametrize("single", [ErrandKind.EXECUTE, ErrandKind.RELOG])
@pytest.mark.parametrize("alone", [True, False])
async def test_an_execution_is_leased_by_itself_and_so_is_a_repaint_of_log_lines(
    store: Store, single: ErrandKind, alone: bool
) -> None:
    """Behind another in the same lease an execution would look, after a crash, as if its call might have left."""

    def work(tx: Tx) -> None:
        kinds = (single if alone else ErrandKind.CARD, ErrandKind.CARD, single, single)
        for number, kind in enumerate(kinds, start=1):
            tx.enqueue(an_errand(number, kind=kind))

    await store.transact(work)
    runs = [["dlv_0001"], ["dlv_0002"]] if alone else [["dlv_0001", "dlv_0002"]]
    for run in (*runs, ["dlv_0003"], ["dlv_0004"]):
        assert await store.transact(leased) == run
        assert await store.transact(leased) == []
        for done in run:
            await store.transact(lambda tx: tx.done(done))  # noqa: B023 - awaited here


async def test_a_clock_that_is_set_back_puts_nothing_off(store: Store) -> None:
    """Ten seconds before its time the clock goes back an hour: it is still ten seconds before its time."""
    hour = timedelta(hours=1)

    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "slack:C1", due_at=LATER))
        tx.enqueue(an_errand(2, "slack:C2"))
        tx.enqueue(an_errand(3, "slack:C3"))
        tx.hold_lane("slack:C2", until=LATER)

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0003"]
    before = NOW + timedelta(seconds=20) - hour
    await store.transact(lambda tx: tx.clock_set_back(before, hour))
    assert await store.read(lambda tx: tx.next_due()) == LATER - hour
    assert await store.transact(lambda tx: leased(tx, before)) == []
    assert await store.transact(lambda tx: leased(tx, LATER - hour)) == ["dlv_0001", "dlv_0002"]
    assert "dlv_0003" in await store.transact(lambda tx: leased(tx, NOW + timedelta(minutes=1) - hour))


async def test_nothing_overtakes_what_a_dead_process_had_leased(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number in (1, 2):
            tx.enqueue(an_errand(number))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0001", "dlv_0002"]
    await store.transact(lambda tx: tx.enqueue(an_errand(3)))
    await store.transact(lambda tx: tx.abandon_leases(LATER))
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0001"]
    await store.transact(lambda tx: tx.done("dlv_0001"))
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0002", "dlv_0003"]


async def test_a_lease_that_ran_out_is_leased_again_and_marked_as_interrupted(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1)))
    (first,) = await store.transact(lambda tx: tx.lease(now=NOW, owner="a", until=LATER, limit=9))
    assert (first.attempts, first.interrupted) == (1, False)
    assert await store.transact(lambda tx: leased(tx, LATER - timedelta(microseconds=1))) == []
    (again,) = await store.transact(lambda tx: tx.lease(now=LATER, owner="b", until=LATER, limit=9))
    assert (again.id, again.attempts, again.interrupted) == (first.id, 2, True)


async def test_a_postponed_errand_comes_back_when_it_is_due_and_not_as_interrupted(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1)))
    await store.transact(leased)
    await store.transact(lambda tx: tx.postpone("dlv_0001", due_at=LATER, error="busy"))
    assert await store.read(lambda tx: tx.next_due()) == LATER
    assert await store.transact(leased) == []
    (again,) = await store.transact(lambda tx: tx.lease(now=LATER, owner="b", until=LATER, limit=9))
    assert (again.attempts, again.interrupted) == (2, False)


async def test_a_postponed_errand_keeps_its_payload_unless_it_is_given_another(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1, payload={"revision": 1})))
    payloads = []
    for news in (None, {"revision": 1, "maybe": True}, None):
        (errand,) = await store.transact(lambda tx: tx.lease(now=LATER, owner="b", until=LATER, limit=9))
        payloads.append(errand.payload)
        await store.transact(lambda tx: tx.postpone("dlv_0001", due_at=NOW, error="busy", payload=news))  # noqa: B023
    (last,) = await store.transact(lambda tx: tx.lease(now=LATER, owner="b", until=LATER, limit=9))
    assert [*payloads, last.payload] == [{"revision": 1}] * 2 + [{"revision": 1, "maybe": True}] * 2


async def test_a_released_errand_was_never_tried(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1)))
    await store.transact(leased)
    await store.transact(lambda tx: tx.release("dlv_0001"))
    (again,) = await store.transact(lambda tx: tx.lease(now=NOW, owner="b", until=LATER, limit=9))
    assert (again.attempts, again.interrupted) == (1, False)


async def test_a_held_lane_waits_whole(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "slack:C1"))
        tx.enqueue(an_errand(2, "slack:C2"))
        tx.hold_lane("slack:C1", until=LATER)

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0002"]
    await store.transact(lambda tx: tx.done("dlv_0002"))
    assert await store.read(lambda tx: tx.next_due()) == LATER
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0001"]


async def test_the_next_due_moment_is_that_of_the_first_of_each_lane(store: Store) -> None:
    """Whatever stands behind an errand that waits cannot go either, and must not keep the relay awake."""

    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, due_at=LATER))
        tx.enqueue(an_errand(2))

    await store.transact(work)
    assert await store.read(lambda tx: tx.next_due()) == LATER
    await store.transact(lambda tx: leased(tx, LATER, for_=timedelta(minutes=5)))
    await store.transact(lambda tx: tx.enqueue(an_errand(3)))
    assert await store.read(lambda tx: tx.next_due()) == LATER + timedelta(minutes=5)


async def test_while_paused_only_executions_wait(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "slack:C1", kind=ErrandKind.EXECUTE))
        tx.enqueue(an_errand(2, "slack:C1"))
        tx.set_pause(Pause(by=MARIA, at=NOW, reason="incident"))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0002"]
    await store.transact(lambda tx: tx.done("dlv_0002"))
    assert await store.read(lambda tx: tx.next_due()) is None
    await store.transact(lambda tx: tx.set_pause(None))
    assert await store.transact(leased) == ["dlv_0001"]


async def test_a_repaint_that_still_waits_is_not_asked_for_twice(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number in (1, 2):
            tx.enqueue(an_errand(number, "slack:C1", kind=ErrandKind.REPAINT, coalesce="prp_1:review"))

    await store.transact(work)
    assert await store.transact(leased) == ["dlv_0001"]
    await store.transact(work)
    await store.transact(lambda tx: tx.done("dlv_0001"))
    assert len(await store.transact(leased)) == 1


async def test_a_later_repaint_brings_the_waiting_one_forward_and_never_puts_it_off(store: Store) -> None:
    def repaint(number: int, **changes: object) -> Callable[[Tx], None]:
        about = {"kind": ErrandKind.REPAINT, "coalesce": "prp_1:review", **changes}
        return lambda tx: tx.enqueue(an_errand(number, "slack:C1", **about))

    await store.transact(repaint(1, due_at=LATER))
    assert await store.transact(leased) == []
    await store.transact(repaint(2))
    await store.transact(repaint(3, due_at=LATER + timedelta(minutes=1)))
    assert await store.transact(leased) == ["dlv_0001"]


async def test_a_repaint_that_waits_for_its_time_stands_in_nobodys_way(store: Store) -> None:
    """It is painted from the store when it goes, so whatever comes behind it may go first."""

    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "slack:C1", kind=ErrandKind.REPAINT, coalesce="prp_1:review", due_at=LATER))
        for number in (2, 3):
            tx.enqueue(an_errand(number, "slack:C1", kind=ErrandKind.CARD))

    await store.transact(work)
    assert await store.read(lambda tx: tx.next_due()) == NOW
    assert await store.transact(lambda tx: leased(tx, for_=timedelta(minutes=5))) == ["dlv_0002", "dlv_0003"]
    assert await store.read(lambda tx: tx.next_due()) == NOW + timedelta(minutes=5)
    assert await store.transact(lambda tx: leased(tx, LATER)) == []  # one of a lane is in flight at a time
    await store.transact(lambda tx: tx.done("dlv_0002"))
    await store.transact(lambda tx: tx.done("dlv_0003"))
    assert await store.read(lambda tx: tx.next_due()) == LATER
    assert await store.transact(lambda tx: leased(tx, LATER)) == ["dlv_0001"]


async def test_only_what_nobody_has_leased_can_be_recalled(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.enqueue(an_errand(1, "A", proposal_id="prp_1", kind=ErrandKind.EXECUTE))
        tx.enqueue(an_errand(2, "B", proposal_id="prp_2", kind=ErrandKind.EXECUTE, due_at=LATER))
        tx.enqueue(an_errand(3, "C", proposal_id="prp_3"))

    await store.transact(work)
    await store.transact(leased)
    assert await store.transact(lambda tx: [tx.recall(f"prp_{n}") for n in (1, 2, 3)]) == [False, True, False]
    await store.transact(lambda tx: tx.postpone("dlv_0001", due_at=NOW, error="tried once"))
    assert await store.transact(lambda tx: tx.recall("prp_1")) is False


async def test_a_buried_errand_is_never_leased_and_still_counted(store: Store) -> None:
    await store.transact(lambda tx: tx.enqueue(an_errand(1)))
    await store.transact(leased)
    await store.transact(lambda tx: tx.bury("dlv_0001", error="gone"))
    assert await store.transact(lambda tx: leased(tx, NOW + timedelta(days=1))) == []
    assert await store.read(lambda tx: tx.outbox_size()) == {"dead": 1}


async def test_a_receipt_is_found_by_its_message(store: Store) -> None:
    receipt = Receipt(errand_id="dlv_1", proposal_id="prp_1", room="review", channel="C1", ts="1.1")
    await store.transact(lambda tx: tx.add_receipt(receipt))
    await store.transact(lambda tx: tx.add_receipt(replace(receipt, ts="2.2")))
    assert await store.read(lambda tx: tx.receipts("prp_1")) == [replace(receipt, ts="2.2")]
    assert await store.read(lambda tx: tx.proposal_of_message("C1", "2.2")) == "prp_1"
    assert await store.read(lambda tx: tx.proposal_of_message("C1", "1.1")) is None


async def test_a_delivery_is_new_once_an_hour(store: Store) -> None:
    def seen(minutes: int) -> object:
        return store.transact(lambda tx: tx.first_sight("Ev1", now=NOW + timedelta(minutes=minutes)))

    assert [await seen(minutes) for minutes in (0, 0, 59, 61)] == [True, False, False, True]  # type: ignore[misc]


# transactions


async def test_one_failing_function_does_not_undo_its_neighbours(store: Store) -> None:
    """They share a commit, and what one has written is undone without them."""

    def work(number: int) -> object:
        def write(tx: Tx) -> int:
            tx.add_proposal(a_proposal(number), submission(number))
            tx.enqueue(an_errand(number, f"lane-{number}"))
            tx.audit(an_event(number))
            if number % 3 == 0:
                raise ValueError(f"number {number} fails")
            return number

        return store.transact(write)

    answers = await asyncio.gather(*(work(n) for n in range(30)), return_exceptions=True)  # type: ignore[call-overload]
    assert [isinstance(answer, ValueError) for answer in answers] == [n % 3 == 0 for n in range(30)]
    kept = [n for n in range(30) if n % 3]
    assert {p.id for p in await store.read(lambda tx: tx.find(Query()))} == {a_proposal(n).id for n in kept}
    assert len(await store.transact(leased)) == len(kept)
    assert await check_chain(store) == (len(kept), None)


async def test_a_refusal_that_wrote_nothing_costs_its_neighbours_nothing(store: Store) -> None:
    """Only where something has to be undone does a group begin again."""
    runs: list[int] = []

    def work(number: int) -> object:
        def write(tx: Tx) -> None:
            runs.append(number)
            if number == 5:
                raise NotFound("There is no such thing.")
            tx.add_proposal(a_proposal(number), submission(number))

        return store.transact(write)

    answers = await asyncio.gather(*(work(n) for n in range(10)), return_exceptions=True)  # type: ignore[call-overload]
    assert [type(answer) for answer in answers] == [NotFound if n == 5 else type(None) for n in range(10)]
    assert sorted(runs) == list(range(10))
    assert len(await store.read(lambda tx: tx.find(Query()))) == 9


async def commits_of_two(store: Store) -> list[Commit]:
    """The commits of two functions, of which the second came while the first was being run."""
    commits: list[Commit] = []
    store.subscribe(commits.append)
    begun, came = threading.Event(), threading.Event()

    def work(number: int, tx: Tx) -> None:
        begun.set()
        assert came.wait(5)
        tx.add_proposal(a_proposal(number), submission(number))

    first = asyncio.ensure_future(store.transact(partial(work, 1)))
    assert await asyncio.to_thread(begun.wait, 5)
    second = asyncio.ensure_future(store.transact(partial(work, 2)))
    await asyncio.sleep(0)
    came.set()
    await asyncio.gather(first, second)
    return commits


async def test_who_comes_while_others_are_being_run_shares_their_commit(store: Store) -> None:
    assert [commit.proposals for commit in await commits_of_two(store)] == [{a_proposal(1).id, a_proposal(2).id}]


async def test_but_a_group_that_has_taken_long_enough_is_closed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.sqlite, "LONGEST_GROUP", 0.0)
    assert [commit.proposals for commit in await commits_of_two(store)] == [{a_proposal(1).id}, {a_proposal(2).id}]


async def test_those_who_wait_for_a_locked_database_hear_of_it_together(tmp_path: Path) -> None:
    """One after the other, each would first wait for the lock by itself."""
    store = SqliteStore(tmp_path / "sayso.db")
    await store.transact(lambda _: store.writing.execute("PRAGMA busy_timeout = 100"))
    with closing(sqlite3.connect(store.path)) as other, capture_logs() as logs:
        other.execute("BEGIN IMMEDIATE")
        writes = [store.transact(lambda tx: tx.keep("a", 1)) for _ in range(20)]
        answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 20
    assert len([line for line in logs if line["event"] == "commit_failed"]) <= 2
    await store.transact(lambda tx: tx.keep("a", 1))
    await store.close()


async def test_a_function_that_fails_tells_nobody(store: Store) -> None:
    commits: list[Commit] = []
    store.subscribe(commits.append)

    def work(tx: Tx) -> None:
        tx.add_proposal(a_proposal(), submission())
        tx.enqueue(an_errand(1))
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(work)
    assert commits == []


async def test_who_waits_is_told_after_the_commit_and_can_read_it(store: Store) -> None:
    told: asyncio.Queue[Commit] = asyncio.Queue()
    store.subscribe(told.put_nowait)
    await store.transact(lambda tx: tx.add_proposal(a_proposal(), submission()))
    commit = await asyncio.wait_for(told.get(), 15)
    assert commit == Commit(frozenset({a_proposal().id}), errands=False)
    assert (await store.read(lambda tx: tx.proposal(a_proposal().id))).state is State.PENDING


async def test_a_commit_is_on_the_disk_before_anybody_is_told(store: Store) -> None:
    """FULL: without it a power cut may take back what Slack was told is done."""
    assert isinstance(store, storage.sqlite.SqliteStore)
    full, writer = 2, store.writing
    assert await store.transact(lambda tx: writer.execute("PRAGMA synchronous").fetchone()[0]) == full
    assert await store.transact(lambda tx: writer.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await store.read(lambda tx: tx.enqueue(an_errand(1)))  # type: ignore[attr-defined]  # that is the point


async def test_a_reader_sees_one_moment_throughout(store: Store, tmp_path: Path) -> None:
    await store.transact(lambda tx: tx.add_proposal(a_proposal(1), submission(1)))
    loop = asyncio.get_running_loop()

    def look(tx: Tx) -> tuple[int, int]:
        before = len(tx.find(Query()))
        write = store.transact(lambda tx: tx.add_proposal(a_proposal(2), submission(2)))
        asyncio.run_coroutine_threadsafe(write, loop).result(5)
        return before, len(tx.find(Query()))

    assert await store.read(look) == (1, 1)  # type: ignore[arg-type]  # a reader is enough
    assert len(await store.read(lambda tx: tx.find(Query()))) == 2


# the audit log


async def test_the_audit_log_is_chained_and_only_grows(store: Store, tmp_path: Path) -> None:
    await asyncio.gather(*(store.transact(lambda tx, n=n: tx.audit(an_event(n))) for n in range(20)))  # type: ignore[misc]
    assert await check_chain(store) == (20, None)
    with sqlite3.connect(tmp_path / "sayso.db") as outside:
        for statement in ("UPDATE audit SET kind = 'x' WHERE seq = 3", "DELETE FROM audit WHERE seq = 20"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                outside.execute(statement)
    outside.close()


async def test_whoever_gets_past_the_triggers_is_found_out(store: Store, tmp_path: Path) -> None:
    for number in range(5):
        await store.transact(lambda tx, n=number: tx.audit(an_event(n)))  # type: ignore[misc]
    with sqlite3.connect(tmp_path / "sayso.db") as outside:
        outside.execute("DROP TRIGGER audit_never_updates")
        outside.execute("UPDATE audit SET actor_id = 'U0SOMEBODY' WHERE seq = 3")
    outside.close()
    _, fault = await check_chain(store)
    assert fault is not None
    assert (fault.seq, fault.reason) == (3, "event 3 was changed after it was written")


# files


MIGRATE = "import sys, asyncio; from storage import open_store; s = open_store(sys.argv[1]); asyncio.run(s.close())"


async def test_four_processes_migrate_a_fresh_file_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MIGRATE, f"sqlite:///{tmp_path / 'sayso.db'}"]
    root = Path(__file__).parents[2]
    processes = [
        await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, cwd=root) for _ in range(4)
    ]
    faults = [(await process.communicate())[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, faults
    store = a_store(tmp_path)
    await store.transact(lambda tx: tx.audit(an_event(1)))
    assert await check_chain(store) == (1, None)
    await store.close()


async def test_two_stores_on_one_file_lose_nothing(tmp_path: Path) -> None:
    stores = [a_store(tmp_path), a_store(tmp_path)]
    await asyncio.gather(
        *(stores[n % 2].transact(lambda tx, n=n: tx.audit(an_event(n))) for n in range(60))  # type: ignore[misc]
    )
    assert await check_chain(stores[0]) == (60, None)
    for store in stores:
        await store.close()


async def test_a_database_of_a_newer_sayso_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    await store.transact(lambda tx: tx.audit(an_event(1)))
    await store.close()
    outside = sqlite3.connect(tmp_path / "sayso.db", timeout=1)
    columns = [row[1] for row in outside.execute("PRAGMA table_info(_sqlite_migrations)")]
    outside.execute("CREATE TEMP TABLE newest AS SELECT * FROM _sqlite_migrations LIMIT 1")
    outside.execute("UPDATE newest SET name = '9999_from_the_future'")
    if "id" in columns:
        outside.execute("UPDATE newest SET id = 9999")
    outside.execute("INSERT INTO _sqlite_migrations SELECT * FROM newest")
    outside.commit()
    with pytest.raises(BadInput, match=r"newer Sayso.*9999_from_the_future") as refusal:
        a_store(tmp_path)
    outside.execute("DELETE FROM _sqlite_migrations WHERE name = '9999_from_the_future'")
    outside.commit()
    outside.close()
    assert "\n" not in refusal.value.sentence
    store = a_store(tmp_path)
    assert await check_chain(store) == (1, None)
    await store.close()


def one_sentence(error: BadInput, file: Path) -> None:
    """The refusal names the file and the setting, in one line."""
    assert str(file) in error.sentence
    assert "SAYSO_DATABASE_URL" in error.sentence
    assert "\n" not in error.sentence


def test_a_file_that_another_process_locks_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.sqlite, "BUSY_SECONDS", 0)
    other = sqlite3.connect(tmp_path / "sayso.db", isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BadInput) as refusal:
        a_store(tmp_path)
    other.close()
    one_sentence(refusal.value, tmp_path / "sayso.db")
    assert "locked" in refusal.value.sentence


@pytest.mark.parametrize("what", ["a folder", "no database", "no folder", "read-only"])
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    file = tmp_path / "sayso.db"
    match what:
        case "a folder":
            file.mkdir()
        case "no database":
            file.write_bytes(b"Dear diary, today I am no database at all." * 100)
        case "no folder":
            file = tmp_path / "nowhere" / "sayso.db"
        case "read-only":
            file.touch(0o444)
            tmp_path.chmod(0o555)
            if _may_write(file):
                pytest.skip("this user may write everywhere")
    try:
        with pytest.raises(BadInput) as refusal:
            a_store(file.parent)
    finally:
        tmp_path.chmod(0o755)
    one_sentence(refusal.value, file)


def _may_write(file: Path) -> bool:
    try:
        file.open("ab").close()
    except OSError:
        return False
    return True


async def test_a_full_disk_is_an_error_and_nothing_half_written(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    writer: sqlite3.Connection = store._db.conn  # type: ignore[attr-defined]  # the disk that a test can fill

    def fill(tx: Tx) -> None:
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")

    await store.transact(fill)

    def work(number: int) -> object:
        def write(tx: Tx) -> None:
            tx.add_proposal(a_proposal(number), submission(number))
            tx.audit(an_event(number))

        return store.transact(write)

    answers = await asyncio.gather(*(work(n) for n in range(200)), return_exceptions=True)  # type: ignore[call-overload]
    faults = [answer for answer in answers if answer is not None]
    assert faults
    assert {type(fault) for fault in faults} == {Unavailable}
    assert {"database or disk is full" in str(fault) for fault in faults} == {True}
    written = await store.read(lambda tx: tx.find(Query(limit=500)))
    assert len(written) == 200 - len(faults)
    assert await check_chain(store) == (len(written), None)

    def room(tx: Tx) -> None:
        writer.execute("PRAGMA max_page_count = 1000000")

    await store.transact(room)
    await work(500)  # type: ignore[misc]
    assert await check_chain(store) == (len(written) + 1, None)
    await store.close()


async def test_a_backup_is_a_whole_database(store: Store, tmp_path: Path) -> None:
    await store.transact(lambda tx: tx.add_proposal(a_proposal(), submission()))
    await store.transact(lambda tx: tx.audit(an_event(1)))
    await store.backup(str(tmp_path / "copy.db"))
    copy = a_store(tmp_path, "copy.db")
    assert await copy.read(lambda tx: tx.proposal(a_proposal().id)) == a_proposal()
    assert await check_chain(copy) == (1, None)
    await copy.close()


async def test_a_copy_that_fails_leaves_nothing_and_the_next_one_is_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.transact(lambda tx: tx.audit(an_event(1)))
    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _no_room)
        with pytest.raises(BadInput, match="No space left"):
            await store.backup(str(tmp_path / "copy.db"))
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "copy.db.part").write_bytes(b"half a page")
    (tmp_path / "copy.db.part-journal").write_bytes(b"of a copy that was killed")
    await store.backup(str(tmp_path / "copy.db"))
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "copy.db"])
    copy = a_store(tmp_path, "copy.db")
    assert await check_chain(copy) == (1, None)
    await copy.close()


def _no_room(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("second", ["link.db", "folder/sayso.db", "elsewhere/../sayso.db"])
def test_one_file_has_one_server_whatever_leads_to_it(tmp_path: Path, second: str) -> None:
    (tmp_path / "sayso.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "sayso.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    other = f"sqlite:///{tmp_path}/{second}"
    with serving(f"sqlite:///{tmp_path}/sayso.db"), pytest.raises(BadInput, match="Another Sayso"), serving(other):
        pass
    with serving(other), pytest.raises(BadInput, match="Another Sayso"), serving(f"sqlite:///{tmp_path}/sayso.db"):
        pass
