"""One bot for one SQLite file: a second one would end the first one's leases and carry its errands again."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import BadInput


@contextmanager
def sole_server(path: Path) -> Iterator[None]:
    """Hold the right to serve this database; the system frees it when the process ends, however it ends."""
    path = path.resolve()  # one file has one lock, whatever link leads to it
    lock = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadInput(
            f"The folder of {path} cannot be written ({error.strerror}); check SAYSO_DATABASE_URL."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"Another Sayso already serves {path}; stop it first, or name another database.") from None
        yield
    finally:
        os.close(descriptor)
