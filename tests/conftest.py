"""Fixtures that every test may use."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import World, running_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The local Slack, the bot, an agent and the team."""
    async with running_world(tmp_path / "sayso.db") as made:
        yield made
