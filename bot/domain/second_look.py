"""What the policy of now says of what is approved and not out yet: it may have become stricter since the approval."""

import math
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.authority import approvals_needed
from bot.domain.decision import Actor, DecisionKind, Ruling
from bot.domain.lifecycle import Verdict
from bot.domain.policy import Facts, Mode, Policy, Setting, bounds, rule
from bot.domain.proposal import Proposal

NOT_DRAWN: Final = math.nextafter(1.0, 0.0)
"""The highest draw there is: whoever was not drawn for an audit is looked at now only where everybody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why it does not go out as it is: the ruling of now, and the approvals that count for it still."""

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
    # Its label belongs to the regime that it came in under. Each of its kind is looked at now, as in an audit of all.
    choice = proposal.ruling.choice and replace(proposal.ruling.choice, audited=True, probability=1.0)
    return Objection(ruling=replace(ruling, choice=choice))


def _to_who_approved(policy: Policy, setting: Setting, proposal: Proposal) -> Objection | None:
    earlier, needed, counting = proposal.ruling, approvals_needed(policy, proposal), proposal.approvals
    asked = demand(policy, setting, proposal)
    if asked and asked.verdict is Verdict.REFUSE:
        return None
    beyond = None if _the_team_agreed(proposal) else asked
    if beyond:
        # Whose group is on the list cannot be told here, so they are asked again rather than passed over.
        team = policy.category(proposal.category).escalation_approvers
        counting = tuple(actor for actor in counting if actor.id in team)
    if len(counting) >= needed:
        return None
    reason = f"The policy asks for {needed} approvals by now; it was {earlier.approvals_needed} when this was approved."
    ruling = beyond or replace(earlier, reason=reason)
    return Objection(
        ruling=replace(ruling, approvals_needed=needed, choice=earlier.choice),
        # What the customer wrote may have come after the approvals: whoever approves now has to read it.
        approvals=() if proposal.follow_ups else counting,
    )


def _the_team_agreed(proposal: Proposal) -> bool:
    return proposal.escalated or (proposal.execution is not None and proposal.execution.escalation_agreed)
