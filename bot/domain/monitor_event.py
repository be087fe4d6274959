"""What a monitor has to tell: a look taken, a looser threshold to offer, a category held again."""

from dataclasses import dataclass

from bot.domain.certificate import Certificate


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Look `number`, at `sample` labels, spent `spent` of delta; the next is due at `next_look`."""

    number: int
    sample: int
    spent: float
    next_look: int
    certified: float | None


@dataclass(frozen=True, kw_only=True)
class MayLoosen:
    """The evidence supports a looser threshold: ask a person, then call `Monitor.loosen(bin, regime)`."""

    bin: int
    regime: int
    before: float | None
    certificate: Certificate


@dataclass(frozen=True, kw_only=True)
class Tightened:
    """Regime `regime` ended and all is held: `wrong` of the last `audits` audited labels were wrong.

    `evidence` says how many times better a worse risk explains them than the accepted `risk`.
    """

    regime: int
    before: float | None
    evidence: float
    audits: int
    wrong: int
    risk: float
    labels_needed: int


@dataclass(frozen=True, kw_only=True)
class Restarted:
    """A new regime: the category is held again until at least `labels_needed` labels."""

    regime: int
    reason: str
    before: float | None
    labels_needed: int


Event = Looked | MayLoosen | Tightened
