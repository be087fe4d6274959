"""Thresholds in words: a setting, who set it, the evidence behind it, and what a look at a chosen moment is worth."""

from bot.domain.certificate import Certificate, NotEnough
from bot.domain.policy import Mode, Setting, number
from bot.domain.standing import Accepted, Standing


def described(setting: Setting) -> str:
    """A setting in words."""
    threshold = "no threshold yet" if setting.threshold is None else f"threshold {number(setting.threshold)}"
    match setting.mode:
        case Mode.AUTONOMOUS:
            return f"autonomous, {threshold}"
        case Mode.SUGGEST:
            return f"suggest, a person approves every draft ({threshold})"
        case Mode.HOLD:
            return f"hold, everything waits for a person ({threshold})"
        case Mode.ESCALATE:
            return f"escalate, everything goes to the escalation team ({threshold})"


def evidence_of(accepted: Accepted) -> str:
    """The labels behind a certificate, in words."""
    return (
        f"{labels(accepted.sample)}; {accepted.wrong:,} wrong of the {accepted.covered:,} "
        f"at or above {number(accepted.threshold)}"
    )


def set_by(standing: Standing) -> str:
    """Who or what set the threshold."""
    monitor, accepted = standing.monitor, standing.accepted
    if monitor is None or monitor.regime.by_hand is not None:
        return standing.setting.source
    if monitor.threshold is None:
        return "not earned yet"
    return f"certificate, {labels(accepted.sample)}, by {accepted.by}" if accepted else standing.setting.source


def labels(count: int) -> str:
    """A number of labels."""
    return f"{count:,} label{'' if count == 1 else 's'}"


def caution(standing: Standing, found: Certificate | NotEnough) -> str:
    """What such a look is worth: the guarantee belongs to looks whose moment nobody chose."""
    monitor = standing.monitor
    if monitor is None:
        return (
            "This is a what-if, at a moment that you chose: a threshold that you apply is fixed, and nothing takes "
            "it back when it errs. With a risk in the policy the category earns its threshold with a guarantee."
        )
    regime = monitor.regime
    if isinstance(found, Certificate) and found.risk == monitor.plan.risk and found.bin <= regime.certified:
        return "A scheduled look supports it as well."
    return (
        "This is a what-if, at a moment that you chose, and not a certificate: the guarantee belongs to the scheduled "
        f"looks, the next of which comes at {labels(regime.next_look)}."
    )
