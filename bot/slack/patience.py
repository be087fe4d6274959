"""How long Slack waits: three seconds for each delivery, over everything that is asked of Slack on the way.

Identity, groups and the window share them, so that a click never counts after its answer came too late.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Final

BUDGET_SECONDS: Final = 2.5

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def begun() -> Iterator[None]:
    """A delivery of Slack's has arrived: whatever runs inside shares its time."""
    token = _until.set(asyncio.get_running_loop().time() + BUDGET_SECONDS)
    try:
        yield
    finally:
        _until.reset(token)


def arrived() -> float:
    """When the delivery that is being answered arrived, by the loop's clock; now where none is."""
    until = _until.get()
    return asyncio.get_running_loop().time() if until is None else until - BUDGET_SECONDS


def age() -> timedelta:
    """How long ago the delivery that is being answered arrived; nothing where none is."""
    return timedelta(seconds=asyncio.get_running_loop().time() - arrived())


def within(seconds: float) -> asyncio.Timeout:
    """TimeoutError after this many seconds, or sooner where the delivery's own time is over."""
    latest = asyncio.get_running_loop().time() + seconds
    until = _until.get()
    return asyncio.timeout_at(latest if until is None else min(latest, until))
