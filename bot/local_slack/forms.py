"""What a person has filled in: the state of the fields, and the checks that Slack makes before sending."""

import contextlib
from collections.abc import Iterator
from typing import Any

from bot.local_slack.model import Json

Values = dict[str, dict[str, Json]]
"""Slack's `state.values`: block_id, action_id, and what is in that field."""
EMPTY: dict[str, tuple[str, str | None, Any]] = {
    "plain_text_input": ("value", "initial_value", None),
    "number_input": ("value", "initial_value", None),
    "static_select": ("selected_option", "initial_option", None),
    "multi_static_select": ("selected_options", "initial_options", []),
    "users_select": ("selected_user", "initial_user", None),
    "checkboxes": ("selected_options", "initial_options", []),
    "radio_buttons": ("selected_option", "initial_option", None),
    "datepicker": ("selected_date", "initial_date", None),
}
"""For each element with a state: the key of its value, the key of its first value, and what empty is."""


def elements_of(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every interactive element with its block."""
    for block in blocks:
        for element in (block.get("accessory"), block.get("element"), *(block.get("elements") or ())):
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def options_of(element: Json) -> list[Json]:
    """Return all options of a menu, grouped or not."""
    groups = element.get("option_groups")
    found: list[Json] = element.get("options") or []
    return [o for g in groups for o in g["options"]] if groups else found


def find_option(element: Json, value: object) -> Json:
    """Return the option with this value, or raise LookupError with those that exist."""
    if isinstance(value, dict):
        value = value.get("value")
    for option in options_of(element):
        if option["value"] == value:
            return option
    raise LookupError(f"no option {value!r}; there are {[o['value'] for o in options_of(element)]}")


def filled(element: Json, raw: Any) -> Json:
    """Return the state of one element when a person has put `raw` in (text, number, option values)."""
    kind = element["type"]
    key = EMPTY[kind][0]
    if isinstance(raw, dict) and key in raw:
        raw = raw[key]
    if raw in (None, "", []):
        return {"type": kind, key: EMPTY[kind][2]}
    if key == "selected_option":
        return {"type": kind, key: find_option(element, raw)}
    if key == "selected_options":
        return {
            "type": kind,
            key: [find_option(element, item) for item in (raw if isinstance(raw, list) else [raw])],
        }
    return {"type": kind, key: str(raw)}


def state_values(blocks: list[Json], given: Json, before: Values | None = None) -> Values:
    """Return `state.values` of these blocks.

    `given` maps a block_id to a value, or to {action_id: value}; what is not given stays as it was `before`, or else
    has its initial value. Raises LookupError for a block or an option that is not there.
    """
    kept = kept_values(blocks, before or {})
    values: Values = {}
    unused = set(given)
    for block, element in elements_of(blocks):
        if element["type"] not in EMPTY:
            continue
        id, action = block["block_id"], element["action_id"]
        raw = given.get(id, _Absent)
        if isinstance(raw, dict) and action in raw:
            raw = raw[action]
        unused.discard(id)
        if raw is _Absent:
            raw = kept.get(id, {}).get(action, element.get(EMPTY[element["type"]][1] or ""))
        values.setdefault(id, {})[action] = filled(element, raw)
    if unused:
        raise LookupError(f"no field in block {sorted(unused)}; there are {sorted(values)}")
    return values


def kept_values(blocks: list[Json], before: Values) -> Values:
    """Return what Slack keeps of a view's state when these blocks are shown instead.

    Where block_id and action_id are the same, it is what was there before, also nothing, and not the new initial value.
    """
    kept: Values = {}
    for block, element in elements_of(blocks):
        id, action = block["block_id"], element["action_id"]
        state = before.get(id, {}).get(action)
        if state is not None and state["type"] == element["type"]:
            with contextlib.suppress(LookupError):  # the option that was chosen is no longer offered
                kept.setdefault(id, {})[action] = filled(element, state)
    return kept


class _Absent:
    """Marks a field that was not given."""


def form_errors(blocks: list[Json], values: Values) -> dict[str, str]:
    """Return what Slack's client itself complains about before it sends a modal, by block_id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = values[block["block_id"]][element["action_id"]]
        value = state[EMPTY[element["type"]][0]]
        if not value or (isinstance(value, str) and not value.strip()):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
            continue
        problem = _problem(element, value)
        if problem:
            errors[block["block_id"]] = problem
    return errors


def _problem(element: Json, value: Any) -> str | None:
    kind = element["type"]
    if kind == "plain_text_input":
        return _length_problem(element, value)
    if kind == "number_input":
        return _number_problem(element, value)
    if kind == "multi_static_select" and len(value) > element.get("max_selected_items", len(value)):
        return f"Please choose at most {element['max_selected_items']}."
    return None


def _length_problem(element: Json, value: str) -> str | None:
    if len(value) > element.get("max_length", 3000):
        return f"Please write at most {element.get('max_length', 3000)} characters."
    if len(value) < element.get("min_length", 0):
        return f"Please write at least {element['min_length']} characters."
    return None


def _number_problem(element: Json, value: str) -> str | None:
    try:
        number = float(value) if element.get("is_decimal_allowed") else int(value)
    except ValueError:
        return "Please enter a number." if element.get("is_decimal_allowed") else "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None
