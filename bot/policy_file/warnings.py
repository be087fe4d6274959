"""What a valid policy file means that its authors may not have meant, in sentences."""

from collections.abc import Iterable, Iterator

from bot.domain.policy import CategoryRule, Mode, Policy
from bot.policy_file.checks import people_count


def warnings(policy: Policy) -> list[str]:
    """One sentence for each thing that is allowed and yet worth a second look; empty where there is none."""
    found = [*_people(policy), *_unseen(policy), *_approvals(policy)]
    return list(dict.fromkeys(found))


def _people(policy: Policy) -> Iterator[str]:
    people = policy.people
    if not people.approvers:
        yield "Nobody can approve anything where a category has no own list: people.approvers is empty."
    if not people.escalation:
        yield "Nobody can decide an escalated case: people.escalation is empty."
    if not people.admins:
        yield "Nobody can change a threshold or pause the bot from Slack: people.admins is empty."
    for category in policy.categories.values():
        if not category.approvers and people.approvers:
            yield f"Nobody can approve {category.name}: its list of approvers is empty."
        if not category.escalation_approvers and people.escalation:
            yield f"Nobody can decide an escalated case of {category.name}: its escalation list is empty."
    for action in policy.actions.values():
        if action.approvers == ():
            yield f"Nobody can approve {action.name}: its list of approvers is empty."


def _unseen(policy: Policy) -> Iterator[str]:
    for category in policy.categories.values():
        if _never_asks(category):
            yield (
                f"No person will see a case of {category.name} that has a confidence: "
                "it runs on its own from its floor up, and nothing of it is audited."
            )


def _never_asks(category: CategoryRule) -> bool:
    fixed = category.threshold is not None and category.threshold <= category.floor
    return category.mode is Mode.AUTONOMOUS and fixed and not category.audit


def _approvals(policy: Policy) -> Iterator[str]:
    categories = [*policy.categories.values(), policy.fallback]
    for action in (action for action in policy.actions.values() if action.effect == "write"):
        for category in categories:
            where = category.name if category.known else "any category that the file does not name"
            needs = f"{action.name} needs {action.approvals} approvals, but"
            held = category.approvers if action.approvers is None else action.approvers
            if short := _too_few(held, action.approvals):
                yield f"{needs} in {where} only {short} may approve it."
            if short := _too_few(category.escalation_approvers, action.approvals):
                yield f"{needs} once it is escalated in {where} only {short} may decide it."


def _too_few(people: Iterable[str], needed: int) -> str | None:
    """How many may decide, where that is too few; None for groups, and for an empty list (see above)."""
    named = list(people)
    if not named or len(named) >= needed or any(who.startswith("S") for who in named):
        return None
    return people_count(len(named))
