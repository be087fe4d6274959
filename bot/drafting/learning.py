"""Weights from a workspace's own decisions, and how well calibrated they are before and after."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.plural import plural
from bot.drafting.confidence import NAMES, NEVER_HELPS, Weights
from bot.drafting.logistic import fit, log_loss
from bot.drafting.ports import Outcome

FEWEST: Final = 50
MOST: Final = 1_000
_FOLDS: Final = 5
_BINS: Final = 10
# How hard the shipped weights hold on; the intercept gives way sooner, because a team's overall luck differs most.
_STIFFNESS: Final = (2.0, 10.0, 50.0)
_INTERCEPT: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """AUROC (None where all were right, or all wrong) and expected calibration error (Naeini et al. 2015, ten bins)."""

    auroc: float | None
    ece: float
    share_right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The weights to use from now on; `after` is measured on decisions that each fold's weights had not seen."""

    weights: Weights
    decisions: int
    adopted: bool
    before: Calibration
    after: Calibration

    def __str__(self) -> str:
        """The same in one line, for `sayso check` and the ops channel."""
        if self.decisions < FEWEST:
            so_far = plural(self.decisions, "decision")
            return f"The shipped weights apply: {so_far} so far, and learning starts at {FEWEST}."
        change = f"calibration error {self.before.ece:.3f} → {self.after.ece:.3f}"
        if self.before.auroc is not None and self.after.auroc is not None:
            change += f", AUROC {self.before.auroc:.3f} → {self.after.auroc:.3f}"
        said = "The weights follow" if self.adopted else "The shipped weights stay: nothing better was found in"
        return f"{said} the last {plural(self.decisions, 'decision')} ({change})."


def learn(outcomes: Sequence[Outcome], shipped: Weights) -> Learned:
    """Weights learned from decided drafts (latest first, of one kind of retrieval), or the shipped ones.

    Logistic regression pulled towards the shipped weights; how hard is chosen by cross-validation, and the shipped
    weights stay unless the log loss on unseen decisions falls by more than its standard error.
    """
    taken = outcomes[:MOST]
    rows = [_row(outcome) for outcome in taken]
    rights = [outcome.right for outcome in taken]
    start = [shipped.intercept, *(shipped.by_name.get(name, 0.0) for name in NAMES)]
    before = calibration([shipped.confidence(outcome.features) for outcome in taken], rights)
    if len(taken) < FEWEST:
        return Learned(weights=shipped, decisions=len(taken), adopted=False, before=before, after=before)
    usual = log_loss(rows, rights, start)
    tried = [(stiffness, _unseen(rows, rights, start, stiffness)) for stiffness in _STIFFNESS]
    stiffness, held_out = min(tried, key=lambda pair: sum(log_loss_of(pair[1], rights)))
    gains = [old - new for old, new in zip(usual, log_loss_of(held_out, rights), strict=True)]
    after = calibration(held_out, rights)
    if _mean(gains) <= _standard_error(gains):
        return Learned(weights=shipped, decisions=len(taken), adopted=False, before=before, after=before)
    weights = _weights(_fitted(rows, rights, start, stiffness))
    return Learned(weights=weights, decisions=len(taken), adopted=True, before=before, after=after)


def calibration(confidences: Sequence[float], rights: Sequence[bool]) -> Calibration:
    """AUROC and expected calibration error of confidences in [0, 1]."""
    share = sum(rights) / len(rights) if rights else 0.0
    return Calibration(auroc=auroc(confidences, rights), ece=ece(confidences, rights), share_right=share)


def auroc(confidences: Sequence[float], rights: Sequence[bool]) -> float | None:
    """The chance that a right one ranks above a wrong one, ties counting half (Mann and Whitney 1947)."""
    ordered = sorted(zip(confidences, rights, strict=True))
    good = sum(rights)
    bad = len(ordered) - good
    if not good or not bad:
        return None
    ranks, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += sum(right for _, right in ordered[at:end]) * (at + 1 + end) / 2
        at = end
    return (ranks - good * (good + 1) / 2) / (good * bad)


def ece(confidences: Sequence[float], rights: Sequence[bool]) -> float:
    """The mean distance between confidence and share right, over ten bins of equal width weighted by their size."""
    sums = [[0, 0.0, 0] for _ in range(_BINS)]
    for confidence, right in zip(confidences, rights, strict=True):
        bin_ = sums[min(int(confidence * _BINS), _BINS - 1)]
        bin_[0] += 1
        bin_[1] += confidence
        bin_[2] += right
    return sum(abs(total - good) for _, total, good in sums) / max(len(rights), 1)


def log_loss_of(confidences: Sequence[float], rights: Sequence[bool]) -> list[float]:
    """Minus the log-likelihood of each decision, in nats."""
    return [-math.log(p if right else 1.0 - p) for p, right in zip(confidences, rights, strict=True)]


def _unseen(
    rows: Sequence[Sequence[float]], rights: Sequence[bool], start: Sequence[float], stiffness: float
) -> list[float]:
    """The confidence of each decision by weights fitted on the other folds."""
    confidences = [0.0] * len(rows)
    for fold in range(_FOLDS):
        seen = [i for i in range(len(rows)) if i % _FOLDS != fold]
        weights = _weights(_fitted([rows[i] for i in seen], [rights[i] for i in seen], start, stiffness))
        for i in range(fold, len(rows), _FOLDS):
            confidences[i] = weights.confidence(dict(zip(NAMES, rows[i][1:], strict=True)))
    return confidences


def _fitted(
    rows: Sequence[Sequence[float]], rights: Sequence[bool], start: Sequence[float], stiffness: float
) -> list[float]:
    pulls = [_INTERCEPT * stiffness, *(stiffness for _ in NAMES)]
    weights = fit(rows, rights, start=start, stiffness=pulls)
    return [
        weights[0],
        *(min(w, 0.0) if name in NEVER_HELPS else w for name, w in zip(NAMES, weights[1:], strict=True)),
    ]


def _weights(fitted: Sequence[float]) -> Weights:
    return Weights(intercept=fitted[0], by_name=dict(zip(NAMES, fitted[1:], strict=True)))


def _row(outcome: Outcome) -> list[float]:
    return [1.0, *(outcome.features.get(name, 0.0) for name in NAMES)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _standard_error(numbers: Sequence[float]) -> float:
    mean = _mean(numbers)
    return math.sqrt(sum((x - mean) ** 2 for x in numbers) / (len(numbers) - 1) / len(numbers))
