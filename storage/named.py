"""The named queries of `queries.sql`: a line `-- name: add_proposal` opens each one."""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """The queries of one file by name; a name given twice is an error."""
    parts = _NAME.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a query is named twice: {min(n for n in names if names.count(n) > 1)}")
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}


def load(file: str) -> dict[str, str]:
    """The queries of a file of this package."""
    return parse(resources.files("storage").joinpath(file).read_text(encoding="utf-8"))


QUERIES: Final[Mapping[str, str]] = load("queries.sql")
