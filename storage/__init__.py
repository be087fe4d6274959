"""The only place that speaks SQL. `open_store(url)` gives the `bot.ports.Store` behind an address."""

from contextlib import AbstractContextManager
from pathlib import Path

from bot.domain.errors import BadInput
from bot.drafting.ports import LibraryAccess
from bot.ports import ReadOnlyStore, Store


def open_store(url: str, *, create: bool = True) -> Store:
    """Open the database at `sqlite:///relative.db` or `sqlite:////absolute.db`, migrating it where needed.

    Without `create` there has to be one already.
    """
    from storage.sqlite import SqliteStore  # here, so that another engine's libraries stay unloaded

    return SqliteStore(_path(url) if create else _found(url))


def open_to_read(url: str) -> ReadOnlyStore:
    """Open a database that is there, as it is: nothing is created, and nothing migrated."""
    from storage.reading import SqliteReading

    return SqliteReading(_found(url))


def library_of(store: Store) -> LibraryAccess:
    """The library beside this store, in the same database."""
    from storage.sqlite import SqliteShelves, SqliteStore

    if not isinstance(store, SqliteStore):
        raise BadInput("The library needs a SQLite database.")
    return SqliteShelves(store)


def serving(url: str) -> AbstractContextManager[None]:
    """The right to serve this database, for one process at a time; raises BadInput where another one has it."""
    from storage.sole import sole_server

    return sole_server(_path(url))


def _found(url: str) -> Path:
    path = _path(url)
    if not path.is_file() or not path.stat().st_size:
        raise BadInput(f"There is no database at {path}; check SAYSO_DATABASE_URL.")
    return path


def _path(url: str) -> Path:
    scheme, separator, rest = url.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise BadInput(f"SAYSO_DATABASE_URL must look like sqlite:///sayso.db, not {url!r}.")
    return Path(rest)
