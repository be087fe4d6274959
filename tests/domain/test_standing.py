"""What is decided about a proposal and what is remembered of it agree, and a decision becomes the right label."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bins import COUNT, THRESHOLDS
from bot.domain.canonical import Json
from bot.domain.decision import SYSTEM, Actor, Decision, DecisionKind
from bot.domain.errors import BadInput
from bot.domain.label import alike, is_wrong
from bot.domain.lifecycle import State, Verdict
from bot.domain.monitor import Monitor
from bot.domain.offer import LOOSEN, accepted_offer, check_edit, loosest_bin, shown_threshold
from bot.domain.plan import Plan
from bot.domain.plural import plural
from bot.domain.policy import Facts, Mode, Policy, rule
from bot.domain.proposal import Action, Execution, Reply
from bot.domain.second_look import objection
from bot.domain.standing import Standing, rests_on
from bot.domain.threshold import effective
from bot.policy_file import load_policy
from tests.storage.builders import a_proposal
from tests.world import POLICY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MARIA = Actor(kind="person", id="U0MARIA", name="Maria")
PLAN = Plan(risk=0.02)


def policy() -> Policy:
    return load_policy(POLICY.replace("threshold = 0.9\n", "risk = 0.02\n"))


def standing(monitor: Monitor, mode: Mode = Mode.AUTONOMOUS) -> Standing:
    own = replace(policy().categories["orders"], mode=mode)
    setting = effective(own, None, monitor=monitor)
    return Standing(rule=own, setting=setting, regime=1, monitor=monitor, fingerprint={})


def live(bin_: int | None, by_hand: float | None) -> Monitor:
    state = Monitor(PLAN).state | {"bin": -1 if bin_ is None else bin_, "by_hand": by_hand}
    return Monitor(PLAN, state)


@given(
    bin_=st.one_of(st.none(), st.integers(0, COUNT - 1)),
    by_hand=st.one_of(st.none(), st.floats(0, 1)),
    confidence=st.one_of(st.floats(0.3, 1), st.sampled_from([t for t in THRESHOLDS if t >= 0.3])),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_what_runs_is_what_the_monitor_would_let_run(
    bin_: int | None, by_hand: float | None, confidence: float, draw: float
) -> None:
    stands = standing(live(bin_, by_hand))
    facts = Facts(category="orders", content=Reply(text="Yes."), confidence=confidence, in_scope=True, draw=draw)
    ruling = stands.ruled(rule(policy(), facts, stands.setting), confidence, draw)
    assert ruling.choice is not None
    assert (ruling.verdict is Verdict.AUTOMATE) == (not ruling.choice.held)
    assert ruling.audited == ruling.choice.audited
    assert not (ruling.verdict is Verdict.AUTOMATE and ruling.choice.sampled), "the sampled are seen by a person"


def test_under_suggest_everything_is_seen_so_everything_eligible_counts_as_audited() -> None:
    stands = standing(live(30, None), Mode.SUGGEST)
    facts = Facts(category="orders", content=Reply(text="Yes."), confidence=0.999, in_scope=True, draw=0.5)
    ruling = stands.ruled(rule(policy(), facts, stands.setting), 0.999, 0.5)
    assert (ruling.verdict, ruling.audited) == (Verdict.ASK, False)
    assert ruling.choice is not None
    assert (ruling.choice.audited, ruling.choice.probability, ruling.choice.sampled) == (True, 1.0, False)


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.ESCALATE])
def test_what_a_mode_holds_for_good_is_not_remembered(mode: Mode) -> None:
    stands = standing(live(30, None), mode)
    facts = Facts(category="orders", content=Reply(text="Yes."), confidence=0.999, in_scope=True, draw=0.5)
    assert stands.ruled(rule(policy(), facts, stands.setting), 0.999, 0.5).choice is None


def test_only_what_says_something_about_the_answers_begins_a_new_regime() -> None:
    own = policy().categories["orders"]
    before = rests_on(policy(), own, {"model": "a"})
    same = replace(own, mode=Mode.SUGGEST, channel="C0OTHER", approvers=(), expires_in=timedelta(days=9))
    assert rests_on(policy(), same, {"model": "a"}) == before
    for other in (replace(own, risk=0.05), replace(own, floor=0.1), replace(own, audit=0.2)):
        assert rests_on(policy(), other, {"model": "a"}) != before
    assert rests_on(policy(), own, {"model": "b"}) != before
    opened = load_policy(POLICY.replace("args.amount <= 50", "args.amount <= 80"))
    assert rests_on(opened, own, {"model": "a"}) != before
    closed = load_policy(f'{POLICY}\n[actions.cancel]\neffect = "write"\n')
    assert rests_on(closed, own, {"model": "a"}) == before, "an action that is always held is no part of the traffic"


@pytest.mark.parametrize(
    ("first", "last", "same"),
    [
        ("Hello, Ana!", "hello ana", True),
        ("Sent  on\nMonday.", "Sent on Monday", True),
        ("It costs 1.000 €", "It costs 1,000 €", False),
        ("It costs 10.50", "It costs 1050", False),
        ("It is 5 degrees", "It is -5 degrees", False),
        ("5% off", "5 off", False),
        ("$50", "50", False),
        ("I am well-known", "I am well known", False),
        ("See a.example", "See aexample", False),
        ("You can", "You cannot", False),
        ("the rapist", "therapist", False),
        ("Pay", "Pa\u200by", False),
    ],
)
def test_the_cosmetic_rule(first: str, last: str, same: bool) -> None:
    assert alike(Reply(text=first), Reply(text=last)) is same


def test_what_waits_to_run_on_its_own_is_looked_at_where_everybody_is() -> None:
    """A draw for an audit is not drawn again, but an audit of all takes in what came before it."""
    policy = load_policy(POLICY)
    decision = Decision(kind=DecisionKind.AUTOMATIC, by=SYSTEM, at=NOW, revision=1)
    sure = replace(a_proposal(), category="orders", confidence=0.95, state=State.APPROVED, decision=decision)
    setting = effective(policy.category("orders"), None)
    assert objection(policy, replace(setting, audit=0.999), sure) is None
    found = objection(policy, replace(setting, audit=1.0), sure)
    assert found is not None and found.ruling.reason == "A person looks at this one in orders."


def test_an_action_has_no_cosmetic_edits() -> None:
    assert not alike(Action(name="refund", args={"to": "Ana"}), Action(name="refund", args={"to": "ana"}))


@pytest.mark.parametrize(("first", "last"), [(True, 1), (False, 0), (2, 2.5), ("1", 1)])
def test_an_argument_of_another_type_is_another_one(first: Json, last: Json) -> None:
    """In Python alone, true would equal 1."""
    assert not alike(Action(name="refund", args={"to": first}), Action(name="refund", args={"to": last}))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (DecisionKind.APPROVED, False),
        (DecisionKind.REJECTED, True),
        (DecisionKind.ESCALATED, True),
        (DecisionKind.TAKEN_OVER, True),
        (DecisionKind.EXPIRED, None),
        (DecisionKind.WITHDRAWN, None),
        (DecisionKind.AUTOMATIC, None),
    ],
)
def test_each_decision_is_the_label_that_the_design_says(kind: DecisionKind, wrong: bool | None) -> None:
    decided = a_proposal(decision=Decision(kind=kind, by=MARIA, at=NOW, revision=1))
    assert is_wrong(decided, decided.content) is wrong


def test_a_failed_delivery_that_is_given_up_says_nothing_against_the_ai() -> None:
    rejected = Decision(kind=DecisionKind.REJECTED, by=MARIA, at=NOW, revision=1)
    failed = Execution(status="failed", error="no such mailbox")
    given_up = a_proposal(decision=rejected, execution=failed, state=State.CANCELLED)
    assert is_wrong(given_up, given_up.content) is False


def test_an_escalated_case_is_wrong_whatever_the_escalation_team_does() -> None:
    approved = Decision(kind=DecisionKind.APPROVED, by=MARIA, at=NOW, revision=1)
    escalated = a_proposal(decision=approved, escalated_by=MARIA)
    assert is_wrong(escalated, escalated.content) is True


def test_a_threshold_read_back_from_an_offer_is_the_same_bin_and_never_a_looser_one() -> None:
    for b in range(COUNT):
        assert loosest_bin(shown_threshold(b)) == b
        assert shown_threshold(b) >= THRESHOLDS[b]
    with pytest.raises(BadInput, match="strictest"):
        loosest_bin(0.9999)


def test_an_offer_that_is_not_ours_is_refused() -> None:
    good: dict[str, Json] = {"category": "orders", "threshold": 0.95, "regime": 1, "labels": "549"}
    none: dict[str, Json] = {}
    for args in (none, good | {"regime": "1"}, good | {"threshold": "0.9"}, good | {"category": 5}):
        with pytest.raises(BadInput):
            accepted_offer(Action(name=LOOSEN, args=args))
    with pytest.raises(BadInput):
        accepted_offer(Action(name="refund", args=good))
    check_edit(Action(name=LOOSEN, args=good), Action(name=LOOSEN, args=good | {"threshold": 0.97}))
    with pytest.raises(BadInput, match="loosest"):
        check_edit(Action(name=LOOSEN, args=good), Action(name=LOOSEN, args=good | {"threshold": 0.9}))
    with pytest.raises(BadInput, match="Only the threshold"):
        check_edit(Action(name=LOOSEN, args=good), Action(name=LOOSEN, args=good | {"labels": "9,000"}))


@pytest.mark.parametrize(("count", "said"), [(0, "0 labels"), (1, "1 label"), (2, "2 labels"), (1_000, "1,000 labels")])
def test_one_is_no_plural(count: int, said: str) -> None:
    assert plural(count, "label") == said
