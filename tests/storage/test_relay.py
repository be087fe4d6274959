"""The relay on a real store: only so much is under way at once, and a fault of our own is no answer of the receiver."""

import asyncio
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.domain.delivery import Delivered, Errand, ErrandKind, Lost, Outcome
from bot.ports import Case, Courier, Store, Tx
from bot.relay import LANES_AT_ONCE, Relay
from bot.right_of_way import RightOfWay
from tests.storage.builders import a_store, an_errand

DUE = 400


class Counting:
    """Carries everything, slowly, and counts how many at once."""

    def __init__(self) -> None:
        self.now = self.most = self.carried = 0

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.005)
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
        record=lambda tx, errand, outcome: ends.append(outcome) if ends is not None else None,
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
