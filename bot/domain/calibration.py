"""Autonomy with a guarantee: thresholds that a category's own decisions support, and their watch.

`certify` looks once at a set of labels; `Monitor` does so as labels arrive, audits what runs on its own, and
takes autonomy back when it drifts. Neither knows a clock, a random number or a database: draws are arguments.
The promise: among the proposals of a category that run on their own, at most `risk` are wrong, with
probability `confidence`.
"""

from bot.domain.bins import THRESHOLDS, bin_of
from bot.domain.certificate import (
    Certificate,
    NotEnough,
    certify,
    certify_counts,
    count,
)
from bot.domain.estimate import Estimate, present_error
from bot.domain.monitor import Choice, Monitor
from bot.domain.monitor_event import Event, Looked, MayLoosen, Restarted, Tightened
from bot.domain.plan import Plan

__all__ = [
    "THRESHOLDS",
    "Certificate",
    "Choice",
    "Estimate",
    "Event",
    "Looked",
    "MayLoosen",
    "Monitor",
    "NotEnough",
    "Plan",
    "Restarted",
    "Tightened",
    "bin_of",
    "certify",
    "certify_counts",
    "count",
    "present_error",
]
