"""The window in which somebody edits a draft, or the arguments of an action, and approves what they wrote."""

from collections.abc import Sequence
from typing import Final

from bot.domain.canonical import Json
from bot.domain.errors import BadField, BadInput
from bot.domain.proposal import Action, Content, Proposal, Reply, Revision
from bot.domain.text import reveal_name
from bot.slack import ids
from bot.slack.blocks import Block, line, modal, plain_input, rich, words
from bot.slack.fields import (
    FIELD,
    Fields,
    argument_field,
    argument_of,
    field_text,
    holding,
    in_a_field,
    joined,
    reason_fields,
    text_parts,
)
from bot.slack.parts import banner, evidence
from bot.slack.status import earlier_edit
from bot.slack.window import TOO_MUCH_SAID, fitting, heard

MOST_FIELDS: Final = 80
LABEL: Final = 150
TOO_MUCH_HIDES: Final = (
    "More hides in this than can be shown above its fields, so it cannot be edited here; reject or escalate it."
)


def edit_modal(
    proposal: Proposal, metadata: str, revisions: Sequence[Revision] = (), typed: Fields | None = None
) -> Block:
    """The text, or one typed field for each argument; submitting approves the new revision.

    `revisions` are those there have been, where somebody has edited it before.
    With `typed` it is the same window again, each field as it was submitted. Raises BadInput where it has other fields.
    """
    content = proposal.content
    blank = isinstance(content, Reply) and not content.text.strip()
    fields = [*_fields(content), *([] if blank else reason_fields("Why the change?", ids.EDIT_REASONS))]
    if typed is not None:
        fields, content = _refilled(fields, typed), edited(content, typed)
    above = [*heard(proposal), *earlier_edit(revisions), *evidence(proposal)]
    hidden = banner(content, masked=False, in_fields=True)
    title, submit = ("Write a reply", "Approve reply") if blank else ("Edit and approve", "Approve edited")

    def view_of(blocks: list[Block]) -> Block | None:
        return fitting(
            proposal, blocks, lambda held: modal(ids.EDIT_VIEW, title, held, metadata=metadata, submit=submit)
        )

    view = view_of([*above, *hidden, *fields])
    if view is None:
        if hidden and view_of([*above, *fields]):
            raise BadInput(TOO_MUCH_HIDES)
        if proposal.follow_ups:
            raise BadInput(TOO_MUCH_SAID)
        raise BadInput("This is too long to edit in Slack; reject it, with a reason that asks for less.")
    return view


def edited(content: Content, typed: Fields) -> Content:
    """The content that a submitted edit says."""
    if isinstance(content, Reply):
        text = joined(content.text, typed)
        return content if text == in_a_field(content.text) else Reply(text=text)
    args: dict[str, Json] = {}
    for name, old in content.args.items():
        state = typed.get(block := f"{ids.ARG_BLOCK}:{name}")
        try:
            args[name] = old if state is None else argument_of(name, old, state)
        except BadInput as error:
            raise BadField(error.sentence, block=block) from None
    return Action(name=content.name, args=args)


def _fields(content: Content) -> list[Block]:
    """What of the content is edited where."""
    if isinstance(content, Reply):
        parts = text_parts(content.text)
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
    fields = [argument_field(name, value) for name, value in content.args.items()]
    return fields or [rich(line(words("This action has no arguments to edit.")))]


def _refilled(fields: list[Block], typed: Fields) -> list[Block]:
    """The same fields with what was typed into them.

    Slack keeps what was typed wherever block_id and action_id stay, whatever the update says. The text may therefore
    not be split anew: under the old ids it would be shown, and sent, with the old words.
    """
    if typed.keys() != {block["block_id"] for block in fields if block["type"] == "input"}:
        raise BadInput("This window is of an earlier Sayso: copy what you typed, and open the case again.")
    return [
        block | {"element": holding(block["element"], typed[block["block_id"]])} if block["type"] == "input" else block
        for block in fields
    ]


def _all_editable(content: Action) -> bool:
    """Whether every argument has a field of its own that shows all of it: submitting approves them all."""
    return len(content.args) <= MOST_FIELDS and all(
        len(field_text(value)) <= FIELD and len(reveal_name(name)) <= LABEL for name, value in content.args.items()
    )
