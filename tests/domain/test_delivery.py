"""How long an errand waits before it is tried again, and which waiting counts as a try."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.canonical import Json
from bot.domain.delivery import LONGEST_BACKOFF, Errand, ErrandKind, Postponed, backoff, due_in, paced, remembered
from tests.storage.builders import NOW

DRAWS = st.floats(min_value=0, max_value=1, exclude_max=True)


def an_errand(lane: str, attempts: int = 1) -> Errand:
    return Errand(id="dlv_1", kind=ErrandKind.EXECUTE, lane=lane, due_at=NOW, attempts=attempts)


def test_the_back_off_doubles_from_a_second_to_ten_minutes() -> None:
    seconds = [backoff(attempts, draw=0.5).total_seconds() for attempts in range(1, 13)]
    assert seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert backoff(10_000, draw=0.5) == LONGEST_BACKOFF


@given(attempts=st.integers(1, 200), draw=DRAWS)
def test_the_draw_spreads_the_back_off_by_a_quarter_either_way(attempts: int, draw: float) -> None:
    middle = backoff(attempts, draw=0.5)
    assert backoff(attempts, draw=0.0) == middle * 0.75
    assert middle * 0.75 <= backoff(attempts, draw=draw) <= middle * 1.25
    assert backoff(attempts, draw=0.999) > middle * 1.249


@pytest.mark.parametrize("lane", ["slack:C0REVIEW", "whisper:U0MARIA"])
def test_slack_waits_as_long_as_it_asks_for_and_no_try_is_counted(lane: str) -> None:
    outcome = Postponed(error="429", after=timedelta(seconds=3), hold_lane=True)
    assert paced(an_errand(lane, 9), outcome)
    assert due_in(an_errand(lane, 9), outcome, draw=0.5) == timedelta(seconds=3)


@pytest.mark.parametrize("lane", ["connector:webhook:shop:c1", "callback:agent.example", "slack:C1"])
def test_what_holds_no_lane_of_slacks_counts_and_waits_no_less_than_the_back_off(lane: str) -> None:
    outcome = Postponed(error="429", after=timedelta(seconds=3), hold_lane=not lane.startswith("slack:"))
    assert not paced(an_errand(lane), outcome)
    waits = [due_in(an_errand(lane, attempts), outcome, draw=0.5).total_seconds() for attempts in range(1, 6)]
    assert waits == [3, 3, 4, 8, 16]
    unasked = Postponed(error="500")
    assert due_in(an_errand(lane, 4), unasked, draw=0.5) == backoff(4, draw=0.5)


@pytest.mark.parametrize(
    ("payload", "interrupted", "maybe"),
    [({}, False, True), ({}, True, False), ({}, True, True), ({"again": True}, False, True)],
)
def test_that_a_call_may_have_arrived_is_kept_with_its_errand(
    payload: dict[str, Json], interrupted: bool, maybe: bool
) -> None:
    errand = replace(an_errand("connector:webhook:shop:c1"), payload=payload, interrupted=interrupted)
    kept = remembered(errand, Postponed(error="no answer", maybe=maybe))
    assert kept == {**payload, "maybe": True}
    later = replace(errand, payload=kept, interrupted=False)
    assert later.unsettled
    assert later.tried_before
    assert remembered(later, Postponed(error="no answer", maybe=True)) is None


def test_what_certainly_did_not_arrive_leaves_nothing_behind() -> None:
    errand = an_errand("connector:webhook:shop:c1")
    assert remembered(errand, Postponed(error="nobody there")) is None
    assert not errand.unsettled
