"""Who and what is in the workspace, for tests and for the sample shop: people, channels, groups, commands."""

import dataclasses
import time
from collections.abc import Iterable
from typing import Any

from bot.local_slack.deliveries import Deliveries
from bot.local_slack.interactions import Interactions
from bot.local_slack.model import Channel, Command, Group, User
from bot.local_slack.person import Person
from bot.local_slack.state import Workspace


class Roster:
    """Adds and changes what is there, and tells a connected bot as Slack does."""

    world: Workspace
    deliveries: Deliveries
    interactions: Interactions

    def add_user(
        self,
        name: str,
        *,
        real_name: str = "",
        id: str | None = None,
        title: str = "",
        is_restricted: bool = False,
        is_ultra_restricted: bool = False,
        is_bot: bool = False,
        deleted: bool = False,
        team_id: str | None = None,
        is_stranger: bool = False,
    ) -> User:
        """Add a person; a full member joins every channel there is, guests and outsiders join where you say so.

        A connected bot hears `team_join`.
        """
        user = self.world.add_user(
            User(
                id=id or self.world.new_id("U"),
                name=name,
                real_name=real_name or name.title(),
                team_id=team_id or self.world.team_id,
                title=title,
                is_restricted=is_restricted,
                is_ultra_restricted=is_ultra_restricted,
                is_bot=is_bot,
                deleted=deleted,
                is_stranger=is_stranger,
            )
        )
        for channel in self.world.channels.values():
            if channel.kind == "channel" and self._joins(user):
                channel.members.add(user.id)
        self.deliveries.event_soon({"type": "team_join", "user": user.as_json(), "event_ts": self.world.new_ts()})
        return user

    def _joins(self, user: User) -> bool:
        """Whether somebody is in every channel from the start."""
        return user.belongs_to(self.world.team_id) and not (user.is_bot or user.deleted)

    def change_user(self, id: str, **fields: Any) -> User:
        """Change a person's profile, for example `deleted=True`; a connected bot hears `user_change`."""
        user = dataclasses.replace(self.world.users[id], **fields, updated=int(time.time()))
        self.world.users[id] = user
        self.world.feed.show({"type": "roster"})
        self.deliveries.event_soon({"type": "user_change", "user": user.as_json(), "event_ts": self.world.new_ts()})
        return user

    def user(self, id: str) -> User:
        """Return a person's profile; raises KeyError."""
        return self.world.users[id]

    def person(self, user: str | User) -> Person:
        """Return the keyboard of a person."""
        id = user.id if isinstance(user, User) else user
        if id not in self.world.users:
            raise KeyError(id)
        return Person(id, self.world, self.interactions)

    def add_channel(
        self,
        name: str,
        *,
        id: str | None = None,
        topic: str = "",
        bot_is_member: bool = True,
        private: bool = False,
    ) -> Channel:
        """Add a channel that every full member present is in; guests and outsiders `join` it, a private one all."""
        members = {user.id for user in self.world.users.values() if not private and self._joins(user)}
        if bot_is_member:
            members.add(self.world.bot_user)
        channel = Channel(
            id=id or self.world.new_id("C"),
            name=name,
            kind="group" if private else "channel",
            topic=topic,
            members=members,
            created=int(time.time()),
        )
        self.world.channels[channel.id] = channel
        self.world.feed.show({"type": "roster"})
        return channel

    def join(self, channel: str, user: str) -> None:
        """Make somebody (also the bot) a member; a connected bot hears `member_joined_channel`."""
        found = self.world.channel(channel)
        found.members.add(user)
        self.world.feed.show({"type": "roster"})
        event = {"type": "member_joined_channel", "user": user, "channel": found.id}
        event["channel_type"] = "G" if found.kind == "group" else "C"
        if self.world.bot_user in found.members:
            self.deliveries.event_soon(event | {"team": self.world.team_id, "event_ts": self.world.new_ts()})

    def leave(self, channel: str, user: str) -> None:
        """Take somebody (also the bot) out of a channel."""
        self.world.channel(channel).members.discard(user)
        self.world.feed.show({"type": "roster"})

    def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel: nobody writes there any more."""
        self.world.channel(channel).is_archived = archived

    def add_group(self, handle: str, users: Iterable[str | User], id: str | None = None) -> Group:
        """Add a user group such as `support-leads`."""
        ids = [u.id if isinstance(u, User) else u for u in users]
        group = Group(id=id or self.world.new_id("S"), handle=handle, users=ids)
        self.world.groups[group.id] = group
        self.world.feed.show({"type": "roster"})
        return group

    def set_group_users(self, group: str | Group, users: Iterable[str | User]) -> None:
        """Replace a group's members; a connected bot hears `subteam_members_changed` and `subteam_updated`."""
        found = group if isinstance(group, Group) else self.world.groups[group]
        before, found.users = found.users, [u.id if isinstance(u, User) else u for u in users]
        self.world.feed.show({"type": "roster"})
        added = [u for u in found.users if u not in before]
        removed = [u for u in before if u not in found.users]
        self.deliveries.event_soon(
            {
                "type": "subteam_members_changed",
                "subteam_id": found.id,
                "team_id": self.world.team_id,
                "added_users": added,
                "added_users_count": len(added),
                "removed_users": removed,
                "removed_users_count": len(removed),
                "date_update": int(time.time()),
                "event_ts": self.world.new_ts(),
            }
        )
        self._updated(found)

    def disable_group(self, group: str | Group) -> None:
        """Disable a group, which keeps its id and its members; a connected bot hears `subteam_updated`."""
        found = group if isinstance(group, Group) else self.world.groups[group]
        found.date_delete = int(time.time())
        self.world.feed.show({"type": "roster"})
        self._updated(found)

    def _updated(self, group: Group) -> None:
        subteam = group.as_json(self.world.team_id)
        self.deliveries.event_soon({"type": "subteam_updated", "subteam": subteam, "event_ts": self.world.new_ts()})

    def add_command(self, command: str, description: str = "", usage_hint: str = "") -> Command:
        """Register a slash command, with its leading slash."""
        made = Command(command=command, description=description, usage_hint=usage_hint)
        self.world.commands[command] = made
        return made
