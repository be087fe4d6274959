"""What the policy of now says of what is approved and not out yet: it may have become stricter since the approval."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.authority import Person, approvals_needed, check_reviewer
from bot.domain.decision import Actor, DecisionKind, Ruling
from bot.domain.errors import Refused
from bot.domain.lifecycle import Verdict
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import Facts, Mode, Policy, Setting, bounds, rule
from bot.domain.proposal import Proposal

NOT_DRAWN: Final = math.nextafter(1.0, 0.0)
"""The highest draw there is: whoever was not drawn for an audit is looked at now only where everybody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why it does not go out as it is, the ruling of now, and the approvals that count for it still."""

    reason: str
    ruling: Ruling
    approvals: tuple[Actor, ...] = ()


def objection(policy: Policy, setting: Setting, proposal: Proposal) -> Objection | None:
    """What the policy of now has against an approved proposal that a person could settle; None for nothing.

    What it forbids no person can settle: the executor fails that. A person has looked, whatever the threshold is now.
    """
    if proposal.decision and proposal.decision.kind is DecisionKind.AUTOMATIC:
        return _to_running_alone(policy, setting, proposal)
    return _to_who_approved(policy, setting, proposal)


def demand(policy: Policy, setting: Setting, proposal: Proposal) -> Ruling | None:
    """What the policy of now says to whoever approves this: REFUSE, or ESCALATE for the escalation team only."""
    if proposal.connector == THRESHOLDS_CONNECTOR:
        return None  # an offer is for the admins, however its category is set
    ruling = bounds(policy, proposal.content, category=proposal.category, customer=proposal.conversation.customer)
    if ruling or setting.mode is not Mode.ESCALATE:
        return ruling
    reason = f"Everything in {proposal.category} goes to the escalation team by now."
    return Ruling(verdict=Verdict.ESCALATE, rule=f"categories.{proposal.category}.mode", reason=reason)


def _to_running_alone(policy: Policy, setting: Setting, proposal: Proposal) -> Objection | None:
    facts = Facts(
        category=proposal.category,
        content=proposal.content,
        confidence=proposal.confidence,
        in_scope=proposal.in_scope,
        customer=proposal.conversation.customer,
        draw=NOT_DRAWN,
    )
    ruling = rule(policy, facts, setting)
    if ruling.verdict in (Verdict.AUTOMATE, Verdict.REFUSE):
        return None
    # Those of its kind that were drawn for an audit stand for it already: a label of its own would count it twice.
    return Objection(reason=ruling.reason, ruling=replace(ruling, choice=proposal.ruling.choice))


def _to_who_approved(policy: Policy, setting: Setting, proposal: Proposal) -> Objection | None:
    earlier, needed, asked = proposal.ruling, approvals_needed(policy, proposal), demand(policy, setting, proposal)
    if asked and asked.verdict is Verdict.REFUSE:
        return None
    now = replace(proposal, ruling=asked or earlier)
    counting = tuple(actor for actor in proposal.approvals if _counts(policy, now, actor))
    if len(counting) >= needed:
        return None
    reason = asked.reason if asked else _why_not_enough(proposal, counting, needed)
    # What an offer rests on is what its admins have to read, whoever approved it before.
    said = earlier.reason if proposal.connector == THRESHOLDS_CONNECTOR else reason
    return Objection(
        reason=reason,
        ruling=replace(now.ruling, reason=said, approvals_needed=needed, choice=earlier.choice),
        # What the customer wrote may have come after the approvals: whoever approves now has to read it.
        approvals=() if proposal.follow_ups else counting,
    )


def _counts(policy: Policy, proposal: Proposal, actor: Actor) -> bool:
    """Whether an approval counts by the lists of now; of groups it counts in which somebody was when they approved."""
    voices = proposal.execution.voices if proposal.execution else {}
    try:
        check_reviewer(policy, proposal, Person(actor=actor, groups=frozenset(voices.get(actor.id, ()))))
    except Refused:
        return False
    return True


def _why_not_enough(proposal: Proposal, counting: Collection[Actor], needed: int) -> str:
    if lapsed := [actor.name for actor in proposal.approvals if actor not in counting]:
        return f"The approval of {' and '.join(lapsed)} does not count any more, for they may not decide this by now."
    before = proposal.ruling.approvals_needed
    return f"The policy asks for {needed} approvals by now; it was {before} when this was approved."
