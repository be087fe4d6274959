"""Lines in the ops channel about tickets: one for each kind in a while, however often it happens."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bot.domain.policy import Policy
from bot.errands import Errands, Line
from bot.ports import Clock, Store

QUIET_SECONDS: Final = 600.0
log = structlog.get_logger(__name__)


class Bell:
    """What was held back is counted, and the next line says how much that was."""

    def __init__(
        self, *, store: Store, policy: Policy, clock: Clock, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._policy, self._clock, self._now = store, policy, clock, now
        self._rung: dict[str, tuple[float, int]] = {}

    async def ring(self, kind: str, title: str, lines: Sequence[Line] = (), *, level: str = "info") -> bool:
        """Say it in the ops channel unless this kind was said a short while ago; whether it was said."""
        log.warning("intake", kind=kind, title=title)
        last, held_back = self._rung.get(kind, (-QUIET_SECONDS, 0))
        now = self._now()
        if now - last < QUIET_SECONDS:
            self._rung[kind] = (last, held_back + 1)
            return False
        self._rung[kind] = (now, 0)
        more = [Line(label="Since the last such line", text=f"{held_back} more of these")] if held_back else []
        await self._store.transact(
            lambda tx: Errands(tx, self._policy, self._clock).notice(title, [*lines, *more], level=level)
        )
        return True
