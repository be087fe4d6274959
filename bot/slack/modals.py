"""The modals in which somebody decides: edit, read and approve, reject with a reason."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bot.domain.canonical import Json
from bot.domain.errors import BadField, BadInput
from bot.domain.proposal import Action, Content, Message, Proposal, Reply, Revision
from bot.domain.text import reveal
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    Element,
    all_shown,
    choice,
    field,
    line,
    modal,
    pages,
    plain_input,
    quote,
    rich,
    section,
    shown,
    size_of,
    whole,
    words,
)
from bot.slack.parts import banner, cell, evidence, looks_like_json, speaker, what
from bot.slack.status import earlier_edit
from bot.slack.wrote_again import wrote_again_in_full
from bot.strict_json import BadJson, parse

MOST_BLOCKS: Final = 96
MOST_FIELDS: Final = 80
VIEW_BYTES: Final = 230_000
FIELD: Final = 2900
PAGE: Final = 2500
SHORT: Final = 80
LABEL: Final = 150
EMPTY: Final = "(empty)"
LONGEST_REASON: Final = 500
CUSTOMER_WORDS: Final = (20_000, 4_000, 700)
"""Characters of what the customer asked: fewer where a window would not hold all of it and what is to be approved."""
ESCALATED_TALK: Final = 4_000
LEAST_OF_A_MESSAGE: Final = 200
TOO_MUCH_SAID: Final = (
    "With all that the customer wrote since, this is too long to be read in Slack, so it cannot be approved here; "
    "reject it, and answer the customer yourself."
)
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
Window = Callable[[Proposal, str, Sequence[Revision]], Block]
"""Paints a window of a case from its metadata and the revisions there have been, where somebody has edited it."""


def edit_modal(
    proposal: Proposal, metadata: str, revisions: Sequence[Revision] = (), typed: Fields | None = None
) -> Block:
    """The text, or one typed field for each argument; submitting approves the new revision.

    `revisions` are those there have been, where somebody has edited it before.
    With `typed` it is the same window again, each field as it was submitted. Raises BadInput where it has other fields.
    """
    content = proposal.content
    blank = isinstance(content, Reply) and not content.text.strip()
    fields = [*_fields(content), *([] if blank else _reason("Why the change?", ids.EDIT_REASONS))]
    if typed is not None:
        fields, content = _refilled(fields, typed), edited(content, typed)
    hidden = banner(content, masked=False, in_fields=True)
    blocks = [*_heard(proposal), *earlier_edit(revisions), *evidence(proposal), *hidden, *fields]
    title, submit = ("Write a reply", "Approve reply") if blank else ("Edit and approve", "Approve edited")
    view = _fitting(proposal, blocks, lambda held: modal(ids.EDIT_VIEW, title, held, metadata=metadata, submit=submit))
    if view is None:
        if proposal.follow_ups:
            raise BadInput(TOO_MUCH_SAID)
        raise BadInput("This is too long to edit in Slack; reject it, with a reason that asks for less.")
    return view


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


def edited(content: Content, typed: Fields) -> Content:
    """The content that a submitted edit says."""
    if isinstance(content, Reply):
        names = [name for name in typed if name.startswith(f"{ids.TEXT_BLOCK}:")]
        joined = "".join(f"{'' if name.endswith('glue') else chr(10)}{_typed(typed[name]) or ''}" for name in names)
        text = joined.removeprefix("\n")
        return content if text == _in_a_field(content.text) else Reply(text=text)
    args: dict[str, Json] = {}
    for name, old in content.args.items():
        state = typed.get(block := f"{ids.ARG_BLOCK}:{name}")
        try:
            args[name] = old if state is None else _argument_of(name, old, state)
        except BadInput as error:
            raise BadField(error.sentence, block=block) from None
    return Action(name=content.name, args=args)


def read_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """The whole content, every character of it, what somebody has edited in it, and Approve below."""
    content = proposal.content
    label = "Draft" if isinstance(content, Reply) else "What would be done"
    blocks = [
        rich(line(words(label, bold=True))),
        *content_blocks(content, masked=False),
        *earlier_edit(revisions),
    ]
    blocks = [*_heard(proposal), *blocks, *banner(content, masked=False), *evidence(proposal)]
    view = _fitting(
        proposal,
        blocks,
        lambda held: modal(ids.READ_VIEW, "Read and approve", held, metadata=metadata, submit="Approve"),
    )
    if view is None:
        # What a window cannot hold cannot be read in it, and what cannot be read is not approved.
        if proposal.follow_ups:
            raise BadInput(TOO_MUCH_SAID)
        raise BadInput(
            "This is too long to be read in Slack, so it cannot be approved here; "
            "reject it, with a reason that asks for less."
        )
    return view


def _heard(proposal: Proposal) -> list[Block]:
    """All that the customer wrote since: submitting says that it was read."""
    blocks = wrote_again_in_full(proposal)
    if blocks is None:
        raise BadInput(TOO_MUCH_SAID)
    return blocks


def _fitting(proposal: Proposal, blocks: list[Block], window: Callable[[list[Block]], Block]) -> Block | None:
    """The window that shows all of these blocks, and above them as much of the talk as it holds; None for too many."""
    for most in CUSTOMER_WORDS:
        held = [*_heading(proposal, most), *blocks]
        view = window(held)
        if len(held) <= MOST_BLOCKS and size_of(view) <= VIEW_BYTES:
            return view
    return None


def reject_modal(proposal: Proposal, metadata: str, revisions: Sequence[Revision] = ()) -> Block:
    """Reject, with a reason that teaches, where the reviewer gives one."""
    text = section("Nothing will be sent or done. The AI is told, and a reason helps its next draft.")
    start = rich(line(*what(proposal.content, proposal.conversation.customer)))
    blocks = [start, *earlier_edit(revisions), text, *_reason("Why not?", ids.REASONS)]
    return modal(ids.REJECT_VIEW, "Reject", blocks, metadata=metadata, submit="Reject")


def reason_of(typed: Fields) -> str | None:
    """The reason that was chosen or written; of both, `The facts are wrong: it was Tuesday`."""
    written = (_typed(typed.get(ids.OTHER_BLOCK, {})) or "").strip()[:LONGEST_REASON]
    chosen = typed.get(ids.REASON_BLOCK, {}).get(ids.VALUE, {}).get("selected_option")
    return ": ".join([*([chosen["text"]["text"]] if chosen else []), *([written] if written else [])]) or None


def content_blocks(content: Content, *, masked: bool = True) -> list[Block]:
    """Every character of the content, a detail under its name; unmasked for whoever is to approve it here."""

    def read(text: str) -> list[str]:
        return pages((whole(text) if masked else reveal(text).text) or EMPTY, PAGE)

    if isinstance(content, Reply):
        return [rich(quote(page)) for page in read(content.text)]
    sections = [line(words(content.name, code=True))]
    for name, value in content.args.items():
        text = cell(value) if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
        names, values = read(name), read(text)
        # Names are bold, and what has lines of its own stands behind a bar: a value cannot pass for one more detail.
        if len(names) == 1 and len(values[0]) <= SHORT and "\n" not in values[0]:
            sections.append(line(words(f"{names[0]}: ", bold=True), words(values[0])))
        else:
            sections += [*(line(words(page, bold=True)) for page in names), *(quote(page) for page in values)]
    return _packed(sections)


def _fields(content: Content) -> list[Block]:
    """What of the content is edited where."""
    if isinstance(content, Reply):
        parts = _parts(content.text)
        return [
            plain_input(
                f"{ids.TEXT_BLOCK}:{position}:{'line' if joint else 'glue'}",
                ids.VALUE,
                "Reply" if len(parts) == 1 else f"Reply, part {position + 1} of {len(parts)}",
                initial=part,
                multiline=True,
                optional=len(parts) > 1,
            )
            for position, (joint, part) in enumerate(parts)
        ]
    if not _all_editable(content):
        raise BadInput("These arguments are too many or too long to edit in Slack; read and approve, or reject.")
    fields = [_argument(name, value) for name, value in content.args.items()]
    return fields or [rich(line(words("This action has no arguments to edit.")))]


def _refilled(fields: list[Block], typed: Fields) -> list[Block]:
    """The same fields with what was typed into them.

    Slack keeps what was typed wherever block_id and action_id stay, whatever the update says. The text may therefore
    not be split anew: under the old ids it would be shown, and sent, with the old words.
    """
    if typed.keys() != {block["block_id"] for block in fields if block["type"] == "input"}:
        raise BadInput("This window is of an earlier Sayso: copy what you typed, and open the case again.")
    return [
        block | {"element": _holding(block["element"], typed[block["block_id"]])} if block["type"] == "input" else block
        for block in fields
    ]


def _holding(element: Element, state: dict[str, Any]) -> Element:
    """The element as it was submitted; of a menu, its own option, for Slack sends it back with more keys."""
    empty = {key: value for key, value in element.items() if not key.startswith("initial_")}
    found = state.get(ids.VALUE, {})
    if text := found.get("value"):
        return empty | {"initial_value": text}
    chosen = (found.get("selected_option") or {}).get("value")
    options = [option for option in element.get("options", ()) if option["value"] == chosen]
    return empty | ({"initial_option": options[0]} if options else {})


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


def _all_editable(content: Action) -> bool:
    """Whether every argument has a field of its own that shows all of it: submitting approves them all."""
    return len(content.args) <= MOST_FIELDS and all(
        len(_field_text(value)) <= FIELD and len(reveal(name).text) <= LABEL for name, value in content.args.items()
    )


def _parts(text: str) -> list[tuple[str, str]]:
    """The text in fields of at most 2,900 characters, each with what joins it to the one before: a line end or none."""
    parts: list[tuple[str, str]] = []
    for row in _in_a_field(text).split("\n"):
        pieces = [row[start : start + FIELD] for start in range(0, len(row), FIELD)] or [""]
        for place, piece in enumerate(pieces):
            joint = "\n" if place == 0 else ""
            if parts and joint and len(parts[-1][1]) + len(piece) + 1 <= FIELD:
                parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n{piece}")
            else:
                parts.append((joint, piece))
    return parts


def _heading(proposal: Proposal, most: int) -> list[Block]:
    """What this is about, because a window hides the card: who, and at least what the card shows of the talk."""
    customer, said = proposal.conversation.customer, _said(proposal, most)
    sections = [line(*what(proposal.content, customer))]
    for message, limit in said:
        if len(said) > 1:
            sections.append(line(words(shown(speaker(message.role, customer), 80), bold=True)))
        sections += [quote(page) for page in pages(shown(message.text, limit) or EMPTY, PAGE)]
        if not all_shown(message.text, limit):
            sections.append(line(words("The rest of it is in the full case.", italic=True)))
    if (others := len(proposal.conversation.messages) - len(proposal.follow_ups) - len(said)) > 0:
        sections.append(line(words(f"{others} more message{'s' if others > 1 else ''} in the full case", italic=True)))
    return _packed(sections)


def _said(proposal: Proposal, most: int) -> list[tuple[Message, int]]:
    """The messages that a window shows, and how much of each: what the customer asked, and where it was escalated more.

    What they wrote since has its own place.
    """
    talk = proposal.conversation.messages[: len(proposal.conversation.messages) - len(proposal.follow_ups)]
    asked = max((at for at, one in enumerate(talk) if one.role == "customer" and one.text.strip()), default=-1)
    limits = {asked: most} if asked >= 0 else {}
    left = min(most, ESCALATED_TALK) if proposal.escalated else 0
    for at in reversed(range(len(talk))):
        if left < LEAST_OF_A_MESSAGE:
            break
        limits.setdefault(at, left)
        left -= len(talk[at].text)
    return [(talk[at], limits[at]) for at in sorted(limits)]


def _packed(sections: Sequence[Element]) -> list[Block]:
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


def _reason(label: str, reasons: Sequence[str]) -> list[Block]:
    menu = choice(ids.VALUE, [(text, str(n)) for n, text in enumerate(reasons)], placeholder="Choose one, or none")
    return [
        field(ids.REASON_BLOCK, label, menu, optional=True),
        plain_input(ids.OTHER_BLOCK, ids.VALUE, "In your own words", optional=True, longest=LONGEST_REASON),
    ]


def _argument(name: str, value: Json) -> Block:
    block_id, label = f"{ids.ARG_BLOCK}:{name}"[:255], reveal(name).text
    if isinstance(value, bool):
        yes_no = choice(
            ids.VALUE, [("yes", "true"), ("no", "false")], initial=str(value).lower(), placeholder="yes or no"
        )
        return field(block_id, label, yes_no)
    text = _field_text(value)
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


def _field_text(value: Json) -> str:
    """What an argument's field shows: words without the quotes that `cell` may set, numbers without an exponent."""
    if isinstance(value, str):
        return _in_a_field(value)
    return format(Decimal(str(value)), "f") if type(value) in (int, float) else cell(value)


def _in_a_field(text: str) -> str:
    """The text as a field gives it back: browsers know one line end only."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _argument_of(name: str, old: Json, state: dict[str, Any]) -> Json:
    found = state.get(ids.VALUE, {})
    if isinstance(old, bool):
        chosen = found.get("selected_option")
        return old if chosen is None else bool(chosen["value"] == "true")
    text = _typed(state)
    if text == _field_text(old):
        return old  # also where nothing that is typed could say it, such as a number of more than 16 digits
    if isinstance(old, int | float):
        return _number(name, text)
    if isinstance(old, str):
        return text or ""
    try:
        value = parse((text or "null").encode(errors="surrogatepass"), max_bytes=4 * FIELD, what="It")
    except BadJson as error:
        raise BadInput(f"{name} has to be JSON. {error.sentence}") from None
    if isinstance(old, list | dict) and not isinstance(value, type(old)):
        kind = "a list, like [1, 2]" if isinstance(old, list) else 'an object, like {"a": 1}'
        raise BadInput(f"{name} has to stay {kind}.")
    return value


def _number(name: str, text: str | None) -> int | float:
    try:
        found = float(text or "")
    except ValueError:
        raise BadInput(f"{name} has to be a number.") from None
    if not math.isfinite(found) or abs(found) >= 2**53:
        raise BadInput(f"{name} has to stay as it was, or be a number below {2**53:,}: a larger one would lose digits.")
    return int(found) if found.is_integer() and "." not in (text or "") else found


def _typed(block: dict[str, Any]) -> str | None:
    value = block.get(ids.VALUE, {}).get("value")
    if not isinstance(value, str):
        return None
    if _UNKEPT.search(value):
        raise BadInput("This holds a character that cannot be kept (NUL, or half of a pair); type it again without.")
    return value
