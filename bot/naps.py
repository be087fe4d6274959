"""Waiting for an event, but not for ever."""

import asyncio
from datetime import timedelta


async def comes(event: asyncio.Event, within: timedelta) -> bool:
    """Whether the event comes in time; unlike `asyncio.wait_for` of 3.11, this never swallows a cancellation."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
