"""Autonomy's part of a transaction: regimes, labels, days, and what is still to be learned."""

from collections.abc import Callable
from typing import Any

from bot.domain.label import Label
from bot.ports import AuditCount, DayCount, StoredRegime
from storage import rows
from storage.rows import Row


class Autonomy:
    """What `storage.store.Session` can do with the evidence behind a threshold."""

    _run: Callable[[str, dict[str, Any]], list[Row]]
    _one: Callable[..., Row | None]

    def regime(self, category: str) -> StoredRegime | None:
        """The present regime of a category, or None before its first."""
        row = self._one("regime", category=category)
        return rows.regime_of(row) if row else None

    def put_regime(self, regime: StoredRegime) -> None:
        """Begin a regime, or write how it stands."""
        self._run("put_regime", rows.regime_row(regime))

    def label(self, category: str, regime: int, conversation_id: str) -> Label | None:
        """The label that a conversation has in a regime, if it has one; one that a decision gave goes first."""
        row = self._one("label", category=category, regime=regime, conversation_id=conversation_id)
        return rows.label_of(row) if row else None

    def add_label(self, label: Label) -> None:
        """Keep a label, unless its conversation has one already."""
        self._run("add_label", rows.label_row(label))

    def correct_label(self, proposal_id: str) -> None:
        """What was thought right turned out wrong."""
        self._run("correct_label", {"proposal_id": proposal_id})

    def label_counts(
        self, category: str, regime: int, *, sampled: bool = True, since: str = ""
    ) -> list[tuple[int, int, int]]:
        """(bin, labels, wrong ones) of a regime, in or out of the certification sample, from `since` on."""
        about: dict[str, Any] = {"category": category, "regime": regime, "sampled": int(sampled)}
        found = self._run("label_counts_since", about | {"since": since}) if since else self._run("label_counts", about)
        return [(row["bin"], row["n"], row["k"]) for row in found]

    def wrong_labels(self, category: str, regime: int, limit: int = 3) -> list[str]:
        """The latest proposals that an audit or a mark found wrong."""
        found = self._run("wrong_labels", {"category": category, "regime": regime, "limit": limit})
        return [row["proposal_id"] for row in found]

    def audit_counts(self, category: str, *, since: str = "", regime: int | None = None) -> list[AuditCount]:
        """The audited labels since a day, the like ones together."""
        found = self._run("audit_counts", {"category": category, "since": since, "regime": regime})
        return [
            AuditCount(day=row["day"], wrong=bool(row["wrong"]), probability=row["probability"], count=row["n"])
            for row in found
        ]

    def marked_since(self, category: str, since: str) -> int:
        """The conversations of a category in which something that ran on its own was marked as wrong since a day."""
        return int(self._run("marked_since", {"category": category, "since": since})[0]["n"])

    def add_lesson(self, proposal_id: str) -> None:
        """Remember that a proposal was decided and not yet learned from."""
        self._run("add_lesson", {"proposal_id": proposal_id})

    def lessons(self, limit: int = 200) -> list[str]:
        """Decided proposals that nobody has learned from, the oldest first."""
        return [row["proposal_id"] for row in self._run("lessons", {"limit": limit})]

    def lesson_learned(self, proposal_id: str) -> None:
        """Nothing more is to be learned from it, as it stands."""
        self._run("lesson_learned", {"proposal_id": proposal_id})

    def count_day(self, category: str, day: str, *, automated: bool) -> None:
        """One more proposal of that day, which runs on its own or is held."""
        counts = {"automated": int(automated), "held": int(not automated)}
        self._run("count_day", {"category": category, "day": day, **counts})

    def count_as_held(self, category: str, day: str) -> None:
        """One proposal of that day that was to run on its own is held after all."""
        self._run("count_as_held", {"category": category, "day": day})

    def days(self, since: str, category: str | None = None) -> list[DayCount]:
        """The counts of each day from `since` on, by category and day."""
        found = self._run("days", {"since": since, "category": category})
        return [DayCount(**{name: row[name] for name in ("category", "day", "automated", "held")}) for row in found]

    def decided(self, after: str, limit: int = 500) -> list[str]:
        """Ids of proposals that people decided, in order, behind `after`."""
        return [row["proposal_id"] for row in self._run("decided", {"after": after, "limit": limit})]
