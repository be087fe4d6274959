"""What is measured of people: how long a case waited until somebody decided it.

Where decisions come faster than anybody can read, reviewers are tired, and approvals are worth little.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from bot.domain.proposal import Proposal

SECONDS: Final = (1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)


class Figures:
    """Counts since the start of the process; `registry` is what `/metrics` shows of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decided = Histogram(
            "sayso_decision_seconds",
            "Seconds from a proposal to a person's decision on it, by kind.",
            ["kind"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def decided(self, proposal: Proposal) -> None:
        """A person made the decision that stands; others, and the first of several approvals, are not counted."""
        decision = proposal.decision
        if decision and decision.by.kind == "person":
            seconds = max((decision.at - proposal.created_at).total_seconds(), 0.0)
            self._decided.labels(decision.kind.value).observe(seconds)
