"""The relay on a real store: only so much is under way at once, and a fault of our own is no answer of the receiver."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.domain.delivery import Delivered, Errand, ErrandKind, Lost, Outcome, Postponed
from bot.ports import Case, Courier, Store, Tx
from bot.relay import LANES_AT_ONCE, Relay
from bot.right_of_way import RightOfWay
from storage.store import Session
from tests.storage.builders import a_store, an_errand

DUE = 400


class Counting:
    """Carries everything, slowly, and counts how many at once."""

    def __init__(self, seconds: float = 0.005) -> None:
        self._seconds = seconds
        self.now = self.most = self.carried = 0

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self._seconds)
        self.now -= 1
        self.carried += 1
        return Delivered()


async def _nothing() -> int:
    return 0


def a_relay(store: Store, kind: ErrandKind, courier: Courier, ends: list[Outcome] | None = None) -> Relay:
    """A relay with one courier; how executions ended is put into `ends`."""
    return Relay(
        store=store,
        clock=SystemClock(),
        way=RightOfWay(),
        couriers={kind: courier},
        stands=lambda tx, errand, proposal: True,
        record=lambda tx, errand, outcome: ends.append(outcome) if ends is not None else None,
        logged=lambda tx, errand: None,
        delayed=lambda tx, errand, error: None,
        buried=lambda tx, errand, error: None,
        sweep=_nothing,
        attempts=3,
        owner="test",
    )


async def test_a_backlog_on_many_lanes_goes_out_a_few_lanes_at_a_time(tmp_path: Path) -> None:
    store, courier = a_store(tmp_path), Counting()

    def fill(tx: Tx) -> None:
        for number in range(DUE):
            tx.enqueue(an_errand(number, f"connector:shop:conv-{number}", kind=ErrandKind.CARD))

    await store.transact(fill)
    relay = a_relay(store, ErrandKind.CARD, courier)
    await relay.start()
    async with asyncio.timeout(30):
        while courier.carried < DUE:
            await asyncio.sleep(0.01)
    await relay.stop()
    assert await store.read(lambda tx: tx.outbox_size()) == {}
    await store.close()
    assert LANES_AT_ONCE // 2 <= courier.most <= 2 * LANES_AT_ONCE


class Noting:
    """Carries everything, and notes the lanes in the order of their errands."""

    def __init__(self) -> None:
        self.lanes: list[str] = []

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        self.lanes.append(errand.lane)
        await asyncio.sleep(0)
        return Delivered()


async def test_where_all_places_are_taken_a_long_lane_gives_up_its_own(tmp_path: Path) -> None:
    store, courier, lanes, each = a_store(tmp_path), Noting(), 2 * LANES_AT_ONCE, 40

    def fill(tx: Tx) -> None:
        for number in range(lanes * each):
            tx.enqueue(an_errand(number, f"slack:C{number % lanes}", kind=ErrandKind.CARD))

    await store.transact(fill)
    relay = a_relay(store, ErrandKind.CARD, courier)
    await relay.start()
    async with asyncio.timeout(30):
        while len(courier.lanes) < lanes * each:
            await asyncio.sleep(0.01)
    await relay.stop()
    await store.close()
    last = max(courier.lanes.index(f"slack:C{lane}") for lane in range(lanes))
    assert last < LANES_AT_ONCE * each


async def test_what_waits_for_its_moment_behind_a_long_call_does_not_miss_it(tmp_path: Path) -> None:
    store, courier, begun = a_store(tmp_path), Counting(seconds=0.2), SystemClock().now()

    def work(tx: Tx) -> None:
        for number, wait in enumerate((0, 400)):
            due_at = begun + timedelta(milliseconds=wait)
            tx.enqueue(an_errand(number, kind=ErrandKind.CARD, due_at=due_at))

    await store.transact(work)
    relay = a_relay(store, ErrandKind.CARD, courier)
    await relay.start()
    async with asyncio.timeout(10):
        while courier.carried < 2:
            await asyncio.sleep(0.01)
    await relay.stop()
    await store.close()


async def test_a_lane_goes_on_though_nothing_can_be_leased_at_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ended is a fact, and must not be undone because the next lease failed: it would go out twice."""
    store, courier = a_store(tmp_path), Noting()
    lease_next, failures = Session.lease_next, iter([True])

    def failing_once(self: Session, lane: str, **about: Any) -> list[Errand]:
        if next(failures, False):
            raise ZeroDivisionError("for a moment")
        return lease_next(self, lane, **about)

    monkeypatch.setattr(Session, "lease_next", failing_once)
    relay = a_relay(store, ErrandKind.CARD, courier)
    await relay.start()
    await store.transact(lambda tx: tx.enqueue(an_errand(1, "slack:C1", kind=ErrandKind.CARD)))
    async with asyncio.timeout(10):
        while not courier.lanes or await store.read(lambda tx: tx.outbox_size()) != {}:
            await asyncio.sleep(0.005)
    await store.transact(lambda tx: tx.enqueue(an_errand(2, "slack:C1", kind=ErrandKind.CARD)))
    async with asyncio.timeout(10):
        while len(courier.lanes) < 2 or await store.read(lambda tx: tx.outbox_size()) != {}:
            await asyncio.sleep(0.005)
    await relay.stop()
    await store.close()
    assert courier.lanes == ["slack:C1"] * 2


class Stumbling:
    """Has a fault of its own each time, after the call may have left."""

    def __init__(self) -> None:
        self.tries = 0

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        self.tries += 1
        raise ZeroDivisionError("of our own")


@pytest.mark.parametrize(
    ("kind", "size", "ends"),
    [
        (
            ErrandKind.EXECUTE,
            {"dead": 1},
            [Lost(error="Sayso failed while it was carrying this out (ZeroDivisionError).")],
        ),
        (ErrandKind.CARD, {"ready": 1}, []),
    ],
)
async def test_an_execution_that_we_stumbled_over_is_lost_and_a_message_is_tried_again(
    tmp_path: Path, kind: ErrandKind, size: dict[str, int], ends: list[Outcome]
) -> None:
    store, courier = a_store(tmp_path), Stumbling()
    await store.transact(lambda tx: tx.enqueue(an_errand(1, kind=kind)))
    ended: list[Outcome] = []
    relay = a_relay(store, kind, courier, ended)
    await relay.start()
    async with asyncio.timeout(10):
        while not courier.tries or await store.read(lambda tx: tx.outbox_size()) != size:
            await asyncio.sleep(0.005)
    await relay.stop()
    assert ended == ends
    await store.close()


async def run_dry(relay: Relay, store: Store) -> None:
    """Run it until nothing is left to carry, and close the store."""
    await relay.start()
    async with asyncio.timeout(10):
        while await store.read(lambda tx: tx.outbox_size()):
            await asyncio.sleep(0.01)
    await relay.stop()
    await store.close()


class Moody:
    """Answers as it is told, one after the other, and then delivers."""

    def __init__(self, *moods: Outcome) -> None:
        self.moods = iter(moods)
        self.carried = 0

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        outcome = next(self.moods, Delivered())
        self.carried += isinstance(outcome, Delivered)
        return outcome


async def test_what_only_met_the_pace_of_slack_has_all_its_tries_left(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    paced = Postponed(error="Slack asks for patience", after=timedelta(milliseconds=5), hold_lane=True)
    courier = Moody(*[paced] * 5, Postponed(error="a word that nobody knows"))
    await store.transact(lambda tx: tx.enqueue(an_errand(1, "slack:C1")))
    relay = a_relay(store, ErrandKind.CARD, courier)
    await run_dry(relay, store)
    assert courier.carried == 1


async def test_how_a_call_ended_is_written_down_once_the_database_can_be_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up, it would be found as interrupted, and called again or held for a person though the answer is known."""
    store, courier, ends = a_store(tmp_path), Moody(), list[Outcome]()
    done, failures = Session.done, iter([True] * 6)  # each attempt is made twice: with its group, and alone

    def locked(session: Session, errand_id: str) -> None:
        if next(failures, False):
            raise sqlite3.OperationalError("database is locked")
        done(session, errand_id)

    monkeypatch.setattr(Session, "done", locked)
    monkeypatch.setattr("bot.relay.TRY_AGAIN", timedelta(milliseconds=10))
    await store.transact(lambda tx: tx.enqueue(an_errand(1, kind=ErrandKind.EXECUTE)))
    relay = a_relay(store, ErrandKind.EXECUTE, courier, ends)
    await run_dry(relay, store)
    assert courier.carried == len(ends) == 1
