"""JSON, and its one canonical form (RFC 8785), over which everything is hashed.

The standard library's encoder is four times quicker than `rfc8785`, and writes the same bytes for all but a few values:
only those are left to `rfc8785`, which is also the measure of the tests.
"""

import json
from typing import Final

import rfc8785

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
_LARGEST: Final = 2**53 - 1
_SMALLEST: Final = 1e-4
"""Python writes a smaller fraction with an exponent, RFC 8785 only one that is a hundred times smaller still."""


def canonical_json(value: Json) -> bytes:
    """RFC 8785 canonical JSON in UTF-8; ValueError for what has none, such as NaN or half of a surrogate pair."""
    try:
        if _plain(value):
            return _ENCODER.encode(value).encode()
    except (UnicodeEncodeError, RecursionError):
        pass  # `rfc8785` says what is wrong with a text, and nests twice as deep
    return rfc8785.dumps(value)


def _plain(value: Json) -> bool:
    """Whether Python surely writes it as RFC 8785 does; keys are sorted otherwise only beyond ASCII."""
    if type(value) is str or value is None or type(value) is bool:
        return True
    if type(value) is dict:
        return all(type(key) is str and key.isascii() for key in value) and all(map(_plain, value.values()))
    if type(value) is int:
        return -_LARGEST <= value <= _LARGEST
    if type(value) is float:
        return _SMALLEST <= abs(value) < _LARGEST and not value.is_integer()
    return type(value) is list and all(map(_plain, value))
