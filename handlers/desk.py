"""What the Slack handlers share: who acts, and how a refusal is told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from bot.approvals import Approvals
from bot.domain.authority import Beside, Person, is_group
from bot.domain.decision import Seen
from bot.domain.errors import AgreedEarlier, AlreadyDecided, NotListed, SaysoError
from bot.domain.policy import Policy
from bot.domain.proposal import Content, Proposal
from bot.executions import Executions
from bot.intake.reception import Reception
from bot.ports import Clock, Store
from bot.slack.metadata import Metadata
from bot.slack.parts import named
from bot.slack.roster import Asked, Roster
from bot.switch import Switch
from bot.thresholds import Thresholds
from handlers.aside import Aside

Body = dict[str, Any]
T = TypeVar("T")

LAPSED: Final = "{case}: the earlier approval of {who} does not count any more, for they may not decide this by now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that a Slack handler may call; Bolt hands it to listeners as `desk`."""

    approvals: Approvals
    executions: Executions
    switch: Switch
    thresholds: Thresholds
    roster: Roster
    store: Store
    policy: Policy
    clock: Clock
    reception: Reception | None = None
    aside: Aside = field(default_factory=Aside)

    async def person(self, body: Body, *, groups: Asked) -> Person:
        """Who did this, as Slack knows them now; Refused for whoever may never decide."""
        user = body.get("user") or {}
        team = user.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id")
        return await self.roster.person(str(user.get("id") or body.get("user_id")), team, groups=groups)

    async def act(self, body: Body, deed: Callable[[Person], Awaitable[T]]) -> T:
        """Do it as whoever clicked.

        Slack is asked for their groups only where their own name is not on the list, and a group is.
        """
        try:
            return await deed(await self.person(body, groups="not"))
        except NotListed as error:
            if not any(map(is_group, error.allowed)):
                raise
        return await deed(await self.person(body, groups="now"))

    async def approve(self, body: Body, seen: Seen) -> str:
        """Approve as whoever clicked; what they were to be told, and where no channel is, still are."""
        return await self._agree(body, lambda person, beside: self.approvals.approve(seen, person, beside))

    async def edit(self, body: Body, seen: Seen, content: Content, reason: str | None) -> None:
        """Approve this content as whoever typed it."""
        await self._agree(
            body, lambda person, beside: self.approvals.edit(seen, content, person, beside, reason=reason)
        )

    async def _agree(self, body: Body, deed: Callable[[Person, Beside], Awaitable[Proposal]]) -> str:
        """As `act`; where others agreed before, Slack is asked how they stand now, and whose lapsed is told."""
        names: dict[str, str] = {}
        beside: dict[str, Person | None] = {}
        while True:
            try:
                after = await self.act(body, lambda person: deed(person, beside))
                break
            except AgreedEarlier as earlier:
                names.update(earlier.names)
                beside.update(await self.roster.standing(earlier.names))
        standing = {actor.id for actor in after.approvals}
        lapsed = [name for user, name in names.items() if user not in standing]
        told = LAPSED.format(case=named(after), who=" and ".join(lapsed)) if lapsed else ""
        if told:
            await self.say(body, told)
        return told

    async def tell(self, body: Body, error: SaysoError, *, about: str | None = None) -> None:
        """Tell whoever acted, and only them, why it was refused; a second click of the winner needs no answer.

        `about` is the id of the case: of two hundred cards a day, nobody remembers which one they clicked last.
        """
        if isinstance(error, AlreadyDecided) and error.winner_id == user_of(body):
            return
        name = await self._name(about) if about else ""
        await self.say(body, f"{name}: {error.sentence}" if name else error.sentence)

    async def _name(self, proposal_id: str) -> str:
        try:
            return named(await self.store.read(lambda tx: tx.proposal(proposal_id)))
        except SaysoError:
            return ""

    async def say(self, body: Body, text: str) -> None:
        """Tell whoever acted something that only they see."""
        if channel := channel_of(body):
            await self.approvals.whisper(channel=channel, user=user_of(body), text=text)


def user_of(body: Body) -> str:
    """The acting user's id."""
    return str((body.get("user") or {}).get("id") or body.get("user_id") or "")


def channel_of(body: Body) -> str | None:
    """The channel where it happened, or from where its window was opened, if it was one."""
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    if not channel and (metadata := (body.get("view") or {}).get("private_metadata")):
        channel = Metadata.of(metadata).channel
    return str(channel) if channel else None
