"""What applies to a category now, what watches it, and what each new proposal of it is to be remembered by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.bins import bin_of
from bot.domain.canonical import Json
from bot.domain.decision import Ruling
from bot.domain.monitor import Choice, Monitor
from bot.domain.plan import Plan
from bot.domain.policy import CategoryRule, Mode, Policy, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The certificate behind a threshold: who accepted it, on how many labels, `covered` of them at or above it."""

    threshold: float
    sample: int
    covered: int
    wrong: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A category's rule and present setting; `monitor` only where the threshold is earned.

    `fingerprint` names what the regime rests on (model, prompt, knowledge, policy); empty before it was written.
    """

    rule: CategoryRule
    setting: Setting
    regime: int
    monitor: Monitor | None = None
    accepted: Accepted | None = None
    fingerprint: Mapping[str, str]

    @property
    def samples(self) -> bool:
        """Whether people's decisions on new cases become labels: some of those left to the confidence are sampled."""
        setting = self.setting
        if setting.mode not in (Mode.SUGGEST, Mode.AUTONOMOUS):
            return False
        return (
            self.monitor is not None or setting.mode is Mode.SUGGEST or setting.threshold is None or setting.audit > 0
        )

    def ruled(self, ruling: Ruling, confidence: float | None, draw: float) -> Ruling:
        """The ruling with what its label will need; a case that a hard rule decided is no part of the traffic.

        Where the mode suggest holds what may run, everything is seen by a person: audited with probability 1.
        """
        if not self.rule.known or confidence is None or not self._left_to_confidence(ruling):
            return ruling
        choice = self.monitor.decide(confidence, draw) if self.monitor else self._fixed(confidence, draw)
        if choice.eligible and ruling.rule.endswith(".mode"):
            choice = replace(choice, audited=True, probability=1.0)
        return replace(ruling, choice=choice)

    def _left_to_confidence(self, ruling: Ruling) -> bool:
        name = f"categories.{self.rule.name}"
        return ruling.rule == f"{name}.threshold" or (
            ruling.rule == f"{name}.mode" and self.setting.mode is Mode.SUGGEST
        )

    def _fixed(self, confidence: float, draw: float) -> Choice:
        """The choice under a fixed threshold: its labels are a fair sample only where all is held, or audited."""
        threshold, audit = self.setting.threshold, self.setting.audit
        eligible = threshold is not None and confidence >= threshold
        return Choice(
            bin=bin_of(confidence),
            eligible=eligible,
            audited=eligible and draw < audit,
            probability=audit if eligible else 1.0,
            sampled=threshold is None or self.setting.mode is Mode.SUGGEST or draw < audit,
            regime=self.regime,
        )


def plan_of(policy: Policy, rule: CategoryRule) -> Plan | None:
    """What a category promises, where its threshold is earned."""
    if rule.risk is None or not rule.known:
        return None
    return Plan(risk=rule.risk, confidence=policy.confidence_level, audit_rate=rule.audit or Plan.audit_rate)


def rests_on(policy: Policy, rule: CategoryRule, ground: Mapping[str, str]) -> dict[str, str]:
    """The fingerprint of a category's regime: what, when it changes, makes earlier labels say nothing.

    Of the policy these are the promise, what is held below it, and the conditions that leave an action to its
    confidence. Who reviews, where, how long, and the mode say nothing about the AI's answers, and do not count.
    """
    actions: dict[str, Json] = {
        name: [c.source if c else None for c in (action.free_when, action.escalate_when, action.refuse_when)]
        for name, action in policy.actions.items()
        if action.effect == "write" and action.free_when is not None
    }
    promise = [rule.risk, policy.confidence_level, rule.audit] if rule.risk is not None else []
    return {**ground, "policy": repr((promise, rule.floor, sorted(actions.items())))}


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What changed between two fingerprints, in words for people."""
    return [_NAMES.get(name, f"the {name}") for name in after if before.get(name) != after[name]]


_NAMES = {
    "model": "the model",
    "prompt": "the prompt",
    "knowledge": "the knowledge base",
    "policy": "the category's policy",
}
