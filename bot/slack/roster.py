"""Who somebody is, asked of Slack: people are remembered for a minute, groups are asked about at each decision."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import Person
from bot.domain.decision import Actor
from bot.domain.errors import Refused
from bot.domain.policy import Policy
from bot.ports import Clock
from bot.slack.courier import NETWORK
from bot.slack.groups import LOOKED_SECONDS, UNSURE, Groups, Unsure
from bot.slack.patience import age, within

REMEMBERED: Final = timedelta(minutes=1)
LATELY: Final = timedelta(minutes=10)
"""For so long after somebody acted Slack is asked about them again and again, so that no click of theirs waits."""
AGAIN_SECONDS: Final = 30.0
AT_MOST: Final = 25
"""So many are asked about in the background each time: Slack's pace for `users.info` is 100 a minute."""
PATIENCE_SECONDS: Final = 2.0

Asked = Literal["not", "lately", "now"]
"""Whether somebody's groups are wanted, and whether for a decision (now) or only to show something (lately)."""


@dataclass(frozen=True, slots=True)
class _Known:
    profile: dict[str, Any]
    at: datetime


class Roster:
    """Answers who a Slack user is, and refuses whoever is not an active, full member of the team's own workspace."""

    def __init__(self, client: AsyncWebClient, policy: Policy, clock: Clock, *, team: str) -> None:
        self._client, self._clock, self._team = client, clock, team
        self.groups = Groups(client, policy)
        self._known: dict[str, _Known] = {}
        self._acted: dict[str, datetime] = {}
        self._news = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask now and then about those who acted lately."""
        self._task = asyncio.create_task(self._run(), name="sayso-roster")

    async def stop(self) -> None:
        """Ask no more."""
        await self.groups.stop()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def person(self, user: str, team: str | None, *, groups: Asked = "now") -> Person:
        """The person of this user id in this team, with the groups that the policy asks about; or Refused.

        Where groups are not asked for, a person who is remembered costs no call to Slack.
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
                found[user] = await self._known_as(user, groups="now")
            except Unsure:
                raise
            except Refused:
                found[user] = None
        return found

    async def _known_as(self, user: str, *, groups: Asked) -> Person:
        profile, found = self._remembered(user), frozenset[str]()
        if profile is None or groups != "not":
            profile, found = await self._ask(user, profile, groups)
        _check(profile, self._team)
        name = profile.get("real_name") or profile.get("name") or user
        actor = Actor(kind="person", id=user, name=str(name))
        at = self._clock.now() - age()
        return Person(actor=actor, groups=found, groups_known=groups != "not", at=at)

    async def _ask(
        self, user: str, profile: dict[str, Any] | None, groups: Asked
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """Profile and groups, from Slack where they are not known; or Refused."""
        try:
            async with within(PATIENCE_SECONDS):
                profile = profile or await self._profile(user)
                _check(profile, self._team)  # who may never decide costs no question about groups
                return profile, await self._groups(user, groups)
        except Refused:
            raise
        except SlackApiError as error:
            raise Unsure.of(error) from None
        except NETWORK:
            raise Unsure(UNSURE) from None

    async def _groups(self, user: str, asked: Asked) -> frozenset[str]:
        if asked == "not":
            return frozenset()
        return await self.groups.of(user, before=LOOKED_SECONDS if asked == "lately" else 0.0)

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


def _check(profile: dict[str, Any], team: str) -> None:
    if profile.get("deleted"):
        raise Refused("This account is deactivated, so it cannot decide.")
    if profile.get("is_bot") or profile.get("id") == "USLACKBOT":
        raise Refused("A bot cannot decide; a person has to.")
    if profile.get("is_restricted") or profile.get("is_ultra_restricted"):
        raise Refused("Guests cannot decide here; ask a full member of the team.")
    if profile.get("is_stranger") or profile.get("team_id") != team:
        raise Refused("You are not in this team's own workspace, so you cannot decide here.")
