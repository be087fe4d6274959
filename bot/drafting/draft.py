"""What goes into drafting and what comes out: a ticket, a writer's sketch of an answer, and the finished draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.canonical import Json
from bot.domain.proposal import Content, Conversation, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A conversation that waits for an answer; `attachments` names files that came with it and were not read."""

    conversation: Conversation
    category: str | None = None
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A writer's answer before anyone has checked it.

    `content` None means that there is no answer. `sources` are the texts that the answer may draw on, `own_confidence`
    the model's number in [0, 1], and `cost` is in US dollars. `trouble` is one line for the ops channel.
    """

    category: str | None
    in_scope: bool = True
    content: Content | None = None
    sources: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    own_confidence: float | None = None
    by_model: bool = False
    concerns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trouble: str | None = None
    cost: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A checked answer with an honest confidence.

    `concerns` are reasons to escalate and `holds` reasons why a person must look, each one sentence; `reasons` say in
    words where the confidence comes from. `features` are what it was computed from, to be kept and learned from.
    """

    category: str
    in_scope: bool
    content: Content | None
    confidence: float | None
    evidence: tuple[Evidence, ...] = ()
    concerns: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    trouble: str | None = None
    cost: float = 0.0
    tokens: int = 0


def ticket_text(conversation: Conversation) -> str:
    """Everything that the ticket states: the subject, what the customer wrote, and who the customer is."""
    said = [message.text for message in conversation.messages if message.role == "customer"]
    return "\n".join([conversation.subject or "", *said, *_values(dict(conversation.customer))])


def _values(value: Json) -> list[str]:
    match value:
        case dict():
            return [text for inner in value.values() for text in _values(inner)]
        case list():
            return [text for inner in value for text in _values(inner)]
        case None | bool():
            return []
        case _:
            return [str(value)]
