"""The embedded database: one writer thread that groups commits, and a few read-only connections.

Waiting functions share one commit, each in its own savepoint, so that sixteen clicks cost one flush to the disk.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar, cast

import structlog
from sqlite_utils import Database

from bot.domain.errors import BadInput, Unavailable
from bot.drafting.ports import Library
from bot.ports import Commit, Reader, Tx
from storage.library import SqliteLibrary
from storage.named import QUERIES
from storage.rows import Row
from storage.schema import migrations, names
from storage.store import Session

T = TypeVar("T")
log = structlog.get_logger(__name__)

READERS = 2
BUSY_SECONDS = 10
LARGEST_GROUP = 64


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Tx], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class SqliteStore:
    """Implements `bot.ports.Store` over one SQLite file in WAL mode with synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._listeners: list[Callable[[Commit], None]] = []
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sayso-read")
        self._db = _open_writer(path)
        self._writer = threading.Thread(target=self._write_forever, name="sayso-write", daemon=True)
        self._writer.start()

    async def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in the writer thread; returns once its commit is durable, or raises what it raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, future, loop))
        return await future

    async def read(self, work: Callable[[Reader], T]) -> T:
        """Run `work` on a read-only connection, inside one consistent view."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`, with the connection itself."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_with, work)

    @property
    def writing(self) -> sqlite3.Connection:
        """The writer thread's own connection: only for functions that `transact` runs."""
        return self._db.conn

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener` in the event loop after every commit that touched something."""
        self._listeners.append(listener)

    async def backup(self, path: str) -> None:
        """Write a consistent copy of the database to `path`."""

        def copy() -> None:
            with sqlite3.connect(self.path) as source, sqlite3.connect(path) as target:
                source.backup(target)

        await asyncio.get_running_loop().run_in_executor(self._readers, copy)

    async def close(self) -> None:
        """Let the writer finish what it has, then close every connection."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown(wait=True)
        for connection in self._opened:
            connection.close()

    def _read(self, work: Callable[[Reader], T]) -> T:
        return self._read_with(lambda connection: work(Session(_runner(connection))))

    def _read_with(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            self._local.connection = connection
            self._opened.append(connection)
        try:
            connection.execute("BEGIN")
            return work(connection)
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            group, last = [job], False
            while not self._jobs.empty() and len(group) < LARGEST_GROUP:
                following = self._jobs.get()
                if following is None:
                    last = True
                    break
                group.append(following)
            self._write(group)
            if last:
                break
        self._db.close()

    def _write(self, group: list[_Job]) -> None:
        connection = self._db.conn
        answers: list[tuple[_Job, Any, BaseException | None]] = []
        touched: set[str] = set()
        errands = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in group:
                session = Session(_runner(connection))
                connection.execute("SAVEPOINT job")
                try:
                    answer = job.work(session)
                except BaseException as error:
                    if isinstance(error, sqlite3.Error) and not connection.in_transaction:
                        raise  # a full disk has made SQLite undo the whole group, savepoints and all
                    # An error of one function must not undo its neighbours: only its own savepoint goes.
                    connection.execute("ROLLBACK TO job")
                    answers.append((job, None, _unavailable(error) if isinstance(error, sqlite3.Error) else error))
                else:
                    answers.append((job, answer, None))
                    touched |= session.touched
                    errands = errands or session.errands
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # Nothing of the group is durable, so nobody may be told otherwise.
            if connection.in_transaction:
                connection.rollback()
            log.exception("commit_failed")
            answers, touched, errands = [(job, None, _unavailable(error)) for job in group], set(), False
        self._answer(answers, Commit(frozenset(touched), errands))

    def _answer(self, answers: list[tuple[_Job, Any, BaseException | None]], commit: Commit) -> None:
        def tell() -> None:
            for job, answer, error in answers:
                if job.future.done():
                    continue
                if error is None:
                    job.future.set_result(answer)
                else:
                    job.future.set_exception(error)
            if commit.proposals or commit.errands:
                for listener in self._listeners:
                    listener(commit)

        loop = answers[0][0].loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)


class SqliteShelves:
    """Implements `bot.drafting.ports.LibraryAccess`: the library in this store's own threads and commits."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def read(self, work: Callable[[Library], T]) -> T:
        """Run `work` on a read-only connection."""
        return await self._store.look(lambda connection: work(SqliteLibrary(connection)))

    async def write(self, work: Callable[[Library], T]) -> T:
        """Run `work` in the writer thread; returns once its commit is durable."""
        return await self._store.transact(lambda _: work(SqliteLibrary(self._store.writing)))


def _open_writer(path: Path) -> Database:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        try:
            db = _prepared(connection)
        except BaseException:
            connection.close()  # or its lock would outlive the refusal
            raise
    except sqlite3.Error as error:
        raise BadInput(
            f"The database {path} cannot be used ({error}); check SAYSO_DATABASE_URL and its rights."
        ) from None
    connection.row_factory = sqlite3.Row
    return db


def _prepared(connection: sqlite3.Connection) -> Database:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    db = Database(connection)
    connection.execute("BEGIN IMMEDIATE")
    _migrate(db)
    connection.execute("COMMIT")
    return db


def _unavailable(error: sqlite3.Error) -> Unavailable:
    return Unavailable(f"The database cannot answer now ({error}), so nothing was done; try again in a moment.")


def _migrate(db: Database) -> None:
    """Apply what is pending; refuse a database that a newer Sayso has migrated further."""
    applied = {migration.name for migration in migrations.applied(db)}
    if strange := applied - names():
        raise BadInput(
            f"A newer Sayso wrote the database (it has {min(strange)}); start that version, or restore a backup."
        )
    migrations.apply(db)


def _runner(connection: sqlite3.Connection) -> Callable[[str, dict[str, Any]], list[Row]]:
    def run(name: str, parameters: dict[str, Any]) -> list[Row]:
        cursor = connection.execute(QUERIES[name], parameters)
        if cursor.description is not None:
            return cast(list[Row], cursor.fetchall())
        return [{"changed": cursor.rowcount}] if cursor.rowcount > 0 else []

    return run
