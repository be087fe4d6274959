"""What an agent wants to say or do: a proposal, its revisions, and the conversation it belongs to."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from bot.domain.canonical import Json, canonical_json
from bot.domain.decision import Actor, Decision, DecisionKind, Intervention, Ruling, Seen
from bot.domain.lifecycle import CLOSED, WAITING, State, Verdict

Role = Literal["customer", "agent", "ai"]
Kind = Literal["reply", "action"]

AGENT_CONNECTOR: Final = "agent"
"""What it carries is done by the agent itself, which is told that it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Words for the customer."""

    text: str

    def canonical(self) -> dict[str, Json]:
        """The JSON form that is digested, stored and sent."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A named deed with its arguments, such as `refund(order, amount)`."""

    name: str
    args: Mapping[str, Json]

    def canonical(self) -> dict[str, Json]:
        """The JSON form that is digested, stored and sent."""
        return {"name": self.name, "args": dict(self.args)}


Content = Reply | Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `at` is whatever time text the agent gave."""

    role: Role
    text: str
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The context that travels with a case: who the customer is and what was said so far."""

    id: str
    messages: tuple[Message, ...] = ()
    subject: str | None = None
    url: str | None = None
    customer: Mapping[str, Json] = field(default_factory=dict)

    @property
    def last_customer_text(self) -> str:
        """The customer's newest words, or an empty string."""
        return _newest_of_the_customer(self.messages)


def _newest_of_the_customer(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "customer"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A source that the agent says it used."""

    title: str
    url: str | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A numbered wording or argument set; 1 is the AI's, each later one a person's, perhaps with a reason."""

    number: int
    content: Content
    author: Actor
    digest: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How carrying it out stands.

    `key` is the delivery id to use again at a retry, where an earlier call may have arrived; None where a retry is new.
    `intervention` is the last one, whatever came of it. `before` is the one that a retry stands for, which undoing the
    retry brings back. `voices` are the groups, by user id, through which those who approved it were allowed to.
    """

    status: Literal["waiting", "succeeded", "failed", "in_doubt"]
    result: Json = None
    error: str | None = None
    attempts: int = 0
    key: str | None = None
    intervention: Intervention | None = None
    before: "Execution | None" = None
    voices: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One thing that an agent proposes, with where it stands and who decided what.

    `owner` is the Slack user whom the agent's token belongs to; `lifetime` is how long people have to decide it, anew
    each time that the policy or a mark puts it to them; `cards` are the (room, channel) pairs that show it;
    `version` counts its moves, `turn` how often an undo or a retry brought it back. `follow_ups` are what the customer
    wrote after the draft, the last of `conversation`. `marked_by` is who said that what the policy let run on its own
    was wrong, and `marked_at` when: None for marks of earlier versions.
    """

    id: str
    agent: str
    category: str
    conversation: Conversation
    revision: Revision
    confidence: float | None
    in_scope: bool
    evidence: tuple[Evidence, ...]
    connector: str
    recipient: str
    state: State
    ruling: Ruling
    created_at: datetime
    expires_at: datetime
    lifetime: timedelta
    callback_url: str | None = None
    owner: str | None = None
    notes: tuple[str, ...] = ()
    decision: Decision | None = None
    escalated_by: Actor | None = None
    approvals: tuple[Actor, ...] = ()
    cards: tuple[tuple[str, str], ...] = ()
    execution: Execution | None = None
    marked_by: Actor | None = None
    marked_at: datetime | None = None
    follow_ups: tuple[Message, ...] = ()
    version: int = 1
    turn: int = 0

    @property
    def content(self) -> Content:
        """What would run now."""
        return self.revision.content

    @property
    def kind(self) -> Kind:
        """`reply` or `action`."""
        return "reply" if isinstance(self.content, Reply) else "action"

    @property
    def closed(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state in CLOSED

    @property
    def seen(self) -> Seen:
        """What a button of this proposal's card carries, as it stands now."""
        return Seen(
            proposal_id=self.id,
            revision=self.revision.number,
            digest=self.digest,
            state=self.state,
            turn=self.turn,
        )

    @property
    def escalated(self) -> bool:
        """Whether the policy or a person put it to the escalation team, who answer for it from then on."""
        return self.escalated_by is not None or self.ruling.verdict is Verdict.ESCALATE

    @property
    def undone_to(self) -> State:
        """Where undoing its approval, or its retry, leads back to."""
        if self.execution and self.execution.before:
            return State.FAILED if self.execution.before.status == "failed" else State.IN_DOUBT
        return State.ESCALATED if self.escalated else State.PENDING

    @property
    def digest(self) -> str:
        """The digest of the present revision: what a click must carry."""
        return self.revision.digest

    def as_approved(self, digest: Json) -> bool:
        """Whether its content is the one of that digest, which an approval covers."""
        own = digest_of(self.content, recipient=self.recipient, connector=self.connector, revision=self.revision.number)
        return own == self.digest == digest

    @property
    def edited_by(self) -> Actor | None:
        """Whose wording was approved, where it is not the AI's own; perhaps somebody else than who approved it."""
        edited = self.decision is not None and self.decision.kind is DecisionKind.EDITED
        return self.revision.author if edited else None

    @property
    def asked(self) -> str:
        """The customer's words that the draft answers: the newest before any follow-up."""
        messages = self.conversation.messages
        return _newest_of_the_customer(messages[: len(messages) - len(self.follow_ups)])

    def joined(self, message: Message) -> "Proposal":
        """The same proposal after the customer wrote again; approvals that wait for others are void: read it first."""
        talk = replace(self.conversation, messages=(*self.conversation.messages, message))
        approvals = () if self.state in WAITING else self.approvals
        return replace(self, conversation=talk, follow_ups=(*self.follow_ups, message), approvals=approvals)

    def revised(self, content: Content, author: Actor, reason: str | None = None) -> "Proposal":
        """The same proposal with the next revision, which voids earlier approvals."""
        number = self.revision.number + 1
        digest = digest_of(content, recipient=self.recipient, connector=self.connector, revision=number)
        revision = Revision(number=number, content=content, author=author, digest=digest, reason=reason)
        return replace(self, approvals=(), revision=revision)


def alike(one: Content, other: Content) -> bool:
    """Whether two contents are the same to the letter; in Python alone, true would equal 1."""
    return canonical_json(one.canonical()) == canonical_json(other.canonical())


def digest_of(content: Content, *, recipient: str, connector: str, revision: int) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON of everything that an approval covers."""
    document: dict[str, Json] = {
        "kind": "reply" if isinstance(content, Reply) else "action",
        "content": content.canonical(),
        "recipient": recipient,
        "connector": connector,
        "revision": revision,
    }
    return hashlib.sha256(canonical_json(document)).hexdigest()
