"""The reading half of the embedded database: a few connections that cannot write, and consistent copies."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from bot.domain.errors import BadInput, Unavailable
from bot.ports import Reader
from storage.named import QUERIES
from storage.rows import Row
from storage.store import Session

T = TypeVar("T")

READERS: Final = 2
BUSY_SECONDS: Final = 10


class SqliteReading:
    """Implements `bot.ports.ReadOnlyStore` over a SQLite file that is there; it creates and migrates nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sayso-read")

    async def read(self, work: Callable[[Reader], T]) -> T:
        """Run `work` on a read-only connection, inside one consistent view."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`, with the connection itself."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_with, work)

    async def backup(self, path: str) -> None:
        """Write a consistent copy of the database to `path`: all of it is there, on the disk, or nothing is."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._copy, Path(path))

    async def close(self) -> None:
        """Let those who read finish, then close every connection."""
        await asyncio.to_thread(self._readers.shutdown, wait=True)
        for connection in self._opened:
            connection.close()

    def _read(self, work: Callable[[Reader], T]) -> T:
        return self._read_with(lambda connection: work(Session(runner(connection))))

    def _read_with(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connection()
            try:
                connection.execute("BEGIN")
                return work(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def _connection(self) -> sqlite3.Connection:
        """The connection of the thread that asks, made at its first read."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # `rw` creates nothing, but may tidy up what a killed process left in the log; `query_only` writes nothing.
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
            )
            self._opened.append(connection)
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
        return connection

    def _copy(self, target: Path) -> None:
        aside = target.with_name(f"{target.name}.part")
        try:
            try:
                _cleared(aside)  # a copy that was killed may have left its part
                with closing(sqlite3.connect(aside)) as copy:
                    self._connection().backup(copy)
                _on_disk(aside)
                aside.rename(target)
                _on_disk(target.parent)
            finally:
                _cleared(aside)
        except (sqlite3.Error, OSError) as error:
            raise BadInput(f"The copy {target} could not be written ({error}), so there is none.") from None


def _cleared(aside: Path) -> None:
    for suffix in ("", "-journal"):
        aside.with_name(f"{aside.name}{suffix}").unlink(missing_ok=True)


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unavailable(error: sqlite3.Error) -> Unavailable:
    """What whoever asked is told when the database fails them."""
    return Unavailable(f"The database cannot answer now ({error}), so nothing was done; try again in a moment.")


def runner(connection: sqlite3.Connection) -> Callable[[str, dict[str, Any]], list[Row]]:
    """Runs named queries on this connection."""

    def run(name: str, parameters: dict[str, Any]) -> list[Row]:
        cursor = connection.execute(QUERIES[name], parameters)
        if cursor.description is not None:
            return cast(list[Row], cursor.fetchall())
        return [{"changed": cursor.rowcount}] if cursor.rowcount > 0 else []

    return run
