"""How long it takes to certify again from the store: `python -m tests.benchmarks.certify_store [--labels N]`.

A million stored labels of one category, counted by SQL, beside the same labels fetched and counted in Python.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.domain.bins import bin_of
from bot.domain.certificate import Certificate, certify, certify_counts
from bot.evidence import counters
from bot.ports import Store
from storage import open_store

LABELS = 1_000_000
TARGET_SECONDS = 0.5
ROUNDS = 5
RISK, CONFIDENCE = 0.02, 0.9


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Labels whose error falls with the confidence; a tenth is outside the certification sample."""
    draw = random.Random(20)
    for number in range(count):
        confidence = 1.0 - 0.7 * draw.random() ** 2
        wrong, sampled = draw.random() < 0.5 * (1.0 - confidence), draw.random() < 0.9
        start = (f"prp_{number:028d}", f"talk-{number}", "orders", 1, bin_of(confidence), confidence)
        yield (*start, int(wrong), int(sampled), 0, 1.0, 0, f"2026-03-{1 + number % 28:02d}T09:00:00.000000Z")


async def filled(path: Path, count: int) -> Store:
    """A store with that many labels."""
    await open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as db:
        db.executemany(f"INSERT INTO labels VALUES ({', '.join('?' * 12)})", rows(count))
    return open_store(f"sqlite:///{path}")


async def from_store(store: Store) -> tuple[float, Certificate]:
    """The median time of a certification, and what it found."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        n, k = await store.read(lambda tx: counters(tx, "orders", 1))
        found = certify_counts(n, k, risk=RISK, confidence=CONFIDENCE)
        times.append(time.perf_counter() - begun)
    assert isinstance(found, Certificate)
    return statistics.median(times), found


def from_rows(path: Path) -> tuple[float, Certificate]:
    """The reference: fetch every row and count in Python."""
    begun = time.perf_counter()
    with sqlite3.connect(path) as db:
        labels = db.execute("SELECT confidence, wrong FROM labels WHERE category = 'orders' AND sampled = 1")
        found = certify(labels, risk=RISK, confidence=CONFIDENCE)
    assert isinstance(found, Certificate)
    return time.perf_counter() - begun, found


async def run(count: int) -> bool:
    """Measure, print, and say whether the target was met."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.db"
        store = await filled(path, count)
        try:
            fast, found = await from_store(store)
        finally:
            await store.close()
        slow, same = from_rows(path)
    assert (found.threshold, found.sample, found.wrong) == (same.threshold, same.sample, same.wrong)
    print(f"{count:,} stored labels, certified from {found.threshold:.4f}: {fast:.3f} s (target {TARGET_SECONDS} s)")
    print(f"reference, each row fetched and counted in Python: {slow:.3f} s")
    return fast <= TARGET_SECONDS


def main() -> None:
    """Exit status 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=LABELS)
    if not asyncio.run(run(parser.parse_args().labels)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
