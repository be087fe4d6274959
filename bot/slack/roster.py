"""Who somebody is, asked of Slack: people are remembered for a minute, groups are looked up at each decision."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import Person
from bot.domain.decision import Actor
from bot.domain.errors import Refused
from bot.domain.policy import Policy
from bot.ports import Clock
from bot.slack.courier import NETWORK, said
from bot.slack.patience import within

REMEMBERED: Final = timedelta(minutes=1)
LATELY: Final = timedelta(minutes=10)
"""For so long after somebody acted Slack is asked about them again and again, so that no click of theirs waits."""
AGAIN_SECONDS: Final = 30.0
AT_MOST: Final = 25
"""So many are asked about in the background each time: Slack's pace for `users.info` is 100 a minute."""
NO_SUCH_GROUP: Final = frozenset({"no_such_subteam", "subteam_not_found"})
PATIENCE_SECONDS: Final = 2.0
UNSURE: Final = "Slack did not say in time who may decide this, so nothing was decided; try again in a moment."


class Unsure(Refused):
    """Slack did not say who somebody is."""


@dataclass(frozen=True, slots=True)
class _Known:
    profile: dict[str, Any]
    at: datetime


class Roster:
    """Answers who a Slack user is, and refuses whoever is not an active, full member of the team's own workspace."""

    def __init__(self, client: AsyncWebClient, policy: Policy, clock: Clock, *, team: str) -> None:
        self._client, self._policy, self._clock, self._team = client, policy, clock, team
        self._known: dict[str, _Known] = {}
        self._acted: dict[str, datetime] = {}
        self._news = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask now and then about those who acted lately."""
        self._task = asyncio.create_task(self._run(), name="sayso-roster")

    async def stop(self) -> None:
        """Ask no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def person(self, user: str, team: str | None, *, groups: bool = True) -> Person:
        """The person of this user id in this team, with the groups that the policy asks about; or Refused.

        Without `groups` a person who is remembered costs no call to Slack.
        """
        if team is not None and team != self._team:
            raise Refused("You are not in this team's own workspace, so you cannot decide here.")
        found = await self._known_as(user, groups=groups)
        self._acted[user] = self._clock.now()
        return found

    async def standing(self, users: Iterable[str]) -> dict[str, Person | None]:
        """How each of these stands now, with their groups; None for whoever may not decide anything any more."""
        found: dict[str, Person | None] = {}
        for user in users:
            self._known.pop(user, None)  # nobody waits for this so often that a minute's memory would be worth it
            try:
                found[user] = await self._known_as(user, groups=True)
            except Unsure:
                raise
            except Refused:
                found[user] = None
        return found

    async def _known_as(self, user: str, *, groups: bool) -> Person:
        profile, found = self._remembered(user), frozenset[str]()
        if profile is None or groups:
            try:
                async with within(PATIENCE_SECONDS):
                    profile = profile or await self._profile(user)
                    found = await self._groups(user) if groups else found
            except (SlackApiError, *NETWORK):
                raise Unsure(UNSURE) from None
        _check(profile, self._team)
        name = profile.get("real_name") or profile.get("name") or user
        return Person(actor=Actor(kind="person", id=user, name=str(name)), groups=found, groups_known=groups)

    def changed(self, profile: dict[str, Any]) -> None:
        """Slack's `user_change` event: what was remembered of this user no longer counts."""
        self._news += 1
        self._known.pop(str(profile.get("id")), None)

    async def look_again(self) -> None:
        """Ask about those who acted lately: Slack's `user_change` may be lost, or reach another replica."""
        now = self._clock.now()
        self._acted = {user: at for user, at in self._acted.items() if timedelta(0) <= now - at < LATELY}
        self._known = {user: known for user, known in self._known.items() if self._remembered(user)}
        for user in sorted(self._acted, key=self._acted.__getitem__, reverse=True)[:AT_MOST]:
            try:
                async with within(PATIENCE_SECONDS):
                    await self._profile(user)
            except (SlackApiError, *NETWORK):
                # Slack is in trouble: what is remembered grows old, and then a click asks for itself.
                return

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            await self.look_again()

    def _remembered(self, user: str) -> dict[str, Any] | None:
        known = self._known.get(user)
        # A clock that was set back may not stretch the minutes.
        fresh = known is not None and timedelta(0) <= self._clock.now() - known.at < REMEMBERED
        return known.profile if known and fresh else None

    async def _profile(self, user: str) -> dict[str, Any]:
        now, news = self._clock.now(), self._news
        answer = await self._client.users_info(user=user)
        profile = dict(answer["user"])
        if news == self._news:
            self._known[user] = _Known(profile, now)
        return profile

    async def _groups(self, user: str) -> frozenset[str]:
        asked = sorted(_groups_named(self._policy))
        members = await asyncio.gather(*(self._members(group) for group in asked))
        return frozenset(group for group, users in zip(asked, members, strict=True) if user in users)

    async def _members(self, group: str) -> list[str]:
        """Who is in a group now; nobody is in one that does not exist any more."""
        try:
            return list((await self._client.usergroups_users_list(usergroup=group))["users"])
        except SlackApiError as error:
            if said(error)[1] in NO_SUCH_GROUP:
                return []
            raise


def _check(profile: dict[str, Any], team: str) -> None:
    if profile.get("deleted"):
        raise Refused("This account is deactivated, so it cannot decide.")
    if profile.get("is_bot") or profile.get("id") == "USLACKBOT":
        raise Refused("A bot cannot decide; a person has to.")
    if profile.get("is_restricted") or profile.get("is_ultra_restricted"):
        raise Refused("Guests cannot decide here; ask a full member of the team.")
    if profile.get("is_stranger") or profile.get("team_id") != team:
        raise Refused("You are not in this team's own workspace, so you cannot decide here.")


def _groups_named(policy: Policy) -> set[str]:
    lists = [policy.people.approvers, policy.people.escalation, policy.people.admins]
    for category in (*policy.categories.values(), policy.fallback):
        lists += [category.approvers, category.escalation_approvers]
    lists += [action.approvers for action in policy.actions.values() if action.approvers]
    return {name for names in lists for name in names if name.startswith("S")}
