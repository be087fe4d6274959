"""What a category promises, and when the evidence for it is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import bins
from bot.domain.binomial import fewest
from bot.domain.certificate import check_targets
from bot.domain.errors import BadInput

_FIRST_LOOK = 3
_GROWTH = 2
_NEAR_NAIVE, _NAIVE_LABELS = 0.85, 30
_PATIENCE = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The promise: at most `risk` wrong with `confidence`, kept by auditing `audit_rate`; all fractions."""

    risk: float = 0.02
    confidence: float = 0.9
    audit_rate: float = 0.05

    def __post_init__(self) -> None:
        check_targets(self.risk, self.confidence)
        rate = self.audit_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0.0 < rate <= 1.0:
            raise BadInput(f"the audit rate is a fraction above 0 and up to 1, not {rate!r}")

    @property
    def fewest(self) -> int:
        """n0, the labels, all right, that a start of the first look may need: 183 at 2 % and 90 %."""
        return fewest(self.risk, (1.0 - self.confidence) / 4)

    def budget(self, number: int) -> float:
        """Delta / 2^j, what look j = 1, 2, ... may spend: half of what the looks before it left over."""
        return (1.0 - self.confidence) * 0.5**number

    @property
    def first_look(self) -> int:
        """The sample, in labels, of the first look."""
        return _FIRST_LOOK * self.fewest

    def next_look(self, sample: int) -> int:
        """The sample of the look after one that was taken at `sample` labels."""
        return _GROWTH * sample

    def worth_going_live(self, n: Sequence[int], k: Sequence[int], best: int) -> bool:
        """Whether to go live with bin `best`: a threshold still far too strict would starve later evidence.

        It is worth it at 0.85 of what the naive threshold covers (the loosest one whose error in the sample
        is within the risk), or once patience ends, at ten times n0 labels.
        """
        if sum(n) >= _PATIENCE * self.fewest:
            return True
        covered, wrong, best_covered, naive_covered = 0, 0, 0, 0
        for b in range(bins.COUNT):
            covered += n[b]
            wrong += k[b]
            if b == best:
                best_covered = covered
            if covered >= _NAIVE_LABELS and wrong <= self.risk * covered:
                naive_covered = covered
        return best_covered >= _NEAR_NAIVE * naive_covered
