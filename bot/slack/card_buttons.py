"""The buttons of a card: what whoever looks at it may do next."""

from dataclasses import replace
from typing import Final

from bot.domain.lifecycle import State
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.proposal import Proposal, Reply
from bot.errands import ESCALATION
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, confirmed, overflow
from bot.slack.parts import masked_in
from bot.slack.wrote_again import all_heard

CALLED_TWICE: Final = confirmed(
    "Try it again?", "If the first call did get through after all, this does it a second time.", "Try again"
)


def choices(proposal: Proposal, room: str, *, cut: bool, undoable: bool) -> list[Block]:
    """The row of buttons; `cut` says that the card does not show all of it, so that it is not approved there unread."""
    buttons = _buttons(proposal, room, cut=cut, undoable=undoable)
    return [actions(f"sayso:{proposal.id}:{room}:{proposal.version}", buttons)] if buttons else []


def _buttons(proposal: Proposal, room: str, *, cut: bool, undoable: bool) -> list[Element]:
    value = ids.carried(proposal.seen)
    match proposal.state:
        case State.PENDING if proposal.connector == THRESHOLDS_CONNECTOR:
            return [*_deciding(proposal, value, cut=cut), button("Reject", ids.REJECT, value)]
        case State.PENDING:
            return [
                *_deciding(proposal, value, cut=cut),
                button("Escalate", ids.ESCALATE, value),
                _menu(value, note=True),
            ]
        case State.ESCALATED if room == ESCALATION:
            return [button("Take over", ids.TAKE_OVER, value), *_deciding(proposal, value, cut=cut), _menu(value)]
        case State.APPROVED if undoable and not (proposal.execution and proposal.execution.attempts):
            # Never where Approve stood, which is first but in the escalation channel: a double click ends there.
            row = [_full_case(value), button("Undo", ids.UNDO, value)]
            return row[::-1] if room == ESCALATION else row
        case State.FAILED:
            retry = button("Try again", ids.RETRY, _again(proposal, cut=cut), style="primary")
            return [retry, button("Give up", ids.GIVE_UP, value), _full_case(value)]
        case State.IN_DOUBT:
            return [
                button("It happened", ids.CONFIRM, value),
                button("It did not: try again", ids.RETRY, _again(proposal, cut=cut), confirm=CALLED_TWICE),
                button("It did not: give up", ids.GIVE_UP, value),
                _full_case(value),
            ]
        case _:
            return [_full_case(value)]


def _menu(value: str, *, note: bool = False) -> Element:
    """What is rarer than a button; with `note` also the escalation that says why."""
    options = [("Escalate with a note…", f"{ids.ESCALATE_OPTION}|{value}")] if note else []
    options += [("Reject…", f"{ids.REJECT_OPTION}|{value}"), ("View full case", f"{ids.FULL_OPTION}|{value}")]
    return overflow(ids.MORE, options)


def _full_case(value: str) -> Element:
    return button("View full case", ids.OPEN, value)


def _again(proposal: Proposal, *, cut: bool) -> str:
    """What a retry carries: also how many later messages the card showed, none where it is cut or not all are shown."""
    heard = 0 if cut or not all_heard(proposal) else len(proposal.follow_ups)
    return ids.carried(replace(proposal.seen, follow_ups=heard))


def _deciding(proposal: Proposal, value: str, *, cut: bool) -> list[Element]:
    """Approve and Edit; a blank draft has only the one that writes, for Slack refuses two buttons of one action.

    Approve stands only where a reviewer sees every word on the card: nothing `cut`, masked or written since.
    """
    content = proposal.content
    if isinstance(content, Reply) and not content.text.strip():
        return [button("Write a reply", ids.EDIT, value, style="primary")]
    if cut or masked_in(content) or proposal.follow_ups:
        approve = button("Read and approve", ids.READ, value, style="primary")
    else:
        approve = button("Approve", ids.APPROVE, value, style="primary")
    return [approve, button("Edit", ids.EDIT, value)]
