"""A category's setting over time: what the file says, and what people and certificates made of it since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from bot.domain.bins import THRESHOLDS
from bot.domain.decision import Actor
from bot.domain.monitor import Monitor
from bot.domain.policy import CategoryRule, Mode, Setting

Source = Literal["hand", "certificate", "drift", "regime"]
FILE: Final = "the policy file"


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

    @property
    def resets(self) -> bool:
        """Whether somebody went back to what the policy file says."""
        return self.source == "hand" and self.mode is None and self.threshold is None


def effective(
    rule: CategoryRule, change: SettingChange | None, *, monitor: Monitor | None = None, regime: int | None = None
) -> Setting:
    """What applies now: the latest change where there is one, else the file.

    Where a category earns its threshold, its `monitor` says which one, and how many of those that may run are audited.
    """
    mode = rule.mode if change is None else change.mode or rule.mode
    source = FILE if change is None else source_in_words(change)
    if monitor is not None:
        # What no threshold of the grid reaches is never sent, however low a threshold a person sets.
        threshold = None if monitor.threshold is None else max(monitor.threshold, THRESHOLDS[-1])
        return Setting(
            mode=mode, threshold=threshold, source=source, audit=monitor.audit_probability, regime=monitor.regime.number
        )
    threshold = rule.threshold if change is None or change.threshold is None else change.threshold
    return Setting(mode=mode, threshold=threshold, source=source, audit=rule.audit, regime=regime)


def source_in_words(change: SettingChange) -> str:
    """Who or what set it, for people."""
    if change.resets:
        return FILE
    match change.source:
        case "hand":
            return change.by.name
        case "certificate":
            return f"a certificate that {change.by.name} accepted"
        case "drift":
            return "tightened on its own after audits"
        case "regime":
            return "a new regime"
