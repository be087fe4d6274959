"""Retrieval on real questions, small enough for every run; `tests/benchmarks/retrieval.py` has the whole table."""

import pytest

from bot.drafting.embedder import Embedder, missing
from tests.benchmarks.retrieval import HISTORY, measure

pytestmark = pytest.mark.skipif(not HISTORY.exists(), reason=f"{HISTORY.name} is not here")


async def test_real_questions_find_the_right_answer_and_the_confidence_ranks_them() -> None:
    lines = await measure(HISTORY, known=[5], asked=150, seed=3, embedders=[None])
    (words,) = lines
    assert words["right"] >= 0.6
    assert words["auroc"] >= 0.75
    assert words["ece"] <= 0.2


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
async def test_meaning_finds_more_than_words_alone() -> None:
    embedder = Embedder()
    words, meaning = await measure(HISTORY, known=[2], asked=100, seed=3, embedders=[None, embedder])
    embedder.close()
    assert meaning["right"] > words["right"] + 0.05


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
async def test_the_embedder_takes_any_text() -> None:
    embedder = Embedder()
    hexes = await embedder.embed(["", "a", "\ud800", "x" * 1_000_000, "\x00"])
    embedder.close()
    assert [len(hex_) for hex_ in hexes] == [768] * 5
