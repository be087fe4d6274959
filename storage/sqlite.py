"""The embedded database: one writer thread that groups commits, and a few read-only connections.

Functions that wait, or come while others are being run, share one commit, so that sixteen clicks cost one flush to the
disk. One that fails after it has written must not undo its neighbours: then the group begins again, each function in a
savepoint of its own.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import structlog
from sqlite_utils import Database

from bot.domain.errors import BadInput
from bot.drafting.ports import Library
from bot.ports import Commit, Tx
from storage.library import SqliteLibrary
from storage.reading import BUSY_SECONDS, SqliteReading, runner, unavailable
from storage.recent import Recent
from storage.schema import migrations, names
from storage.store import Session

T = TypeVar("T")
log = structlog.get_logger(__name__)

LARGEST_GROUP: Final = 64
LONGEST_GROUP: Final = 0.02
"""Seconds after which nothing joins a group any more: who came first shall not wait for ever later ones."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Tx], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


@dataclass(slots=True)
class _Written:
    """What a group came to: an answer or an error for each of its functions, and what its commit has to tell."""

    answers: list[tuple[_Job, Any, BaseException | None]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    errands: bool = False
    paused: bool | None = None

    def done(self, job: _Job, answer: Any, session: Session) -> None:
        self.answers.append((job, answer, None))
        self.touched |= session.touched
        self.errands = self.errands or session.errands
        self.paused = self.paused if session.paused is None else session.paused

    def failed(self, job: _Job, error: BaseException) -> None:
        self.answers.append((job, None, error))


class SqliteStore(SqliteReading):
    """Implements `bot.ports.Store` over one SQLite file in WAL mode with synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._listeners: list[Callable[[Commit], None]] = []
        self._db = _open_writer(path)
        self._recent, self._version = Recent(), 0
        self._run = self._recent.through(runner(self._db.conn))
        self._writer = threading.Thread(target=self._write_forever, name="sayso-write", daemon=True)
        self._writer.start()

    async def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in the writer thread; returns once its commit is durable, or raises what it raised.

        `work` may be run twice, the first time undone, so it changes nothing but what `tx` writes.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, future, loop))
        return await future

    @property
    def writing(self) -> sqlite3.Connection:
        """The writer thread's own connection: only for functions that `transact` runs."""
        return self._db.conn

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener` in the event loop after every commit that touched something."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Let the writer finish what it has, then close every connection."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        await super().close()

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job]
            self._join(group)
            self._write(group)
        self._db.close()

    def _join(self, group: list[_Job]) -> None:
        """Take those who wait into the group."""
        while len(group) < LARGEST_GROUP and not self._jobs.empty():
            following = self._jobs.get()
            if following is None:
                self._jobs.put(None)  # the end, once this group is written
                return
            group.append(following)

    def _write(self, group: list[_Job]) -> None:
        connection = self._db.conn
        try:
            written = self._together(group)
            if written is None:
                self._undo()
                written = self._apart(group)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # Nothing of the group is durable, so nobody may be told otherwise.
            self._undo()
            log.exception("commit_failed")
            written = _Written([(job, None, unavailable(error)) for job in group])
        self._answer(written)

    def _begin(self) -> None:
        self._db.conn.execute("BEGIN IMMEDIATE")
        (version,) = self._db.conn.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            # Another connection has committed since: a command line beside the bot, for example.
            self._version = version
            self._recent.forget()

    def _undo(self) -> None:
        self._recent.forget()
        if self._db.conn.in_transaction:
            self._db.conn.rollback()

    def _together(self, group: list[_Job]) -> _Written | None:
        """Run the functions one after the other; None where one failed that had already written something."""
        connection, written = self._db.conn, _Written()
        self._begin()
        latest = time.monotonic() + LONGEST_GROUP
        for job in group:
            session, changes = Session(self._run, recent=self._recent), connection.total_changes
            try:
                answer = job.work(session)
            except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits for the answer
                if isinstance(error, sqlite3.Error) or connection.total_changes != changes:
                    return None
                written.failed(job, error)
            else:
                written.done(job, answer, session)
            if time.monotonic() < latest:
                self._join(group)  # whoever came meanwhile is run in this loop too
        return written

    def _apart(self, group: list[_Job]) -> _Written:
        """Run each function in a savepoint, and undo those that fail."""
        connection, written = self._db.conn, _Written()
        self._begin()
        for job in group:
            session = Session(self._run, recent=self._recent)
            connection.execute("SAVEPOINT job")
            try:
                answer = job.work(session)
            except BaseException as error:
                if isinstance(error, sqlite3.Error) and not connection.in_transaction:
                    raise  # a full disk has made SQLite undo the whole group, savepoints and all
                self._recent.forget()
                connection.execute("ROLLBACK TO job")
                written.failed(job, unavailable(error) if isinstance(error, sqlite3.Error) else error)
            else:
                written.done(job, answer, session)
            connection.execute("RELEASE job")
        return written

    def _answer(self, written: _Written) -> None:
        commit = Commit(frozenset(written.touched), written.errands, written.paused)

        def tell() -> None:
            for job, answer, error in written.answers:
                if job.future.done():
                    continue
                if error is None:
                    job.future.set_result(answer)
                else:
                    job.future.set_exception(error)
            if commit.proposals or commit.errands:
                for listener in self._listeners:
                    listener(commit)

        loop = written.answers[0][0].loop
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
    # Four times the default: hot pages reach the database file once instead of four times, for 16 MB of log.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA foreign_keys = ON")
    db = Database(connection)
    connection.execute("BEGIN IMMEDIATE")
    _migrate(db)
    connection.execute("COMMIT")
    return db


def _migrate(db: Database) -> None:
    """Apply what is pending; refuse a database that a newer Sayso has migrated further."""
    applied = {migration.name for migration in migrations.applied(db)}
    if strange := applied - names():
        raise BadInput(
            f"A newer Sayso wrote the database (it has {min(strange)}); start that version, or restore a backup."
        )
    migrations.apply(db)
