"""The online machine that chooses a category's threshold, audits it, and takes it back.

Only proposals that the hard rules leave to the threshold belong here: what a rule holds whatever its
confidence never runs on its own, so it is no part of the traffic that the promise speaks of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain import bins, drift
from bot.domain.certificate import issue, look
from bot.domain.errors import BadInput
from bot.domain.estimate import Estimate
from bot.domain.monitor_event import Event, Looked, MayLoosen, Restarted, Tightened
from bot.domain.plan import Plan
from bot.domain.regime import Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was decided about one proposal; kept with it until its label comes.

    `eligible`: confident enough to run on its own. `audited`: eligible, but held, drawn with `probability` (1
    for what was held anyway). `sampled`: its label enters the certification sample.
    """

    bin: int
    eligible: bool
    audited: bool
    probability: float
    sampled: bool
    regime: int

    @property
    def held(self) -> bool:
        """Whether a person decides."""
        return self.audited or not self.eligible


class Monitor:
    """One category: which proposals run on their own, and what each label changes. `state` is JSON-able."""

    def __init__(self, plan: Plan, state: Mapping[str, Any] | None = None) -> None:
        self.plan = plan
        self._detector = drift.Detector(plan.risk)
        self._regime = Regime.from_json(state) if state is not None else self._fresh(1)
        self._refresh()

    @property
    def state(self) -> dict[str, Any]:
        """All that the monitor remembers, to be stored for the category."""
        return self._regime.to_json()

    @property
    def regime(self) -> Regime:
        """The present regime, to read."""
        return self._regime

    @property
    def threshold(self) -> float | None:
        """The confidence at or above which proposals run on their own; None: all are held."""
        return self._regime.threshold

    @property
    def supported(self) -> bool:
        """Whether a look of this regime supports the threshold, however it came to be; False while there is none."""
        threshold, certified = self._regime.threshold, self._regime.certified
        return threshold is not None and certified >= 0 and threshold >= bins.THRESHOLDS[certified]

    @property
    def audit_probability(self) -> float:
        """The probability with which a proposal that may run on its own is audited now."""
        return self._audit_probability

    @property
    def sample(self) -> int:
        """The size of the certification sample, in labels."""
        return self._size

    def decide(self, confidence: float, draw: float) -> Choice:
        """What becomes of a proposal; `draw` is uniform on [0, 1), new for each and not to be foreseen.

        The one draw serves twice: below the audit probability e the eligible are audited, below the audit
        rate (which is never above e) any proposal is sampled. So each is sampled with the same probability,
        whatever its confidence, and whoever is sampled is seen by a person.
        """
        b = bins.bin_of(confidence)
        if isinstance(draw, bool) or not 0.0 <= draw < 1.0:
            raise BadInput(f"a draw lies in [0, 1), not {draw!r}")
        regime = self._regime
        eligible = b <= regime.bin if regime.by_hand is None else b < bins.NEVER and confidence >= regime.by_hand
        return Choice(
            bin=b,
            eligible=eligible,
            audited=eligible and draw < self._audit_probability,
            probability=self._audit_probability if eligible else 1.0,
            sampled=self._sample_all or draw < self.plan.audit_rate,
            regime=regime.number,
        )

    def learn(self, choice: Choice, wrong: bool) -> list[Event]:
        """Take in the one label of a conversation; a label from an earlier regime changes nothing.

        Right only if a person approved it unchanged. Expired and withdrawn proposals have no label. A reply
        that went out unaudited is only ever heard of when it was wrong: that is `mark_wrong`.
        """
        if not isinstance(wrong, bool):
            raise BadInput(f"a label is wrong or not, true or false, not {wrong!r}")
        if choice.regime != self._regime.number:
            return []
        if not choice.held:
            return self.mark_wrong(choice) if wrong else []
        if choice.eligible:
            self._regime.audits.add(wrong, choice.probability)
            alarm = self._suspect(wrong)
            if alarm:
                return alarm
        if choice.sampled:
            self._take(choice.bin, wrong)
        return self._look() if self._size >= self._regime.next_look else []

    def mark_wrong(self, choice: Choice, *, label: bool | None = None) -> list[Event]:
        """A reply that went out turned out wrong; `label` is the one its conversation had before, if any.

        It counts as one more wrong audited label where it was eligible. The certification sample only has its
        own label corrected: a reply that became known because it was wrong must not enter it.
        """
        if choice.regime != self._regime.number or label is True:
            return []
        if label is False and choice.sampled:
            self._regime.k[choice.bin] += 1
        if not choice.eligible:
            return []
        self._regime.marked += 1
        return self._suspect(True)

    def loosen(self, loosest: int, regime: int) -> None:
        """A person approved an offer: bins up to `loosest` run on their own.

        BadInput where no look of this regime supports it.
        """
        if regime != self._regime.number or not 0 <= loosest <= self._regime.certified:
            raise BadInput("the evidence no longer supports this threshold: a new regime began after the offer")
        self._regime.bin = max(self._regime.bin, loosest)
        self._regime.by_hand = None
        self._refresh()

    def set_by_hand(self, threshold: float) -> bool:
        """A person sets the threshold; the answer is whether a look of this regime supports it."""
        self._regime.by_hand = bins.checked(threshold)
        self._refresh()
        return self.supported

    def back_to_earned(self) -> None:
        """Where a person set the threshold, the one that was earned counts again, or none where none was."""
        self._regime.by_hand = None
        self._refresh()

    def hold(self) -> None:
        """Nothing runs on its own any more; the evidence stays."""
        self._regime.bin, self._regime.by_hand = -1, None
        self._refresh()

    def restart(self, reason: str) -> Restarted:
        """Forget everything: the model, prompt, knowledge base or policy of the category changed."""
        before = self.threshold
        self._clear()
        return Restarted(regime=self._regime.number, reason=reason, before=before, labels_needed=self.labels_needed())

    def labels_needed(self) -> int:
        """How many labels until a looser threshold can be offered at best: all right, and very confident."""
        regime = self._regime
        number, more = regime.look, max(0, regime.next_look - self._size)
        while not regime.live:
            n = [regime.n[0] + more, *regime.n[1:]]
            found = look(n, regime.k, risk=self.plan.risk, delta=self.plan.budget(number))
            if found is not None and self.plan.worth_going_live(n, regime.k, found[0]):
                break
            number, more = number + 1, self.plan.next_look(self._size + more) - self._size
        return more

    def present_error(self, confidence: float = 0.9) -> Estimate | None:
        """The error among what ran on its own in this regime, from the audited; None before any."""
        return self._regime.audits.estimate(confidence)

    def _take(self, b: int, wrong: bool) -> None:
        self._regime.n[b] += 1
        self._regime.k[b] += wrong
        self._size += 1

    def _look(self) -> list[Event]:
        regime, plan = self._regime, self.plan
        number, spent = regime.look, plan.budget(regime.look)
        found = look(regime.n, regime.k, risk=plan.risk, delta=spent)
        regime.look, regime.next_look = number + 1, plan.next_look(self._size)
        looked = Looked(
            number=number,
            sample=self._size,
            spent=spent,
            next_look=regime.next_look,
            certified=bins.THRESHOLDS[found[0]] if found else None,
        )
        if found is None or found[0] <= regime.bin:
            return [looked]
        if not (regime.live or self.plan.worth_going_live(regime.n, regime.k, found[0])):
            return [looked]
        regime.certified = max(regime.certified, found[0])
        certificate = issue(regime.n, regime.k, found, risk=plan.risk, confidence=plan.confidence)
        offer = MayLoosen(bin=found[0], regime=regime.number, before=self.threshold, certificate=certificate)
        return [looked, offer]

    def _suspect(self, wrong: bool) -> list[Event]:
        """One step of the drift detector; at the alarm everything is held and a new regime begins."""
        regime = self._regime
        regime.capitals = self._detector.step(regime.capitals, wrong)
        weight = drift.evidence(regime.capitals)
        regime.recent = [regime.recent[0] + 1, regime.recent[1] + wrong] if weight > 1.0 else [0, 0]
        if weight < drift.ALARM:
            self._refresh()
            return []
        before, (audits, wrongs) = regime.threshold, regime.recent
        self._clear()
        return [
            Tightened(
                regime=regime.number,
                before=before,
                evidence=weight,
                audits=audits,
                wrong=wrongs,
                risk=self.plan.risk,
                labels_needed=self.labels_needed(),
            )
        ]

    def _clear(self) -> None:
        self._regime = self._fresh(self._regime.number + 1)
        self._refresh()

    def _fresh(self, number: int) -> Regime:
        return Regime(number=number, next_look=self.plan.first_look)

    def _refresh(self) -> None:
        """Recompute what follows from the regime, so that a decision need not."""
        regime = self._regime
        suspicious = drift.evidence(regime.capitals) >= drift.SUSPICION
        self._audit_probability = 1.0 if suspicious else self.plan.audit_rate
        self._sample_all = not regime.live
        self._size = sum(regime.n)
