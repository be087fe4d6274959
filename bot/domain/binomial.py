"""Exact binomial tails with the standard library alone."""

import math

_HALF_LOG_TAU = 0.5 * math.log(math.tau)
_NEGLIGIBLE = 1e-17


def tail(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) <= k), to about 1e-13 of its value; n and k are counts, p a probability in (0, 1).

    The point mass at k comes from the saddle-point expansion (Loader 2000, "Fast and accurate computation of
    binomial probabilities"), which does not lose digits at large n; the rest is the series of falling ratios.
    """
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if k > n * p:
        return 1.0 - tail(n - k - 1, n, 1.0 - p)
    odds = (1.0 - p) / p
    total = term = 1.0
    for j in range(k, 0, -1):
        term *= j * odds / (n - j + 1)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, total * math.exp(_log_mass(k, n, p)))


def significant(k: int, n: int, p: float, level: float) -> bool:
    """Whether P(Bin(n, p) <= k) <= level: the exact test of "the risk is p or more" at that level.

    Two bounds settle most cases without summing: the median of Bin(n, p) is at most ceil(np) (Kaas and
    Buhrman 1980), and Chernoff's bound P <= exp(-n KL(k/n || p)) holds below the mean.
    """
    if k >= n * p:
        return level >= 0.5 and tail(k, n, p) <= level
    if -_deviance(k, n, p) <= math.log(level):
        return True
    return tail(k, n, p) <= level


def upper_bound(k: int, n: int, level: float) -> float:
    """The largest risk, a fraction, that k wrong of n still allow at `level` (Clopper and Pearson 1934)."""
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        if tail(k, n, middle) <= level:
            high = middle
        else:
            low = middle
    return high


def fewest(p: float, level: float) -> int:
    """How many labels, all right, reject a risk of p at `level`: the least m with (1-p)^m <= level."""
    return max(1, math.ceil(math.log(level) / math.log1p(-p)))


def _log_mass(k: int, n: int, p: float) -> float:
    """Ln P(Bin(n, p) = k) for 0 <= k < n."""
    if k == 0:
        return n * math.log1p(-p)
    spread = 0.5 * math.log(n / (k * (n - k))) - _HALF_LOG_TAU
    return _stirling_error(n) - _stirling_error(k) - _stirling_error(n - k) - _deviance(k, n, p) + spread


def _deviance(k: int, n: int, p: float) -> float:
    """N KL(k/n || p), in nats; 0 <= k < n."""
    expected, surplus = n * p, k - n * p
    below = k * math.log1p(surplus / expected) if k else 0.0
    return below + (n - k) * math.log1p(-surplus / (n - expected))


def _stirling_error(n: int) -> float:
    """Ln n! minus Stirling's formula for it."""
    if n < 16:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - _HALF_LOG_TAU
    s = 1.0 / (n * n)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / n
