"""The tables of one policy file after each was read by itself; None stands for one that has a fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.policy_file.connectors import BUILT_IN, ConnectorTable, full_name
from bot.policy_file.form import (
    ActionTable,
    CallbacksTable,
    CategoryTable,
    ChannelsTable,
    DefaultsTable,
    LimitsTable,
    PeopleTable,
    SlackTable,
)
from bot.policy_file.intake import IntakeTables


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTables:
    """The single tables of a file without faults."""

    slack: SlackTable
    channels: ChannelsTable
    people: PeopleTable
    defaults: DefaultsTable
    limits: LimitsTable
    callbacks: CallbacksTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What could be read; `document` is the whole file as plain TOML values."""

    document: Mapping[str, Any]
    slack: SlackTable | None
    channels: ChannelsTable | None
    people: PeopleTable | None
    defaults: DefaultsTable | None
    limits: LimitsTable | None
    callbacks: CallbacksTable | None
    categories: Mapping[str, CategoryTable]
    actions: Mapping[str, ActionTable]
    connectors: Mapping[str, ConnectorTable]
    intake: IntakeTables = field(default_factory=IntakeTables)

    def whole(self) -> "WholeTables":
        """The single tables, none of which may have a fault."""
        match self:
            case Tables(
                slack=SlackTable() as slack,
                channels=ChannelsTable() as channels,
                people=PeopleTable() as people,
                defaults=DefaultsTable() as defaults,
                limits=LimitsTable() as limits,
                callbacks=CallbacksTable() as callbacks,
            ):
                return WholeTables(
                    slack=slack,
                    channels=channels,
                    people=people,
                    defaults=defaults,
                    limits=limits,
                    callbacks=callbacks,
                )
        raise ValueError("A table with a fault has no place in a policy.")

    def connector_names(self) -> list[str]:
        """The full names that may be used, including those of tables that have other faults."""
        raw = self.document.get("connectors", {})
        tables = raw.items() if isinstance(raw, dict) else ()
        named = [full_name(str(table.get("type")), name) for name, table in tables if isinstance(table, dict)]
        return sorted({*BUILT_IN, *named})
