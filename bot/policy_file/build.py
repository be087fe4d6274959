"""Joins the checked tables into the policy that the domain rules by, with every default filled in."""

from typing import Final, TypeVar

from bot.domain.policy import ActionRule, CategoryRule, Channels, Limits, Mode, People, Policy
from bot.policy_file.connectors import BUILT_IN, connector_rule
from bot.policy_file.form import ActionTable, CategoryTable, ChannelsTable, DefaultsTable, PeopleTable
from bot.policy_file.intake import build_drafting, build_intake, build_knowledge
from bot.policy_file.tables import Tables

T = TypeVar("T")

THRESHOLD: Final = 0.9
ANY_OTHER: Final = "*"


def build(tables: Tables, *, digest: str) -> Policy:
    """The policy of tables that `check` found no fault with."""
    whole = tables.whole()
    defaults, channels, people = whole.defaults, _channels(whole.channels), _people(whole.people)
    rules = {connector.name: connector for connector in (connector_rule(*pair) for pair in tables.connectors.items())}
    return Policy(
        channels=channels,
        people=people,
        fallback=_category(ANY_OTHER, CategoryTable(), defaults, channels, people, known=False),
        categories={
            name: _category(name, table, defaults, channels, people) for name, table in tables.categories.items()
        },
        actions={name: _action(name, table) for name, table in tables.actions.items()},
        connectors={**BUILT_IN, **rules},
        limits=Limits(per_minute=whole.limits.per_minute, pending=whole.limits.pending),
        callback_hosts=frozenset(whole.callbacks.hosts),
        team=whole.slack.team,
        confidence_level=defaults.confidence,
        attempts=defaults.attempts,
        holding_line=defaults.holding_line,
        digest=digest,
        intake=build_intake(tables.intake, tables.connectors),
        knowledge=build_knowledge(tables.intake.knowledge),
        drafting=build_drafting(tables.intake.drafting),
    )


def earned_or_fixed(table: CategoryTable, defaults: DefaultsTable) -> tuple[float | None, float | None]:
    """(threshold, risk) of a category, one of them a number: its own word goes before the defaults'."""
    for said in (table, defaults):
        if said.risk is not None:
            return None, said.risk
        if said.threshold is not None:
            return said.threshold, None
    return THRESHOLD, None


def _channels(table: ChannelsTable) -> Channels:
    return Channels(review=table.review, escalation=table.escalation, ops=table.ops, log=table.log or table.ops)


def _people(table: PeopleTable) -> People:
    approvers = tuple(table.approvers)
    return People(
        approvers=approvers,
        escalation=_list(table.escalation, approvers),
        admins=tuple(table.admins),
        self_approval=table.self_approval,
    )


def _category(
    name: str,
    table: CategoryTable,
    defaults: DefaultsTable,
    channels: Channels,
    people: People,
    *,
    known: bool = True,
) -> CategoryRule:
    threshold, risk = earned_or_fixed(table, defaults)
    mode = Mode(_or(table.mode, defaults.mode))
    if not known and mode is Mode.AUTONOMOUS:
        mode = Mode.SUGGEST  # autonomy is for categories that the team named
    return CategoryRule(
        name=name,
        mode=mode,
        threshold=threshold,
        risk=risk,
        floor=_or(table.floor, defaults.floor),
        expires_in=_or(table.expires_in, defaults.expires_in),
        channel=_or(table.channel, channels.review),
        escalation_channel=_or(table.escalation_channel, channels.escalation),
        approvers=_list(table.approvers, people.approvers),
        escalation_approvers=_list(table.escalation_approvers, people.escalation),
        connector=_or(table.connector, defaults.connector),
        audit=_or(table.audit, 0.0 if risk is None else defaults.audit),
        undo_window=_or(table.undo_window, defaults.undo_window),
        known=known,
    )


def _action(name: str, table: ActionTable) -> ActionRule:
    return ActionRule(
        name=name,
        effect=table.effect,
        connector=table.connector,
        idempotent=table.idempotent,
        free_when=table.free_when,
        escalate_when=table.escalate_when,
        refuse_when=table.refuse_when,
        approvals=table.approvals,
        approvers=None if table.approvers is None else tuple(table.approvers),
    )


def _or(said: T | None, default: T) -> T:
    return default if said is None else said


def _list(said: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    return default if said is None else tuple(said)
