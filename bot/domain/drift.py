"""Evidence that the risk has risen: an e-detector on audited labels.

Five cumulative-sum e-processes, one for each alternative risk, and their mean (Shin, Ramdas and Rinaldo 2022,
"E-detectors: a nonparametric framework for sequential change detection"). While the risk is at most alpha
each factor has an expectation of at most 1, so the average run until the mean reaches 1,000 is at least 1,000
audits.
"""

import math
from collections.abc import Sequence

SUSPICION = 2.0
"""Mean evidence from which every eligible proposal is audited."""
ALARM = 1000.0
"""Mean evidence at which the category is held; also the least average run, in audits, to a false alarm."""

_ALTERNATIVES = (1.5, 2.0, 4.0, 8.0, 16.0)
_HIGHEST = 0.9


class Detector:
    """The steps that an audited label makes in the five log-capitals, for one accepted risk (a fraction)."""

    def __init__(self, risk: float) -> None:
        worse = [min(_HIGHEST, risk * times) for times in _ALTERNATIVES]
        self._wrong = tuple(math.log(a / risk) for a in worse)
        self._right = tuple(math.log1p(-a) - math.log1p(-risk) for a in worse)

    def step(self, capitals: Sequence[float], wrong: bool) -> list[float]:
        """The log-capitals after one more audited label: max(M, 0) + ln of its likelihood ratio, in nats."""
        steps = self._wrong if wrong else self._right
        return [max(0.0, m) + s for m, s in zip(capitals, steps, strict=True)]


def calm() -> list[float]:
    """The log-capitals of a category of which nothing is suspected."""
    return [0.0] * len(_ALTERNATIVES)


def evidence(capitals: Sequence[float]) -> float:
    """The mean of exp M: how many times better a worse risk explains the recent audits."""
    return sum(map(math.exp, capitals)) / len(capitals)
