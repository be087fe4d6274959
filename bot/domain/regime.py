"""What a category remembers while its model, prompt, knowledge base and policy stay the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot.domain import bins, drift
from bot.domain.certificate import check_counts
from bot.domain.errors import BadInput
from bot.domain.estimate import Audits


def _zeros() -> list[int]:
    return [0] * (bins.COUNT + 1)


@dataclass(kw_only=True)
class Regime:
    """Counters and thresholds of one category in one regime; only `Monitor` changes it.

    `n` and `k` count the certification sample and its wrong labels in the 162 bins. Bins up to `bin` run on
    their own (-1: none does), unless `by_hand` holds a threshold that a person set; `certified` is the
    loosest bin that a look has passed. `look` is the number of the next look, due when the sample has
    `next_look` labels. `capitals` are the drift detector's, in nats; `recent` counts (audits, wrong) since
    they last were calm.
    """

    number: int = 1
    next_look: int
    look: int = 1
    bin: int = -1
    by_hand: float | None = None
    certified: int = -1
    n: list[int] = field(default_factory=_zeros)
    k: list[int] = field(default_factory=_zeros)
    capitals: list[float] = field(default_factory=drift.calm)
    recent: list[int] = field(default_factory=lambda: [0, 0])
    audits: Audits = field(default_factory=Audits)
    marked: int = 0

    @property
    def live(self) -> bool:
        """Whether anything may run on its own."""
        return self.bin >= 0 or self.by_hand is not None

    @property
    def threshold(self) -> float | None:
        """The confidence at or above which the category runs on its own; None while everything is held."""
        if self.by_hand is not None:
            return self.by_hand
        return bins.THRESHOLDS[self.bin] if self.bin >= 0 else None

    def to_json(self) -> dict[str, Any]:
        """A document of plain numbers and lists, from which `from_json` makes the same regime."""
        copies = {"n": [*self.n], "k": [*self.k], "capitals": [*self.capitals], "recent": [*self.recent]}
        return {**vars(self), **copies, "audits": {**vars(self.audits)}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The regime that `to_json` wrote; BadInput where the document cannot be one."""
        try:
            regime = cls(**{**document, "audits": Audits(**document["audits"])})
            regime._check()
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"the stored state of a monitor cannot be used: {error}") from None
        return regime

    def _check(self) -> None:
        self.n, self.k, self.recent = list(self.n), list(self.k), list(self.recent)
        self.capitals = [float(m) for m in self.capitals]
        check_counts(self.n, self.k)
        if len(self.capitals) != len(drift.calm()) or not all(map(math.isfinite, self.capitals)):
            raise ValueError(f"log-capitals {self.capitals}")
        if not (-1 <= self.bin < bins.COUNT and -1 <= self.certified < bins.COUNT):
            raise ValueError(f"bins {self.bin} and {self.certified}")
        if self.by_hand is not None:
            self.by_hand = bins.checked(self.by_hand)
