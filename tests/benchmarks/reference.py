"""Other ways to choose a threshold from the same (confidence, wrong) labels, to compare with."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta  # type: ignore[import-untyped]

from bot.domain.binomial import fewest, significant
from bot.domain.bins import COUNT, THRESHOLDS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def fixed(confidence: Floats, wrong: Bools, risk: float, delta: float) -> float:
    """0.9, whatever the labels say."""
    return 0.9


def naive(confidence: Floats, wrong: Bools, risk: float, delta: float) -> float | None:
    """The smallest threshold whose error in the sample is within the risk."""
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(errors <= risk)
    return float(confidence[order][within[-1]]) if len(within) else None


def sgr(confidence: Floats, wrong: Bools, risk: float, delta: float) -> float | None:
    """SGR, algorithm 1 of Geifman and El-Yaniv 2017: a binary search, delta split evenly over its steps."""
    order = np.sort(confidence)
    steps = math.ceil(math.log2(len(order)))
    low, high, found = 0, len(order) - 1, None
    for _ in range(steps):
        middle = math.ceil((low + high) / 2)
        chosen = confidence >= order[middle]
        n, k = int(chosen.sum()), int((chosen & wrong).sum())
        if k < n and float(beta.ppf(1 - delta / steps, k + 1, n - k)) <= risk:
            high, found = middle, float(order[middle])
        else:
            low = middle
    return found


def two_starts(n: list[int], k: list[int], risk: float, delta: float) -> float | None:
    """The look as first designed: always two starts, of delta/2 each."""
    first = fewest(risk, delta / 2)
    waiting, found, level, covered, wrong = [first, 3 * first], None, 0.0, 0, 0
    for b in range(COUNT):
        covered += n[b]
        wrong += k[b]
        while waiting and covered >= waiting[0]:
            del waiting[0]
            level += delta / 2
        if level and significant(wrong, covered, risk, level):
            found = b
        else:
            level = 0.0
    return None if found is None else THRESHOLDS[found]
