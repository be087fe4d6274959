"""The only place that speaks SQL. `open_store(url)` gives the `bot.ports.Store` behind an address."""

from pathlib import Path

from bot.domain.errors import BadInput
from bot.ports import Store


def open_store(url: str) -> Store:
    """Open the database at `sqlite:///relative.db` or `sqlite:////absolute.db`, migrating it where needed."""
    scheme, separator, rest = url.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise BadInput(f"SAYSO_DATABASE_URL must look like sqlite:///sayso.db, not {url!r}.")
    from storage.sqlite import SqliteStore  # here, so that another engine's libraries stay unloaded

    return SqliteStore(Path(rest))
