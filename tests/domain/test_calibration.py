"""A certificate is only ever what the labels earn: against brute force, exactly, and on real histories."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom  # type: ignore[import-untyped]

from bot.domain import certificate
from bot.domain.bins import COUNT, NEVER, THRESHOLDS, bin_of
from bot.domain.calibration import Certificate, NotEnough, certify, certify_counts, count
from tests.domain import history

Labels = list[tuple[float, bool]]
Look = Callable[..., tuple[int, float] | None]

confidences = st.floats(0, 1) | st.sampled_from(THRESHOLDS) | st.sampled_from([0.0, 1.0, 0.9])


def brute_force(labels: Labels, risk: float, delta: float) -> float | None:
    """The procedure said again from its definition, with scipy and without counters."""
    covered = [sum(c >= t for c, _ in labels) for t in THRESHOLDS]
    wrong = [sum(c >= t and w for c, w in labels) for t in THRESHOLDS]
    enough = math.ceil(math.log(delta / 2) / math.log(1 - risk))
    if covered[-1] < 4 * enough:
        begins = [math.ceil(math.log(delta) / math.log(1 - risk))]
    elif covered[-1] < 12 * enough:
        begins = [enough, 3 * enough]
    else:
        enough = math.ceil(math.log(delta / 3) / math.log(1 - risk))
        begins = [enough, 3 * enough, max(3 * enough, covered[-1] // 3)]
    found, level, before = None, 0.0, 0
    for t, n, k in zip(THRESHOLDS, covered, wrong, strict=True):
        if n == before:
            continue
        level += sum(delta / len(begins) for m in begins if before < m <= n)
        before = n
        if level > 0 and binom.cdf(k, n, risk) <= level:
            found = t
        else:
            level = 0.0
    return found


def history_like(seed: int, size: int, *, spread: float) -> Labels:
    draw = random.Random(seed)
    labels = []
    for _ in range(size):
        confidence = 1 / (1 + math.exp(-draw.gauss(3, spread)))
        labels.append((confidence, draw.random() > confidence**0.5))
    return labels


@pytest.mark.parametrize("risk", [0.01, 0.02, 0.05, 0.3])
@pytest.mark.parametrize("size", [60, 250, 700, 1_500])
def test_a_look_finds_what_brute_force_finds(risk: float, size: int) -> None:
    for seed in range(4):
        labels = history_like(seed, size, spread=1.0 + seed)
        found = certify(labels, risk=risk, confidence=0.9)
        expected = brute_force(labels, risk, 0.1)
        assert (found.threshold if isinstance(found, Certificate) else None) == expected


def false_certification(look: Look, risks: Sequence[float], sizes: Sequence[int], *, risk: float) -> float:
    """The exact probability that a look passes a threshold whose true risk is above `risk`.

    Two bins of given sizes and true risks: every outcome is enumerated, so nothing is left to chance.
    """
    bad = [risks[0] > risk, (risks[0] * sizes[0] + risks[1] * sizes[1]) / sum(sizes) > risk]
    n, total = [0] * (COUNT + 1), 0.0
    n[20], n[40] = sizes
    for k0, k1 in product(range(25), range(25)):
        k = [0] * (COUNT + 1)
        k[20], k[40] = k0, k1
        found = look(n, k, risk=risk, delta=0.1)
        if found is not None and bad[0 if found[0] < 40 else 1]:
            total += float(binom.pmf(k0, sizes[0], risks[0]) * binom.pmf(k1, sizes[1], risks[1]))
    return total


WORLDS = [
    ((0.0201, 0.0201), (160, 10)),
    ((0.0201, 0.0201), (200, 500)),
    ((0.001, 0.0600), (300, 150)),
    ((0.0201, 0.0001), (150, 450)),
    ((0.0201, 0.0201), (160, 440)),
    ((0.0001, 0.0301), (200, 400)),
    ((0.0201, 0.0201), (600, 600)),
]


def keeps_the_level(look: Look) -> bool:
    return all(false_certification(look, risks, sizes, risk=0.02) <= 0.1 for risks, sizes in WORLDS)


def look_that_gives_every_start_the_whole(
    n: Sequence[int], k: Sequence[int], *, risk: float, delta: float
) -> tuple[int, float] | None:
    return certificate.look(n, k, risk=risk, delta=2 * delta)


def look_that_counts_labels_twice(
    n: Sequence[int], k: Sequence[int], *, risk: float, delta: float
) -> tuple[int, float] | None:
    return certificate.look([2 * x for x in n], [2 * x for x in k], risk=risk, delta=delta)


def look_that_takes_the_sample_at_its_word(
    n: Sequence[int], k: Sequence[int], *, risk: float, delta: float
) -> tuple[int, float] | None:
    passing = [b for b in range(COUNT) if sum(n[: b + 1]) and sum(k[: b + 1]) <= risk * sum(n[: b + 1])]
    return (max(passing), delta) if passing else None


def test_a_look_errs_with_at_most_delta_in_every_world_exactly() -> None:
    assert keeps_the_level(certificate.look)


@pytest.mark.parametrize(
    "look",
    [
        look_that_gives_every_start_the_whole,
        look_that_counts_labels_twice,
        look_that_takes_the_sample_at_its_word,
    ],
)
def test_the_exact_check_catches_a_seeded_bug(look: Look) -> None:
    assert not keeps_the_level(look)


@given(st.lists(st.tuples(confidences, st.booleans()), max_size=400), st.data())
def test_one_more_wrong_label_never_loosens(labels: Labels, data: st.DataObject) -> None:
    labels = labels + [(0.99, False)] * 60
    at = data.draw(st.integers(0, len(labels) - 1))
    worse = [(c, w or i == at) for i, (c, w) in enumerate(labels)]
    before, after = (certify(rows, risk=0.05, confidence=0.9) for rows in (labels, worse))
    if isinstance(after, Certificate):
        assert isinstance(before, Certificate)
        assert after.threshold >= before.threshold


@given(confidences)
def test_a_bin_is_the_strictest_threshold_that_is_reached(confidence: float) -> None:
    reached = [j for j, t in enumerate(THRESHOLDS) if confidence >= t]
    assert bin_of(confidence) == (reached[0] if reached else NEVER)


def test_a_confidence_on_the_edge_of_a_bin_reaches_it() -> None:
    for j, threshold in enumerate(THRESHOLDS):
        assert bin_of(threshold) == j
        assert bin_of(math.nextafter(threshold, 0)) == j + 1
    assert (bin_of(1.0), bin_of(1), bin_of(0.0), bin_of(0)) == (0, 0, NEVER, NEVER)


@pytest.mark.parametrize("confidence", [None, math.nan, math.inf, -0.1, 1.0000001, "0.99", True, [0.5]])
def test_a_confidence_that_is_none_is_refused_in_a_sentence(confidence: Any) -> None:
    labels = [(0.5, False), (0.7, True), (confidence, False)]
    with pytest.raises(ValueError, match=r"label 3 cannot be used: .*confidence"):
        certify(labels, risk=0.02, confidence=0.9)
    with pytest.raises(ValueError, match="confidence"):
        bin_of(confidence)


@pytest.mark.parametrize("label", [(0.5, "yes"), (0.5, None), (0.5, 2), (0.5,), 0.5, None])
def test_a_label_that_is_none_is_refused_in_a_sentence(label: object) -> None:
    with pytest.raises(ValueError, match="label 1 cannot be used"):
        certify([label], risk=0.02, confidence=0.9)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("risk", "confidence"),
    [(0.0, 0.9), (0.6, 0.9), (-1, 0.9), (0.02, 1.0), (0.02, 0.4), (math.nan, 0.9), ("2%", 0.9)],
)
def test_a_target_that_cannot_be_promised_is_refused(risk: float, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"risk|confidence"):
        certify([], risk=risk, confidence=confidence)


def test_counters_that_cannot_be_are_refused() -> None:
    n = [0] * (COUNT + 1)
    with pytest.raises(ValueError, match="162 bins"):
        certify_counts(n[1:], n, risk=0.02, confidence=0.9)
    with pytest.raises(ValueError, match="more wrong labels than labels"):
        certify_counts(n, [1, *n[1:]], risk=0.02, confidence=0.9)


def test_equal_confidences_are_certified_all_together_or_not_at_all() -> None:
    found = certify([(0.8, i % 100 == 0) for i in range(1_000)], risk=0.02, confidence=0.9)
    assert isinstance(found, Certificate)
    assert (found.sample, found.covered, found.wrong) == (1_000, 1_000, 10)
    assert THRESHOLDS[bin_of(0.8)] == found.threshold <= 0.8
    assert 0.01 < found.bound <= found.risk


def test_a_thousand_right_labels_certify_and_a_thousand_wrong_ones_do_not() -> None:
    assert isinstance(certify([(0.3, False)] * 1_000, risk=0.02, confidence=0.9), Certificate)
    assert isinstance(certify([(0.999, True)] * 1_000, risk=0.3, confidence=0.9), NotEnough)


def test_what_is_never_sent_earns_nothing() -> None:
    found = certify([(0.01, False)] * 10_000, risk=0.02, confidence=0.9)
    assert isinstance(found, NotEnough)
    assert found.needed == 114


@given(st.lists(st.tuples(confidences, st.booleans()), max_size=300))
def test_the_labels_said_to_be_needed_would_do(labels: Labels) -> None:
    found = certify(labels, risk=0.05, confidence=0.9)
    if isinstance(found, NotEnough):
        assert found.needed >= 1
        more = [(1.0, False)] * found.needed
        assert isinstance(certify(labels + more, risk=0.05, confidence=0.9), Certificate)


def test_three_labels_are_told_how_many_more_it_takes() -> None:
    found = certify([(0.9, False)] * 3, risk=0.02, confidence=0.9)
    assert isinstance(found, NotEnough)
    assert found.needed == 111
    assert str(found) == (
        "3 labels (0 wrong) do not show a risk of at most 0.02 with confidence 0.9 at any threshold; "
        "it would take at best 111 more, all of them right and at the highest confidence."
    )


def history_or_skip(name: str) -> list[history.Row]:
    rows = history.read(name)
    if rows is None:
        pytest.skip(f"{history.folder() / name} is absent")
    return rows


def test_the_clinc_history_is_certified_near_the_oracle_and_within_its_risk() -> None:
    labels = [(row.confidence, row.wrong) for row in history_or_skip(history.CLINC150)]
    n, k = count(labels)
    risks = [sum(k[: b + 1]) / max(1, sum(n[: b + 1])) for b in range(COUNT)]
    oracle = max(sum(n[: b + 1]) for b in range(COUNT) if risks[b] <= 0.02)
    draw, shares, violations = random.Random(4), [], 0
    for _ in range(100):
        found = certify(draw.choices(labels, k=1_000), risk=0.02, confidence=0.9)
        if isinstance(found, Certificate):
            shares.append(sum(n[: found.bin + 1]) / oracle)
            violations += risks[found.bin] > 0.02
    assert sum(shares) / 100 >= 0.90
    assert violations <= 100 * (0.1 + 2 * math.sqrt(0.1 * 0.9 / 100))


@pytest.mark.parametrize("percent", [1, 2, 5, 10, 20, 30])
def test_actions_that_are_mostly_wrong_earn_nothing(percent: int) -> None:
    rows = history_or_skip(history.TAU_AIRLINE)
    assert sum(row.wrong for row in rows) / len(rows) > 0.6
    labels = [(row.confidence, row.wrong) for row in rows]
    assert isinstance(certify(labels, risk=percent / 100, confidence=0.9), NotEnough)
