"""The form of the policy file: one model for each kind of table, with the defaults."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from bot.domain.condition import Condition
from bot.domain.policy import Limits
from bot.policy_file.table import Table
from bot.policy_file.words import (
    callback_host,
    channel_id,
    condition,
    distinct,
    duration,
    filled,
    person_id,
    positive,
    team_id,
)

ModeName = Literal["suggest", "autonomous", "hold", "escalate"]
ChannelId = Annotated[str, AfterValidator(channel_id)]
PeopleList = Annotated[list[Annotated[str, AfterValidator(person_id)]], AfterValidator(distinct)]
HostList = Annotated[list[Annotated[str, AfterValidator(callback_host)]], AfterValidator(distinct)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Expiry = Annotated[Duration, AfterValidator(positive)]
Share = Annotated[float, Field(ge=0, le=1)]
Risk = Annotated[float, Field(gt=0, le=0.5)]
Level = Annotated[float, Field(gt=0, lt=1)]
CelCondition = Annotated[Condition, PlainValidator(condition)]
AtLeastOne = Annotated[int, Field(ge=1, le=1_000_000)]


class SlackTable(Table):
    """[slack]: the workspace that the bot belongs to."""

    team: Annotated[str, AfterValidator(team_id)] | None = None


class ChannelsTable(Table):
    """[channels]: where things are posted."""

    review: ChannelId
    escalation: ChannelId
    ops: ChannelId
    log: ChannelId | None = None


class PeopleTable(Table):
    """[people]: who may decide."""

    approvers: PeopleList
    admins: PeopleList
    escalation: PeopleList | None = None
    self_approval: bool = False


class DefaultsTable(Table):
    """[defaults]: what holds for a category that says nothing else; without threshold and risk it is 0.9."""

    mode: ModeName = "suggest"
    threshold: Share | None = None
    risk: Risk | None = None
    confidence: Level = 0.9
    floor: Share = 0.3
    expires_in: Expiry = timedelta(hours=24)
    audit: Share = 0.05
    undo_window: Duration = timedelta(0)
    connector: str = "agent"
    attempts: Annotated[int, Field(ge=1, le=100)] = 8
    holding_line: Annotated[str, Field(max_length=3000), AfterValidator(filled)] | None = None


class LimitsTable(Table):
    """[limits]: bounds for each agent's token."""

    per_minute: AtLeastOne = Limits().per_minute
    pending: AtLeastOne = Limits().pending


class CallbacksTable(Table):
    """[callbacks]: the hosts that callbacks may go to."""

    hosts: HostList = Field(default_factory=list)


class CategoryTable(Table):
    """[categories.NAME]: what differs from the defaults."""

    mode: ModeName | None = None
    threshold: Share | None = None
    risk: Risk | None = None
    floor: Share | None = None
    expires_in: Expiry | None = None
    channel: ChannelId | None = None
    escalation_channel: ChannelId | None = None
    approvers: PeopleList | None = None
    escalation_approvers: PeopleList | None = None
    connector: str | None = None
    audit: Share | None = None
    undo_window: Duration | None = None


class ActionTable(Table):
    """[actions.NAME]: what an action does, and when a person must see it."""

    effect: Literal["read", "write"]
    connector: str | None = None
    idempotent: bool = False
    free_when: CelCondition | None = None
    escalate_when: CelCondition | None = None
    refuse_when: CelCondition | None = None
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    approvers: PeopleList | None = None
