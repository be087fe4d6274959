"""The checks of composition objects (texts, options, confirm dialogs) and the notes of what is wrong."""

from typing import Any

from bot.local_slack import limits
from bot.local_slack.model import Json

STYLES = ("primary", "danger")


class Findings:
    """Collects what is wrong with a payload, in Slack's words, and counts its text and ids."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.weight = 0
        self.action_ids: set[str] = set()
        self.block_ids: set[str] = set()

    def bad(self, path: str, words: str) -> None:
        """Note one error at a JSON pointer."""
        self.errors.append(f"{words} [json-pointer:{path}]")

    def keys(self, thing: Json, path: str, required: tuple[str, ...], allowed: frozenset[str]) -> None:
        """Refuse missing and unknown properties."""
        for key in required:
            if key not in thing:
                self.bad(path, f"missing required field: {key}")
        if not thing.keys() <= allowed:
            for key in sorted(thing.keys() - allowed):
                self.bad(path, f"invalid additional property: {key}")

    def string(self, value: object, path: str, limit: int, *, least: int = 1) -> bool:
        """Check a plain string's type and length."""
        if not isinstance(value, str):
            self.bad(path, "must be a string")
        elif len(value) < least:
            self.bad(path, f"must be more than {least - 1} characters")
        elif len(value) > limit:
            self.bad(path, f"must be less than {limit + 1} characters")
        else:
            return True
        return False

    def optional_string(self, thing: Json, key: str, path: str, limit: int) -> None:
        """Check a string that may be absent or empty."""
        if thing.get(key) is not None:
            self.string(thing[key], f"{path}/{key}", limit, least=0)

    def weigh(self, words: str) -> None:
        """Count words and addresses towards the bound on a whole message, as Slack keeps them: with entities."""
        self.weight += len(words) + 4 * words.count("&") + 3 * (words.count("<") + words.count(">"))

    def text(self, value: object, path: str, limit: int, *, plain: bool = False) -> None:
        """Check a text object; `plain` allows plain_text only."""
        if not isinstance(value, dict):
            self.bad(path, "must provide an object")
            return
        kind = value.get("type")
        if kind == "plain_text":
            extra = value.keys() - PLAIN_KEYS
        elif kind == "mrkdwn" and not plain:
            extra = value.keys() - MRKDWN_KEYS
        else:
            self.bad(f"{path}/type", "must be plain_text" if plain else "must be one of: mrkdwn, plain_text")
            return
        for key in sorted(extra):
            self.bad(path, f"invalid additional property: {key}")
        words = value.get("text")
        if self.string(words, f"{path}/text", limit) and isinstance(words, str):
            self.weigh(words)

    def count_of(self, value: object, path: str, most: int, *, least: int = 1) -> list[Any]:
        """Check a list's length and return the list, empty when it is not one."""
        if not isinstance(value, list):
            self.bad(path, "must be an array")
            return []
        if len(value) < least:
            self.bad(path, f"no fewer than {least} items allowed" if least > 1 else "must have at least one item")
        elif len(value) > most:
            self.bad(path, f"no more than {most} items allowed")
        return value

    def action_id(self, thing: Json, path: str) -> None:
        """Check an action_id, refusing one that the same payload has used; gives one where it is absent."""
        id = thing.get("action_id")
        if id is None:
            thing["action_id"] = f"a{len(self.action_ids):04d}"
            while thing["action_id"] in self.action_ids:
                thing["action_id"] += "x"
            self.action_ids.add(thing["action_id"])
        elif self.string(id, f"{path}/action_id", limits.ID):
            if id in self.action_ids:
                self.bad(f"{path}/action_id", f"`action_id` {id} already exists")
            self.action_ids.add(id)


PLAIN_KEYS = frozenset({"type", "text", "emoji"})
MRKDWN_KEYS = frozenset({"type", "text", "verbatim"})
CONFIRM_KEYS = frozenset({"title", "text", "confirm", "deny", "style"})
OPTION_KEYS = frozenset({"text", "value", "description", "url"})
GROUP_KEYS = frozenset({"label", "options"})


def confirm(note: Findings, value: object, path: str) -> None:
    """Check a confirm dialog."""
    if not isinstance(value, dict):
        note.bad(path, "must provide an object")
        return
    note.keys(value, path, ("title", "text", "confirm", "deny"), CONFIRM_KEYS)
    for key, limit, plain in (
        ("title", limits.CONFIRM_TITLE, True),
        ("text", limits.CONFIRM_TEXT, False),
        ("confirm", limits.CONFIRM_BUTTON, True),
        ("deny", limits.CONFIRM_BUTTON, True),
    ):
        if key in value:
            note.text(value[key], f"{path}/{key}", limit, plain=plain)
    if value.get("style") not in (None, *STYLES):
        note.bad(f"{path}/style", "must be one of: primary, danger")


def option(note: Findings, value: object, path: str, *, plain: bool = True, url: bool = False) -> None:
    """Check one option of a menu, a list of radio buttons or checkboxes, or an overflow."""
    if not isinstance(value, dict):
        note.bad(path, "must provide an object")
        return
    note.keys(value, path, ("text", "value"), OPTION_KEYS if url else OPTION_KEYS - {"url"})
    if "text" in value:
        note.text(value["text"], f"{path}/text", limits.OPTION_TEXT, plain=plain)
    if "value" in value:
        note.string(value["value"], f"{path}/value", limits.OPTION_VALUE)
    if "description" in value:
        note.text(value["description"], f"{path}/description", limits.OPTION_TEXT, plain=plain)
    if url:
        note.optional_string(value, "url", path, limits.URL)


def options(note: Findings, thing: Json, path: str, most: int, *, plain: bool = True, url: bool = False) -> list[Any]:
    """Check the `options` of an element, or its `option_groups`, and return all options."""
    groups = thing.get("option_groups")
    if groups is None:
        found = note.count_of(thing.get("options"), f"{path}/options", most)
        for i, item in enumerate(found):
            option(note, item, f"{path}/options/{i}", plain=plain, url=url)
        return found
    found = []
    for i, group in enumerate(note.count_of(groups, f"{path}/option_groups", limits.SELECT_OPTIONS)):
        at = f"{path}/option_groups/{i}"
        note.keys(group, at, ("label", "options"), GROUP_KEYS)
        note.text(group.get("label"), f"{at}/label", limits.OPTION_TEXT, plain=True)
        found += options(note, {"options": group.get("options")}, at, most)
    return found


def initial(note: Findings, thing: Json, path: str, known: list[Any]) -> None:
    """Refuse initial options that are not among the options."""
    chosen = thing.get("initial_options", [thing["initial_option"]] if "initial_option" in thing else [])
    values = {o.get("value") for o in known if isinstance(o, dict)}
    for item in chosen if isinstance(chosen, list) else []:
        if not isinstance(item, dict) or item.get("value") not in values:
            note.bad(path, "initial options must be among the options")


def number_of(thing: Json, key: str) -> float | None:
    """Return a property as a number, or None."""
    try:
        return float(thing[key])
    except (KeyError, TypeError, ValueError):
        return None
