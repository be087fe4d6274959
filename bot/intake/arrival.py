"""Something that a customer wrote, however it reached us."""

from dataclasses import dataclass

from bot.domain.proposal import Conversation
from bot.domain.ticket import BOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came in, parsed; `conversation.messages` are the new ones, or with `whole` all there are.

    `repeats` says that they may hold what is known already. `references` are the ids of an e-mail's thread, the oldest
    first and its own last.
    """

    source: str
    key: str
    conversation: Conversation
    body_hash: str = ""
    agent: str = BOT
    owner: str | None = None
    category: str | None = None
    connector: str | None = None
    attachments: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    whole: bool = False
    repeats: bool = False
