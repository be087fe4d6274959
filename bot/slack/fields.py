"""The fields of a window: what each shows, and what was typed in it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.domain.canonical import Json
from bot.domain.errors import BadField, BadInput
from bot.domain.text import reveal_name, shorten
from bot.slack import ids
from bot.slack.blocks import Block, Element, choice, field, plain_input
from bot.slack.parts import cell, looks_like_json
from bot.strict_json import BadJson, parse

FIELD: Final = 2900
SHORT: Final = 80
LONGEST_REASON: Final = 500
TEXT_HINT: Final = "Text, though it reads like something else: it is sent as text."
JSON_HINT: Final = "JSON: text stands in quotes here."
NOT_SENT: Final = "Slack did not send what stands here; change a character in it, or choose again."
PERHAPS_NOT_SENT: Final = (
    "Slack sent nothing of this field. To keep what stood here, change a character in it; to leave it out, "
    "type one space instead."
)
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
Fields = Mapping[str, dict[str, Any]]
"""What Slack calls the state of each input block of a window, by block_id and in their order."""


def fields_of(view: Block, *, again: bool) -> Fields:
    """What was submitted in the window's own fields; `again` says that an update had painted it.

    Raises BadField where a field that showed a text comes back without any, though nobody can have emptied it, or
    though, after an update, Slack may not have sent what it shows: what is approved lacks nothing unsaid.
    """
    values = view["state"]["values"]
    return {
        str(block["block_id"]): _submitted(block, values.get(block["block_id"], {}), again=again)
        for block in view["blocks"]
        if block["type"] == "input"
    }


def reason_of(typed: Fields) -> str | None:
    """The reason that was chosen or written; of both, `The facts are wrong: it was Tuesday`."""
    written = (typed_text(typed.get(ids.OTHER_BLOCK, {})) or "").strip()[:LONGEST_REASON]
    chosen = typed.get(ids.REASON_BLOCK, {}).get(ids.VALUE, {}).get("selected_option")
    return ": ".join([*([chosen["text"]["text"]] if chosen else []), *([written] if written else [])]) or None


def reason_fields(label: str, reasons: Sequence[str]) -> list[Block]:
    """A menu of reasons, and a line for one in one's own words; neither has to be filled in."""
    menu = choice(ids.VALUE, [(text, str(n)) for n, text in enumerate(reasons)], placeholder="Choose one, or none")
    return [
        field(ids.REASON_BLOCK, label, menu, optional=True),
        plain_input(ids.OTHER_BLOCK, ids.VALUE, "In your own words", optional=True, longest=LONGEST_REASON),
    ]


def argument_field(name: str, value: Json) -> Block:
    """One argument in a field of its type, under its name."""
    block_id, label = f"{ids.ARG_BLOCK}:{name}"[:255], reveal_name(name)
    if isinstance(value, bool):
        yes_no = choice(
            ids.VALUE, [("yes", "true"), ("no", "false")], initial=str(value).lower(), placeholder="yes or no"
        )
        return field(block_id, label, yes_no)
    text = field_text(value)
    if isinstance(value, int | float):
        element = {
            "type": "number_input",
            "action_id": ids.VALUE,
            "is_decimal_allowed": True,
            "initial_value": text,
        }
        return field(block_id, label, element)
    # A field of one line drops every line break, also where nobody touches it.
    multiline = not isinstance(value, str) or len(text) > SHORT or text.splitlines() not in ([], [text])
    block = plain_input(block_id, ids.VALUE, label, initial=text, multiline=multiline, optional=not text.strip())
    if not isinstance(value, str):
        return block | {"hint": {"type": "plain_text", "text": JSON_HINT}}
    return block | ({"hint": {"type": "plain_text", "text": TEXT_HINT}} if looks_like_json(value) else {})


def argument_of(name: str, old: Json, state: dict[str, Any]) -> Json:
    """What an argument's field says now, of the type that it had; raises BadInput for what cannot be that."""
    found = state.get(ids.VALUE, {})
    if isinstance(old, bool):
        chosen = found.get("selected_option")
        return old if chosen is None else bool(chosen["value"] == "true")
    name, text = reveal_name(name), typed_text(state)
    if text == field_text(old):
        return old  # also where nothing that is typed could say it, such as a number of more than 16 digits
    if isinstance(old, int | float):
        return _number(name, text)
    if isinstance(old, str):
        return text or ""
    try:
        value = parse((text or "null").encode(errors="surrogatepass"), max_bytes=4 * FIELD, what="It")
    except BadJson as error:
        raise BadInput(f"{name} has to be JSON. {error.sentence}") from None
    _check_digits(name, text or "null")
    if isinstance(old, list | dict) and not isinstance(value, type(old)):
        kind = "a list, like [1, 2]" if isinstance(old, list) else 'an object, like {"a": 1}'
        raise BadInput(f"{name} has to stay {kind}.")
    return value


def text_parts(text: str) -> list[tuple[str, str]]:
    """The text in fields of at most 2,900 characters, each with what joins it to the one before: a line end or none."""
    parts: list[tuple[str, str]] = []
    for row in in_a_field(text).split("\n"):
        pieces = [row[start : start + FIELD] for start in range(0, len(row), FIELD)] or [""]
        for place, piece in enumerate(pieces):
            joint = "\n" if place == 0 else ""
            if parts and joint and len(parts[-1][1]) + len(piece) + 1 <= FIELD:
                parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n{piece}")
            else:
                parts.append((joint, piece))
    return parts


def joined(before: str, typed: Fields) -> str:
    """The text that stands in the fields of `text_parts(before)` now.

    A beginning that was emptied takes its line end along: no field shows the empty line that would be left.
    """
    names = [name for name in typed if name.startswith(f"{ids.TEXT_BLOCK}:")]
    parts = [("" if name.endswith("glue") else "\n", typed_text(typed[name]) or "") for name in names]
    for _, piece in text_parts(before):
        if not piece or len(parts) < 2 or parts[0][1]:
            break
        del parts[0]
    return "".join(joint + text for joint, text in parts).removeprefix(parts[0][0] if parts else "")


def holding(element: Element, state: dict[str, Any]) -> Element:
    """The element as it was submitted; of a menu, its own option, for Slack sends it back with more keys."""
    empty = {key: value for key, value in element.items() if not key.startswith("initial_")}
    found = state.get(ids.VALUE, {})
    if text := found.get("value"):
        return empty | {"initial_value": text}
    chosen = (found.get("selected_option") or {}).get("value")
    options = [option for option in element.get("options", ()) if option["value"] == chosen]
    return empty | ({"initial_option": options[0]} if options else {})


def in_a_field(text: str) -> str:
    """The text as a field gives it back: browsers know one line end only."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def field_text(value: Json) -> str:
    """What an argument's field shows: words without the quotes that `cell` may set, numbers without an exponent."""
    if isinstance(value, str):
        return in_a_field(value)
    return format(Decimal(str(value)), "f") if type(value) in (int, float) else cell(value)


def typed_text(block: dict[str, Any]) -> str | None:
    """The text of a field, None where it is empty; raises BadInput for what cannot be kept."""
    value = block.get(ids.VALUE, {}).get("value")
    if not isinstance(value, str):
        return None
    if _UNKEPT.search(value):
        raise BadInput("This holds a character that cannot be kept (NUL, or half of a pair); type it again without.")
    return value


def _submitted(block: Block, state: dict[str, Any], *, again: bool) -> dict[str, Any]:
    """What one field holds, where that can be told."""
    name, optional, found = str(block["block_id"]), block.get("optional"), state.get(ids.VALUE, {})
    if not _shows(block["element"]) or found.get("selected_option"):
        return state
    text = str(found.get("value") or "")
    if not text and not optional:
        raise BadField(NOT_SENT, block=name)
    if not text and again and name.startswith((f"{ids.TEXT_BLOCK}:", f"{ids.ARG_BLOCK}:")):
        raise BadField(PERHAPS_NOT_SENT, block=name)
    return {} if again and optional and not text.strip() else state  # the one space says that it was emptied


def _shows(element: Element) -> bool:
    """Whether the field showed anything when its window was painted."""
    return bool(element.get("initial_option") or str(element.get("initial_value") or "").strip())


def _number(name: str, text: str | None) -> int | float:
    try:
        found = float(text or "")
    except ValueError:
        raise BadInput(f"{name} has to be a number.") from None
    if not math.isfinite(found) or abs(found) >= 2**53:
        raise BadInput(f"{name} has to stay as it was, or be a number below {2**53:,}: a larger one would lose digits.")
    if _loses_digits(text or ""):
        raise BadInput(f"{name} would lose digits; type {field_text(found)}, or another number that is no longer.")
    return int(found) if found.is_integer() and "." not in (text or "") else found


def _loses_digits(text: str) -> bool:
    """Whether the number that is kept, and sent, is another one than this text says."""
    try:
        return Decimal(text) != Decimal(repr(float(text)))
    except InvalidOperation:
        return True  # so close to zero that not even Decimal keeps it


def _check_digits(name: str, text: str) -> None:
    """Raise BadInput where a number in this JSON would lose digits; the integers among them are checked already."""

    def check(digits: str) -> None:
        if _loses_digits(digits):
            raise BadInput(
                f"{name} would lose digits of {shorten(digits, 40)}; type {float(digits)!r}, or set it in quotes."
            )

    json.loads(text, parse_float=check)
