"""The switch: stops every execution at once, until somebody turns it back."""

from bot.domain.authority import Person, check_admin
from bot.domain.errors import Conflict
from bot.domain.late import ago
from bot.domain.policy import Policy
from bot.errands import Errands, Line
from bot.moves import Moves, check_new
from bot.ports import Clock, Pause, Store, Tx


class Switch:
    """For admins only; every use is audited and announced."""

    def __init__(self, *, store: Store, policy: Policy, clock: Clock) -> None:
        self._store, self._policy, self._clock = store, policy, clock
        self._moves = Moves(policy, clock)

    async def pause(self, person: Person, reason: str | None, *, delivery: str | None = None) -> Pause:
        """Stop every execution at once, until `resume`; once for each `delivery`."""

        def work(tx: Tx) -> Pause:
            check_admin(self._policy, person)
            check_new(tx, delivery, self._clock.now())
            if earlier := tx.pause():
                when = ago(self._clock.now() - earlier.at)
                raise Conflict(f"Executions are paused already: {earlier.by.name} paused them {when}.")
            pause = Pause(by=person.actor, at=self._clock.now(), reason=reason)
            tx.set_pause(pause)
            self._moves.audit(tx, "executions.paused", person.actor, None, {"reason": reason})
            lines = [Line(label="By", user=person.actor.id), Line(label="Why", text=reason or "no reason given")]
            Errands(tx, self._policy, self._clock).notice(
                "Executions are paused: nothing more runs until /approvals resume.", lines, level="alarm"
            )
            return pause

        return await self._store.transact(work)

    async def resume(self, person: Person, *, delivery: str | None = None) -> None:
        """Let executions go on; once for each `delivery`."""

        def work(tx: Tx) -> None:
            check_admin(self._policy, person)
            check_new(tx, delivery, self._clock.now())
            if tx.pause() is None:
                raise Conflict("Executions are not paused.")
            tx.set_pause(None)
            self._moves.audit(tx, "executions.resumed", person.actor, None, {})
            lines = [Line(label="By", user=person.actor.id)]
            Errands(tx, self._policy, self._clock).notice("Executions go on.", lines)

        await self._store.transact(work)
