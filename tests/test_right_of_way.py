"""Clicks go first, the background one piece after the other, and nothing waits for ever."""

import asyncio
from datetime import timedelta

from bot.right_of_way import RightOfWay


async def a_few_turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nothing_begins_while_somebody_waits() -> None:
    way = RightOfWay()
    with way.taken():
        background = asyncio.create_task(way.clear())
        await a_few_turns()
        assert not background.done()
    await background


async def test_two_clicks_at_once_both_have_to_end() -> None:
    way = RightOfWay()
    with way.taken():
        with way.taken():
            background = asyncio.create_task(way.clear())
        await a_few_turns()
        assert not background.done()
    await background


async def test_after_one_click_the_background_goes_on_at_once_and_within_a_streak_it_waits() -> None:
    way = RightOfWay(streak=timedelta(milliseconds=200))
    with way.taken():
        pass
    lone = asyncio.create_task(way.clear())
    await a_few_turns()
    assert lone.done()
    for _ in range(2):
        with way.taken():
            pass
    following = asyncio.create_task(way.clear())
    await a_few_turns()
    assert not following.done()
    await following


async def test_between_two_pieces_a_click_gets_in() -> None:
    way = RightOfWay()
    order: list[str] = []

    async def piece(name: str) -> None:
        await way.clear()
        order.append(name)

    async def click() -> None:
        with way.taken():
            await asyncio.sleep(0.02)
            order.append("click")

    pieces = [asyncio.create_task(piece(name)) for name in ("first", "second", "third")]
    while not order:
        await asyncio.sleep(0)
    await click()
    await asyncio.gather(*pieces)
    assert order.index("click") == 1
    assert sorted(order) == ["click", "first", "second", "third"]


async def test_however_much_is_clicked_the_background_gets_its_turn() -> None:
    way = RightOfWay()
    with way.taken():
        async with asyncio.timeout(5):
            await asyncio.gather(*(way.clear() for _ in range(10)))
