"""What nobody waits for: it runs beside the answer to Slack, in a time of its own, and ends with the bot."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context


class Aside:
    """The tasks that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Run it; what it raises is its own business."""
        # In a context of its own, for the delivery's three seconds are not its own.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cut what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
