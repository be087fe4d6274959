"""Regimes as the store keeps them: load how a category stands, write it back, begin a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.monitor import Monitor
from bot.domain.monitor_event import Restarted
from bot.domain.policy import CategoryRule, Policy
from bot.domain.standing import Accepted, Standing, differences, plan_of, rests_on
from bot.domain.threshold import SettingChange, effective
from bot.ports import Reader, StoredRegime, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the AI's answers rest on besides the policy; a change of any part begins a new regime everywhere."""

    model: str = ""
    prompt: str = ""
    knowledge: str = ""

    def parts(self) -> dict[str, str]:
        """By the names that a fingerprint has."""
        return {"model": self.model, "prompt": self.prompt, "knowledge": self.knowledge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A regime that began: what changed, what it was before, and how many labels no longer count."""

    rule: CategoryRule
    restarted: Restarted | None
    changed: list[str] = field(default_factory=list)
    labels: int = 0


def standing_of(tx: Reader, policy: Policy, category: str) -> Standing:
    """How a category stands now."""
    rule = policy.category(category)
    stored = tx.regime(rule.name) if rule.known else None
    monitor = monitor_of(policy, rule, stored)
    number = stored.number if stored else 1
    return Standing(
        rule=rule,
        setting=effective(rule, latest_change(tx, category), monitor=monitor, regime=number),
        regime=monitor.regime.number if monitor else number,
        monitor=monitor,
        accepted=stored.accepted if stored else None,
        fingerprint=stored.fingerprint if stored else {},
    )


def monitor_of(policy: Policy, rule: CategoryRule, stored: StoredRegime | None) -> Monitor | None:
    """The monitor of a category that earns its threshold, as it was left."""
    plan = plan_of(policy, rule)
    if plan is None:
        return None
    if stored is None or stored.state is None:
        monitor = Monitor(plan)
        # A category that had a fixed threshold until now goes on counting where its regimes had come to.
        return _from_number(monitor, stored.number) if stored else monitor
    return Monitor(plan, stored.state)


def save(
    tx: Tx, standing: Standing, now: datetime, *, accepted: Accepted | None = None, reason: str | None = None
) -> None:
    """Write how a monitor stands, in the row of its regime; a certificate stays until another takes its place."""
    monitor = standing.monitor
    number = monitor.regime.number if monitor else standing.regime
    kept = standing.accepted if number == standing.regime else None
    tx.put_regime(
        StoredRegime(
            category=standing.rule.name,
            number=number,
            fingerprint=standing.fingerprint,
            state=monitor.state if monitor else None,
            accepted=accepted or kept,
            started_at=now,
            reason=reason,
        )
    )


def begin(tx: Tx, policy: Policy, rule: CategoryRule, ground: Mapping[str, str], now: datetime) -> Begun | None:
    """Begin a regime where what it rests on is new or has changed; None where nothing has."""
    wanted, stored = rests_on(policy, rule, ground), tx.regime(rule.name)
    if stored is not None and stored.fingerprint == wanted:
        return None
    standing = replace(standing_of(tx, policy, rule.name), fingerprint=wanted)
    if stored is None:
        save(tx, standing, now)
        return Begun(rule=rule, restarted=None)
    changed = differences(stored.fingerprint, wanted)
    reason = " and ".join(changed) + " changed"
    labels = sum(n for _, n, _ in tx.label_counts(rule.name, stored.number))
    if standing.monitor is None:
        save(tx, replace(standing, regime=stored.number + 1, accepted=None), now, reason=reason)
        return Begun(rule=rule, restarted=None, changed=changed, labels=labels)
    restarted = standing.monitor.restart(reason)
    save(tx, standing, now, reason=reason)
    return Begun(rule=rule, restarted=restarted, changed=changed, labels=labels)


def latest_change(tx: Reader, category: str) -> SettingChange | None:
    """The last change of a category's setting, whoever or whatever made it."""
    found = tx.setting_history(category, 1)
    return found[0] if found else None


def _from_number(monitor: Monitor, number: int) -> Monitor:
    return Monitor(monitor.plan, {**monitor.state, "number": number})
