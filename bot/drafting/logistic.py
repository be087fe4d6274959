"""Logistic regression around a starting point, for a handful of features; the standard library alone."""

import math
from collections.abc import Sequence
from typing import Final

_ROUNDS: Final = 25
_CLOSE: Final = 1e-7

Vector = Sequence[float]


def sigmoid(z: float) -> float:
    """1 / (1 + exp(-z)), without overflow."""
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


def logit(p: float) -> float:
    """ln(p / (1 - p)) for p in (0, 1)."""
    return math.log(p / (1.0 - p))


def fit(rows: Sequence[Vector], rights: Sequence[bool], *, start: Vector, stiffness: Vector) -> list[float]:
    """The weights w that minimise the log loss plus sum(stiffness * (w - start)^2) / 2, by Newton's method (IRLS).

    Each row is as long as `start`; give it a 1.0 for the intercept. All `stiffness` above 0, so it always converges.
    """
    weights, before = list(start), math.inf
    loss = _loss(rows, rights, weights, start, stiffness)
    for _ in range(_ROUNDS):
        if before - loss < _CLOSE:
            break
        before = loss
        step = _newton_step(rows, rights, weights, start, stiffness)
        scale = 1.0
        while scale > 1e-3:
            trial = [w - scale * s for w, s in zip(weights, step, strict=True)]
            if (loss := _loss(rows, rights, trial, start, stiffness)) <= before:
                weights = trial
                break
            scale /= 2
        else:
            break
    return weights


def log_loss(rows: Sequence[Vector], rights: Sequence[bool], weights: Vector) -> list[float]:
    """Minus the log-likelihood of each row, in nats."""
    return [_softplus(-z if right else z) for z, right in zip(_scores(rows, weights), rights, strict=True)]


def _newton_step(
    rows: Sequence[Vector], rights: Sequence[bool], weights: Vector, start: Vector, stiffness: Vector
) -> list[float]:
    size = len(weights)
    gradient = [k * (w - s) for k, w, s in zip(stiffness, weights, start, strict=True)]
    hessian = [[stiffness[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    for row, z, right in zip(rows, _scores(rows, weights), rights, strict=True):
        p = sigmoid(z)
        error, curve = p - right, p * (1.0 - p)
        for i, x in enumerate(row):
            gradient[i] += error * x
            if x:
                line, weighted = hessian[i], curve * x
                for j in range(size):
                    line[j] += weighted * row[j]
    return _solve(hessian, gradient)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots; the matrix is positive definite."""
    size = len(right)
    lines = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(lines[k][i]))
        lines[i], lines[pivot] = lines[pivot], lines[i]
        for k in range(i + 1, size):
            factor = lines[k][i] / lines[i][i]
            lines[k] = [a - factor * b for a, b in zip(lines[k], lines[i], strict=True)]
    answer = [0.0] * size
    for i in reversed(range(size)):
        known = sum(lines[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (lines[i][size] - known) / lines[i][i]
    return answer


def _loss(rows: Sequence[Vector], rights: Sequence[bool], weights: Vector, start: Vector, stiffness: Vector) -> float:
    pull = sum(k * (w - s) ** 2 for k, w, s in zip(stiffness, weights, start, strict=True)) / 2
    return sum(log_loss(rows, rights, weights)) + pull


def _scores(rows: Sequence[Vector], weights: Vector) -> list[float]:
    return [sum(x * w for x, w in zip(row, weights, strict=True)) for row in rows]


def _softplus(z: float) -> float:
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))
