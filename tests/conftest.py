"""Fixtures that every test may use, and no deadline for Hypothesis: speed is for the bench to say."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.world import World, running_world

settings.register_profile("sayso", deadline=None)
settings.load_profile("sayso")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The local Slack, the bot, an agent and the team."""
    async with running_world(tmp_path / "sayso.db") as made:
        yield made
