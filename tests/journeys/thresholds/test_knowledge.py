"""What the answers rest on changes while the bot runs: what was earned before no longer counts."""

from pathlib import Path

import pytest

from bot import learner
from bot.intake import office
from tests.journeys.props import SECRET, Shop
from tests.journeys.thresholds.earning import DrawnClock, earned_policy, go_live, one, standing
from tests.world import running_world


async def test_a_new_page_of_knowledge_begins_a_new_regime_while_the_bot_runs(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "LOOK_AGAIN", 0.2)
    monkeypatch.setattr(office, "LOOK_AGAIN", 0.2)
    folder = tmp_path / "knowledge"
    folder.mkdir()
    policy = f'{earned_policy(shop)}\n[knowledge]\nfolder = "{folder}"\n'
    async with running_world(tmp_path / "sayso.db", policy, clock=DrawnClock(), SHOP_SECRET=SECRET) as world:
        live = await go_live(world)
        assert live.setting.threshold is not None
        (folder / "returns.md").write_text("# Returns\n\nThirty days.\n", encoding="utf-8")
        told = await world.message("C0OPS", "is held again until", seconds=20)
        assert "orders is held again until" in str(told.blocks)
        assert "knowledge" in str(told.blocks)
        assert (await standing(world)).setting.threshold is None
        assert (await one(world, confidence=0.999))["ruling"]["verdict"] == "ask"
