"""Who is in the user groups that the policy names: asked of Slack at each decision, in one call for all of them.

Slack promises twenty `usergroups.list` a minute and no more. Five may go out at once and then one every four seconds,
which is twenty in any minute. While none may go out, a read that began four seconds before the click still serves it;
with this pace there always is one. Otherwise a decision is served by a read that began after its click, or not at all.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import is_group
from bot.domain.errors import Refused
from bot.domain.plural import plural
from bot.domain.policy import Policy
from bot.slack.courier import retry_after, said
from bot.slack.patience import arrived

AT_ONCE: Final = 5
EVERY_SECONDS: Final = 4.0
SHARED_SECONDS: Final = 4.0
"""At least `EVERY_SECONDS`, or a click could find neither a call to make nor a read to share."""
LOOKED_SECONDS: Final = 60.0
"""How old a read may be for whoever only looks: what they then click is asked about anew."""
ANSWER_SECONDS: Final = 2.0

UNSURE: Final = "Slack did not say in time who may decide this, so nothing was decided; try again in a moment."
PACED: Final = "Slack limits how often it says who may decide, so nothing was decided; try again in {wait}."

Members = Mapping[str, frozenset[str]]
"""By group id, the ids of the people in it."""


class Unsure(Refused):
    """Slack did not say who somebody is."""

    @classmethod
    def of(cls, error: SlackApiError) -> "Unsure":
        """What whoever clicked is told of Slack's refusal; after a 429, when to try again."""
        return cls.until(retry_after(error.response.headers)) if said(error)[0] == 429 else cls(UNSURE)

    @classmethod
    def until(cls, wait: timedelta) -> "Unsure":
        """What whoever clicked is told while Slack is not to be asked."""
        seconds = math.ceil(wait.total_seconds())
        long = seconds > 120
        return cls(PACED.format(wait=plural(math.ceil(seconds / 60), "minute") if long else plural(seconds, "second")))


@dataclass(slots=True)
class _Read:
    """One call of Slack, under way or answered; `stands` until it fails or Slack says that a group changed."""

    begun: float
    answer: asyncio.Task[Members]
    stands: bool = True


class Groups:
    """Says which of the policy's groups somebody is in, and keeps to Slack's pace."""

    def __init__(self, client: AsyncWebClient, policy: Policy) -> None:
        self._client, self._names = client, _groups_named(policy)
        self._read: _Read | None = None
        self._left, self._counted, self._held = float(AT_ONCE), 0.0, 0.0

    async def of(self, user: str, *, before: float = 0.0) -> frozenset[str]:
        """The groups of this user by a read that began after the click, or at most `before` seconds earlier.

        Raises Unsure where Slack may not be asked yet, else whatever the call raised.
        """
        if not self._names:
            return frozenset()
        members = await self._members(before)
        return frozenset(group for group, users in members.items() if user in users)

    def changed(self, group: str) -> None:
        """Slack's `subteam_updated` event: what was read before no longer counts for any later click."""
        if self._read and group in self._names:
            self._read.stands = False

    async def stop(self) -> None:
        """Wait for no answer any more."""
        if self._read:
            self._read.answer.cancel()
            await asyncio.gather(self._read.answer, return_exceptions=True)

    async def _members(self, before: float) -> Members:
        read = self._begun_since(arrived() - before)
        if read is None and self._may_ask():
            read = self._read = self._begin()
        read = read or self._begun_since(arrived() - SHARED_SECONDS)
        if read is None:
            raise Unsure.until(self._wait())
        # Whoever waits no longer takes nothing away from the others who share the answer.
        return await asyncio.shield(read.answer)

    def _begun_since(self, moment: float) -> _Read | None:
        return self._read if self._read and self._read.stands and self._read.begun >= moment else None

    def _begin(self) -> _Read:
        read = _Read(_now(), asyncio.create_task(self._ask(), name="sayso-groups"))
        read.answer.add_done_callback(lambda answer: _done(read, answer))
        return read

    async def _ask(self) -> Members:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                # A group that is disabled is left out, one that was deleted too: nobody is in it.
                answer = await self._client.usergroups_list(include_users=True)
        except SlackApiError as error:
            if said(error)[0] == 429:
                self._held = _now() + retry_after(error.response.headers).total_seconds()
            raise
        groups: list[dict[str, Any]] = answer["usergroups"] or []
        asked = (group for group in groups if group["id"] in self._names and not group.get("date_delete"))
        return {group["id"]: frozenset(group.get("users") or ()) for group in asked}

    def _may_ask(self) -> bool:
        now = _now()
        self._left, self._counted = min(AT_ONCE, self._left + (now - self._counted) / EVERY_SECONDS), now
        if now < self._held or self._left < 1:
            return False
        self._left -= 1
        return True

    def _wait(self) -> timedelta:
        return timedelta(seconds=max(self._held - _now(), (1 - self._left) * EVERY_SECONDS))


def _done(read: _Read, answer: asyncio.Task[Members]) -> None:
    if answer.cancelled() or answer.exception():
        read.stands = False


def _now() -> float:
    # Unlike the clock on the wall it is never set back.
    return asyncio.get_running_loop().time()


def _groups_named(policy: Policy) -> frozenset[str]:
    lists = [policy.people.approvers, policy.people.escalation, policy.people.admins]
    for category in (*policy.categories.values(), policy.fallback):
        lists += [category.approvers, category.escalation_approvers]
    lists += [action.approvers for action in policy.actions.values() if action.approvers]
    return frozenset(name for names in lists for name in names if is_group(name))
