"""Builders of Block Kit that cannot be tricked: untrusted words go into plain_text and rich_text elements only."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from bot.domain.masking import beginning, mask
from bot.domain.text import reveal, reveal_name, shorten
from bot.quick_json import dump

Block = dict[str, Any]
Element = dict[str, Any]

SECTION_TEXT: Final = 3000
CONTEXT_TEXT: Final = 2000
RICH_TEXT: Final = 2900
PAGE: Final = 2500
EMPTY: Final = "(empty)"
MESSAGE_WEIGHT: Final = 12_000
"""What is posted weighs no more: Slack takes 13,297 characters in one block, and 13,172 in two (bolt-js #2509)."""
BLOCK_WEIGHT: Final = 125
MEMORABLE: Final = 4_000


def shown(text: str, limit: int) -> str:
    """Untrusted words as a reviewer may see them: secrets masked, hidden characters spelled out, cut at `limit`."""
    return shorten(whole(text) if len(text) <= MEMORABLE else reveal(beginning(text, limit)).text, limit)


def one_line(text: str, limit: int) -> str:
    """As `shown`, on one line: a name or a title may not start a line of its own and pass for one of ours."""
    return shown(" ".join(beginning(text, limit).split()), limit)


def shown_name(name: str) -> str:
    """The name of an argument as a reviewer may see it, all of it on one line."""
    return reveal_name(mask(name).text)


def whole(text: str) -> str:
    """All of it as a reviewer may see it, however long that gets."""
    return _remembered(text) if len(text) <= MEMORABLE else reveal(mask(text).text).text


@lru_cache(maxsize=64)
def masked_kinds(text: str) -> tuple[str, ...]:
    """What is masked where this is shown, such as `password`; empty where nothing is."""
    return mask(text).kinds


@lru_cache(maxsize=64)
def _remembered(text: str) -> str:
    """One card asks for the same few texts again and again."""
    return reveal(mask(text).text).text


def all_shown(text: str, limit: int) -> bool:
    """Whether `shown` cuts nothing off, for what spells out hidden characters is longer than what they stood in."""
    return len(text) <= limit and len(whole(text)) <= limit


def words(text: str, *, bold: bool = False, italic: bool = False, strike: bool = False, code: bool = False) -> Element:
    """A stretch of rich text; never empty, because Slack refuses an empty one."""
    element: Element = {"type": "text", "text": text or " "}
    if bold or italic or strike or code:
        styles = {"bold": bold, "italic": italic, "strike": strike, "code": code}
        element["style"] = {name: True for name, on in styles.items() if on}
    return element


def said(text: str) -> Element:
    """Somebody's words; where there are none, `(empty)` in italics: who writes just that has it upright."""
    return words(text) if text else words(EMPTY, italic=True)


def mention(user: str) -> Element:
    """A user, as Slack shows one."""
    return {"type": "user", "user_id": user}


def channel(id_: str) -> Element:
    """A channel, as Slack shows one."""
    return {"type": "channel", "channel_id": id_}


def link(url: str, text: str) -> Element:
    """A link whose text is ours."""
    return {"type": "link", "url": url, "text": text}


def date(epoch: int, form: str, fallback: str) -> Element:
    """A moment in the reader's own time zone."""
    return {"type": "date", "timestamp": epoch, "format": form, "fallback": fallback}


def rich(*sections: Element) -> Block:
    """A rich text block of sections."""
    return {"type": "rich_text", "elements": list(sections)}


def line(*elements: Element) -> Element:
    """A section of running text."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(*parts: str | Element) -> Element:
    """Somebody's words, set apart by a bar."""
    return {"type": "rich_text_quote", "elements": [said(part) if isinstance(part, str) else part for part in parts]}


def pages(text: str, size: int = RICH_TEXT) -> list[str]:
    """The whole text in pieces of at most `size` characters, cut at line ends where there are any."""
    found, rest = [], text
    while len(rest) > size:
        cut = rest.rfind("\n", size // 2, size)
        cut = cut + 1 if cut > 0 else size
        found.append(rest[:cut])
        rest = rest[cut:]
    return [*found, rest] if rest or not found else found


def packed(sections: Sequence[Element]) -> list[Block]:
    """The sections in as few blocks as hold them."""
    blocks: list[Block] = []
    held: list[Element] = []
    room = PAGE
    for part in sections:
        size = size_of(part)
        if held and size > room:
            blocks.append(rich(*held))
            held, room = [], PAGE
        held.append(part)
        room -= size
    return [*blocks, rich(*held)] if held else blocks


def context(*texts: str) -> Block:
    """A line of small print, in plain text."""
    return {
        "type": "context",
        "elements": [
            {"type": "plain_text", "text": shorten(text, CONTEXT_TEXT), "emoji": False} for text in texts if text
        ][:10],
    }


def note(text: str) -> Block:
    """A line of small print in our own words, with Slack's formatting: never for untrusted text."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def section(text: str) -> Block:
    """A paragraph of our own words with Slack's formatting: never for untrusted text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(
    label: str, action_id: str, value: str, *, style: str | None = None, confirm: Element | None = None
) -> Element:
    """A button; `style` is primary or danger."""
    element: Element = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    return element


def overflow(action_id: str, options: Sequence[tuple[str, str]]) -> Element:
    """The ⋯ menu; options are (label, value)."""
    return {"type": "overflow", "action_id": action_id, "options": [option(*pair) for pair in options]}


def option(label: str, value: str) -> Element:
    """One choice of a menu."""
    return {"text": {"type": "plain_text", "text": label}, "value": value}


def actions(block_id: str, elements: Iterable[Element]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def table(rows: Iterable[Sequence[str]]) -> Block:
    """A small table of plain cells, for short words of our own."""
    return {"type": "table", "rows": [[{"type": "raw_text", "text": cell or " "} for cell in row] for row in rows]}


def wrapped_table(rows: Sequence[Sequence[str]]) -> Block:
    """A table for values of any length: unless it is wrapped, a long one leaves the screen."""
    return table(rows) | {"column_settings": [{"is_wrapped": True}] * len(rows[0])}


def confirmed(title: str, text: str, yes: str) -> Element:
    """What a button asks before it counts; `text` has at most 300 characters."""
    plain = {"title": title, "text": text, "confirm": yes, "deny": "Cancel"}
    return {name: {"type": "plain_text", "text": words_} for name, words_ in plain.items()}


def plain_input(
    block_id: str,
    action_id: str,
    label: str,
    *,
    initial: str = "",
    multiline: bool = False,
    optional: bool = False,
    longest: int = SECTION_TEXT,
) -> Block:
    """A field for words."""
    element: Element = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": longest,
    }
    if initial:
        element["initial_value"] = initial
    return field(block_id, label, element, optional=optional)


def field(block_id: str, label: str, element: Element, *, optional: bool = False, hint: str = "") -> Block:
    """An input block around an element."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": element,
        "optional": optional,
    }
    return block | ({"hint": {"type": "plain_text", "text": hint}} if hint else {})


def choice(
    action_id: str, labels: Iterable[tuple[str, str]], *, initial: str | None = None, placeholder: str
) -> Element:
    """A menu of (label, value) pairs."""
    options = [option(label, value) for label, value in labels]
    element: Element = {
        "type": "static_select",
        "action_id": action_id,
        "options": options,
        "placeholder": {"type": "plain_text", "text": placeholder},
    }
    chosen = [found for found in options if found["value"] == initial]
    return element | ({"initial_option": chosen[0]} if chosen else {})


def modal(callback_id: str, title: str, blocks: list[Block], *, metadata: str, submit: str | None) -> Block:
    """A modal; without `submit` it is only for reading."""
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "title": {"type": "plain_text", "text": title},
        "close": {"type": "plain_text", "text": "Cancel" if submit else "Close"},
        "private_metadata": metadata,
        "blocks": blocks[:100],
    }
    return view | ({"submit": {"type": "plain_text", "text": submit}} if submit else {})


def is_light(blocks: list[Block]) -> bool:
    """Whether Slack takes these blocks as one message: it bounds the weight of all of them together."""
    travels = dump(blocks)
    # Never less than the weight, and a hundred times quicker: only what could be too much is looked through.
    bound = len(travels) + 4 * travels.count(b"&") + 3 * (travels.count(b"<") + travels.count(b">"))
    return bound + BLOCK_WEIGHT * len(blocks) <= MESSAGE_WEIGHT or weight(blocks) <= MESSAGE_WEIGHT


def weight(blocks: list[Block]) -> int:
    """The text of a message's blocks, where `&`, `<` and `>` count as entities, and something for each block.

    Slack says nowhere how it counts; this agrees with what others have measured (bolt-js #2509 and #2867).
    """
    return _characters(blocks) + BLOCK_WEIGHT * len(blocks)


def _characters(thing: Any) -> int:
    if isinstance(thing, dict):
        return sum(
            len(escape(v)) if k in ("text", "url") and isinstance(v, str) else _characters(v) for k, v in thing.items()
        )
    return sum(map(_characters, thing)) if isinstance(thing, list) else 0


def size_of(thing: Block) -> int:
    """The bytes of a block or view as it travels."""
    return len(json.dumps(thing))


def escape(text: str) -> str:
    """Text made safe for mrkdwn and for a message's fallback."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
