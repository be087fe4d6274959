"""The online machine: what it decides, learns, offers, takes back, reports and remembers."""

import json
import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import drift
from bot.domain.bins import COUNT, NEVER, THRESHOLDS, bin_of
from bot.domain.calibration import Event, Looked, MayLoosen, Monitor, Plan, Tightened, present_error

RIGHT, WRONG = False, True
PLAN = Plan(risk=0.02, confidence=0.9)


def work(monitor: Monitor, confidence: float, wrong: bool, draw: float) -> list[Event]:
    """One ticket from proposal to label; offers are approved."""
    choice = monitor.decide(confidence, draw)
    events = monitor.learn(choice, wrong) if choice.held else []
    for event in events:
        if isinstance(event, MayLoosen):
            monitor.loosen(event.bin, event.regime)
    return events


def live(plan: Plan = PLAN, *, confidence: float = 0.95) -> Monitor:
    """A monitor that went live on its first look, with right labels alone."""
    monitor = Monitor(plan)
    for _ in range(plan.first_look):
        work(monitor, confidence, RIGHT, 0.5)
    assert monitor.threshold is not None
    return monitor


# The sample


def test_every_label_enters_while_all_is_held() -> None:
    monitor = Monitor(PLAN)
    for i in range(100):
        work(monitor, i / 100, i % 2 == 0, 0.99)
    assert monitor.sample == 100


def test_who_is_sampled_is_always_seen_by_a_person() -> None:
    monitor = live()
    for confidence in (0.1, 0.5, 0.95, 1.0):
        for draw in (0.0, 0.049, 0.051, 0.9):
            choice = monitor.decide(confidence, draw)
            assert choice.sampled == (draw < 0.05)
            assert choice.held or not choice.sampled


# Decisions


def test_a_new_category_holds_everything() -> None:
    monitor = Monitor(PLAN)
    assert monitor.threshold is None
    assert all(monitor.decide(c, 0.99).held for c in (0.0, 0.5, 1.0))


def test_a_live_category_runs_at_its_threshold_and_holds_just_below() -> None:
    monitor = live()
    threshold = monitor.threshold
    assert threshold == THRESHOLDS[bin_of(0.95)]
    assert not monitor.decide(threshold, 0.5).held
    assert monitor.decide(math.nextafter(threshold, 0), 0.5).held


def test_audits_are_drawn_with_the_stored_probability() -> None:
    monitor = live()
    audited, sent = monitor.decide(0.97, 0.0499), monitor.decide(0.97, 0.0501)
    assert (audited.eligible, audited.audited, audited.held, audited.probability) == (True, True, True, 0.05)
    assert (sent.eligible, sent.audited, sent.held, sent.probability) == (True, False, False, 0.05)


def test_zero_confidence_is_never_sent_even_by_a_threshold_of_zero() -> None:
    monitor = Monitor(PLAN)
    monitor.set_by_hand(0.0)
    assert monitor.decide(0.0, 0.5).held
    assert not monitor.decide(0.05, 0.5).held


@pytest.mark.parametrize("confidence", [None, math.nan, -0.1, 1.0000001, "0.99", True])
def test_a_confidence_that_is_none_is_refused(confidence: object) -> None:
    with pytest.raises(ValueError, match="confidence"):
        live().decide(confidence, 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", [-0.1, 1.0, math.nan, True])
def test_a_draw_outside_its_range_is_refused(draw: float) -> None:
    with pytest.raises(ValueError, match="draw"):
        live().decide(0.9, draw)


@pytest.mark.parametrize("wrong", [None, 1, "yes"])
def test_a_label_is_true_or_false(wrong: object) -> None:
    monitor = Monitor(PLAN)
    with pytest.raises(ValueError, match="wrong"):
        monitor.learn(monitor.decide(0.9, 0.5), wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("audit_rate", [0.0, -1, 1.5, math.nan, True, "5%"])
def test_an_audit_rate_that_audits_nothing_is_refused(audit_rate: float) -> None:
    with pytest.raises(ValueError, match="audit rate"):
        Plan(audit_rate=audit_rate)


# Looks and loosening


def test_looks_come_at_the_designed_sizes_and_spend_less_each_time() -> None:
    monitor, looks = Monitor(PLAN), []
    for _ in range(2_200):
        looks += [e for e in work(monitor, 0.9, WRONG, 0.5) if isinstance(e, Looked)]
    assert [e.sample for e in looks] == [549, 1098, 2196]
    assert [e.spent for e in looks] == pytest.approx([0.05, 0.025, 0.0125])
    assert sum(PLAN.budget(j) for j in range(1, 60)) == pytest.approx(0.1)


def test_a_looser_threshold_is_an_offer_until_a_person_approves() -> None:
    monitor = Monitor(PLAN)
    events: list[Event] = []
    for _ in range(PLAN.first_look):
        events += monitor.learn(monitor.decide(0.95, 0.5), RIGHT)
    looked, offer = events
    assert isinstance(looked, Looked)
    assert isinstance(offer, MayLoosen)
    assert (offer.before, offer.certificate.covered, offer.certificate.wrong) == (None, 549, 0)
    assert monitor.threshold is None
    monitor.loosen(offer.bin, offer.regime)
    assert monitor.threshold == offer.certificate.threshold


def test_an_offer_of_an_earlier_regime_cannot_be_approved() -> None:
    monitor = Monitor(PLAN)
    [offer] = [
        event
        for _ in range(PLAN.first_look)
        for event in monitor.learn(monitor.decide(0.95, 0.5), RIGHT)
        if isinstance(event, MayLoosen)
    ]
    monitor.restart("a new prompt")
    with pytest.raises(ValueError, match="no longer"):
        monitor.loosen(offer.bin, offer.regime)


def test_nothing_looser_than_the_evidence_can_be_approved() -> None:
    monitor = live()
    with pytest.raises(ValueError, match="evidence"):
        monitor.loosen(bin_of(0.5), monitor.regime.number)


def test_a_far_too_strict_start_waits_for_more_evidence() -> None:
    plan = Plan(risk=0.05)
    monitor, looks = Monitor(plan), []
    for i in range(12 * plan.fewest):
        strict = i % 3 == 0
        looks += work(monitor, 0.99 if strict else 0.8, not strict and i % 16 == 1, 0.5)
    offers = [e for e in looks if isinstance(e, MayLoosen)]
    first = next(e for e in looks if isinstance(e, Looked))
    assert first.certified is not None, "it could have gone live at a third of the traffic"
    assert offers[0].certificate.sample > first.sample


def test_the_labels_needed_are_those_after_which_it_goes_live() -> None:
    monitor = Monitor(PLAN)
    for i in range(300):
        work(monitor, 0.7, i % 3 == 0, 0.5)
    needed = monitor.labels_needed()
    for _ in range(needed - 1):
        work(monitor, 1.0, RIGHT, 0.5)
    assert monitor.threshold is None
    work(monitor, 1.0, RIGHT, 0.5)
    assert monitor.threshold is not None


def test_a_threshold_set_by_hand_says_whether_the_evidence_supports_it() -> None:
    monitor = live()
    assert monitor.set_by_hand(0.97)
    assert not monitor.set_by_hand(0.92)
    assert monitor.threshold == 0.92
    assert not monitor.decide(0.92, 0.5).held


# Tightening


def first_alarm(monitor: Monitor, wrongs: Iterator[bool], confidence: float = 0.95) -> Tightened:
    for wrong in wrongs:
        for event in work(monitor, confidence, wrong, 0.0):
            if isinstance(event, Tightened):
                return event
    raise AssertionError("no alarm")


def test_four_wrong_audits_in_a_row_hold_the_category_and_clear_its_evidence() -> None:
    monitor = live()
    before = monitor.threshold
    alarm = first_alarm(monitor, iter([WRONG] * 4))
    assert (alarm.before, alarm.audits, alarm.wrong, alarm.risk) == (before, 4, 4, 0.02)
    assert alarm.evidence >= drift.ALARM
    assert alarm.labels_needed == 549
    assert (monitor.threshold, monitor.sample, monitor.regime.number) == (None, 0, alarm.regime + 1)


def test_one_wrong_audit_makes_every_eligible_reply_an_audit_until_calm_returns() -> None:
    monitor = live()
    work(monitor, 0.95, WRONG, 0.0)
    assert monitor.decide(0.95, 0.99).audited
    assert monitor.decide(0.95, 0.99).probability == 1.0
    for _ in range(12):
        work(monitor, 0.95, RIGHT, 0.99)
    assert not monitor.decide(0.95, 0.99).held


def test_labels_of_an_earlier_regime_change_nothing() -> None:
    monitor = live()
    late = monitor.decide(0.95, 0.0)
    monitor.restart("a new model")
    before = monitor.state
    assert monitor.learn(late, WRONG) == []
    assert monitor.mark_wrong(late) == []
    assert monitor.state == before


def test_a_reply_marked_wrong_is_evidence_but_no_sample() -> None:
    monitor = live()
    size = monitor.sample
    sent = monitor.decide(0.95, 0.9)
    assert not sent.held
    monitor.mark_wrong(sent)
    assert monitor.sample == size
    assert monitor.regime.marked == 1
    assert monitor.decide(0.95, 0.99).audited
    events = [event for _ in range(3) for event in monitor.mark_wrong(sent)]
    assert [type(event) for event in events] == [Tightened]


def test_a_label_that_proves_wrong_later_is_corrected_and_not_counted_twice() -> None:
    monitor = Monitor(PLAN)
    choice = monitor.decide(0.95, 0.5)
    monitor.learn(choice, RIGHT)
    monitor.mark_wrong(choice, label=RIGHT)
    assert (sum(monitor.regime.n), sum(monitor.regime.k)) == (1, 1)
    monitor.mark_wrong(choice, label=WRONG)
    assert (sum(monitor.regime.n), sum(monitor.regime.k)) == (1, 1)


def test_a_new_regime_says_what_it_costs() -> None:
    monitor = live()
    before = monitor.threshold
    restarted = monitor.restart("a new prompt")
    assert (restarted.before, restarted.labels_needed, restarted.regime) == (before, 549, 2)
    assert monitor.threshold is None


@pytest.mark.parametrize("risk", [0.01, 0.02, 0.05, 0.3, 0.5])
def test_the_evidence_expects_nothing_of_a_risk_that_is_accepted(risk: float) -> None:
    detector = drift.Detector(risk)
    for wrong, right in zip(detector.step(drift.calm(), WRONG), detector.step(drift.calm(), RIGHT), strict=True):
        assert risk * math.exp(wrong) + (1 - risk) * math.exp(right) == pytest.approx(1.0)
        assert wrong > 0 > right


# What it reports and remembers


def test_the_present_error_weighs_each_audit_by_its_probability() -> None:
    found = present_error([(WRONG, 0.05), (RIGHT, 1.0)])
    assert found is not None
    assert found.rate == pytest.approx(20 / 21)
    assert present_error([]) is None
    with pytest.raises(ValueError, match="probability"):
        present_error([(WRONG, 0.0)])


def test_the_interval_of_the_present_error_covers_the_truth_as_often_as_it_says() -> None:
    draw, covered = random.Random(8), 0
    for _ in range(400):
        audited = [
            (draw.random() < 0.05, e)
            for e in (draw.choice([0.05, 0.05, 1.0]) for _ in range(900))
            if draw.random() < max(e, 0.3)
        ]
        found = present_error(audited, confidence=0.9)
        assert found is not None
        covered += found.low <= 0.05 <= found.high
    assert 0.85 <= covered / 400 <= 0.95


Tickets = list[tuple[float, bool, float]]

tickets = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0, 1, exclude_max=True)), max_size=150)


@given(tickets, tickets)
def test_a_stored_monitor_goes_on_as_if_it_had_never_been_stored(first: Tickets, rest: Tickets) -> None:
    plan = Plan(risk=0.3, confidence=0.6, audit_rate=0.5)
    kept = Monitor(plan)
    for confidence, wrong, draw in first:
        work(kept, confidence, wrong, draw)
    restored = Monitor(plan, json.loads(json.dumps(kept.state)))
    for confidence, wrong, draw in rest:
        assert work(kept, confidence, wrong, draw) == work(restored, confidence, wrong, draw)
    assert kept.state == restored.state


@pytest.mark.parametrize(
    "damage",
    [
        {"n": [1]},
        {"bin": COUNT},
        {"capitals": [0.0]},
        {"capitals": [math.nan] * 5},
        {"extra": 1},
        {"audits": {}, "k": 3},
    ],
)
def test_a_damaged_state_is_refused_in_a_sentence(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="stored state"):
        Monitor(PLAN, {**Monitor(PLAN).state, **damage})


@given(tickets)
def test_whatever_comes_what_runs_was_approved_and_is_confident(rows: Tickets) -> None:
    monitor = Monitor(Plan(risk=0.5, confidence=0.5, audit_rate=0.2))
    for confidence, wrong, draw in rows:
        choice = monitor.decide(confidence, draw)
        assert choice.held or (monitor.threshold is not None and confidence >= monitor.threshold)
        assert choice.held or choice.bin < NEVER
        work(monitor, confidence, wrong, draw)
        assert sum(monitor.regime.k) <= sum(monitor.regime.n) == monitor.sample
