"""The weights follow the workspace's decisions, and never by much for the worse."""

import math
import random

import pytest

from bot.drafting.confidence import HIGHEST, LOWEST, NAMES, Weights, doubt, is_grey, record
from bot.drafting.learning import FEWEST, auroc, calibration, ece, learn
from bot.drafting.logistic import fit, sigmoid
from bot.drafting.ports import Outcome
from bot.drafting.weights import shipped

# Three workspaces: as the shipped weights think; better than they think; one where other things count.
AS_SHIPPED = shipped(by_meaning=False)
LUCKY = Weights(intercept=AS_SHIPPED.intercept + 2.5, by_name=AS_SHIPPED.by_name)
OTHER = Weights(intercept=-2.0, by_name={"nearness": 1.0, "margin": 0.0, "agreement": 5.0, "doubt": -1.5})


def stream(truth: Weights, count: int, seed: int) -> list[Outcome]:
    draw = random.Random(seed)
    outcomes = []
    for number in range(count):
        nearness = draw.betavariate(4, 3)
        features = {
            "nearness": nearness,
            "margin": min(1.0, draw.random() * (0.4 + nearness)),
            "agreement": min(1.0, max(0.0, nearness + draw.gauss(0, 0.25))),
            "doubt": max(0.0, draw.gauss(0.5, 1.0)),
        }
        right = draw.random() < truth.confidence(features)
        outcomes.append(Outcome(id=str(number), category="c", features=features, confidence=0.5, right=right))
    return outcomes


def loss(weights: Weights, outcomes: list[Outcome]) -> float:
    confidences = [weights.confidence(one.features) for one in outcomes]
    return sum(-math.log(p if o.right else 1 - p) for p, o in zip(confidences, outcomes, strict=True)) / len(outcomes)


@pytest.mark.parametrize("count", [50, 100, 400])
@pytest.mark.parametrize("truth", [AS_SHIPPED, LUCKY, OTHER], ids=["as shipped", "lucky", "other"])
def test_learned_weights_are_never_worse_than_the_shipped_ones_by_more_than_noise(truth: Weights, count: int) -> None:
    changes, aurocs, eces = [], [], []
    for seed in range(8):
        learned = learn(stream(truth, count, seed), AS_SHIPPED)
        fresh = stream(truth, 1_500, 1_000 + seed)
        rights = [one.right for one in fresh]
        old = calibration([AS_SHIPPED.confidence(one.features) for one in fresh], rights)
        new = calibration([learned.weights.confidence(one.features) for one in fresh], rights)
        changes.append(loss(learned.weights, fresh) - loss(AS_SHIPPED, fresh))
        aurocs.append((new.auroc or 0.0) - (old.auroc or 0.0))
        eces.append(new.ece - old.ece)
    assert sum(changes) / 8 < 0.01
    assert max(changes) < 0.06
    assert sum(aurocs) / 8 > -0.01
    assert sum(eces) / 8 < 0.01
    if truth is not AS_SHIPPED and count == 400:
        assert sum(eces) / 8 < -0.05
        assert sum(changes) / 8 < -0.05


def test_below_fifty_decisions_the_shipped_weights_apply() -> None:
    learned = learn(stream(OTHER, FEWEST - 1, 1), AS_SHIPPED)
    assert learned.weights is AS_SHIPPED
    assert not learned.adopted
    assert str(learned) == "The shipped weights apply: 49 decisions so far, and learning starts at 50."


def test_the_report_says_calibration_before_and_after() -> None:
    said = str(learn(stream(OTHER, 400, 3), AS_SHIPPED))
    assert said.startswith("The weights follow the last 400 decisions (calibration error 0.")
    assert " → " in said
    assert "AUROC" in said


@pytest.mark.parametrize("right", [True, False])
def test_decisions_that_all_went_one_way_are_no_trouble(right: bool) -> None:
    outcomes = [
        Outcome(id=str(n), category="c", features={"nearness": 0.5}, confidence=0.5, right=right) for n in range(60)
    ]
    learned = learn(outcomes, AS_SHIPPED)
    before, after = AS_SHIPPED.confidence({"nearness": 0.5}), learned.weights.confidence({"nearness": 0.5})
    assert (after > before) if right else (after <= before)
    assert learned.before.auroc is None


def test_no_decisions_can_make_a_models_own_number_raise_the_confidence() -> None:
    draw = random.Random(5)
    outcomes = [
        Outcome(
            id=str(n),
            category="c",
            features={"doubt": 3.0 * right, "nearness": draw.random()},
            confidence=0.5,
            right=right,
        )
        for n, right in enumerate(draw.random() < 0.5 for _ in range(300))
    ]
    learned = learn(outcomes, AS_SHIPPED)
    assert learned.weights.by_name["doubt"] <= 0.0


def test_a_high_number_of_the_models_own_says_nothing_and_a_low_one_lowers() -> None:
    assert doubt(None) == doubt(1.0) == doubt(0.95) == 0.0
    assert 0.0 < doubt(0.6) < doubt(0.3) < doubt(0.0) == 4.0
    near = {"nearness": 0.7, "agreement": 0.9, "margin": 0.8}
    assert AS_SHIPPED.confidence({**near, "doubt": doubt(0.2)}) < AS_SHIPPED.confidence(near)


def test_the_confidence_stays_between_its_bounds() -> None:
    assert AS_SHIPPED.confidence({"nearness": 1e9}) == HIGHEST
    assert AS_SHIPPED.confidence({"ungrounded": 1e9}) == LOWEST


def test_newton_finds_the_weights_that_made_the_data() -> None:
    draw = random.Random(1)
    rows = [[1.0, draw.gauss(0, 1), draw.gauss(0, 1)] for _ in range(4_000)]
    rights = [draw.random() < sigmoid(0.5 + 2 * a - b) for _, a, b in rows]
    found = fit(rows, rights, start=[0.0] * 3, stiffness=[1e-6] * 3)
    assert found == pytest.approx([0.5, 2.0, -1.0], abs=0.2)
    assert fit(rows, rights, start=[1.0, 1.0, 1.0], stiffness=[1e9] * 3) == pytest.approx([1.0] * 3, abs=1e-3)


def test_auroc_and_calibration_error_agree_with_their_definitions() -> None:
    assert auroc([0.1, 0.4, 0.4, 0.9], [False, True, False, True]) == pytest.approx(3.5 / 4)
    assert auroc([0.5, 0.5], [True, True]) is None
    assert ece([0.95] * 10 + [0.25] * 4, [True] * 9 + [False] + [True] + [False] * 3) == pytest.approx(10 / 14 * 0.05)
    assert ece([], []) == 0.0
    assert ece([1.0], [True]) == 0.0


def test_the_record_is_told_in_words() -> None:
    outcomes = [
        Outcome(id=str(n), category="c", features={}, confidence=0.9 if n % 2 else 0.2, right=n % 2 == 1 and n != 5)
        for n in range(120)
    ]
    assert record(outcomes, 0.92) == "49 of the last 50 like this were approved unedited."
    assert record(outcomes[:4], 0.92) == "Only 2 drafts like this have been decided so far."
    assert record([], 0.92) == "This is the first of its kind."


def test_extra_samples_are_for_the_grey_band_alone() -> None:
    assert is_grey(0.85, 0.9)
    assert is_grey(0.95, 0.9)
    assert not is_grey(0.7, 0.9)
    assert not is_grey(0.5, None)


def test_all_features_have_a_shipped_weight() -> None:
    for by_meaning in (False, True):
        assert set(shipped(by_meaning=by_meaning).by_name) == set(NAMES)
