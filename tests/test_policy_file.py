"""The policy file: what it may say, how it is read, and what is said of it."""

import hashlib
import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import BadInput
from bot.domain.policy import Limits, Mode, Policy
from bot.policy_file import (
    PolicyProblems,
    describe,
    load_policy,
    problems_text,
    read_policy,
    warnings,
)
from bot.policy_file.connectors import OPTIONS

EXAMPLE = Path(__file__).parent.parent / "policy.toml"
LEAST = """\
[channels]
review = "C1"
escalation = "C2"
ops = "C3"
[people]
approvers = ["U1", "U2"]
admins = ["U1"]
"""


def category(addition: str) -> Any:
    return load_policy(f"{LEAST}{addition}").categories["refunds"]


# What a file may say


def test_the_least_policy_has_every_default() -> None:
    policy = load_policy(LEAST)
    assert policy.channels.log == "C3"
    assert policy.people.escalation == ("U1", "U2")
    assert policy.people.self_approval is False
    assert policy.limits == Limits(per_minute=600, pending=1000)
    assert policy.callback_hosts == frozenset()
    assert (policy.team, policy.holding_line) == (None, None)
    assert (policy.confidence_level, policy.attempts) == (0.9, 8)
    assert set(policy.connectors) == {"agent", "slack_thread"}
    rule = policy.category("never named")
    assert rule is policy.fallback
    assert not rule.known
    assert (rule.mode, rule.threshold, rule.risk, rule.floor, rule.audit) == (
        Mode.SUGGEST,
        0.9,
        None,
        0.3,
        0.0,
    )
    assert (rule.expires_in, rule.undo_window) == (timedelta(hours=24), timedelta(0))
    assert (rule.channel, rule.escalation_channel, rule.connector) == ("C1", "C2", "agent")


def test_a_category_takes_from_the_defaults_what_it_does_not_say() -> None:
    rule = category('[defaults]\nmode = "hold"\nfloor = 0.1\nexpires_in = "2d"\n[categories.refunds]\nthreshold = 0.5')
    assert (rule.mode, rule.threshold, rule.floor, rule.expires_in) == (
        Mode.HOLD,
        0.5,
        0.1,
        timedelta(days=2),
    )
    assert rule.approvers == ("U1", "U2")


def test_a_category_may_say_everything_itself() -> None:
    rule = category("""
[categories.refunds]
mode = "autonomous"
risk = 0.02
floor = 0
expires_in = "90s"
channel = "C9"
escalation_channel = "G9"
approvers = ["S1"]
escalation_approvers = ["W1"]
connector = "slack_thread"
audit = 1
undo_window = "30m"
""")
    assert (rule.threshold, rule.risk, rule.floor, rule.audit) == (None, 0.02, 0.0, 1.0)
    assert (rule.expires_in, rule.undo_window) == (timedelta(seconds=90), timedelta(minutes=30))
    assert (rule.channel, rule.escalation_channel) == ("C9", "G9")
    assert (rule.approvers, rule.escalation_approvers) == (("S1",), ("W1",))
    assert rule.connector == "slack_thread"


@pytest.mark.parametrize(
    ("defaults", "own", "threshold", "risk", "audit"),
    [
        ("", "", 0.9, None, 0.0),
        ("threshold = 0.8", "", 0.8, None, 0.0),
        ("risk = 0.02", "", None, 0.02, 0.05),
        ("risk = 0.02", "threshold = 0.7", 0.7, None, 0.0),
        ("threshold = 0.8", "risk = 0.01", None, 0.01, 0.05),
        ("audit = 0.2", "risk = 0.01", None, 0.01, 0.2),
        ("audit = 0.2", "threshold = 0.7", 0.7, None, 0.0),
        ("audit = 0.2", "threshold = 0.7\naudit = 0.1", 0.7, None, 0.1),
    ],
)
def test_a_threshold_is_fixed_or_earned_and_only_earned_ones_are_audited_unasked(
    defaults: str, own: str, threshold: float | None, risk: float | None, audit: float
) -> None:
    rule = category(f"[defaults]\n{defaults}\n[categories.refunds]\n{own}")
    assert (rule.threshold, rule.risk, rule.audit) == (threshold, risk, audit)


def test_an_empty_list_means_nobody_and_is_never_replaced_by_a_default() -> None:
    policy = load_policy(
        LEAST
        + "escalation = []\n[categories.refunds]\napprovers = []\n"
        + '[actions.a]\neffect = "write"\napprovers = []'
    )
    assert policy.people.escalation == ()
    assert policy.categories["refunds"].approvers == ()
    assert policy.actions["a"].approvers == ()


def test_a_category_that_the_file_does_not_name_is_never_autonomous() -> None:
    policy = load_policy(LEAST + '[defaults]\nmode = "autonomous"\nthreshold = 0.5\n[categories.refunds]')
    assert policy.categories["refunds"].mode is Mode.AUTONOMOUS
    assert policy.fallback.mode is Mode.SUGGEST


def test_connectors_are_named_by_type_and_name() -> None:
    policy = load_policy(
        LEAST
        + """
[connectors.payments]
type = "webhook"
url = "http://127.0.0.1:8000/hook"
secret_env = "SECRET"
idempotent = true
[connectors.support]
type = "email"
host = "smtp.example.com"
from = "help@example.com"
[connectors.main]
type = "zendesk"
url = "https://example.zendesk.com"
user_env = "ZUSER"
token_env = "ZTOKEN"
[connectors.slack_thread]
type = "slack_thread"
idempotent = true
[categories.refunds]
connector = "webhook:payments"
"""
    )
    webhook, email = policy.connectors["webhook:payments"], policy.connectors["email:support"]
    assert set(policy.connectors) == {
        "agent",
        "slack_thread",
        "webhook:payments",
        "email:support",
        "zendesk:main",
    }
    assert (webhook.idempotent, email.idempotent, policy.connectors["zendesk:main"].idempotent) == (
        True,
        False,
        False,
    )
    assert webhook.options == {"url": "http://127.0.0.1:8000/hook", "secret_env": "SECRET"}
    assert email.options["from"] == "help@example.com"
    assert policy.connectors["slack_thread"].idempotent
    assert policy.categories["refunds"].connector == "webhook:payments"


@pytest.mark.parametrize(
    ("said", "port", "starttls"),
    [
        ("", 587, True),
        ("tls = true", 465, False),
        ("starttls = false", 25, False),
        ("tls = true\nport = 2465", 2465, False),
        ("starttls = false\nport = 1025", 1025, False),
    ],
)
def test_the_mail_port_follows_the_encryption(said: str, port: int, starttls: bool) -> None:
    policy = load_policy(f'{LEAST}[connectors.m]\ntype = "email"\nhost = "h"\nfrom = "a@b.c"\n{said}')
    options = policy.connectors["email:m"].options
    assert (options["port"], options["starttls"]) == (port, starttls)


def test_the_digest_is_that_of_the_text() -> None:
    assert load_policy(LEAST).digest == hashlib.sha256(LEAST.encode()).hexdigest()
    assert load_policy(LEAST + "# a comment").digest != load_policy(LEAST).digest


def test_conditions_are_compiled() -> None:
    text = '[actions.refund]\neffect = "write"\n'
    text += 'free_when = " args.amount <= 50 "\nidempotent = true\napprovals = 2'
    action = load_policy(LEAST + text).actions["refund"]
    assert action.free_when is not None
    assert action.free_when.source == "args.amount <= 50"
    assert action.free_when.holds(args={"amount": 50}, customer={}, category="") is True
    assert action.free_when.holds(args={"amount": 51}, customer={}, category="") is False
    assert (action.idempotent, action.approvals, action.approvers) == (True, 2, None)


# The example


def test_the_example_loads_without_warnings() -> None:
    assert warnings(read_policy(EXAMPLE)) == []


def test_every_setting_of_the_example_can_be_switched_on() -> None:
    text = re.sub(r"(?m)^#(?=\S)", "", EXAMPLE.read_text())
    assert {rule.type for rule in load_policy(text).connectors.values()} == {"agent", *OPTIONS}


def test_the_example_shows_the_true_defaults() -> None:
    shown = load_policy(
        re.sub(
            r"(?m)^#(?=(confidence|floor|expires_in|connector = \"agent|attempts = 8|per_m|pend))",
            "",
            EXAMPLE.read_text(),
        )
    )
    assert replace(shown, digest="") == replace(read_policy(EXAMPLE), digest="")


# Files


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^There is no policy file at .*none\.toml; write one"):
        read_policy(tmp_path / "none.toml")


def test_a_folder_is_not_a_policy_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^The policy file .* cannot be read: Is a directory\.$"):
        read_policy(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(LEAST)
    path.chmod(0)
    with pytest.raises(BadInput, match="cannot be read: Permission denied"):
        read_policy(path)


def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(LEAST.encode("utf-16"))
    with pytest.raises(BadInput, match=r"is not UTF-8 \(byte 0\); save it as UTF-8\.$"):
        read_policy(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert read_policy(path).channels == load_policy(LEAST).channels


# What is said of a file


def test_problems_are_told_as_lines_that_an_editor_can_follow() -> None:
    with pytest.raises(PolicyProblems) as caught:
        load_policy('[people]\napprovers = []\nadmins = []\n[channels]\nreview = "x"\nops = "C1"')
    lines = problems_text(Path("policy.toml"), caught.value.problems).splitlines()
    assert lines[0] == "policy.toml:4: [channels] has no escalation, which it needs; add it."
    assert lines[1].startswith("policy.toml:5: channels.review must be a channel id")
    assert str(caught.value).startswith("The policy has 2 problems; the first: Line 4: [channels]")


def test_a_problem_without_a_line_is_told_without_one() -> None:
    with pytest.raises(PolicyProblems) as caught:
        load_policy("")
    assert problems_text("p", caught.value.problems).splitlines()[0] == (
        "p: [channels] has no review, which it needs; add it."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            LEAST.replace('approvers = ["U1", "U2"]', "approvers = []"),
            "Nobody can approve anything where a category has no own list: people.approvers is empty.",
        ),
        (
            LEAST.replace('admins = ["U1"]', "admins = []"),
            "Nobody can change a threshold or pause the bot from Slack: people.admins is empty.",
        ),
        (LEAST + "escalation = []", "Nobody can decide an escalated case: people.escalation is empty."),
        (
            LEAST + "[categories.refunds]\napprovers = []",
            "Nobody can approve refunds: its list of approvers is empty.",
        ),
        (
            LEAST + "[categories.refunds]\nescalation_approvers = []",
            "Nobody can decide an escalated case of refunds: its escalation list is empty.",
        ),
        (
            LEAST + '[categories.refunds]\nmode = "autonomous"\nthreshold = 0.3',
            (
                "No person will see a case of refunds that has a confidence: "
                "it runs on its own from its floor up, and nothing of it is audited."
            ),
        ),
    ],
)
def test_what_a_policy_means_and_may_not_mean_is_a_warning(text: str, sentence: str) -> None:
    assert sentence in warnings(load_policy(text))


def test_an_audited_category_is_seen_and_gets_no_warning() -> None:
    policy = load_policy(LEAST + '[categories.refunds]\nmode = "autonomous"\nthreshold = 0.3\naudit = 0.05')
    assert warnings(policy) == []


def _described() -> tuple[Policy, list[str]]:
    policy = load_policy(
        LEAST
        + """
escalation = ["U3", "S1", "S2"]
[categories.refunds]
mode = "autonomous"
risk = 0.02
[categories."order.status"]
mode = "autonomous"
threshold = 0.925
[actions.find]
effect = "read"
[actions.refund]
effect = "write"
approvals = 2
free_when = "args.amount <= 50"
"""
    )
    return policy, describe(policy).splitlines()


def test_a_description_tells_what_runs_on_its_own() -> None:
    _, lines = _described()
    assert lines[0].split("  ")[0] == "Category"
    assert re.split(r" {2,}", lines[1]) == [
        "refunds", "autonomous", "once earned: at most 2 % wrong, 5 % audited", "C1"
    ]  # fmt: skip
    assert re.split(r" {2,}", lines[2]) == ["order.status", "autonomous", "from 0.925", "C1"]
    assert re.split(r" {2,}", lines[3]) == ["(any other)", "suggest", "never", "C1"]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ('effect = "write"\nfree_when = "args.amount <= 50"', ("freed writes from 0.8", "never", "never", "never")),
        ('effect = "write"', ("never", "never", "never", "never")),
        ('effect = "read"', ("never", "never", "never", "never")),
    ],
)
def test_a_description_says_where_the_mode_suggest_lets_freed_writes_run(action: str, said: tuple[str, ...]) -> None:
    policy = load_policy(
        f"""{LEAST}
[categories.refunds]
mode = "suggest"
threshold = 0.8
[categories.earning]
mode = "suggest"
risk = 0.02
[categories.held]
mode = "hold"
[actions.refund]
{action}
"""
    )
    rows = [re.split(r" {2,}", line) for line in describe(policy).splitlines()[1:5]]
    assert [row[0] for row in rows] == ["refunds", "earning", "held", "(any other)"]
    assert tuple(row[2] for row in rows) == said


def test_a_description_tells_what_each_action_needs_and_counts_the_people() -> None:
    _, lines = _described()
    assert any(re.split(r" {2,}", line) == ["find", "read", "free"] for line in lines)
    held = "free when args.amount <= 50; otherwise held for 2 approvals"
    assert any(re.split(r" {2,}", line) == ["refund", "write", held] for line in lines)
    assert lines[-1] == (
        "People: 2 people may approve, 1 person and 2 groups may decide escalations, "
        "1 person may administer; they may not decide a case of their own."
    )


def test_a_description_says_how_each_connector_is_kept_from_doing_it_twice() -> None:
    _, lines = _described()
    rows = [re.split(r" {2,}", line) for line in lines]
    assert ["slack_thread", "is looked for in its thread before it is tried again"] in rows
