"""JSON as RFC 8259 and RFC 8785 mean it: one reading for every body, or one sentence on what to change."""

import json
import re
from itertools import accumulate
from typing import Final, NoReturn, TypeAlias

from bot.domain.errors import BadInput

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_INTEGER: Final = 2**53 - 1

# Every string, closed or not, in one pass: brackets inside strings do not nest.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# Only these escapes can bring a lone surrogate or a NUL into UTF-8.
_RISKY_ESCAPE: Final = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UTF_16_OR_32: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00")


class BadJson(BadInput):
    """A body that is not JSON as we read it; its text is one sentence that says what to do."""


def parse(raw: bytes, *, max_bytes: int, max_depth: int = 64, what: str = "The body") -> JsonValue:
    """Read one JSON value from UTF-8 bytes, or raise BadJson.

    Refused: more than `max_bytes` bytes or `max_depth` levels, any encoding but UTF-8, a byte order mark,
    duplicate names, NaN and Infinity, numbers that overflow a double, integers beyond ±(2^53 − 1), lone
    surrogates, NUL. `what` is what the sentence calls it.
    """
    if len(raw) > max_bytes:
        raise BadJson(f"{what} has {len(raw):,} bytes and at most {max_bytes:,} are read: send less.")
    text = _decoded(raw, what)
    _check_depth(raw, max_depth, what)
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadJson(f"This is not JSON ({_reason(error)}, {where}): correct it.") from None
    if _RISKY_ESCAPE.search(raw):
        _check_strings(value)
    return value


def _decoded(raw: bytes, what: str) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BadJson(f"{what} begins with a byte order mark: send plain UTF-8 without one.")
    if raw.startswith(_UTF_16_OR_32) or raw[1:2] == b"\x00":
        raise BadJson(f"{what} is UTF-16 or UTF-32, or begins with NUL: send it as UTF-8.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        where = f"Byte {error.start + 1:,} of {what[:1].lower()}{what[1:]}"
        raise BadJson(f"{where} is not UTF-8: encode it as UTF-8.") from None
    if not text or text.isspace():
        raise BadJson(f"{what} is empty: send a JSON value.")
    return text


def _check_depth(raw: bytes, max_depth: int, what: str) -> None:
    if raw.count(b"[") + raw.count(b"{") <= max_depth:
        return
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKET)
    if any(depth > max_depth for depth in accumulate(map(_STEP.__getitem__, brackets))):
        raise BadJson(f"{what} nests deeper than {max_depth} levels: flatten it.")


def _check_strings(value: JsonValue) -> None:
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                if _LONE_SURROGATE.search(text):
                    raise BadJson("A string holds half of a surrogate pair: send both halves or none.")
                if "\x00" in text:
                    raise BadJson("A string holds the NUL character (\\u0000): leave it out.")
            case list() as items:
                pending += items
            case dict() as fields:
                pending += fields.keys()
                pending += fields.values()


def _fields(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadJson(f"The name {ascii(name)[:80]} stands twice in one object: keep one of them.")
            seen.add(name)
    return fields


def _integer(digits: str) -> int:
    if len(digits) > 17 or not -MAX_INTEGER <= (number := int(digits)) <= MAX_INTEGER:
        raise BadJson(f"The number {digits[:24]} is beyond ±{MAX_INTEGER:,} and would lose digits: send a string.")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise BadJson(f"The number {digits[:24]} is too large for JSON: send a smaller one, or a string.")
    return number


def _constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not JSON: send a number, or null.")


def _reason(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:].removesuffix(" starting at").removesuffix(" at")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_fields, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
