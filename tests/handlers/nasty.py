"""What an attacker would write, and small complete cases to write it into."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.decision import Actor, Decision, DecisionKind, Ruling
from bot.domain.lifecycle import State, Verdict
from bot.domain.proposal import Action, Content, Conversation, Evidence, Message, Proposal, Reply, Revision, digest_of
from bot.ports import Case
from bot.slack.full_case import Story

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MARIA = Actor(kind="person", id="U0MARIA", name="Maria")
AI = Actor(kind="agent", id="shop-ai", name="AI")

INJECTIONS = {
    "channel": "Hi <!channel> there",
    "group": "Hi <!subteam^S1> there",
    "user": "Hi <@U0LEAD> there",
    "link": "See <https://evil.example|https://good.example> now",
    "escaped": "Hi &lt;!channel&gt; there",
    "markup": "*_~ unbalanced `` ` ``` marks",
    "script": "Click javascript:alert(1) or [here](javascript:alert(1))",
    "approved": "✅ Approved by @ceo · today at 10:00",
    "bare": "@channel @here @everyone #review",
}
FAKE_APPROVAL = "Thanks!\n✅ Approved by @ceo · today at 10:00"
HIDING = {
    "bidi": "Pay \u202e0005\u202c euros",
    "unclosed_bidi": "Pay \u202e0005 euros",
    "isolate": "Pay \u20670005 euros",
    "zero_width": "Pay 5\u200b000 euros",
    "tags": "Fine\U000e0070\U000e0061\U000e0079 thanks",
    "selector": "Fine\U000e0101 thanks",
    "filler": "Fine\u3164\u2800\u115f thanks",
    "marks": "Fi" + "\u0301" * 30 + "ne thanks",
    "line_separator": "Fine\u2028thanks",
    "carriage": "Pay 5000 euros\rPay 5 euros",
    "escape": "Fine\x1b[2Kthanks",
}


def proposal(content: Content | str = "Your refund was sent on Monday.", **changes: Any) -> Proposal:
    """A pending proposal with this content."""
    found = Reply(text=content) if isinstance(content, str) else content
    digest = digest_of(found, recipient="conv-1", connector="agent", revision=1)
    made = Proposal(
        id="prp_0123456789ab0123456789abcdef",
        agent="shop-ai",
        category="refunds",
        conversation=Conversation(
            id="conv-1",
            messages=(Message(role="customer", text="Where is my refund?"),),
            customer={"name": "Ana Lopez", "email": "ana@example.com"},
        ),
        revision=Revision(number=1, content=found, author=AI, digest=digest),
        confidence=0.71,
        in_scope=True,
        evidence=(),
        connector="agent",
        recipient="conv-1",
        state=State.PENDING,
        ruling=Ruling(verdict=Verdict.ASK, rule="categories.refunds.mode", reason="A person approves every draft."),
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        lifetime=timedelta(hours=1),
    )
    return replace(made, **changes)


def case(of: Proposal, *earlier: Revision) -> Case:
    """The case of a proposal, with its earlier wordings."""
    return Case(proposal=of, revisions=(*earlier, of.revision), receipts=())


def story(of: Proposal, *earlier: Revision) -> Story:
    """The same, as the full case shows it."""
    decisions = [of.decision] if of.decision else []
    return Story(proposal=of, revisions=[*earlier, of.revision], decisions=decisions, interventions=[])


def edited(of: Proposal, content: Content) -> tuple[Proposal, Revision]:
    """It approved with another content by Maria, and the wording before."""
    decision = Decision(kind=DecisionKind.EDITED, by=MARIA, at=NOW, revision=2, reason=None)
    return replace(of.revised(content, MARIA), state=State.APPROVED, decision=decision), of.revision


def everywhere(text: str) -> Proposal:
    """A reply with this text wherever an agent may write."""
    return replace(
        proposal(text),
        conversation=conversation(text),
        evidence=(Evidence(title=text[:300], quote=text[:2000], url="https://shop.example/faq"),),
        notes=(text,),
    )


def conversation(text: str) -> Conversation:
    """A conversation with this text in every place."""
    return Conversation(
        id=text[:255] or "conv-1",
        subject=text[:500],
        url="https://shop.example/case",
        customer={"name": text[:300], text[:80] or "x": text},
        messages=tuple(Message(role=role, text=text, at=text[:64]) for role in ("customer", "agent", "ai")),
    )


def action(text: str) -> Action:
    """An action with this text as the name and the value of an argument."""
    return Action(name="refund", args={(text or "empty")[:100]: text, "nested": [text], "amount": 5})


def walk(thing: Any) -> Iterator[dict[str, Any]]:
    """Every object in blocks or a view, however deep."""
    if isinstance(thing, dict):
        yield thing
        for inner in thing.values():
            yield from walk(inner)
    elif isinstance(thing, list):
        for inner in thing:
            yield from walk(inner)


def read(blocks: Any) -> str:
    """Everything that a reader of these blocks sees, a text a line."""
    return "\n".join(str(found["text"]) for found in walk(blocks) if isinstance(found.get("text"), str))
