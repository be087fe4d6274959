"""A category's setting over time: what the file says, and what people and certificates made of it since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.decision import Actor
from bot.domain.policy import CategoryRule, Mode, Setting

Source = Literal["hand", "certificate", "drift", "regime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One version of a category's setting: what it became, by whom, when and why.

    `mode` or `threshold` None leaves that part to the policy file. `version` 0 is one that is not written yet.
    """

    version: int = 0
    category: str
    mode: Mode | None
    threshold: float | None
    by: Actor
    at: datetime
    reason: str | None
    source: Source = "hand"


def effective(rule: CategoryRule, change: SettingChange | None, *, audit: float | None = None) -> Setting:
    """What applies now: the latest change where there is one, else the file; `audit` is the share to audit."""
    share = rule.audit if audit is None else audit
    if change is None:
        return Setting(mode=rule.mode, threshold=rule.threshold, source="the policy file", audit=share)
    return Setting(
        mode=change.mode or rule.mode,
        threshold=rule.threshold if change.threshold is None else change.threshold,
        source=source_in_words(change),
        audit=share,
    )


def source_in_words(change: SettingChange) -> str:
    """Who or what set it, for people."""
    match change.source:
        case "hand":
            return change.by.name
        case "certificate":
            return f"a certificate that {change.by.name} accepted"
        case "drift":
            return "tightened on its own after audits"
        case "regime":
            return "a new regime"
