"""The checks of blocks, messages and views, as strict as Slack's own and a little stricter."""

import json
from collections.abc import Callable

from bot.local_slack import limits
from bot.local_slack.composition import Findings
from bot.local_slack.elements import IN_ACTIONS, IN_INPUT, IN_SECTION, element, picture
from bot.local_slack.model import Json, SlackError

SECTION_KEYS = frozenset({"type", "block_id", "text", "fields", "accessory", "expand"})
HEADER_KEYS = frozenset({"type", "block_id", "text", "level"})
DIVIDER_KEYS = frozenset({"type", "block_id"})
ELEMENTS_KEYS = frozenset({"type", "block_id", "elements"})
INPUT_KEYS = frozenset({"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"})
IMAGE_KEYS = frozenset({"type", "block_id", "image_url", "slack_file", "alt_text", "title"})
MARKDOWN_KEYS = frozenset({"type", "block_id", "text"})
TABLE_KEYS = frozenset({"type", "block_id", "rows", "column_settings"})
MODAL_KEYS = frozenset(
    {"type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close"}
    | {"notify_on_close", "external_id", "submit_disabled"}
)
HOME_KEYS = frozenset({"type", "blocks", "private_metadata", "callback_id", "external_id"})
RICH_PARTS = frozenset({"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"})
RICH_INLINE = frozenset({"text", "link", "user", "usergroup", "channel", "emoji", "date", "broadcast", "color", "team"})
ALIGNMENTS = (None, "left", "center", "right")


def section(note: Findings, b: Json, path: str) -> None:
    """Check a section."""
    note.keys(b, path, (), SECTION_KEYS)
    if "text" in b:
        note.text(b["text"], f"{path}/text", limits.SECTION_TEXT)
    elif "fields" not in b:
        note.bad(path, "missing required field: text or fields")
    if "fields" in b:
        for i, field in enumerate(note.count_of(b["fields"], f"{path}/fields", limits.FIELDS)):
            note.text(field, f"{path}/fields/{i}", limits.FIELD_TEXT)
    if "accessory" in b:
        element(note, b["accessory"], f"{path}/accessory", IN_SECTION)


def header(note: Findings, b: Json, path: str) -> None:
    """Check a header: plain text only."""
    note.keys(b, path, ("text",), HEADER_KEYS)
    if "text" in b:
        note.text(b["text"], f"{path}/text", limits.HEADER_TEXT, plain=True)


def divider(note: Findings, b: Json, path: str) -> None:
    """Check a divider."""
    note.keys(b, path, (), DIVIDER_KEYS)


def actions(note: Findings, b: Json, path: str) -> None:
    """Check a row of buttons and menus."""
    note.keys(b, path, ("elements",), ELEMENTS_KEYS)
    found = note.count_of(b.get("elements"), f"{path}/elements", limits.ACTIONS_ELEMENTS)
    for i, item in enumerate(found):
        element(note, item, f"{path}/elements/{i}", IN_ACTIONS)


def context(note: Findings, b: Json, path: str) -> None:
    """Check a line of small texts and pictures."""
    note.keys(b, path, ("elements",), ELEMENTS_KEYS)
    found = note.count_of(b.get("elements"), f"{path}/elements", limits.CONTEXT_ELEMENTS)
    for i, item in enumerate(found):
        at = f"{path}/elements/{i}"
        if isinstance(item, dict) and item.get("type") in ("plain_text", "mrkdwn"):
            note.text(item, at, limits.CONTEXT_TEXT)
        else:
            element(note, item, at, frozenset({"image"}))


def input_block(note: Findings, b: Json, path: str) -> None:
    """Check an input with its label and hint."""
    note.keys(b, path, ("label", "element"), INPUT_KEYS)
    for key in ("label", "hint"):
        if key in b:
            note.text(b[key], f"{path}/{key}", limits.LABEL_TEXT, plain=True)
    if "element" in b:
        element(note, b["element"], f"{path}/element", IN_INPUT)


def image_block(note: Findings, b: Json, path: str) -> None:
    """Check a picture of its own."""
    note.keys(b, path, ("alt_text",), IMAGE_KEYS)
    picture(note, b, path)
    if "title" in b:
        note.text(b["title"], f"{path}/title", limits.IMAGE_TEXT, plain=True)


def markdown(note: Findings, b: Json, path: str) -> None:
    """Check a block of standard Markdown; the total is checked with the whole payload."""
    note.keys(b, path, ("text",), MARKDOWN_KEYS)
    text = b.get("text")
    if "text" in b and note.string(text, f"{path}/text", limits.MARKDOWN_TEXT):
        note.weigh(str(text))


def rich_text(note: Findings, b: Json, path: str) -> None:
    """Check rich text down to its last word."""
    note.keys(b, path, ("elements",), ELEMENTS_KEYS)
    for i, part in enumerate(note.count_of(b.get("elements"), f"{path}/elements", 1_000)):
        rich_part(note, part, f"{path}/elements/{i}")


def rich_part(note: Findings, part: object, path: str) -> None:
    """Check a section, list, quote or preformatted part of rich text."""
    if not isinstance(part, dict) or part.get("type") not in RICH_PARTS:
        kind = part.get("type") if isinstance(part, dict) else None
        note.bad(f"{path}/type", f"unsupported type: {kind}")
        return
    if part["type"] == "rich_text_list" and part.get("style") not in ("bullet", "ordered"):
        note.bad(f"{path}/style", "must be one of: bullet, ordered")
    for i, item in enumerate(note.count_of(part.get("elements"), f"{path}/elements", 10_000, least=0)):
        at = f"{path}/elements/{i}"
        if part["type"] == "rich_text_list":
            rich_part(note, item, at)
        else:
            rich_inline(note, item, at)


def rich_inline(note: Findings, item: object, path: str) -> None:
    """Check a word, link, mention or emoji of rich text."""
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(item, dict) or kind not in RICH_INLINE:
        note.bad(f"{path}/type", f"unsupported type: {kind}")
    elif kind == "text":
        if note.string(item.get("text"), f"{path}/text", limits.POST_TEXT):
            note.weigh(item["text"])
    elif kind == "link" and note.string(item.get("url"), f"{path}/url", limits.URL):
        note.weigh(f"{item['url']}{item.get('text') or ''}")


def table(note: Findings, b: Json, path: str) -> None:
    """Check a table: rows of raw_text or rich_text cells."""
    note.keys(b, path, ("rows",), TABLE_KEYS)
    before = note.weight
    for i, row in enumerate(note.count_of(b.get("rows"), f"{path}/rows", limits.TABLE_ROWS)):
        at = f"{path}/rows/{i}"
        for j, cell in enumerate(note.count_of(row, at, limits.TABLE_COLUMNS)):
            table_cell(note, cell, f"{at}/{j}")
    if note.weight - before > limits.TABLE_TEXT:
        note.bad(path, f"table text must be less than {limits.TABLE_TEXT + 1} characters")
    settings = b.get("column_settings", [])
    for i, setting in enumerate(note.count_of(settings, f"{path}/column_settings", limits.TABLE_COLUMNS, least=0)):
        if setting is not None and (not isinstance(setting, dict) or setting.get("align") not in ALIGNMENTS):
            note.bad(f"{path}/column_settings/{i}", "must give align (left, center, right) or is_wrapped")


def table_cell(note: Findings, cell: object, path: str) -> None:
    """Check one cell of a table."""
    kind = cell.get("type") if isinstance(cell, dict) else None
    if isinstance(cell, dict) and kind == "raw_text":
        note.keys(cell, path, ("text",), MARKDOWN_KEYS - {"block_id"})
        if "text" in cell and note.string(cell["text"], f"{path}/text", limits.TABLE_TEXT):
            note.weigh(cell["text"])
    elif isinstance(cell, dict) and kind == "rich_text":
        rich_text(note, cell, path)
    else:
        note.bad(f"{path}/type", f"unsupported type: {kind}")


Check = Callable[[Findings, Json, str], None]
ANYWHERE: dict[str, Check] = {
    "section": section,
    "header": header,
    "divider": divider,
    "actions": actions,
    "context": context,
    "input": input_block,
    "image": image_block,
    "rich_text": rich_text,
}
IN_MESSAGES: dict[str, Check] = ANYWHERE | {"markdown": markdown, "table": table}


def _check_all(
    note: Findings, blocks: list[Json], path: str, checks: dict[str, Check], new_id: Callable[[], str]
) -> None:
    for i, b in enumerate(blocks):
        # Slack asks for unique action ids inside one block: a list may repeat its button on every row.
        note.action_ids.clear()
        at = f"{path}/{i}"
        kind = b.get("type")
        if not isinstance(kind, str) or kind not in checks:
            note.bad(f"{at}/type", f"unsupported type: {kind}")
            continue
        id = b.get("block_id")
        if id is None:
            b["block_id"] = new_id()
        elif note.string(id, f"{at}/block_id", limits.ID):
            if id in note.block_ids:
                note.bad(f"{at}/block_id", f"`block_id` {id} already exists")
            note.block_ids.add(id)
        checks[kind](note, b, at)


def check_message_blocks(blocks: object, new_id: Callable[[], str]) -> list[Json]:
    """Return a message's blocks with their ids filled in, or raise `invalid_blocks` and its relatives."""
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
        raise SlackError("invalid_blocks_format")
    note = Findings()
    note.count_of(blocks, "/blocks", limits.MESSAGE_BLOCKS, least=0)
    _check_all(note, blocks, "/blocks", IN_MESSAGES, new_id)
    kinds = [b.get("type") for b in blocks]
    if kinds.count("table") > 1:
        note.bad("/blocks", "only_one_table_allowed")
    if sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown") > limits.MARKDOWN_TEXT:
        note.bad("/blocks", f"markdown text must be less than {limits.MARKDOWN_TEXT + 1} characters in total")
    if note.errors:
        raise SlackError("invalid_blocks", *note.errors)
    if note.weight + limits.BLOCK_WEIGHT * len(blocks) > limits.ALL_BLOCKS_WEIGHT:
        raise SlackError("msg_blocks_too_long")
    return blocks


def check_view(view: object, new_id: Callable[[], str], *, kind: str) -> Json:
    """Return a view with its ids filled in, or raise `invalid_arguments`; `kind` is modal or home."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "must provide an object [json-pointer:/view]")
    if len(json.dumps(view)) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")
    note = Findings()
    if view.get("type") != kind:
        note.bad("/view/type", f"must be {kind}")
    required = ("title", "blocks") if kind == "modal" else ("blocks",)
    note.keys(view, "/view", required, MODAL_KEYS if kind == "modal" else HOME_KEYS)
    for key in ("title", "submit", "close"):
        if view.get(key) is not None:
            note.text(view[key], f"/view/{key}", limits.VIEW_TITLE, plain=True)
    note.optional_string(view, "private_metadata", "/view", limits.PRIVATE_METADATA)
    note.optional_string(view, "callback_id", "/view", limits.ID)
    note.optional_string(view, "external_id", "/view", limits.ID)
    blocks = note.count_of(view.get("blocks", []), "/view/blocks", limits.VIEW_BLOCKS, least=0)
    if all(isinstance(b, dict) for b in blocks):
        _check_all(note, blocks, "/view/blocks", ANYWHERE, new_id)
    else:
        note.bad("/view/blocks", "must be an array of objects")
    if (
        kind == "modal"
        and not view.get("submit")
        and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    ):
        note.bad("/view", "must define `submit` to use an `input` block in modals")
    if note.errors:
        raise SlackError("invalid_arguments", *note.errors)
    return view
