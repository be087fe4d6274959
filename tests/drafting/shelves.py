"""A real library in a file or in memory with a thread of its own, for the tests and the benchmark."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from bot.drafting.ports import Library
from storage.library import SqliteLibrary, migrate_library

T = TypeVar("T")


class Shelves:
    """Implements `bot.drafting.ports.LibraryAccess` over one connection."""

    def __init__(self, path: Path | None = None) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        migrate_library(Database(self.connection))
        self.connection.row_factory = sqlite3.Row
        self.library: Library = SqliteLibrary(self.connection)

    async def read(self, work: Callable[[Library], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.now, work)

    async def write(self, work: Callable[[Library], T]) -> T:
        return await self.read(work)

    def now(self, work: Callable[[Library], T]) -> T:
        """Run `work` in one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self.library)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return answer

    def close(self) -> None:
        self._thread.shutdown()
        self.connection.close()
