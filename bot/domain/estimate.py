"""The present error among what runs on its own, estimated from the audited, with an interval."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from bot.domain.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An error rate and its two-sided interval, as fractions, from `audits` labels, `wrong` of them wrong."""

    rate: float
    low: float
    high: float
    audits: int
    wrong: int


@dataclass(kw_only=True)
class Audits:
    """Running sums over audited labels, each weighted by 1 / the probability with which it was audited."""

    count: int = 0
    wrong: int = 0
    weight: float = 0.0
    weight_squared: float = 0.0
    weight_wrong: float = 0.0

    def add(self, wrong: bool, probability: float) -> None:
        """One more audited label, drawn with `probability` in (0, 1]."""
        if not 0.0 < probability <= 1.0:
            raise BadInput(f"an audit probability lies above 0 and up to 1, not {probability!r}")
        weight = 1.0 / probability
        self.count += 1
        self.weight += weight
        self.weight_squared += weight * weight
        if wrong:
            self.wrong += 1
            self.weight_wrong += weight

    def estimate(self, confidence: float = 0.9) -> Estimate | None:
        """The rate by Horvitz and Thompson 1952, over the estimated total (Hajek 1971), if any was audited.

        The interval is Wilson's (1927) at the effective number of labels, (sum w)^2 / sum w^2 (Kish 1965):
        for display. The promise rests on the certificate, never on this.
        """
        if not self.count:
            return None
        rate = self.weight_wrong / self.weight
        size = self.weight**2 / self.weight_squared
        z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
        centre = (rate + z2 / (2 * size)) / (1 + z2 / size)
        half = math.sqrt(z2 * (rate * (1 - rate) / size + z2 / (4 * size * size))) / (1 + z2 / size)
        return Estimate(
            rate=rate,
            low=max(0.0, centre - half),
            high=min(1.0, centre + half),
            audits=self.count,
            wrong=self.wrong,
        )


def present_error(audited: Iterable[tuple[bool, float]], confidence: float = 0.9) -> Estimate | None:
    """The estimate over a window of (wrong, audit probability) labels, such as the last weeks'."""
    sums = Audits()
    for wrong, probability in audited:
        sums.add(wrong, probability)
    return sums.estimate(confidence)
