"""Card numbers, IBANs, keys and passwords out of texts before anyone reads them in a channel or a log.

Numbers are masked only when their own check digits agree (Luhn, ISO 7064 mod 97), so order numbers,
telephone numbers and dates stay. Every pattern is linear in the text: quantifiers are possessive or
bounded.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.canonical import Json
from bot.domain.payment_numbers import Span, cards, ibans
from bot.domain.secret_patterns import (
    KEY,
    KEY_HINTS,
    KEY_NAME,
    PASSWORD,
    PASSWORD_NAMES,
    PEM_BEGIN,
    PEM_BODY,
    PEM_END,
    USER_IN_URL,
    is_secret_value,
)
from bot.domain.text import shorten

CUT_SECRET: Final = 1000
HIDDEN: Final = "[password]"
_EMAIL: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]++@(?:[^\W_][\w-]{0,62}+\.){1,8}[^\W\d_]{2,24}+")


@dataclass(frozen=True, kw_only=True)
class Masked:
    """A text without its secrets, and the kinds found: "card number", "IBAN", "key", "password", "e-mail"."""

    text: str
    kinds: tuple[str, ...]


def mask(text: str, *, emails: bool = False) -> Masked:
    """Replace secrets by markers such as `[card number ••4242]`; with `emails` (for logs), addresses too.

    Masking a masked text changes nothing.
    """
    kinds: dict[str, None] = {}
    masked = _mask_private_keys(text, kinds)
    if any(hint in masked for hint in KEY_HINTS):
        masked = KEY.sub(lambda match: _mask_key(match[0], kinds), masked)
    if "://" in masked and "@" in masked:
        masked = USER_IN_URL.sub(lambda match: f"{match[1]}:{_found('password', '[password]', kinds)}", masked)
    folded = masked.lower()
    if any(name in folded for name in PASSWORD_NAMES):
        masked = PASSWORD.sub(lambda match: _mask_password(match, kinds), masked)
    masked = _replaced(masked, ibans(masked), "IBAN", kinds)
    masked = _replaced(masked, cards(masked), "card number", kinds)
    if emails and "@" in masked:
        masked = _EMAIL.sub(lambda _: _found("e-mail", "[e-mail]", kinds), masked)
    return Masked(text=masked, kinds=tuple(kinds))


def beginning(text: str, limit: int) -> str:
    """A text without its secrets, of a long one as much as `limit` characters need, and " …" for the rest.

    A megabyte of nasty text would hold up every click for seconds, so what lies far behind the limit is not read.
    """
    reach = limit * 4 + 2 * CUT_SECRET
    if len(text) <= reach:
        return mask(text).text
    # Half a secret is none to `mask`: the end of the piece goes too.
    return f"{mask(text[:reach]).text[:-CUT_SECRET]} …"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of a text that is kept; secrets of a longer one are masked before they are cut."""
    return text if len(text) <= limit else shorten(mask(text).text, limit)


def hide_named(args: Mapping[str, Json]) -> dict[str, Json]:
    """The same arguments, `[password]` standing for each value, at any depth, whose name says that it is a secret."""
    return {name: HIDDEN if _is_named_secret(name, value) else _hide_inside(value) for name, value in args.items()}


def _hide_inside(value: Json) -> Json:
    if isinstance(value, list):
        return [_hide_inside(inner) for inner in value]
    return hide_named(value) if isinstance(value, dict) else value


def _is_named_secret(name: str, value: object) -> bool:
    """Whether the name says so, and there is something: `reset_password: true` is a wish, and no password."""
    return not isinstance(value, bool) and value not in (None, "", [], {}) and KEY_NAME.search(name) is not None


def _found(kind: str, marker: str, kinds: dict[str, None]) -> str:
    kinds[kind] = None
    return marker


def _mask_private_keys(text: str, kinds: dict[str, None]) -> str:
    parts: list[str] = []
    at = 0
    while begin := PEM_BEGIN.search(text, at):
        # A key whose end was cut off is a key all the same: its Base64 body goes.
        body = PEM_BODY.match(text, begin.end())
        end = body.end() if body else begin.end()
        closing = PEM_END.match(text, end)
        parts += [text[at : begin.start()], _found("key", "[key]", kinds)]
        at = closing.end() if closing else end
    return "".join([*parts, text[at:]])


def _mask_key(key: str, kinds: dict[str, None]) -> str:
    if key.startswith("sk-") and not any(character.isdigit() for character in key):
        return key  # "sk-learn-and-other-words"
    return _found("key", "[key]", kinds)


def _mask_password(match: re.Match[str], kinds: dict[str, None]) -> str:
    value = match["value"] or match["quoted"]
    stated = match["sure"] is not None
    if not is_secret_value(value, quoted=match["quoted"] is not None, stated=stated, rest=match["rest"]):
        return match[0]
    start, end = match.span("value" if match["value"] else "quoted")
    tail = value[len(value.rstrip(".,;!?)`*_'")) :] if match["value"] else ""
    marker = _found("password", "[password]", kinds) + tail
    return match.string[match.start() : start] + marker + match.string[end : match.end()]


def _replaced(text: str, spans: Iterable[Span], kind: str, kinds: dict[str, None]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, last_four in spans:
        parts += [text[at:start], _found(kind, f"[{kind} ••{last_four}]", kinds)]
        at = end
    return "".join([*parts, text[at:]])
