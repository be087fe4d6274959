"""The relay on a real store: however much is due at once, only so much is under way."""

import asyncio
from pathlib import Path

from bot.clock import SystemClock
from bot.domain.delivery import Delivered, Errand, ErrandKind, Outcome
from bot.ports import Case, Tx
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


async def test_a_backlog_on_many_lanes_goes_out_a_few_lanes_at_a_time(tmp_path: Path) -> None:
    store, courier = a_store(tmp_path), Counting()

    def fill(tx: Tx) -> None:
        for number in range(DUE):
            tx.enqueue(an_errand(number, f"connector:shop:conv-{number}", kind=ErrandKind.CARD))

    await store.transact(fill)
    relay = Relay(
        store=store,
        clock=SystemClock(),
        way=RightOfWay(),
        couriers={ErrandKind.CARD: courier},
        record=lambda tx, errand, outcome: None,
        delayed=lambda tx, errand, error: None,
        buried=lambda tx, errand, error: None,
        sweep=_nothing,
        attempts=3,
        owner="test",
    )
    await relay.start()
    async with asyncio.timeout(30):
        while courier.carried < DUE:
            await asyncio.sleep(0.01)
    await relay.stop()
    assert await store.read(lambda tx: tx.outbox_size()) == {}
    await store.close()
    assert LANES_AT_ONCE // 2 <= courier.most <= 2 * LANES_AT_ONCE
