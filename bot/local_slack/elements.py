"""The checks of block elements: buttons, menus and inputs."""

import re
from collections.abc import Callable

from bot.local_slack import limits
from bot.local_slack.composition import STYLES, Findings, confirm, initial, number_of, options
from bot.local_slack.model import Json

DATE = re.compile(r"\d{4}-\d\d-\d\d")
COMMON = frozenset({"type", "action_id", "confirm", "focus_on_load"})
BUTTON_KEYS = frozenset({"type", "action_id", "text", "value", "url", "style", "confirm", "accessibility_label"})
OVERFLOW_KEYS = frozenset({"type", "action_id", "options", "confirm"})
MENU_KEYS = COMMON | {"placeholder", "options", "option_groups", "initial_option"}
MULTI_KEYS = COMMON | {"placeholder", "options", "option_groups", "initial_options", "max_selected_items"}
USER_KEYS = COMMON | {"placeholder", "initial_user"}
FIELD = frozenset({"type", "action_id", "initial_value", "placeholder", "focus_on_load", "dispatch_action_config"})
TEXT_KEYS = FIELD | {"multiline", "min_length", "max_length"}
NUMBER_KEYS = FIELD | {"is_decimal_allowed", "min_value", "max_value"}
CHECK_KEYS = COMMON | {"options", "initial_options"}
RADIO_KEYS = COMMON | {"options", "initial_option"}
DATE_KEYS = COMMON | {"placeholder", "initial_date"}
IMAGE_KEYS = frozenset({"type", "image_url", "slack_file", "alt_text"})


def button(note: Findings, e: Json, path: str) -> None:
    """Check a button."""
    note.keys(e, path, ("text",), BUTTON_KEYS)
    if "text" in e:
        note.text(e["text"], f"{path}/text", limits.BUTTON_TEXT, plain=True)
    note.optional_string(e, "value", path, limits.BUTTON_VALUE)
    note.optional_string(e, "url", path, limits.URL)
    note.optional_string(e, "accessibility_label", path, limits.BUTTON_TEXT)
    if e.get("style") not in (None, *STYLES):
        note.bad(f"{path}/style", "must be one of: primary, danger")


def overflow(note: Findings, e: Json, path: str) -> None:
    """Check an overflow menu."""
    note.keys(e, path, ("options",), OVERFLOW_KEYS)
    options(note, e, path, limits.OVERFLOW_OPTIONS, url=True)


def menu(note: Findings, e: Json, path: str) -> None:
    """Check a static menu of one or several choices."""
    multi = e["type"] == "multi_static_select"
    note.keys(e, path, (), MULTI_KEYS if multi else MENU_KEYS)
    initial(note, e, path, options(note, e, path, limits.SELECT_OPTIONS))
    if "max_selected_items" in e and not (isinstance(e["max_selected_items"], int) and e["max_selected_items"] > 0):
        note.bad(f"{path}/max_selected_items", "must be a positive integer")


def users_select(note: Findings, e: Json, path: str) -> None:
    """Check a menu of people."""
    note.keys(e, path, (), USER_KEYS)
    note.optional_string(e, "initial_user", path, limits.ID)


def plain_text_input(note: Findings, e: Json, path: str) -> None:
    """Check a text field."""
    note.keys(e, path, (), TEXT_KEYS)
    note.optional_string(e, "initial_value", path, limits.INPUT_TEXT)
    for key, least in (("min_length", 0), ("max_length", 1)):
        if key in e and not (type(e[key]) is int and least <= e[key] <= limits.INPUT_TEXT):
            note.bad(f"{path}/{key}", f"must be an integer from {least} to {limits.INPUT_TEXT}")
    low, high = number_of(e, "min_length"), number_of(e, "max_length")
    if low is not None and high is not None and low > high:
        note.bad(f"{path}/min_length", "must not be more than max_length")
    value = e.get("initial_value")
    if isinstance(value, str) and high is not None and len(value) > high:
        note.bad(f"{path}/initial_value", f"must be less than {int(high) + 1} characters")


def number_input(note: Findings, e: Json, path: str) -> None:
    """Check a number field; its numbers are written as strings."""
    note.keys(e, path, ("is_decimal_allowed",), NUMBER_KEYS)
    if not isinstance(e.get("is_decimal_allowed", False), bool):
        note.bad(f"{path}/is_decimal_allowed", "must be a boolean")
    for key in ("initial_value", "min_value", "max_value"):
        if key in e and (not isinstance(e[key], str) or number_of(e, key) is None):
            note.bad(f"{path}/{key}", "must be a number written as a string")


def checkboxes(note: Findings, e: Json, path: str) -> None:
    """Check checkboxes or radio buttons."""
    note.keys(e, path, ("options",), CHECK_KEYS if e["type"] == "checkboxes" else RADIO_KEYS)
    initial(note, e, path, options(note, e, path, limits.CHOICE_OPTIONS, plain=False))


def datepicker(note: Findings, e: Json, path: str) -> None:
    """Check a date field."""
    note.keys(e, path, (), DATE_KEYS)
    if "initial_date" in e and not (isinstance(e["initial_date"], str) and DATE.fullmatch(e["initial_date"])):
        note.bad(f"{path}/initial_date", "must be a date written as YYYY-MM-DD")


def image(note: Findings, e: Json, path: str) -> None:
    """Check a picture's source and its description."""
    note.keys(e, path, ("alt_text",), IMAGE_KEYS)
    picture(note, e, path)


def picture(note: Findings, e: Json, path: str) -> None:
    """Check what an image block and an image element share."""
    if ("image_url" in e) == ("slack_file" in e):
        note.bad(path, "must define either image_url or slack_file")
    url = e.get("image_url")
    valid = "image_url" not in e or note.string(url, f"{path}/image_url", limits.URL)
    if valid and isinstance(url, str) and not url.startswith(("https://", "http://")):
        note.bad(f"{path}/image_url", "must be a valid URL")
    if "alt_text" in e:
        note.string(e["alt_text"], f"{path}/alt_text", limits.IMAGE_TEXT)


Check = Callable[[Findings, Json, str], None]
CHECKS: dict[str, Check] = {
    "button": button,
    "overflow": overflow,
    "static_select": menu,
    "multi_static_select": menu,
    "users_select": users_select,
    "plain_text_input": plain_text_input,
    "number_input": number_input,
    "checkboxes": checkboxes,
    "radio_buttons": checkboxes,
    "datepicker": datepicker,
    "image": image,
}
CHOICES = frozenset({"static_select", "users_select", "checkboxes", "radio_buttons", "datepicker"})
IN_SECTION = CHOICES | {"button", "overflow", "multi_static_select", "image"}
IN_ACTIONS = CHOICES | {"button", "overflow"}
IN_INPUT = CHOICES | {"plain_text_input", "number_input", "multi_static_select"}


def element(note: Findings, e: object, path: str, allowed: frozenset[str]) -> None:
    """Check one element at a place that admits only the `allowed` types."""
    if not isinstance(e, dict):
        note.bad(path, "must provide an object")
        return
    kind = e.get("type")
    if not isinstance(kind, str) or kind not in CHECKS:
        note.bad(f"{path}/type", f"unsupported type: {kind}")
        return
    if kind not in allowed:
        note.bad(path, f"element of type {kind} is not allowed here")
        return
    CHECKS[kind](note, e, path)
    if kind != "image":
        note.action_id(e, path)
    if "placeholder" in e:
        note.text(e["placeholder"], f"{path}/placeholder", limits.PLACEHOLDER, plain=True)
    if "confirm" in e:
        confirm(note, e["confirm"], f"{path}/confirm")
