"""A threshold and the evidence for it: one look at a sample of labels.

The look is fixed-sequence testing with recycling (Wiens 2003, "A fixed sequence Bonferroni procedure", the
fallback) on exact binomial tails, in the Learn-then-Test family (Angelopoulos, Bates, Candes, Jordan and Lei
2021); the risk is the selective risk of Geifman and El-Yaniv 2017: P(wrong | confidence >= threshold).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain import bins
from bot.domain.binomial import fewest, significant, upper_bound
from bot.domain.errors import BadInput
from bot.domain.plural import plural

_TWO_STARTS, _THREE_STARTS = 4, 12
"""How many times the labels of a first start make a second, and a third, worth it (decision 0004)."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Run on its own iff confidence >= `threshold`: at most `risk` of those are wrong, with `confidence`.

    `sample` labels were looked at; `covered` of them are at or above the threshold, and `wrong` of those are
    wrong. `level` is the error probability that the test at this threshold was given, at most 1 - confidence.
    """

    threshold: float
    sample: int
    wrong: int
    covered: int
    risk: float
    confidence: float
    bin: int
    level: float

    @property
    def share(self) -> float:
        """The fraction of the sample that would have run on its own."""
        return self.covered / self.sample

    @property
    def error(self) -> float:
        """The observed fraction wrong of those."""
        return self.wrong / self.covered

    @property
    def bound(self) -> float:
        """The upper confidence bound on the risk at this threshold (Clopper and Pearson 1934), <= `risk`."""
        return upper_bound(self.wrong, self.covered, self.level)


@dataclass(frozen=True, kw_only=True)
class NotEnough:
    """No threshold was certified; `needed` more labels would do, were they all right and confident."""

    sample: int
    wrong: int
    needed: int
    risk: float
    confidence: float

    def __str__(self) -> str:
        """The same in one sentence."""
        return (
            f"{plural(self.sample, 'label')} ({self.wrong:,} wrong) do not show a risk of at most {self.risk:.3g} "
            f"with confidence {self.confidence:.3g} at any threshold; it would take at best {self.needed:,} "
            "more, all of them right and at the highest confidence."
        )


def certify(labels: Iterable[tuple[float, bool]], *, risk: float, confidence: float) -> Certificate | NotEnough:
    """The loosest threshold that these labels support, in one strict look with all of 1 - confidence.

    `labels` are (confidence in [0, 1], wrong) pairs of one category and regime, each conversation once;
    `risk` and `confidence` are fractions. BadInput for a label or a target that cannot be used.
    """
    n, k = count(labels)
    return certify_counts(n, k, risk=risk, confidence=confidence)


def certify_counts(n: Sequence[int], k: Sequence[int], *, risk: float, confidence: float) -> Certificate | NotEnough:
    """`certify` from counters: `n[b]` labels in bin b = 0..161, `k[b]` of them wrong."""
    check_targets(risk, confidence)
    check_counts(n, k)
    delta = 1.0 - confidence
    found = look(n, k, risk=risk, delta=delta)
    if found is not None:
        return issue(n, k, found, risk=risk, confidence=confidence)
    needed = needed_at_best(n, k, risk=risk, delta=delta)
    return NotEnough(sample=sum(n), wrong=sum(k), needed=needed, risk=risk, confidence=confidence)


def count(labels: Iterable[tuple[float, bool]]) -> tuple[list[int], list[int]]:
    """The labels, and the wrong ones, in each of the 162 bins."""
    n, k = [0] * (bins.COUNT + 1), [0] * (bins.COUNT + 1)
    rising, count_of_bins = bins.RISING, bins.COUNT
    try:
        for confidence, wrong in labels:
            # `bins.bin_of`, written out: the call alone would double the time of a million labels.
            usable = type(confidence) is float and 0.0 <= confidence <= 1.0
            b = count_of_bins - bisect_right(rising, confidence if usable else bins.checked(confidence))
            if wrong is True:
                k[b] += 1
            elif wrong is not False and wrong != 0:
                if wrong != 1:
                    raise BadInput(f"wrong is true or false, not {wrong!r}")
                k[b] += 1
            n[b] += 1
    except (TypeError, ValueError) as error:
        raise BadInput(f"label {sum(n) + 1} cannot be used: {error}") from None
    return n, k


def look(n: Sequence[int], k: Sequence[int], *, risk: float, delta: float) -> tuple[int, float] | None:
    """The loosest bin that one look may certify, and the level its test had; None where it certifies nothing.

    From strict to loose: where the labels so far reach a start, it brings its level; a bin that passes at the
    level in hand passes it on, one that fails loses it. The levels of the starts add up to `delta`, which
    therefore bounds the probability that any bin with a risk above `risk` is ever passed. A bin without
    labels is skipped, so the threshold is never looser than the confidences that were seen.
    """
    waiting = starts(sum(n[: bins.COUNT]), risk=risk, delta=delta)
    found, level, covered, wrong = None, 0.0, 0, 0
    for b in range(bins.COUNT):
        covered += n[b]
        wrong += k[b]
        while waiting and covered >= waiting[0][0]:
            level += waiting.pop(0)[1]
        if not level or not n[b]:
            continue
        if significant(wrong, covered, risk, level):
            found = (b, level)
        elif waiting:
            level = 0.0
        else:
            break
    return found


def starts(total: int, *, risk: float, delta: float) -> list[tuple[int, float]]:
    """Where the walk may start, as (labels covered, level), for `total` labels that may run at all.

    The first start is where all right would just be enough, the second three times as far, the third at a
    third of the labels. A small sample cannot feed more than one, and a level that waits at a start never
    reached is lost: so there are one, two or three, by the number of labels alone. That number and the
    confidences say nothing of what is right or wrong, so the choice costs no level.
    """
    pair = fewest(risk, delta / 2)
    if total < _TWO_STARTS * pair:
        return [(fewest(risk, delta), delta)]
    if total < _THREE_STARTS * pair:
        return [(pair, delta / 2), (3 * pair, delta / 2)]
    first = fewest(risk, delta / 3)
    return [(first, delta / 3), (3 * first, delta / 3), (max(3 * first, total // 3), delta / 3)]


def issue(
    n: Sequence[int], k: Sequence[int], found: tuple[int, float], *, risk: float, confidence: float
) -> Certificate:
    """The certificate for what a look found."""
    b, level = found
    return Certificate(
        threshold=bins.THRESHOLDS[b],
        sample=sum(n),
        wrong=sum(k[: b + 1]),
        covered=sum(n[: b + 1]),
        risk=risk,
        confidence=confidence,
        bin=b,
        level=level,
    )


def needed_at_best(n: Sequence[int], k: Sequence[int], *, risk: float, delta: float) -> int:
    """How many further labels a look would certify with, were all of them right and in the strictest bin."""

    def enough(more: int) -> bool:
        return look([n[0] + more, *n[1:]], k, risk=risk, delta=delta) is not None

    low = max(0, fewest(risk, delta) - sum(n[: bins.COUNT])) - 1
    high = low + 1
    while not enough(high):
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def check_targets(risk: float, confidence: float) -> None:
    """BadInput unless 0 < risk <= 0.5 and 0.5 <= confidence < 1."""
    for name, value, low, high in (("risk", risk, 0.0, 0.5), ("confidence", confidence, 0.5, 1.0)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise BadInput(f"the {name} is a fraction between {low:g} and {high:g}, not {value!r}")
    if risk <= 0.0 or confidence >= 1.0:
        raise BadInput("no finite sample proves a risk of 0 or a confidence of 1")


def check_counts(n: Sequence[int], k: Sequence[int]) -> None:
    """BadInput unless both are 162 counts and no bin has more wrong labels than labels."""
    if len(n) != bins.COUNT + 1 or len(k) != bins.COUNT + 1:
        raise BadInput(f"counters have {bins.COUNT + 1} bins, not {len(n)} and {len(k)}")
    if any(not 0 <= wrong <= labels for labels, wrong in zip(n, k, strict=True)):
        raise BadInput("a bin cannot have more wrong labels than labels, nor fewer than none")
