"""Who waits for what: tests wait for messages, open pages listen for events; nobody polls."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from bot.local_slack.model import Json

T = TypeVar("T")
Test = Callable[[Any], bool]


class Feed:
    """Publishes each change once, to the waiters of exactly that key and to the pages of those people."""

    def __init__(self) -> None:
        self._waiters: dict[Hashable, dict[asyncio.Future[Any], Test]] = {}
        self._pages: dict[str, set[asyncio.Queue[Json]]] = {}

    def publish(self, key: Hashable, item: object) -> None:
        """Wake the waiters of `key` whose test accepts the item."""
        waiters = self._waiters.get(key)
        if not waiters:
            return
        for future, test in list(waiters.items()):
            if future.done():
                continue
            try:
                accepted = test(item)
            except Exception as error:  # noqa: BLE001  the waiter's own mistake is raised where it waits
                future.set_exception(error)
            else:
                if accepted:
                    future.set_result(item)

    async def wait(self, key: Hashable, test: Callable[[T], bool], timeout: float, seen: Iterable[T]) -> T:
        """Return the first of `seen` that the test accepts, or the next one published.

        Raises `TimeoutError` with what was there when the time was up.
        """
        newest: list[T] = []
        for item in seen:
            if test(item):
                return item
            if len(newest) < 3:
                newest.append(item)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(key, {})
        waiters[future] = test
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise TimeoutError(f"nothing for {key} in {timeout} s; the newest before was {newest}") from None
        finally:
            waiters.pop(future, None)
            if not waiters:
                self._waiters.pop(key, None)

    @property
    def has_pages(self) -> bool:
        """Whether anybody has the page open."""
        return bool(self._pages)

    @property
    def watchers(self) -> list[str]:
        """Who has the page open."""
        return list(self._pages)

    def open_page(self, user: str) -> "asyncio.Queue[Json]":
        """Return a queue that receives what this person's page should show."""
        queue: asyncio.Queue[Json] = asyncio.Queue(maxsize=10_000)
        self._pages.setdefault(user, set()).add(queue)
        return queue

    def close_page(self, user: str, queue: "asyncio.Queue[Json]") -> None:
        """Forget a page that has gone."""
        pages = self._pages.get(user, set())
        pages.discard(queue)
        if not pages:
            self._pages.pop(user, None)

    def show(self, event: Json, *, to: Iterable[str] | None = None) -> None:
        """Push an event to the pages of these people, or to every page."""
        if not self._pages:
            return
        for user in list(self._pages) if to is None else to:
            for queue in self._pages.get(user, ()):
                if not queue.full():
                    queue.put_nowait(event)
