"""What the stored labels and counts say of a category: for tables, offers, what-ifs and charts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, repeat
from typing import Final

from bot.domain.bins import COUNT
from bot.domain.estimate import Estimate, present_error
from bot.domain.lifecycle import Verdict
from bot.domain.offer import WhatIf
from bot.domain.policy import Policy
from bot.domain.proposal import Action, Proposal
from bot.ports import AuditCount, DayCount, Reader

LAST_WEEKS: Final = 4
CHART_WEEKS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week of a category: what ran on its own, what was held, and the error among the audited."""

    monday: date
    automated: int
    held: int
    error: Estimate | None


def counters(tx: Reader, category: str, regime: int) -> tuple[list[int], list[int]]:
    """The certification sample of a regime: labels, and wrong ones, in each of the 162 bins."""
    n, k = [0] * (COUNT + 1), [0] * (COUNT + 1)
    for b, labels, wrong in tx.label_counts(category, regime):
        n[b], k[b] = labels, wrong
    return n, k


def what_if(tx: Reader, category: str, regime: int, bin_: int, now: datetime) -> WhatIf:
    """What a threshold would have done to the sampled cases of the last weeks."""
    rows = tx.label_counts(category, regime, since=_since(now))
    ran = [(labels, wrong) for b, labels, wrong in rows if b <= bin_]
    return WhatIf(
        weeks=LAST_WEEKS,
        cases=sum(labels for _, labels, _ in rows),
        ran=sum(labels for labels, _ in ran),
        wrong=sum(wrong for _, wrong in ran),
    )


def error_now(tx: Reader, category: str, regime: int) -> Estimate | None:
    """The error among what runs on its own in a regime, from the audited; None before any."""
    return _error(tx.audit_counts(category, regime=regime))


def counts_as_case(policy: Policy, proposal: Proposal) -> bool:
    """Whether it is one of the cases of which a share runs on its own: a reply, or an action that changes something.

    A rule may have held it as well as the threshold. Reading is free, and what the policy refuses nobody decides.
    """
    action = policy.actions.get(proposal.content.name) if isinstance(proposal.content, Action) else None
    reads = action is not None and action.effect == "read"
    known = policy.category(proposal.category).known
    return known and not reads and proposal.ruling.verdict is not Verdict.REFUSE


def shares(tx: Reader, now: datetime) -> dict[str, float]:
    """The share of each category's cases that ran on their own in the last weeks, where there were any."""
    sums: dict[str, tuple[int, int]] = {}
    for row in tx.days(_since(now)):
        automated, total = sums.get(row.category, (0, 0))
        sums[row.category] = automated + row.automated, total + row.automated + row.held
    return {category: automated / total for category, (automated, total) in sums.items() if total}


def marked(tx: Reader, category: str, now: datetime) -> int:
    """In how many conversations of the last weeks somebody marked as wrong what had run on its own.

    It is no part of the estimated error: only what is wrong is ever marked, so marks are no fair sample.
    """
    return tx.marked_since(category, _since(now))


def weeks(tx: Reader, category: str, now: datetime, count: int = CHART_WEEKS) -> list[Week]:
    """The last weeks of a category, the oldest first, the present one last."""
    this = now.date() - timedelta(days=now.weekday())
    mondays = [this - timedelta(weeks=back) for back in reversed(range(count))]
    since = mondays[0].isoformat()
    days, audits = tx.days(since, category), tx.audit_counts(category, since=since)
    return [_week(monday, days, audits) for monday in mondays]


def _since(now: datetime) -> str:
    return (now - timedelta(weeks=LAST_WEEKS)).strftime("%Y-%m-%d")


def _week(monday: date, days: Iterable[DayCount], audits: Iterable[AuditCount]) -> Week:
    first, behind = monday.isoformat(), (monday + timedelta(weeks=1)).isoformat()
    own = [day for day in days if first <= day.day < behind]
    return Week(
        monday=monday,
        automated=sum(day.automated for day in own),
        held=sum(day.held for day in own),
        error=_error([audit for audit in audits if first <= audit.day < behind]),
    )


def _error(audits: Iterable[AuditCount]) -> Estimate | None:
    alike = (repeat((audit.wrong, audit.probability), audit.count) for audit in audits)
    return present_error(chain.from_iterable(alike))
