"""The use cases of thresholds: show them, change them by hand, look at a chosen moment, apply what was approved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.audit import Event
from bot.domain.authority import Person, check_admin
from bot.domain.bins import THRESHOLDS
from bot.domain.canonical import Json
from bot.domain.certificate import Certificate, NotEnough, certify_counts
from bot.domain.decision import SYSTEM, Actor
from bot.domain.errors import BadInput, Conflict
from bot.domain.estimate import Estimate
from bot.domain.moment import text_of_time
from bot.domain.near import did_you_mean
from bot.domain.offer import WhatIf, accepted_offer, promise
from bot.domain.policy import CategoryRule, Mode, Policy, Setting, number
from bot.domain.proposal import Proposal
from bot.domain.standing import Accepted, Standing
from bot.domain.threshold import SettingChange, effective
from bot.errands import Errands, Line
from bot.evidence import Week, counters, error_now, marked, shares, weeks, what_if
from bot.moves import check_new
from bot.ports import Clock, Reader, Store, Tx
from bot.regimes import latest_change, save, standing_of
from bot.threshold_words import caution, described, evidence_of, newly_running, set_by, stands_behind, went_back_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One category as `/threshold` shows it.

    `frees` says whether the policy frees any write, which in the mode suggest the threshold lets run. `share` of its
    cases ran on their own in the last weeks, and in `marked` conversations that was marked as wrong;
    `samples` says whether new labels come, and `needed` how many more of them it takes at best until a looser threshold
    can be offered, None where none is.
    """

    rule: CategoryRule
    setting: Setting
    frees: bool
    set_by: str
    share: float | None
    error: Estimate | None
    marked: int
    labels: int
    samples: bool
    needed: int | None
    history: tuple[SettingChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an admin asks for: a mode, a threshold, or with `reset` those of the policy file, with a reason.

    `basis` is what a what-if rested on when it was shown; where that changed since, applying it is refused.
    """

    category: str
    mode: Mode | None = None
    threshold: float | None = None
    reset: bool = False
    reason: str | None = None
    basis: "Basis | None" = None


@dataclass(frozen=True, slots=True)
class Basis:
    """Which evidence a look rests on: the regime, and the version of the setting that applied (0 for the file's)."""

    regime: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change by hand: how it was and is, what runs by it, what the evidence says, whether an offer was taken back.

    `back_to` says what a reset went back to, and is empty for any other change. `frees` says whether the policy frees
    any write, which matters to how both are described.
    """

    category: str
    before: Setting
    after: Setting
    back_to: str
    runs: str | None
    evidence: str | None
    retracted: bool
    frees: bool
    reason: str | None

    def sentence(self) -> str:
        """For whoever changed it."""
        after, before = (described(setting, frees=self.frees) for setting in (self.after, self.before))
        said = [f"{self.category} is now {after}{self.back_to}. It was {before}."]
        if self.after.mode is not Mode.AUTONOMOUS and self.after.threshold not in (None, self.before.threshold):
            # In suggest an action that the policy frees runs from the threshold on already.
            what = "For its replies the threshold" if self.after.mode is Mode.SUGGEST else "The threshold"
            said.append(f"{what} counts once {self.category} is autonomous: /threshold {self.category} autonomous.")
        said += [text for text in (self.runs, self.evidence) if text]
        said += ["The offer that waited for an answer was taken back."] if self.retracted else []
        said += ["The ops channel was told."]
        if self.runs and not self.reason:
            said += [f"No reason was given; next time add one: /threshold {self.category} 0.92 because …"]
        return " ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A look at a moment that somebody chose; `certificate` where the stored labels would support a threshold."""

    rule: CategoryRule
    setting: Setting
    found: Certificate | NotEnough
    samples: bool
    what_if: WhatIf | None
    caution: str
    frees: bool
    basis: Basis


class Thresholds:
    """Reads and changes what applies to a category now.

    `retract(tx, category, reason)` takes back an offer that still waits, and says whether there was one.
    """

    def __init__(self, *, store: Store, policy: Policy, clock: Clock, retract: Callable[[Tx, str, str], bool]) -> None:
        self._store, self._policy, self._clock, self._retract = store, policy, clock, retract

    async def show(self) -> list[Shown]:
        """Every category of the policy, in its order."""

        def work(tx: Reader) -> list[Shown]:
            ran = shares(tx, self._clock.now())
            return [self._shown(tx, name, ran.get(name)) for name in self._policy.categories]

        return await self._store.read(work)

    async def show_one(self, category: str) -> Shown:
        """One category with its last changes."""
        rule = self._known(category)

        def work(tx: Reader) -> Shown:
            ran = shares(tx, self._clock.now())
            return self._shown(tx, rule.name, ran.get(rule.name), tuple(tx.setting_history(category, 5)))

        return await self._store.read(work)

    def _shown(self, tx: Reader, category: str, share: float | None, history: tuple[SettingChange, ...] = ()) -> Shown:
        standing = standing_of(tx, self._policy, category)
        monitor = standing.monitor
        labels = monitor.sample if monitor else sum(counters(tx, category, standing.regime)[0])
        return Shown(
            rule=standing.rule,
            setting=standing.setting,
            frees=self._policy.frees,
            set_by=set_by(standing),
            share=share,
            error=error_now(tx, category, standing.regime),
            marked=marked(tx, category, self._clock.now()),
            labels=labels,
            samples=standing.samples,
            needed=monitor.labels_needed() if monitor and standing.samples else None,
            history=history,
        )

    async def picture(self, category: str, *, user: str) -> None:
        """Have the category's last weeks drawn for whoever asked; the drawing happens later, elsewhere."""
        rule = self._known(category)
        await self._store.transact(lambda tx: Errands(tx, self._policy, self._clock).chart(rule.name, user=user))

    async def weeks(self, category: str) -> tuple[CategoryRule, list[Week]]:
        """What such a drawing shows."""
        rule = self._known(category)
        return rule, await self._store.read(lambda tx: weeks(tx, category, self._clock.now()))

    async def change(self, wish: Wish, person: Person, *, delivery: str | None = None) -> Changed:
        """Apply it at once and once for each `delivery`, write down who, when and why, and tell the ops channel."""
        rule = self._known(wish.category)
        if wish.threshold is not None and not 0.0 <= wish.threshold <= 1.0:
            raise BadInput("A threshold is a number between 0 and 1, such as 0.92.")

        def work(tx: Tx) -> Changed:
            check_admin(self._policy, person)
            check_new(tx, delivery, self._clock.now())
            return self._change(tx, rule, wish, person)

        return await self._store.transact(work)

    def _change(self, tx: Tx, rule: CategoryRule, wish: Wish, person: Person) -> Changed:
        standing = standing_of(tx, self._policy, rule.name)
        if wish.basis is not None and wish.basis != _basis(tx, standing):
            raise Conflict(f"What this rests on has changed since: ask again with /threshold {rule.name} tune 2%.")
        earlier = latest_change(tx, rule.name)
        if _stands_already(standing, wish, earlier):
            raise Conflict(f"{rule.name} is {self._described(standing.setting)} already, so nothing was changed.")
        kept = None if wish.reset else earlier
        change = SettingChange(
            category=rule.name,
            mode=wish.mode or (kept.mode if kept else None),
            threshold=wish.threshold if wish.threshold is not None else (kept.threshold if kept else None),
            by=person.actor,
            at=self._clock.now(),
            reason=wish.reason,
        )
        monitor = standing.monitor
        if monitor and (wish.reset or wish.threshold is not None):
            if wish.threshold is None:
                monitor.back_to_earned()
            else:
                monitor.set_by_hand(wish.threshold)
            save(tx, standing, self._clock.now())
        after = effective(rule, change, monitor=monitor, regime=standing.regime)
        runs = newly_running(self._policy, rule, standing.setting, after)
        chosen = runs or wish.threshold is not None
        evidence = stands_behind(standing, runs=runs is not None) if chosen else None
        tx.change_setting(change)
        payload: dict[str, Json] = {**_moves(standing.setting, after), "reason": wish.reason, "evidence": evidence}
        self._audit(tx, "threshold.changed", person.actor, rule, payload)
        reason = f"{person.actor.name} changed {rule.name} by hand after this was offered"
        retracted = self._retract(tx, rule.name, reason)
        lines = [
            Line(label="By", user=person.actor.id),
            Line(label="Was", text=self._described(standing.setting)),
            Line(label="Is now", text=self._described(after)),
            Line(label="Why", text=wish.reason or "no reason given"),
            *([Line(label="Runs", text=runs)] if runs else []),
            *([Line(label="Evidence", text=evidence)] if evidence else []),
        ]
        Errands(tx, self._policy, self._clock).notice(f"The threshold of {rule.name} was changed.", lines)
        return Changed(
            category=rule.name,
            before=standing.setting,
            after=after,
            back_to=went_back_to(standing, after),
            runs=runs,
            evidence=evidence,
            retracted=retracted,
            frees=self._policy.frees,
            reason=wish.reason,
        )

    async def tune(self, category: str, risk: float) -> Tuned:
        """What the labels stored so far would support now, at that risk; it changes nothing."""
        rule = self._known(category)

        def work(tx: Reader) -> Tuned:
            standing = standing_of(tx, self._policy, rule.name)
            n, k = counters(tx, rule.name, standing.regime)
            found = certify_counts(n, k, risk=risk, confidence=self._policy.confidence_level)
            weeks_ = None
            if isinstance(found, Certificate):
                weeks_ = what_if(tx, rule.name, standing.regime, found.bin, self._clock.now())
            return Tuned(
                rule=rule,
                setting=standing.setting,
                found=found,
                samples=standing.samples,
                what_if=weeks_,
                caution=caution(standing, found),
                frees=self._policy.frees,
                basis=_basis(tx, standing),
            )

        return await self._store.read(work)

    async def loosen(self, proposal: Proposal) -> None:
        """Apply an approved offer, once; BadInput where the evidence no longer supports it."""
        await self._store.transact(lambda tx: self._loosen(tx, proposal))

    def _loosen(self, tx: Tx, proposal: Proposal) -> None:
        offer = accepted_offer(proposal.content)
        standing = standing_of(tx, self._policy, self._known(offer.category).name)
        monitor = standing.monitor
        if monitor is None:
            raise BadInput(f"{offer.category} has a fixed threshold now, so there is nothing to earn.")
        if monitor.regime.number == offer.regime and monitor.regime.bin >= offer.bin and monitor.regime.by_hand is None:
            return  # an earlier attempt got this far
        latest = latest_change(tx, offer.category)
        if latest and latest.source == "hand" and latest.at > proposal.created_at:
            raise BadInput(
                f"{latest.by.name} changed {offer.category} by hand after this was offered, so it no longer stands."
            )
        monitor.loosen(offer.bin, offer.regime)
        by = proposal.decision.by if proposal.decision else SYSTEM
        n, k = monitor.regime.n, monitor.regime.k
        accepted = Accepted(
            threshold=THRESHOLDS[offer.bin],
            sample=monitor.sample,
            covered=sum(n[: offer.bin + 1]),
            wrong=sum(k[: offer.bin + 1]),
            by=by.name,
        )
        save(tx, standing, self._clock.now(), accepted=accepted)
        # Out of the mode suggest only where the offer said so: somebody may have changed the file since.
        switches = offer.switches and standing.setting.mode is Mode.SUGGEST
        mode = Mode.AUTONOMOUS if switches else latest.mode if latest else None
        self._apply(tx, standing, mode, accepted, by)
        self._went_live(tx, standing, monitor.plan.risk, accepted, by, proposal.id)

    def _apply(self, tx: Tx, standing: Standing, mode: Mode | None, accepted: Accepted, by: Actor) -> None:
        change = SettingChange(
            category=standing.rule.name,
            mode=mode,
            threshold=accepted.threshold,
            by=by,
            at=self._clock.now(),
            reason=evidence_of(accepted),
            source="certificate",
        )
        tx.change_setting(change)

    def _went_live(self, tx: Tx, then: Standing, risk: float, accepted: Accepted, by: Actor, offer_id: str) -> None:
        rule, before, evidence = then.rule, then.setting, evidence_of(accepted)
        now = standing_of(tx, self._policy, rule.name).setting
        live = before.threshold is None
        payload = {**_moves(before, now), "evidence": evidence, "offer": offer_id, "risk": risk}
        self._audit(tx, "threshold.live" if live else "threshold.loosened", by, rule, payload)
        lines = [
            Line(label="Approved by", user=by.id),
            Line(label="Was", text=self._described(before)),
            Line(label="Is now", text=self._described(now)),
            Line(label="Evidence", text=evidence),
            Line(label="Promise", text=promise(risk, self._policy.confidence_level)),
        ]
        what = "runs on its own" if now.mode is Mode.AUTONOMOUS else "may run on its own, once it is autonomous,"
        title = f"{rule.name} {what} from {number(accepted.threshold)} now."
        Errands(tx, self._policy, self._clock).notice(title, lines, level="good")

    def _described(self, setting: Setting) -> str:
        return described(setting, frees=self._policy.frees)

    def _audit(self, tx: Tx, kind: str, actor: Actor, rule: CategoryRule, payload: Mapping[str, Json]) -> None:
        at = text_of_time(self._clock.now())
        tx.audit(Event(kind=kind, at=at, actor=actor, proposal_id=None, payload={"category": rule.name, **payload}))

    def _known(self, category: str) -> CategoryRule:
        rule = self._policy.categories.get(category)
        if rule is None:
            names = self._policy.categories
            has = did_you_mean(category, names) or f"; it has {', '.join(names) or 'none yet'}."
            raise BadInput(f"The policy has no category {category[:80]}{has}")
        return rule


def _basis(tx: Reader, standing: Standing) -> Basis:
    latest = latest_change(tx, standing.rule.name)
    return Basis(standing.regime, latest.version if latest else 0)


def _stands_already(standing: Standing, wish: Wish, latest: SettingChange | None) -> bool:
    now, monitor = standing.setting, standing.monitor
    by_hand = monitor.regime.by_hand if monitor else None
    if wish.reset:
        set_here = by_hand if monitor else latest and latest.threshold
        return set_here is None and (latest is None or latest.mode is None)
    return wish.mode in (None, now.mode) and wish.threshold in (None, now.threshold, by_hand)


def _moves(before: Setting, after: Setting) -> dict[str, Json]:
    return {
        "mode": [before.mode.value, after.mode.value],
        "threshold": [before.threshold, after.threshold],
    }
