"""Thresholds in words: a setting, who set it, the evidence behind it, and what a look at a chosen moment is worth."""

from typing import Final

from bot.domain.bins import THRESHOLDS
from bot.domain.certificate import Certificate, NotEnough
from bot.domain.offer import promise
from bot.domain.plural import plural
from bot.domain.policy import CategoryRule, Mode, Policy, Setting, number
from bot.domain.standing import Accepted, Standing
from bot.domain.threshold import FILE

NOT_EARNED: Final = "not earned yet"


def described(setting: Setting, *, frees: bool) -> str:
    """A setting in words; `frees` says whether the policy has a write that it frees."""
    threshold = "no threshold yet" if setting.threshold is None else f"threshold {number(setting.threshold)}"
    match setting.mode:
        case Mode.AUTONOMOUS:
            return f"autonomous, {threshold}"
        case Mode.SUGGEST if frees and setting.threshold is not None:
            return f"suggest, a person approves every draft, and freed writes run from {number(setting.threshold)}"
        case Mode.SUGGEST:
            return f"suggest, a person approves every draft ({threshold})"
        case Mode.HOLD:
            return f"hold, everything waits for a person ({threshold})"
        case Mode.ESCALATE:
            return f"escalate, everything goes to the escalation team ({threshold})"


def went_back_to(standing: Standing, after: Setting) -> str:
    """Behind a setting: what of it the policy file says, where somebody went back to it; empty behind any other."""
    if after.source != FILE:
        return ""
    if standing.monitor is None:
        return ", as the policy file says"
    earned = "is still to be earned" if after.threshold is None else "is the one that was earned"
    return f": the mode is the policy file's, and the threshold {earned}"


def evidence_of(accepted: Accepted) -> str:
    """The labels behind a certificate, in words."""
    return (
        f"{plural(accepted.sample, 'label')}; {accepted.wrong:,} wrong of the {accepted.covered:,} "
        f"at or above {number(accepted.threshold)}"
    )


def set_by(standing: Standing) -> str:
    """Who or what set the threshold."""
    monitor, accepted = standing.monitor, standing.accepted
    if monitor is None or monitor.regime.by_hand is not None:
        return standing.setting.source
    if monitor.threshold is None:
        return NOT_EARNED
    return f"certificate, {plural(accepted.sample, 'label')}, by {accepted.by}" if accepted else standing.setting.source


def newly_running(policy: Policy, rule: CategoryRule, before: Setting, after: Setting) -> str | None:
    """What runs on its own after a change that did not before, and from where on; None where nothing does."""
    replies = _looser(before, after, Mode.AUTONOMOUS)
    actions = policy.frees and _looser(before, after, Mode.AUTONOMOUS, Mode.SUGGEST)
    if after.threshold is None or not (replies or actions):
        return None
    who = "its replies" if replies and not actions else "its actions" if not replies else "its replies and actions"
    where = f"From {number(after.threshold)} on"
    if after.threshold < rule.floor:
        where = f"From its floor of {number(rule.floor)} on"
    return f"{where} {who} run on their own now{', an action where its free_when holds' if actions else ''}."


def _looser(before: Setting, after: Setting, *modes: Mode) -> bool:
    """Whether in these modes, which let something run, a change lets more of it run."""
    was = before.threshold if before.mode in modes else None
    now = after.threshold if after.mode in modes else None
    return now is not None and (was is None or now < was)


def stands_behind(standing: Standing, *, runs: bool) -> str:
    """What the evidence says to a threshold that somebody chose; `runs` where more runs on its own by that choice."""
    monitor = standing.monitor
    if monitor is None:
        mark = "⚠ " if runs else ""
        return f"{mark}It is a fixed threshold: no evidence stands behind it, and nothing takes it back when it errs."
    if monitor.supported:
        return f"The evidence supports it. {promise(monitor.plan.risk, monitor.plan.confidence)}"
    if monitor.regime.certified < 0:
        why = f"{standing.rule.name} has earned no threshold yet ({plural(monitor.sample, 'label')} so far)"
    else:
        why = f"it supports {number(THRESHOLDS[monitor.regime.certified])} at the loosest"
    return f"⚠ The evidence does not support it: {why}. Nobody promises how much of it is wrong; audits go on."


def unsampled(category: str, setting: Setting) -> str:
    """Why no labels come, where nothing is sampled, and what to do about it."""
    if setting.mode is Mode.AUTONOMOUS:
        why, remedy = "its threshold is fixed and nothing is audited", "Set audit in the policy, or the mode suggest"
    else:
        why, remedy = f"in the mode {setting.mode.value} the AI's confidence decides nothing", "Set the mode suggest"
    return f"Nothing is sampled here, so no labels come: {why}. {remedy}: /threshold {category} suggest."


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
        f"looks, the next of which comes at {plural(regime.next_look, 'label')}."
    )
