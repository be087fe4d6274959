"""The use cases of thresholds: show them, change them by hand."""

from dataclasses import dataclass

from bot.domain.audit import Event
from bot.domain.authority import Person, check_admin
from bot.domain.errors import BadInput
from bot.domain.policy import CategoryRule, Mode, Policy, Setting, number
from bot.domain.threshold import SettingChange, effective
from bot.errands import Errands, Line
from bot.ports import Clock, Reader, Store, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One category as `/threshold` shows it."""

    rule: CategoryRule
    setting: Setting
    history: tuple[SettingChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an admin asks for: a mode or a threshold, with a reason."""

    category: str
    mode: Mode | None = None
    threshold: float | None = None
    reason: str | None = None


class Thresholds:
    """Reads and changes what applies to a category now."""

    def __init__(self, *, store: Store, policy: Policy, clock: Clock) -> None:
        self._store, self._policy, self._clock = store, policy, clock

    async def show(self) -> list[Shown]:
        """Every category of the policy, in its order."""

        def work(tx: Reader) -> list[Shown]:
            changes = tx.settings()
            return [
                Shown(rule=rule, setting=effective(rule, changes.get(name)))
                for name, rule in self._policy.categories.items()
            ]

        return await self._store.read(work)

    async def show_one(self, category: str) -> Shown:
        """One category with its last changes."""
        rule = self._known(category)

        def work(tx: Reader) -> Shown:
            history = tx.setting_history(category, 5)
            return Shown(rule=rule, setting=effective(rule, history[0] if history else None), history=tuple(history))

        return await self._store.read(work)

    async def change(self, wish: Wish, person: Person) -> tuple[Setting, Setting]:
        """Apply it at once, write it down with who, when and why, and tell the ops channel; (before, after)."""
        rule = self._known(wish.category)
        if wish.threshold is not None and not 0.0 <= wish.threshold <= 1.0:
            raise BadInput("A threshold is a number between 0 and 1, such as 0.92.")
        return await self._store.transact(lambda tx: self._change(tx, rule, wish, person))

    def _change(self, tx: Tx, rule: CategoryRule, wish: Wish, person: Person) -> tuple[Setting, Setting]:
        check_admin(self._policy, person)
        earlier = tx.settings().get(rule.name)
        change = SettingChange(
            category=rule.name,
            mode=wish.mode or (earlier.mode if earlier else None),
            threshold=wish.threshold if wish.threshold is not None else (earlier.threshold if earlier else None),
            by=person.actor,
            at=self._clock.now(),
            reason=wish.reason,
        )
        before, after = effective(rule, earlier), effective(rule, change)
        tx.change_setting(change)
        at = change.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        payload = {
            "category": rule.name,
            "mode": [before.mode.value, after.mode.value],
            "threshold": [before.threshold, after.threshold],
            "reason": wish.reason,
        }
        tx.audit(Event(kind="threshold.changed", at=at, actor=person.actor, proposal_id=None, payload=payload))  # type: ignore[arg-type]
        lines = [
            Line(label="By", user=person.actor.id),
            Line(label="Was", text=described(before)),
            Line(label="Is now", text=described(after)),
            Line(label="Why", text=wish.reason or "no reason given"),
        ]
        Errands(tx, self._policy, self._clock).notice(f"The threshold of {rule.name} was changed.", lines)
        return before, after

    def _known(self, category: str) -> CategoryRule:
        rule = self._policy.categories.get(category)
        if rule is None:
            names = ", ".join(self._policy.categories) or "none yet"
            raise BadInput(f"The policy has no category {category[:80]}; it has {names}.")
        return rule


def described(setting: Setting) -> str:
    """A setting in words."""
    threshold = "no threshold yet" if setting.threshold is None else f"threshold {number(setting.threshold)}"
    match setting.mode:
        case Mode.AUTONOMOUS:
            return f"autonomous, {threshold}"
        case Mode.SUGGEST:
            return f"suggest, a person approves every draft ({threshold})"
        case Mode.HOLD:
            return "hold, everything waits for a person"
        case Mode.ESCALATE:
            return "escalate, everything goes to the escalation team"
