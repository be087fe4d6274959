"""A rush of clicks goes first, the background a few pieces abreast, and nothing waits for ever."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import pairwise

from bot.right_of_way import ABREAST, CROWD, RightOfWay


async def a_few_turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextmanager
def a_crowd(way: RightOfWay, size: int = CROWD) -> Iterator[None]:
    """So many who click at once."""
    with ExitStack() as stack:
        for _ in range(size):
            stack.enter_context(way.taken())
        yield


async def goes_at_once(way: RightOfWay) -> bool:
    """Whether a piece of background work may go now; it goes before this ends, or is dropped."""
    background = asyncio.create_task(way.clear())
    await a_few_turns()
    if background.done():
        return True
    background.cancel()
    await asyncio.gather(background, return_exceptions=True)
    return False


async def test_nothing_begins_while_a_crowd_waits() -> None:
    way = RightOfWay()
    with a_crowd(way):
        background = asyncio.create_task(way.clear())
        await a_few_turns()
        assert not background.done()
    await background


async def test_a_few_clicks_leave_the_background_the_time_in_which_their_commit_is_written() -> None:
    way = RightOfWay()
    with a_crowd(way, CROWD - 1):
        assert await goes_at_once(way)


async def test_a_crowd_is_let_through_to_the_last() -> None:
    way = RightOfWay()
    with way.taken():
        with a_crowd(way):
            pass
        assert not await goes_at_once(way)


async def test_between_clicks_that_follow_each_other_nothing_goes_either() -> None:
    way = RightOfWay(gap=timedelta(milliseconds=200))
    with way.taken():
        pass
    assert await goes_at_once(way)
    with way.taken():
        assert not await goes_at_once(way)
    assert not await goes_at_once(way)
    await asyncio.sleep(0.25)
    with way.taken():
        assert await goes_at_once(way)


async def test_between_a_few_pieces_and_the_next_a_click_gets_in() -> None:
    way = RightOfWay()
    order: list[str] = []

    async def piece() -> None:
        await way.clear()
        order.append("piece")

    async def click() -> None:
        with way.taken():
            await asyncio.sleep(0.02)
            order.append("click")

    pieces = [asyncio.create_task(piece()) for _ in range(2 * ABREAST + 1)]
    while not order:
        await asyncio.sleep(0)
    with a_crowd(way):
        await click()
    await asyncio.gather(*pieces)
    assert order == ["piece"] * ABREAST + ["click"] + ["piece"] * (ABREAST + 1)


async def test_in_a_rush_those_that_waited_too_long_go_one_by_one() -> None:
    way = RightOfWay(patience=timedelta(milliseconds=20))
    with a_crowd(way):
        pieces = [asyncio.create_task(way.clear()) for _ in range(2 * ABREAST)]
        await a_few_turns()
        time.sleep(0.05)  # the loop is busy, and all of them have waited long enough at the same time
        began = [0]
        while began[-1] < len(pieces):
            await asyncio.sleep(0)
            began.append(sum(piece.done() for piece in pieces))
        assert max(later - before for before, later in pairwise(began)) == 1


async def test_however_much_is_clicked_the_background_gets_its_turn() -> None:
    way = RightOfWay()
    with a_crowd(way):
        async with asyncio.timeout(15):
            await asyncio.gather(*(way.clear() for _ in range(10)))
