"""The world in which `orders` earns its threshold, with a clock whose draws a story can choose."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.props import Shop
from tests.journeys.thresholds.earning import DrawnClock, earning_world
from tests.world import World


@pytest.fixture
def clock() -> DrawnClock:
    """The clock that the bot reads and draws from."""
    return DrawnClock()


@pytest.fixture
async def world(tmp_path: Path, shop: Shop, clock: DrawnClock) -> AsyncIterator[World]:
    """The local Slack, the bot, the shop, an agent and the team."""
    async with earning_world(tmp_path / "sayso.db", shop, clock) as made:
        yield made
