"""Turns what pydantic objects to into sentences that say what to write instead."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.domain.near import near_word
from bot.policy_file.locator import Place
from bot.policy_file.table import Table
from bot.policy_file.words import shown

_TYPES: Final = {
    "string_type": "a text in quotes",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": 'a list such as ["…"]',
    "model_type": "a table",
    "literal_error": "one of {expected}",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters long",
}
# A secret that was written where a name belongs must not be repeated on a terminal or in a channel.
_PRIVATE: Final = ("_env", "url")


def faults_of(error: ValidationError, model: type[Table], place: Place) -> list[tuple[Place, str]]:
    """Where and what, for each thing that one table of the file at `place` got wrong."""
    return [((*place, *details["loc"]), _sentence(details, model, place)) for details in error.errors()]


def unknown_key(place: Place, known: Iterable[str]) -> str:
    """The sentence about a key that the form does not have."""
    *table, key = place
    inside = f"[{dotted(tuple(table))}]" if table else "The file"
    return f'{inside} has no "{key}"; {suggestion(str(key), sorted(known))}'


def suggestion(word: str, known: Sequence[str]) -> str:
    """The end of a sentence: a near word where there is one, otherwise all that would do."""
    if near := near_word(word, known):
        return f'did you mean "{near}"?'
    return f"there is {', '.join(known)}."


def dotted(place: Place) -> str:
    """A place as the file would write it: `categories."order.status".floor`."""
    return ".".join(f'"{part}"' if isinstance(part, str) and not _is_bare(part) else str(part) for part in place)


def _is_bare(part: str) -> bool:
    return bool(part) and part.isascii() and part.replace("_", "a").replace("-", "a").isalnum()


def _sentence(details: ErrorDetails, model: type[Table], table: Place) -> str:
    place = (*table, *details["loc"])
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return _extra(place, value, model)
    if kind == "missing":
        return f"[{dotted(place[:-1])}] has no {place[-1]}, which it needs; add it."
    name = dotted(tuple(part for part in place if isinstance(part, str)))
    if kind == "value_error":
        return f"{name if details['loc'] else f'[{name}]'} {context['error']}."
    bounds = {key: f"{bound:g}" if isinstance(bound, float) else bound for key, bound in context.items()}
    must_be = _TYPES[kind].format(**bounds).replace("'", '"')
    seen = "" if name.endswith(_PRIVATE) or kind == "string_too_long" else f", not {shown(value)}"
    return f"{name} must be {must_be}{seen}."


def _extra(place: Place, value: object, model: type[Table]) -> str:
    if isinstance(value, dict) and len(place) == 3:
        section, name, rest = place
        quoted = f'[{section}."{name}.{rest}"]'
        return f'[{section}.{name}] has no table "{rest}"; a name with a dot needs quotes: {quoted}.'
    return unknown_key(place, (field.alias or name for name, field in model.model_fields.items()))
