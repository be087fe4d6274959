"""The journeys' world: as everywhere, with a clock that can be moved and a shop that carries everything out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.props import SECRET, MovableClock, Shop, at_rest, open_shop, shop_policy, until_stored
from tests.world import World, running_world


@pytest.fixture
def clock() -> MovableClock:
    """The clock that the bot reads."""
    return MovableClock()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """What carries approved replies and actions out, once for each idempotency key."""
    async with open_shop() as made:
        yield made


@pytest.fixture
async def world(tmp_path: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """The local Slack, the bot, the shop, an agent and the team."""
    async with running_world(tmp_path / "sayso.db", shop_policy(shop), clock=clock, SHOP_SECRET=SECRET) as made:
        await until_stored(made, at_rest(clock))  # whatever a start sends is out
        yield made
