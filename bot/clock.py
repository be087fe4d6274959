"""The one real clock: UTC now, time-ordered ids, draws and salts. Tests hand in their own."""

import random
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `bot.ports.Clock` with the machine's own time and randomness."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)

    def new_id(self, prefix: str) -> str:
        """A fresh id whose text order is time order: prefix, 12 hex digits of milliseconds, 16 random ones."""
        return f"{prefix}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"

    def draw(self) -> float:
        """A uniform number in [0, 1) from the system's generator, which nobody can foresee."""
        return self._random.random()

    def salt(self) -> str:
        """128 random bits in hex."""
        return secrets.token_hex(16)
