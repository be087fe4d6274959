"""The vocabulary that cards and handlers share: action ids, callback ids, commands, and what a button carries."""

from typing import Final

from bot.domain.decision import Seen
from bot.domain.errors import BadInput
from bot.domain.lifecycle import State

APPROVE: Final = "sayso_approve"
EDIT: Final = "sayso_edit"
ESCALATE: Final = "sayso_escalate"
MORE: Final = "sayso_more"
TAKE_OVER: Final = "sayso_take_over"
READ: Final = "sayso_read"
UNDO: Final = "sayso_undo"
RETRY: Final = "sayso_retry"
CONFIRM: Final = "sayso_confirm"
GIVE_UP: Final = "sayso_give_up"
OPEN: Final = "sayso_open"
REJECT: Final = "sayso_reject"
LOG_MORE: Final = "sayso_log_more"
APPLY: Final = "sayso_apply"

REJECT_OPTION: Final = "reject"
ESCALATE_OPTION: Final = "escalate"
FULL_OPTION: Final = "full"
WRONG_OPTION: Final = "wrong"

EDIT_VIEW: Final = "sayso_edit_view"
READ_VIEW: Final = "sayso_read_view"
REJECT_VIEW: Final = "sayso_reject_view"
ESCALATE_VIEW: Final = "sayso_escalate_view"
RETRY_VIEW: Final = "sayso_retry_view"

TEXT_BLOCK: Final = "text"
ARG_BLOCK: Final = "arg"
REASON_BLOCK: Final = "reason"
OTHER_BLOCK: Final = "other_reason"
VALUE: Final = "value"

THRESHOLD_COMMAND: Final = "/threshold"
APPROVALS_COMMAND: Final = "/approvals"

STATES: Final = frozenset({"", *State})
"""What a button may say of the state that its card showed; one of an older Sayso says nothing."""

DELIVERY_EVENT: Final = "sayso_delivery"

REASONS: Final = (
    "The facts are wrong",
    "It misses what the customer asked",
    "The tone is not ours",
    "It promises too much",
    "It should not be done at all",
)
EDIT_REASONS: Final = REASONS[:-1]
"""Whoever thinks that of it does not edit it."""


def carried(seen: Seen) -> str:
    """What a button carries: at most 135 characters, so that it fits into a menu's option too."""
    return f"{seen.proposal_id}:{seen.revision}:{seen.digest}:{seen.follow_ups}:{seen.state or ''}:{seen.turn}"


def seen_of(value: str) -> Seen:
    """What the button carried; raises BadInput for anything that we did not write."""
    parts = value.split(":")
    if len(parts) == 5:
        parts.append("0")  # painted by a Sayso that did not count turns
    numbers = [parts[1], parts[3], parts[5]] if len(parts) == 6 else [""]
    if not all(number.isdecimal() and len(number) <= 6 for number in numbers) or parts[4] not in STATES:
        raise BadInput("This button is not one of Sayso's; open the case again from /approvals.")
    return Seen(
        proposal_id=parts[0],
        revision=int(parts[1]),
        digest=parts[2],
        follow_ups=int(parts[3]),
        state=State(parts[4]) if parts[4] else None,
        turn=int(parts[5]),
    )
