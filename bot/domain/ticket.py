"""A ticket in the queue: what came in, and how far drafting has got with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.proposal import Conversation

BOT: Final = "sayso:intake"
"""The agent of proposals that Sayso drafts itself; the colon keeps any token from having this name."""


class TicketState(StrEnum):
    """Where a ticket stands."""

    WAITING = "waiting"
    PROPOSED = "proposed"
    JOINED = "joined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedTicket:
    """One arrival; (source, key) never comes in twice, and `body_hash` tells a repeat from a reused key.

    `agent` is whose proposal it becomes. `joined` tickets are later messages of a case that was already there:
    `proposal_id` says which. `error` is the last sentence about why it waits or failed.
    """

    id: str
    source: str
    key: str
    body_hash: str
    agent: str
    conversation: Conversation
    created_at: datetime
    due_at: datetime
    owner: str | None = None
    category: str | None = None
    connector: str | None = None
    attachments: tuple[str, ...] = ()
    state: TicketState = TicketState.WAITING
    attempts: int = 0
    error: str | None = None
    proposal_id: str | None = None

    @property
    def submission_key(self) -> str:
        """The idempotency key of its proposal: however often it is drafted, the first submission stands."""
        return f"ticket:{self.id}"
