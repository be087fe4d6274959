"""What the team decided, and the one pure function that rules on a proposal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from bot.domain.canonical import Json
from bot.domain.condition import Condition
from bot.domain.decision import Ruling
from bot.domain.intake import DraftingRule, Intake, KnowledgeRule
from bot.domain.lifecycle import Verdict
from bot.domain.proposal import Action, Content, Reply


class Mode(StrEnum):
    """How much a category may do without a person."""

    SUGGEST = "suggest"
    AUTONOMOUS = "autonomous"
    HOLD = "hold"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where the cards, the escalations, the ops notices and the log of what ran on its own go (channel ids)."""

    review: str
    escalation: str
    ops: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """User ids (U…, W…) and user group ids (S…); an empty list means nobody."""

    approvers: tuple[str, ...]
    escalation: tuple[str, ...]
    admins: tuple[str, ...]
    self_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRule:
    """The team's word on one category, defaults already filled in.

    `threshold` is a confidence in [0, 1]; `risk` a share of wrong ones in (0, 1): with `risk`, the threshold is earned.
    """

    name: str
    mode: Mode
    threshold: float | None
    risk: float | None
    floor: float
    expires_in: timedelta
    channel: str
    escalation_channel: str
    approvers: tuple[str, ...]
    escalation_approvers: tuple[str, ...]
    connector: str
    audit: float
    undo_window: timedelta
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """The team's word on one action: reading is free, writing is held unless `free_when` holds."""

    name: str
    effect: Literal["read", "write"]
    connector: str | None = None
    idempotent: bool = False
    free_when: Condition | None = None
    escalate_when: Condition | None = None
    refuse_when: Condition | None = None
    approvals: int = 1
    approvers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRule:
    """How one connector reaches its receiver; `options` are the connector's own words."""

    name: str
    type: str
    idempotent: bool
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for each agent's token: proposals a minute, and cases that wait at the same time."""

    per_minute: int = 600
    pending: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy file, checked; `fallback` rules on categories that the file does not name."""

    channels: Channels
    people: People
    fallback: CategoryRule
    categories: Mapping[str, CategoryRule]
    actions: Mapping[str, ActionRule]
    connectors: Mapping[str, ConnectorRule]
    limits: Limits
    callback_hosts: frozenset[str]
    team: str | None
    confidence_level: float
    attempts: int
    holding_line: str | None
    digest: str
    intake: Intake = field(default_factory=Intake)
    knowledge: KnowledgeRule = field(default_factory=KnowledgeRule)
    drafting: DraftingRule = field(default_factory=DraftingRule)

    @property
    def frees(self) -> bool:
        """Whether it has a write that runs without a person where its `free_when` holds and the AI is sure enough."""
        return any(action.effect == "write" and action.free_when for action in self.actions.values())

    def category(self, name: str) -> CategoryRule:
        """The rule for a category, or the fallback for one that the file does not name."""
        return self.categories.get(name, self.fallback)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What applies to a category now: the file's word, or a later one by a slash command or a certificate."""

    mode: Mode
    threshold: float | None
    source: str
    audit: float = 0.0
    regime: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the policy looks at; `draw` is a uniform number in [0, 1) that decides on an audit.

    `concerns` are reasons to escalate, `holds` reasons why a person must look whatever the confidence.
    """

    category: str
    content: Content
    confidence: float | None
    in_scope: bool
    customer: Mapping[str, Json] = field(default_factory=dict)
    concerns: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    draw: float = 1.0


def rule(policy: Policy, facts: Facts, setting: Setting) -> Ruling:
    """The verdict on a new proposal, with the reason in one sentence."""
    category = policy.category(facts.category)
    action = policy.actions.get(facts.content.name) if isinstance(facts.content, Action) else None
    ruling = (
        (_forbidden(action, facts) if action else None)
        or (_reading(action) if action else None)
        or _uncertain(category, facts, setting)
        or _unknown(category, action, facts)
        or (_beyond_reviewers(action, facts) if action else None)
        or _held(facts, setting, action)
        or _by_confidence(facts, setting, action)
    )
    # However an action comes to people, it needs as many of them as the policy asks.
    return replace(ruling, approvals_needed=action.approvals if action else 1)


def bounds(policy: Policy, content: Content, *, category: str, customer: Mapping[str, Json]) -> Ruling | None:
    """What the policy says against this content whoever wrote it: REFUSE or ESCALATE; None where it says nothing."""
    action = policy.actions.get(content.name) if isinstance(content, Action) else None
    if action is None:
        return None
    facts = Facts(category=category, content=content, confidence=None, in_scope=True, customer=customer)
    return _forbidden(action, facts) or _beyond_reviewers(action, facts)


def number(value: float) -> str:
    """A confidence as people write it: 0.9, 0.925; cut rather than rounded up, so that it never reaches a threshold."""
    if value in (0.0, 1.0):
        return f"{value:.1f}"
    cut = math.floor(value * 10_000 + 1e-7) / 10_000
    return f"{cut:.4f}".rstrip("0").rstrip(".")


def _ruling(verdict: Verdict, rule_name: str, reason: str) -> Ruling:
    return Ruling(verdict=verdict, rule=rule_name, reason=reason)


def _forbidden(action: ActionRule, facts: Facts) -> Ruling | None:
    condition = action.refuse_when
    answer = _holds(condition, facts)
    if condition is None or answer is False:
        return None
    if answer is None:
        return _ruling(
            Verdict.ESCALATE,
            f"actions.{action.name}.refuse_when",
            _untold(action, condition, facts)
            or f"It cannot be told whether {action.name} is forbidden here ({condition.source}), so a person looks.",
        )
    return _ruling(
        Verdict.REFUSE,
        f"actions.{action.name}.refuse_when",
        f"The policy forbids {action.name} when {condition.source}.",
    )


def _reading(action: ActionRule) -> Ruling | None:
    if action.effect != "read":
        return None
    return _ruling(Verdict.AUTOMATE, f"actions.{action.name}.effect", f"{action.name} only reads, and reading is free.")


def _uncertain(category: CategoryRule, facts: Facts, setting: Setting) -> Ruling | None:
    name = f"categories.{facts.category}"
    if setting.mode is Mode.ESCALATE:
        return _ruling(Verdict.ESCALATE, f"{name}.mode", f"Everything in {facts.category} goes to the escalation team.")
    if facts.concerns:
        return _ruling(Verdict.ESCALATE, "uncertainty.concern", facts.concerns[0])
    if isinstance(facts.content, Reply) and not facts.content.text.strip():
        return _ruling(Verdict.ESCALATE, "uncertainty.empty", "The AI has no draft for this one.")
    if not facts.in_scope:
        return _ruling(Verdict.ESCALATE, "uncertainty.scope", "The AI says that this is outside what it can answer.")
    if facts.confidence is None or not 0 <= facts.confidence <= 1:
        return _ruling(Verdict.ESCALATE, "uncertainty.confidence", "The AI did not say how sure it is.")
    if facts.confidence < category.floor and not facts.holds:
        return _ruling(
            Verdict.ESCALATE,
            f"{name}.floor",
            f"The AI is only {number(facts.confidence)} sure, below the escalation floor of {number(category.floor)}.",
        )
    return None


def _unknown(category: CategoryRule, action: ActionRule | None, facts: Facts) -> Ruling | None:
    if isinstance(facts.content, Action) and action is None:
        return _ruling(Verdict.ASK, "unknown.action", f"The policy does not know the action {facts.content.name}.")
    if not category.known:
        return _ruling(Verdict.ASK, "unknown.category", f"The policy does not know the category {facts.category}.")
    return None


def _beyond_reviewers(action: ActionRule, facts: Facts) -> Ruling | None:
    condition = action.escalate_when
    if condition is None or _holds(condition, facts) is False:
        return None
    return _ruling(
        Verdict.ESCALATE,
        f"actions.{action.name}.escalate_when",
        _untold(action, condition, facts) or f"{action.name} goes to the escalation team when {condition.source}.",
    )


def _held(facts: Facts, setting: Setting, action: ActionRule | None) -> Ruling | None:
    name = f"categories.{facts.category}.mode"
    if facts.holds:
        return _ruling(Verdict.ASK, "uncertainty.grounding", facts.holds[0])
    if setting.mode is Mode.HOLD:
        return _ruling(Verdict.ASK, name, f"Everything in {facts.category} is held for a person.")
    if action is None:
        if setting.mode is Mode.SUGGEST:
            return _ruling(Verdict.ASK, name, f"A person approves every draft in {facts.category}.")
        return None
    if action.free_when is None:
        return _ruling(
            Verdict.ASK, f"actions.{action.name}.effect", f"{action.name} changes something, so a person decides."
        )
    if _holds(action.free_when, facts) is not True:
        return _ruling(
            Verdict.ASK,
            f"actions.{action.name}.free_when",
            _untold(action, action.free_when, facts)
            or f"{action.name} runs on its own only when {action.free_when.source}.",
        )
    return None


def _by_confidence(facts: Facts, setting: Setting, action: ActionRule | None) -> Ruling:
    name = f"categories.{facts.category}.threshold"
    confidence, threshold = facts.confidence, setting.threshold
    if threshold is None or confidence is None:
        reason = f"{facts.category} has not yet earned a threshold, so a person approves."
        return Ruling(verdict=Verdict.ASK, rule=name, reason=reason, regime=setting.regime)
    if confidence < threshold:
        reason = f"The AI is {number(confidence)} sure; {facts.category} needs {number(threshold)} to run on its own."
        return Ruling(
            verdict=Verdict.ASK,
            rule=name,
            reason=reason,
            threshold=threshold,
            regime=setting.regime,
        )
    audited = facts.draw < setting.audit
    return Ruling(
        verdict=Verdict.ASK if audited else Verdict.AUTOMATE,
        rule=name,
        reason=_why(facts, threshold, action, audited=audited),
        threshold=threshold,
        audited=audited,
        audit_probability=setting.audit or None,
        regime=setting.regime,
    )


def _why(facts: Facts, threshold: float, action: ActionRule | None, *, audited: bool) -> str:
    sure = f"The AI is {number(facts.confidence or 0.0)} sure"
    if audited:
        return f"A person looks at this one in {facts.category}."
    if action and action.free_when:
        return f"{sure} of {number(threshold)} needed, and {action.name} is free when {action.free_when.source}."
    return f"{sure}; {facts.category} runs on its own from {number(threshold)}."


def _holds(condition: Condition | None, facts: Facts) -> bool | None:
    if condition is None or not isinstance(facts.content, Action):
        return False
    return condition.holds(args=facts.content.args, customer=facts.customer, category=facts.category)


def _untold(action: ActionRule, condition: Condition, facts: Facts) -> str | None:
    """Why a condition cannot be told, where that is known: the arguments are too large for it, or one is at fault."""
    args = facts.content.args if isinstance(facts.content, Action) else {}
    if condition.too_much(args=args, customer=facts.customer):
        return f"The arguments of {action.name} are too large to check {condition.source} in time, so a person decides."
    if _holds(condition, facts) is not None:
        return None
    why = condition.at_fault(args=args, customer=facts.customer, category=facts.category)
    return f"It cannot be told whether {condition.source}, since {why}, so a person decides." if why else None
