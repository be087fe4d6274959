"""JSON, and its one canonical form (RFC 8785), over which everything is hashed.

The standard library's encoder is four times quicker than `rfc8785`, and writes the same bytes for all but a few values:
only those are left to `rfc8785`, which is also the measure of the tests. Every move hashes two or three documents.
"""

import json
from typing import Final

import rfc8785

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
_LARGEST: Final = 2**53 - 1
_SMALLEST: Final = 1e-4


def canonical_json(value: Json) -> bytes:
    """RFC 8785 canonical JSON in UTF-8; ValueError for what has none, such as NaN or half of a surrogate pair."""
    if not _plain(value):
        return rfc8785.dumps(value)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        return rfc8785.dumps(value)  # it says what is wrong


def _plain(value: Json) -> bool:
    """Whether it is the same in Python's form: one where other keys or numbers stand might not be."""
    if type(value) is str or value is None or type(value) is bool:
        return True
    if type(value) is dict:
        return all(type(key) is str and key.isascii() for key in value) and all(map(_plain, value.values()))
    if type(value) is int:
        return -_LARGEST <= value <= _LARGEST
    if type(value) is float:
        return _SMALLEST <= abs(value) < _LARGEST and not value.is_integer()
    return type(value) is list and all(map(_plain, value))
