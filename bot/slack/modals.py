"""The modals: edit, read and approve, reject with a reason, and the full case."""

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.decision import Decision, Seen
from bot.domain.errors import BadInput
from bot.domain.proposal import Action, Content, Json, Proposal, Reply, Revision
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    choice,
    context,
    field,
    line,
    modal,
    pages,
    plain_input,
    quote,
    rich,
    section,
    shown,
    words,
)
from bot.slack.cards import cell, who

MOST_BLOCKS: Final = 96
FIELD: Final = 2900


def edit_modal(proposal: Proposal, metadata: str) -> Block:
    """The text, or one typed field for each argument; submitting approves the new revision."""
    content = proposal.content
    if isinstance(content, Reply):
        parts = _parts(content.text)
        fields = [
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
    else:
        fields = [_argument(name, value) for name, value in content.args.items()]
        fields = fields or [rich(line(words("This action has no arguments to edit.")))]
    return modal(ids.EDIT_VIEW, "Edit and approve", [*fields, *_reason()], metadata=metadata, submit="Approve edited")


def edited(content: Content, values: dict[str, Any]) -> Content:
    """The content that a submitted edit says; `values` are the view's state values by block."""
    if isinstance(content, Reply):
        names = sorted((n for n in values if n.startswith(f"{ids.TEXT_BLOCK}:")), key=lambda n: int(n.split(":")[1]))
        joined = "".join(f"{'' if name.endswith('glue') else chr(10)}{_typed(values[name]) or ''}" for name in names)
        return Reply(text=joined.removeprefix("\n"))
    args: dict[str, Json] = {}
    for name, old in content.args.items():
        state = values.get(f"{ids.ARG_BLOCK}:{name}")
        args[name] = old if state is None else _argument_of(name, old, state)
    return Action(name=content.name, args=args)


def read_modal(proposal: Proposal, metadata: str) -> Block:
    """The whole content, every character of it, and Approve below."""
    content = proposal.content
    blocks = [rich(line(words(shown(page, len(page) * 12)))) for page in _all_pages(content)]
    return modal(ids.READ_VIEW, "Read and approve", blocks, metadata=metadata, submit="Approve")


def reject_modal(proposal: Proposal, metadata: str) -> Block:
    """Reject, with a reason that teaches, where the reviewer gives one."""
    text = section("Nothing will be sent or done, and the AI's agent is told. A reason helps the next draft.")
    return modal(ids.REJECT_VIEW, "Reject this draft", [text, *_reason()], metadata=metadata, submit="Reject")


def reason_of(values: dict[str, Any]) -> str | None:
    """The reason that was chosen or written; what is written wins."""
    written = _typed(values.get(ids.OTHER_BLOCK, {}))
    chosen = values.get(ids.REASON_BLOCK, {}).get(ids.VALUE, {}).get("selected_option")
    return (written or "").strip()[:500] or (chosen["text"]["text"] if chosen else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of a case."""

    proposal: Proposal
    revisions: list[Revision]
    decisions: list[Decision]


def full_case(story: Story, metadata: str) -> Block:
    """The whole conversation, every wording, every source and every decision, for reading."""
    proposal = story.proposal
    blocks: list[Block] = [
        rich(line(words(f"{who(proposal.conversation.customer)} · ", bold=True), words(proposal.category, code=True)))
    ]
    for name, value in proposal.conversation.customer.items():
        blocks.append(context(f"{shown(name, 80)}: {shown(cell(value), 300)}"))
    for message in proposal.conversation.messages:
        speaker = who(proposal.conversation.customer) if message.role == "customer" else message.role
        blocks.append(context(f"{shown(speaker, 80)} {shown(message.at or '', 40)}".strip()))
        blocks += [rich(quote(shown(page, len(page) * 12))) for page in pages(message.text or "(empty)")]
    for revision in story.revisions:
        blocks.append(context(f"Wording {revision.number} by {shown(revision.author.name, 80)}"))
        blocks += [rich(line(words(shown(page, len(page) * 12)))) for page in _all_pages(revision.content)]
    for source in proposal.evidence:
        blocks.append(
            context(
                f"Source: {shown(source.title, 300)}", shown(source.quote or "", 1500), shown(source.url or "", 500)
            )
        )
    blocks.append(context(f"Ruling: {shown(proposal.ruling.reason, 500)} ({proposal.ruling.rule})"))
    for decision in story.decisions:
        reason = f" “{decision.reason}”" if decision.reason else ""
        blocks.append(
            context(
                f"{decision.kind.value} by {decision.by.name}, {decision.at:%d %b %Y %H:%M} UTC{shown(reason, 500)}"
            )
        )
    blocks.append(context(f"Case {proposal.id}"))
    return modal("sayso_full_case", "The full case", _bounded(blocks), metadata=metadata, submit=None)


def _bounded(blocks: list[Block]) -> list[Block]:
    if len(blocks) <= MOST_BLOCKS:
        return blocks
    cut = len(blocks) - MOST_BLOCKS
    return [
        *blocks[:40],
        context(f"{cut} pieces of the middle are left out here; the HTTP interface has them."),
        *blocks[40 + cut :],
    ]


def _all_pages(content: Content) -> list[str]:
    if isinstance(content, Reply):
        return pages(content.text or "(empty)", 2500)
    return pages(json.dumps({"action": content.name, "args": dict(content.args)}, indent=2, ensure_ascii=False), 2500)


def _parts(text: str) -> list[tuple[str, str]]:
    """The text in fields of at most 2,900 characters, each with what joins it to the one before: a line end or nothing."""
    parts: list[tuple[str, str]] = []
    for row in text.split("\n"):
        pieces = [row[start : start + FIELD] for start in range(0, len(row), FIELD)] or [""]
        for number, piece in enumerate(pieces):
            joint = "\n" if number == 0 else ""
            if parts and joint and len(parts[-1][1]) + len(piece) + 1 <= FIELD:
                parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n{piece}")
            else:
                parts.append((joint, piece))
    return parts


def _reason() -> list[Block]:
    menu = choice(ids.VALUE, [(text, str(n)) for n, text in enumerate(ids.REASONS)], placeholder="Choose one, or none")
    return [
        field(ids.REASON_BLOCK, "Reason", menu, optional=True),
        plain_input(ids.OTHER_BLOCK, ids.VALUE, "Or in your own words", optional=True),
    ]


def _argument(name: str, value: Json) -> Block:
    block_id, label = f"{ids.ARG_BLOCK}:{name}"[:255], shown(name, 150)
    if isinstance(value, bool):
        yes_no = choice(
            ids.VALUE, [("yes", "true"), ("no", "false")], initial=str(value).lower(), placeholder="yes or no"
        )
        return field(block_id, label, yes_no)
    if isinstance(value, int | float):
        element = {
            "type": "number_input",
            "action_id": ids.VALUE,
            "is_decimal_allowed": isinstance(value, float) or name != "quantity",
            "initial_value": str(value),
        }
        return field(block_id, label, element)
    text = cell(value)
    if len(text) > 2900:
        return context(f"{label} is too long to edit here and stays as it is.")
    multiline = not isinstance(value, str) or len(text) > 80
    return plain_input(block_id, ids.VALUE, label, initial=text, multiline=multiline, optional=isinstance(value, str))


def _argument_of(name: str, old: Json, state: dict[str, Any]) -> Json:
    found = state.get(ids.VALUE, {})
    if isinstance(old, bool):
        chosen = found.get("selected_option")
        return old if chosen is None else bool(chosen["value"] == "true")
    text = found.get("value")
    if isinstance(old, int | float):
        return _number(name, text)
    if isinstance(old, str):
        return text or ""
    try:
        return json.loads(text or "null")  # type: ignore[no-any-return]
    except json.JSONDecodeError as error:
        raise BadInput(f"{name} has to be JSON: {error.msg} in line {error.lineno}.") from None


def _number(name: str, text: str | None) -> int | float:
    try:
        number = float(text or "")
    except ValueError:
        raise BadInput(f"{name} has to be a number.") from None
    if not math.isfinite(number) or abs(number) >= 2**53:
        raise BadInput(f"{name} has to be a number below 9,007,199,254,740,992.")
    return int(number) if number.is_integer() and "." not in (text or "") else number


def _typed(block: dict[str, Any]) -> str | None:
    value = block.get(ids.VALUE, {}).get("value")
    return value if isinstance(value, str) else None


def seen_of_proposal(proposal: Proposal) -> Seen:
    """What a modal of this proposal carries."""
    return Seen(proposal_id=proposal.id, revision=proposal.revision.number, digest=proposal.digest)
