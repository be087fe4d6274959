"""How a proposal comes to be: what an agent asks for, and the ruling that opens it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.decision import Actor, Decision, DecisionKind
from bot.domain.errors import BadInput, TooMuch
from bot.domain.lifecycle import OPENING, Verdict
from bot.domain.policy import CategoryRule, Facts, Policy, rule
from bot.domain.proposal import Action, Content, Conversation, Evidence, Execution, Proposal, Revision, digest_of
from bot.errands import ESCALATION, REVIEW
from bot.ports import Clock, Tx
from bot.regimes import standing_of

LONGEST_WAIT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an agent asks for, already parsed; `recipient` and `connector` are settled by `submit`."""

    agent: str
    owner: str | None
    key: str
    body_hash: str
    category: str
    conversation: Conversation
    content: Content
    confidence: float | None
    in_scope: bool
    evidence: tuple[Evidence, ...] = ()
    connector: str | None = None
    callback_url: str | None = None
    expires_in: timedelta | None = None
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()


def connector_of(policy: Policy, request: Request) -> str:
    """Which connector carries it out: the action's own, the one that was asked for, or the category's."""
    rule_ = policy.actions.get(request.content.name) if isinstance(request.content, Action) else None
    fixed = rule_.connector if rule_ else None
    if fixed and request.connector and request.connector != fixed:
        raise BadInput(f"The policy sends {rule_.name if rule_ else ''} through {fixed}; leave out connector.")
    name = fixed or request.connector or policy.category(request.category).connector
    if name not in policy.connectors:
        raise BadInput(f"The policy has no connector {name}; use one of {', '.join(sorted(policy.connectors))}.")
    return name


def check_quota(tx: Tx, policy: Policy, agent: str) -> None:
    """TooMuch for an agent of whose proposals enough wait already."""
    if tx.waiting_of(agent) >= policy.limits.pending:
        raise TooMuch(
            f"{policy.limits.pending} proposals of this agent already wait for a person; try again later.",
            retry_after=60,
        )


def opened(tx: Tx, policy: Policy, clock: Clock, request: Request, *, connector: str, recipient: str) -> Proposal:
    """The proposal as the policy rules on it now, in its opening state."""
    now, draw = clock.now(), clock.draw()
    category, standing = policy.category(request.category), standing_of(tx, policy, request.category)
    facts = Facts(
        category=request.category,
        content=request.content,
        confidence=request.confidence,
        in_scope=request.in_scope,
        customer=request.conversation.customer,
        concerns=request.concerns,
        holds=request.holds,
        draw=draw,
    )
    ruling = standing.ruled(rule(policy, facts, standing.setting), request.confidence, draw)
    author = Actor(kind="agent", id=request.agent, name="AI")
    digest = digest_of(request.content, recipient=recipient, connector=connector, revision=1)
    state = OPENING[ruling.verdict]
    # The agent may want less than the team allows, never more.
    lifetime = min(request.expires_in or category.expires_in, category.expires_in, LONGEST_WAIT)
    proposal = Proposal(
        id=clock.new_id("prp"),
        agent=request.agent,
        owner=request.owner,
        category=request.category,
        conversation=request.conversation,
        revision=Revision(number=1, content=request.content, author=author, digest=digest),
        confidence=request.confidence,
        in_scope=request.in_scope,
        evidence=request.evidence,
        connector=connector,
        recipient=recipient,
        state=state,
        ruling=ruling,
        created_at=now,
        expires_at=now + lifetime,
        lifetime=lifetime,
        callback_url=request.callback_url,
        notes=request.notes,
        cards=_first_cards(ruling.verdict, category),
    )
    return _with_automatic_decision(proposal, now)


def _with_automatic_decision(proposal: Proposal, now: datetime) -> Proposal:
    verdict = proposal.ruling.verdict
    if verdict is Verdict.AUTOMATE:
        decision = Decision(kind=DecisionKind.AUTOMATIC, by=proposal.ruling.actor, at=now, revision=1)
        return replace(proposal, decision=decision, execution=Execution(status="waiting"))
    if verdict is Verdict.REFUSE:
        decision = Decision(
            kind=DecisionKind.REJECTED, by=proposal.ruling.actor, at=now, revision=1, reason=proposal.ruling.reason
        )
        return replace(proposal, decision=decision)
    return proposal


def _first_cards(verdict: Verdict, category: CategoryRule) -> tuple[tuple[str, str], ...]:
    match verdict:
        case Verdict.ASK:
            return ((REVIEW, category.channel),)
        case Verdict.ESCALATE:
            return ((ESCALATION, category.escalation_channel),)
        case Verdict.AUTOMATE | Verdict.REFUSE:
            return ()
