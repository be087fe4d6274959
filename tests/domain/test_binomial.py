"""The tails agree with exact arithmetic and with scipy, far out and at large counts."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom  # type: ignore[import-untyped]

from bot.domain.binomial import fewest, significant, tail, upper_bound

probabilities = st.floats(1e-4, 0.9999)


def exact(k: int, n: int, p: float) -> float:
    q = Fraction(p)
    return float(sum((comb(n, j) * q**j * (1 - q) ** (n - j) for j in range(k + 1)), Fraction(0)))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("p", [0.01, 0.02, 0.3, 0.5, 0.97])
def test_every_tail_of_a_small_sample_is_exact(n: int, p: float) -> None:
    for k in range(-1, n + 1):
        assert tail(k, n, p) == pytest.approx(exact(k, n, p), rel=1e-13)


@given(n=st.integers(1, 300), share=st.floats(0, 1), p=probabilities)
def test_tails_agree_with_scipy_to_the_last_digits(n: int, share: float, p: float) -> None:
    k = int(share * n)
    assert tail(k, n, p) == pytest.approx(float(binom.cdf(k, n, p)), abs=3e-15, rel=1e-11)


@pytest.mark.parametrize(("k", "n"), [(300, 20_000), (19_700, 1_000_000), (0, 1_000_000), (1_000_000, 1_000_000)])
def test_tails_of_large_samples_keep_their_digits(k: int, n: int) -> None:
    assert tail(k, n, 0.02) == pytest.approx(float(binom.cdf(k, n, 0.02)), rel=1e-11)


@given(n=st.integers(1, 2_000), share=st.floats(0, 1), p=st.floats(0.001, 0.5), level=st.floats(1e-9, 0.6))
def test_the_quick_bounds_never_change_the_answer(n: int, share: float, p: float, level: float) -> None:
    k = int(share * n)
    assert significant(k, n, p, level) == (tail(k, n, p) <= level)


@given(n=st.integers(1, 500), share=st.floats(0, 0.99), level=st.floats(1e-6, 0.5))
def test_the_upper_bound_is_clopper_and_pearsons(n: int, share: float, level: float) -> None:
    k = int(share * n)
    assert upper_bound(k, n, level) == pytest.approx(float(beta.ppf(1 - level, k + 1, n - k)), abs=1e-9)


def test_nothing_bounds_a_sample_that_is_all_wrong() -> None:
    assert upper_bound(5, 5, 0.1) == 1.0


@pytest.mark.parametrize(("risk", "labels"), [(0.01, 368), (0.02, 183), (0.05, 72)])
def test_the_fewest_labels_are_those_of_the_design(risk: float, labels: int) -> None:
    assert fewest(risk, 0.1 / 4) == labels
    assert tail(0, labels, risk) <= 0.1 / 4 < tail(0, labels - 1, risk)
