"""The HTTP interface's models: the same ones validate what comes in and describe it in OpenAPI."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from bot.domain.proposal import Action, Content, Conversation, Evidence, Message, Reply

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$")]
Category = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]
Short = Annotated[str, Field(max_length=300)]
Url = Annotated[str, Field(max_length=2000)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
CURSOR: Final = r"^prp_[0-9a-f]{28}$"
"""A page's cursor: the id of the last proposal before it."""


class Model(BaseModel):
    """Strict: unknown fields and other types are refused, never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MessageIn(Model):
    """One message of the conversation."""

    role: Literal["customer", "agent", "ai"]
    text: Annotated[str, Field(max_length=200_000)]
    at: Annotated[str, Field(max_length=64)] | None = None


class CustomerIn(BaseModel):
    """Who the customer is; further fields are kept and shown."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: Short | None = None
    email: Short | None = None


class ConversationIn(Model):
    """The context of a case, oldest message first."""

    id: Annotated[str, Field(min_length=1, max_length=255)]
    subject: Annotated[str, Field(max_length=500)] | None = None
    url: Url | None = None
    customer: CustomerIn | None = None
    messages: Annotated[list[MessageIn], Field(max_length=500)] = []

    def domain(self) -> Conversation:
        """The conversation in the domain's words."""
        customer: dict[str, Any] = self.customer.model_dump(exclude_none=True) if self.customer else {}
        return Conversation(
            id=self.id,
            subject=self.subject,
            url=self.url,
            customer=customer,
            messages=tuple(Message(role=m.role, text=m.text, at=m.at) for m in self.messages),
        )


class ReplyIn(Model):
    """Words for the customer; empty means that the AI has no draft, which hands the case to a person."""

    text: Annotated[str, Field(max_length=40_000)]


class ActionIn(Model):
    """A named deed with its arguments."""

    name: Name
    args: dict[Annotated[str, Field(min_length=1, max_length=100)], JsonValue] = {}


class EvidenceIn(Model):
    """A source that the agent used."""

    title: Short
    url: Url | None = None
    quote: Annotated[str, Field(max_length=2000)] | None = None


class ProposalIn(Model):
    """What `POST /v1/proposals` takes: exactly one of reply and action, as `kind` says."""

    kind: Literal["reply", "action"]
    category: Category
    conversation: ConversationIn
    reply: ReplyIn | None = None
    action: ActionIn | None = None
    confidence: Confidence | None = None
    in_scope: bool = True
    evidence: Annotated[list[EvidenceIn], Field(max_length=20)] = []
    connector: Annotated[str, Field(max_length=120)] | None = None
    callback_url: Url | None = None
    expires_in: Annotated[int, Field(ge=1, le=30 * 86400)] | None = None

    @model_validator(mode="after")
    def _one_content(self) -> "ProposalIn":
        other = "action" if self.kind == "reply" else "reply"
        if getattr(self, self.kind) is None or getattr(self, other) is not None:
            raise ValueError(f'kind "{self.kind}" goes with the field {self.kind} and without {other}')
        return self

    @property
    def content(self) -> Content:
        """The reply or action in the domain's words."""
        if self.action:
            return Action(name=self.action.name, args=self.action.args)
        return Reply(text=self.reply.text if self.reply else "")

    @property
    def sources(self) -> tuple[Evidence, ...]:
        """The evidence in the domain's words."""
        return tuple(Evidence(title=e.title, url=e.url, quote=e.quote) for e in self.evidence)

    @property
    def lifetime(self) -> timedelta | None:
        """How long it may wait, where the agent says so."""
        return None if self.expires_in is None else timedelta(seconds=self.expires_in)


class TicketIn(Model):
    """What `POST /v1/tickets` takes: Sayso drafts the answer itself."""

    conversation: ConversationIn
    category: Category | None = None
    connector: Annotated[str, Field(max_length=120)] | None = None
    attachments: Annotated[list[Short], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _asked(self) -> "TicketIn":
        if not any(message.role == "customer" and message.text.strip() for message in self.conversation.messages):
            raise ValueError("conversation.messages needs at least one message of the customer with words in it")
        return self


class RulingOut(BaseModel):
    """What the policy said."""

    verdict: Literal["automate", "ask", "escalate", "refuse"]
    rule: str
    reason: str
    threshold: float | None
    audited: bool


class ByOut(BaseModel):
    """Who decided."""

    id: str
    name: str


class DecisionOut(BaseModel):
    """The decision that stands; where it is `edited`, `edited_by` wrote what runs, and `by` approved it."""

    kind: Literal["approved", "edited", "rejected", "escalated", "taken_over", "expired", "withdrawn", "automatic"]
    by: ByOut
    at: str
    reason: str | None
    edited_by: ByOut | None


class ExecutionOut(BaseModel):
    """How carrying it out stands."""

    status: Literal["waiting", "succeeded", "failed", "in_doubt"]
    result: JsonValue = None
    error: str | None = None


class FinalOut(BaseModel):
    """What runs or ran."""

    reply: ReplyIn | None = None
    action: ActionIn | None = None


class ProposalOut(BaseModel):
    """The proposal resource; `note`, in the answer to a submission, says what was not done as asked.

    `connector` says who carries out `final` once it may run: with `agent` the agent itself, with any other Sayso.
    """

    id: str
    state: Literal["pending", "escalated", "approved", "failed", "in_doubt", "executed", "cancelled", "expired"]
    revision: int
    digest: str
    kind: Literal["reply", "action"]
    category: str
    confidence: float | None
    connector: str
    ruling: RulingOut
    decision: DecisionOut | None
    final: FinalOut | None
    execution: ExecutionOut | None
    created_at: str
    expires_at: str
    closed: bool
    note: str | None = None


class TicketOut(BaseModel):
    """A ticket: `proposal` as soon as there is one, `error` what went wrong so far."""

    id: str
    state: Literal["waiting", "proposed", "joined", "failed"]
    conversation: str
    attempts: int
    error: str | None
    created_at: str
    proposal: ProposalOut | None


class PageOut(BaseModel):
    """A page of proposals, newest first; `cursor` fetches the next one."""

    proposals: list[ProposalOut]
    cursor: str | None


class ProblemOut(BaseModel):
    """An error, as RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
