"""How well drafting without a model does on CLINC150: `python -m tests.benchmarks.retrieval [HISTORY] [--fit]`.

The precedents are a few real questions for each intent; the "reply" is the intent's template. A draft is right when its
template is the one that people chose; questions out of scope have no right draft. Every draft goes through the real
library, retriever and confidence.
"""

import argparse
import asyncio
import gzip
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.proposal import Conversation, Message, Reply
from bot.drafting import votes, weights
from bot.drafting.confidence import NAMES, features
from bot.drafting.embedder import Embedder, missing
from bot.drafting.grounding import Grounding
from bot.drafting.learning import auroc, ece
from bot.drafting.logistic import fit
from bot.drafting.ports import Precedent
from bot.drafting.precedent_drafter import NEAR_MEANING, NEAR_WORDS
from bot.drafting.precedents import keep
from bot.drafting.retrieval import Retriever
from tests.drafting.shelves import Shelves

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "history_clinc150.jsonl.gz"
FITTED = ("nearness", "margin", "agreement")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question: the features of its draft, whether the draft is right, and whether the question is in scope."""

    features: dict[str, float]
    right: bool
    in_scope: bool
    near: bool


def load(path: Path, seed: int, *, half: int) -> list[Row]:
    """One half of the history's rows in a random but fixed order: weights are fitted on half 0, measured on half 1."""
    with gzip.open(path, "rt") as lines:
        rows = [row for line in lines if (row := json.loads(line))["order"] % 2 == half]
    random.Random(seed).shuffle(rows)
    return rows


def split(rows: Sequence[Row], known: int, asked: int) -> tuple[list[Row], list[Row]]:
    """`known` precedents for each intent, and `asked` other questions with the history's share out of scope."""
    kept: defaultdict[str, list[Row]] = defaultdict(list)
    rest: list[Row] = []
    for row in rows:
        bucket = kept[row["human_final"]]
        if row["true_category"] != "oos" and len(bucket) < known:
            bucket.append(row)
        else:
            rest.append(row)
    # The precedents took the first ones in scope, so the first of the rest would mostly be out of scope.
    random.Random(known).shuffle(rest)
    return [row for bucket in kept.values() for row in bucket], rest[:asked]


async def answer(
    rows: Sequence[Row], *, known: int, asked: int, embedder: Embedder | None
) -> tuple[list[Answered], float]:
    """The drafts for `asked` questions, and the mean seconds that finding took."""
    shelves = Shelves()
    precedents, questions = split(rows, known, asked)

    def fill(library: Any) -> None:
        for row in precedents:
            keep(library, _precedent(row))

    await shelves.write(fill)
    retriever = Retriever(shelves, embedder)
    await retriever.catch_up()
    started = time.perf_counter()
    answered = [await _one(retriever, row) for row in questions]
    seconds = (time.perf_counter() - started) / len(questions)
    shelves.close()
    return answered, seconds


async def _one(retriever: Retriever, row: Row) -> Answered:
    talk = Conversation(id="c", messages=(Message(role="customer", text=row["customer_message"]),))
    found = await retriever.find(talk, corrected=0, passages=0)
    elected = votes.elect(found)
    in_scope = row["true_category"] != "oos"
    if elected is None:
        return Answered(features={}, right=False, in_scope=in_scope, near=False)
    content = elected.nearest.precedent.final
    share, _ = votes.support(found, content)
    values = features(found, Grounding(stated=0, missing=()), agreement=share, margin=elected.margin)
    right = in_scope and content == Reply(text=row["human_final"])
    near = elected.nearest.nearness >= (NEAR_MEANING if found.by_meaning else NEAR_WORDS)
    return Answered(features=values, right=right, in_scope=in_scope, near=near)


def _precedent(row: Row) -> Precedent:
    return Precedent(
        id=row["ticket_id"],
        category=row["true_category"],
        question=row["customer_message"],
        final=Reply(text=row["human_final"]),
        customer=row["ticket_id"],
    )


def report(answered: Sequence[Answered], *, by_meaning: bool) -> dict[str, float]:
    """The figures: right among in-scope questions, AUROC and calibration error of the confidence over all."""
    shipped = weights.shipped(by_meaning=by_meaning)
    confidences = [shipped.confidence(one.features) if one.features else 0.01 for one in answered]
    rights = [one.right for one in answered]
    scoped = [one for one in answered if one.in_scope]
    return {
        "right": sum(one.right for one in scoped) / len(scoped),
        "auroc": auroc(confidences, rights) or 0.0,
        "ece": ece(confidences, rights),
        "drafted": sum(one.near for one in scoped) / len(scoped),
        "drafted_out_of_scope": sum(one.near for one in answered if not one.in_scope)
        / max(1, sum(not one.in_scope for one in answered)),
        "right_of_drafted": sum(one.right for one in answered if one.near) / max(1, sum(one.near for one in answered)),
    }


async def measure(
    path: Path, *, known: Sequence[int], asked: int, seed: int, embedders: Sequence[Embedder | None]
) -> list[dict[str, Any]]:
    """One line of figures for each way of finding and each number of precedents for an intent."""
    rows = load(path, seed, half=1)
    lines = []
    for embedder in embedders:
        for count in known:
            answered, seconds = await answer(rows, known=count, asked=asked, embedder=embedder)
            figures = report(answered, by_meaning=embedder is not None)
            lines.append({"meaning": embedder is not None, "known": count, **figures, "ms": 1000 * seconds})
    return lines


async def fitted(path: Path, *, seed: int, asked: int) -> None:
    """Print the weights that the shipped constants are made from: L2 0.1, pooled over 3 to 40 precedents an intent."""
    rows = load(path, seed, half=0)
    for way in (None, *([] if missing() else [Embedder()])):
        pooled: list[Answered] = []
        for count in (3, 10, 20, 40):
            pooled += (await answer(rows, known=count, asked=asked, embedder=way))[0]
        table = [[1.0, *(one.features.get(name, 0.0) for name in FITTED)] for one in pooled]
        zeros = [0.0] * len(table[0])
        found = fit(table, [one.right for one in pooled], start=zeros, stiffness=[0.1] * len(zeros))
        print(
            "meaning" if way else "words alone",
            dict(zip(("intercept", *FITTED), (round(w, 2) for w in found), strict=True)),
        )


def main() -> None:
    """Print the figures as a table, or with --fit the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", nargs="?", type=Path, default=HISTORY)
    parser.add_argument("--asked", type=int, default=600)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--known", type=int, nargs="+", default=[1, 3, 10, 30])
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    if options.fit:
        asyncio.run(fitted(options.history, seed=options.seed, asked=options.asked))
        return
    if problem := missing():
        print(f"Words alone. {problem}")
    embedders = [None] if missing() else [None, Embedder()]
    lines = asyncio.run(
        measure(options.history, known=options.known, asked=options.asked, seed=options.seed, embedders=embedders)
    )
    print(
        f"{'ranking':<18}{'known':>6}{'right':>8}{'AUROC':>8}{'ECE':>8}{'drafted':>9}{'oos':>7}{'right/drafted':>15}{'ms':>7}"
    )
    for line in lines:
        name = "words and meaning" if line["meaning"] else "words alone"
        print(
            f"{name:<18}{line['known']:>6}{line['right']:>8.3f}{line['auroc']:>8.3f}{line['ece']:>8.3f}"
            f"{line['drafted']:>9.3f}{line['drafted_out_of_scope']:>7.3f}{line['right_of_drafted']:>15.3f}{line['ms']:>7.1f}"
        )


if __name__ == "__main__":
    assert set(FITTED) <= set(NAMES)
    main()
