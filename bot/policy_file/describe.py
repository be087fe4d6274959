"""A policy as a short table that a person can read aloud."""

from collections.abc import Iterable, Sequence

from bot.domain.policy import ActionRule, CategoryRule, ConnectorRule, Mode, Policy, number
from bot.policy_file.checks import people_count


def describe(policy: Policy) -> str:
    """Categories, actions, connectors and people, in aligned columns, without a final line break."""
    categories = [
        _category(category, frees=policy.frees) for category in (*policy.categories.values(), policy.fallback)
    ]
    parts = [_columns(("Category", "Mode", "Runs on its own", "Channel"), categories)]
    if policy.actions:
        actions = [_action(action) for action in policy.actions.values()]
        parts.append(_columns(("Action", "Effect", "What the team decided"), actions))
    parts.append(_columns(("Connector", "A repeated call"), map(_connector, policy.connectors.values())))
    parts.append(_people(policy))
    return "\n\n".join(parts)


def _category(category: CategoryRule, *, frees: bool) -> tuple[str, ...]:
    name = category.name if category.known else "(any other)"
    return name, category.mode.value, _on_its_own(category, frees=frees), category.channel


def _on_its_own(category: CategoryRule, *, frees: bool) -> str:
    audit = f", {_percent(category.audit)} audited" if category.audit else ""
    if category.mode is Mode.SUGGEST and category.known and frees and category.threshold is not None:
        return f"freed writes from {number(category.threshold)}{audit}"
    if category.mode is not Mode.AUTONOMOUS:
        return "never"
    if category.threshold is not None:
        return f"from {number(category.threshold)}{audit}"
    return f"once earned: at most {_percent(category.risk or 0.0)} wrong{audit}"


def _action(action: ActionRule) -> tuple[str, ...]:
    words = [
        f"{word} when {condition.source}"
        for word, condition in (
            ("refused", action.refuse_when),
            ("escalated", action.escalate_when),
            ("free", action.free_when),
        )
        if condition
    ]
    if action.effect == "read":
        words.append("free")
    else:
        words.append("otherwise held" if words else "held")
        if action.approvals > 1:
            words[-1] += f" for {action.approvals} approvals"
    return action.name, action.effect, "; ".join(words)


def _connector(connector: ConnectorRule) -> tuple[str, ...]:
    if connector.type == "slack_thread":
        return connector.name, "is looked for in its thread before it is tried again"
    meaning = "is recognised by its key" if connector.idempotent else "may happen twice, so a person decides"
    return connector.name, meaning


def _people(policy: Policy) -> str:
    people = policy.people
    counts = (
        (people.approvers, "approve"),
        (people.escalation, "decide escalations"),
        (people.admins, "administer"),
    )
    said = ", ".join(f"{_who(ids)} may {what}" for ids, what in counts)
    own = "may" if people.self_approval else "may not"
    return f"People: {said}; they {own} decide a case of their own."


def _who(ids: Sequence[str]) -> str:
    groups = sum(who.startswith("S") for who in ids)
    users = len(ids) - groups
    named = [people_count(users)] if users else []
    named += [f"{groups} group{'s' if groups > 1 else ''}"] if groups else []
    return " and ".join(named) or "nobody"


def _percent(share: float) -> str:
    return f"{number(round(share * 100, 4)).removesuffix('.0')} %"


def _columns(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)
