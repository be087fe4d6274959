"""Who may decide what: checked at the moment of the decision, from ids and never from names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.decision import Actor
from bot.domain.errors import BadInput, NotListed, Refused
from bot.domain.lifecycle import State, Verdict
from bot.domain.offer import THRESHOLDS_CONNECTOR
from bot.domain.policy import ActionRule, CategoryRule, Policy, bounds
from bot.domain.proposal import Action, Content, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A known, active member of the team's own workspace, with the user groups that person is in now.

    Without `groups_known` nobody has asked yet: being refused then means that somebody should. `at` is when what they
    did arrived here; None where that was just now.
    """

    actor: Actor
    groups: frozenset[str] = frozenset()
    groups_known: bool = True
    at: datetime | None = None

    def among(self, allowed: tuple[str, ...]) -> bool:
        """Whether the person is named in `allowed`, by id or through a group."""
        return self.actor.id in allowed or not self.groups.isdisjoint(allowed)


def is_group(name: str) -> bool:
    """Whether an id in a list of the policy is a user group's."""
    return name.startswith("S")


Beside = Mapping[str, Person | None]
"""By user id, whoever else has a say as they stand now; None for somebody who may never decide."""


def reviewers(policy: Policy, proposal: Proposal) -> tuple[str, ...]:
    """The user and group ids that may decide this proposal in its present state."""
    if proposal.connector == THRESHOLDS_CONNECTOR:
        return policy.people.admins
    category: CategoryRule = policy.category(proposal.category)
    if proposal.escalated:
        return category.escalation_approvers
    action: ActionRule | None = (
        policy.actions.get(proposal.content.name) if isinstance(proposal.content, Action) else None
    )
    named = category.approvers if action is None or action.approvers is None else action.approvers
    if proposal.state in (State.FAILED, State.IN_DOUBT) or (proposal.execution and proposal.execution.before):
        # Whoever has more authority may settle what went wrong, too: at night others are on call.
        return (*named, *category.escalation_approvers)
    return named


def check_reviewer(policy: Policy, proposal: Proposal, person: Person) -> None:
    """Raise Refused, with the reason, unless this person may decide this proposal."""
    allowed = reviewers(policy, proposal)
    if not person.among(allowed):
        who = "escalated cases" if proposal.escalated else proposal.category
        told = f"You are not on the list of approvers for {who}; ask an admin to add you to the policy."
        raise NotListed(told, allowed=allowed)
    if not policy.people.self_approval and person.actor.id in requesters(proposal):
        raise Refused("This case is your own, so somebody else has to decide it.")


def check_marker(policy: Policy, proposal: Proposal, person: Person) -> None:
    """Raise Refused unless this person may say that what ran on its own was wrong: a mark only ever makes stricter."""
    also = (*policy.category(proposal.category).escalation_approvers, *policy.people.admins)
    allowed = (*reviewers(policy, proposal), *also)
    if not person.among(allowed):
        told = f"Only approvers of {proposal.category} or of its escalated cases, and admins, may mark this."
        raise NotListed(told, allowed=allowed)


def check_bounds(policy: Policy, proposal: Proposal, content: Content, person: Person) -> None:
    """Raise unless this person may have this content run in place of the proposal's own: an edit lifts no limit."""
    ruling = bounds(policy, content, category=proposal.category, customer=proposal.conversation.customer)
    if ruling is None:
        return
    if ruling.verdict is Verdict.REFUSE:
        raise BadInput(f"{ruling.reason} Change it, or reject.")
    allowed = policy.category(proposal.category).escalation_approvers
    if not person.among(allowed):
        raise NotListed(f"{ruling.reason} Change it, or escalate.", allowed=allowed)


def approvals_needed(policy: Policy, proposal: Proposal) -> int:
    """How many people have to approve it: as when it came, or more where the policy asks for more by now."""
    action = policy.actions.get(proposal.content.name) if isinstance(proposal.content, Action) else None
    return max(proposal.ruling.approvals_needed, action.approvals if action else 1)


def check_admin(policy: Policy, person: Person) -> None:
    """Raise Refused unless this person is an admin of the policy."""
    if not person.among(policy.people.admins):
        raise NotListed("Only the admins that the policy names may change this.", allowed=policy.people.admins)


def requesters(proposal: Proposal) -> frozenset[str]:
    """The Slack users on whose behalf it was proposed: the owner of the agent's token, and the customer."""
    customer = proposal.conversation.customer  # an agent names a Slack user, a watched channel gives the writer's id
    named = (proposal.owner, customer.get("slack_user"), customer.get("id"))
    return frozenset(who for who in named if isinstance(who, str))
