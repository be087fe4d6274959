"""JSON, and its one canonical form (RFC 8785), over which everything is hashed.

`orjson` is many times quicker than `rfc8785` and writes the same bytes for all but a few values: only those are left
to `rfc8785`, which is also the measure of the tests.
"""

from typing import Final

import orjson
import rfc8785

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_LARGEST: Final = 2**53 - 1
_SMALLEST: Final = 1e-4
"""Far smaller fractions have an exponent: with `orjson` from under 1e-5, by RFC 8785 from under 1e-6."""


def canonical_json(value: Json) -> bytes:
    """RFC 8785 canonical JSON in UTF-8; ValueError for what has none, such as NaN or half of a surrogate pair."""
    try:
        if _plain(value):
            return orjson.dumps(value, option=_CANONICAL)
    except (TypeError, RecursionError):
        pass  # `rfc8785` says what is wrong with a text or a number, and nests deeper
    return rfc8785.dumps(value)


def _plain(value: Json) -> bool:
    """Whether `orjson` writes it as RFC 8785 does, or refuses it; keys beyond ASCII are sorted otherwise."""
    if type(value) is str or value is None or type(value) is int or type(value) is bool:
        return True
    if type(value) is dict:
        return all(type(key) is str and key.isascii() for key in value) and all(map(_plain, value.values()))
    if type(value) is float:
        return _SMALLEST <= abs(value) < _LARGEST and not value.is_integer()
    return type(value) is list and all(map(_plain, value))
