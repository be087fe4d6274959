"""The whole workspace in memory: who is there, what was said, which views are open."""

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.local_slack.feed import Feed
from bot.local_slack.model import COLORS, Call, Channel, Command, Group, Json, Message, SlackError, User, View

TRIGGER_SECONDS = 3.0
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60
VIEW_STACK = 3


@dataclass(kw_only=True, slots=True)
class ResponseUrl:
    """What one response_url may still do, and where its answers go."""

    channel: str
    user: str
    message_ts: str | None
    thread_ts: str | None
    expires: float
    uses: int = RESPONSE_URL_USES


class Workspace:
    """Everything the local Slack remembers; each change is published once through `feed`."""

    def __init__(self, *, team_id: str, team_name: str = "Local workspace", bot_name: str = "sayso") -> None:
        self.feed = Feed()
        self.team_id = team_id
        self.team_name = team_name
        self.app_id = "A0LOCAL"
        self.bot_id = "B0LOCAL"
        self.tap: Callable[[str, Message, Message | None], None] | None = None
        """Hears of what the bot itself writes: post or change, the message, and what it was before."""
        self.address = "http://127.0.0.1/"
        self._last_us = 0
        self._ids = 0
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.commands: dict[str, Command] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}
        self.homes: dict[str, View] = {}
        self.ephemerals: dict[str, dict[str, Message]] = {}
        self.files: dict[str, tuple[Json, bytes]] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.calls: deque[Call] = deque(maxlen=10_000)
        self._triggers: dict[str, tuple[str, float]] = {}
        self._spent: set[str] = set()
        bot = User(
            id="U0LOCALBOT",
            name=bot_name,
            real_name=bot_name.title(),
            team_id=team_id,
            is_bot=True,
            color="3c989f",
        )
        self.bot_user = bot.id
        self.users[bot.id] = bot

    def new_ts(self) -> str:
        """Return a message id: Unix time with microseconds, strictly increasing, never given twice."""
        self._last_us = max(time.time_ns() // 1000, self._last_us + 1)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """Return an unused id of Slack's look, such as `U000000012`."""
        self._ids += 1
        return f"{prefix}{self._ids:09d}"

    # People and places

    def add_user(self, user: User) -> User:
        """Add or replace a person."""
        user = dataclasses.replace(user, color=COLORS[len(self.users) % len(COLORS)], updated=int(time.time()))
        self.users[user.id] = user
        self.feed.show({"type": "roster"})
        return user

    def channel(self, ref: str) -> Channel:
        """Find a channel by id, by name (with or without #), or a direct message by its person's id."""
        found = self.channels.get(ref)
        if found is not None:
            return found
        if ref in self.users and ref != self.bot_user:
            return self.open_im(ref)
        name = ref.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == name and channel.kind != "im":
                return channel
        raise SlackError("channel_not_found")

    def open_im(self, user: str) -> Channel:
        """Return the direct message between the bot and this person, made on first use."""
        id = "D" + user[1:]
        if id not in self.channels:
            members = {user, self.bot_user}
            self.channels[id] = Channel(id=id, name=user, kind="im", members=members, created=int(time.time()))
            self.feed.show({"type": "roster"})
        return self.channels[id]

    def may_read(self, user: str, channel: Channel) -> bool:
        """Say who sees a channel: its members, and a public one every full member of the workspace."""
        if user in channel.members:
            return True
        person = self.users.get(user)
        return channel.kind == "channel" and person is not None and person.belongs_to(self.team_id)

    def viewers(self, channel: Channel) -> Iterable[str]:
        """Say whose open pages show this channel."""
        return (user for user in self.feed.watchers if self.may_read(user, channel))

    # Messages

    def post(self, message: Message) -> Message:
        """Store a new message and tell everyone who listens."""
        channel = self.channels[message.channel]
        if message.is_reply:
            self._count_reply(channel, str(message.thread_ts), message.ts)
        self._put(channel, message)
        self._announce("message", channel, message)
        if self.tap is not None and message.bot_id:
            self.tap("post", message, None)
        return message

    def change(self, message: Message) -> Message:
        """Put a newer form of a message in its place."""
        channel = self.channels[message.channel]
        old = channel.messages.get(message.ts)
        self._put(channel, message)
        self._announce("message_changed", channel, message)
        if self.tap is not None and message.bot_id:
            self.tap("change", message, old)
        return message

    def delete(self, channel: Channel, ts: str) -> Message:
        """Take a message away, as its author or an administrator would."""
        message = channel.messages.pop(ts, None)
        if message is None:
            raise SlackError("message_not_found")
        channel.latest.pop(ts, None)
        if message.is_reply:
            thread = channel.threads.get(str(message.thread_ts), [])
            if ts in thread:
                thread.remove(ts)
        self.feed.publish(("deleted", channel.id), message)
        event = {"type": "message_deleted", "channel": channel.id, "message": message.as_json()}
        self.feed.show(event, to=self.viewers(channel))
        return message

    def _count_reply(self, channel: Channel, thread_ts: str, ts: str) -> None:
        replies = channel.threads.setdefault(thread_ts, [])
        replies.append(ts)
        parent = channel.messages.get(thread_ts)
        if parent is not None:
            parent = dataclasses.replace(parent, reply_count=len(replies), thread_ts=thread_ts)
            channel.messages[thread_ts] = parent
            if thread_ts in channel.latest:
                channel.latest[thread_ts] = parent
            event = {"type": "message_changed", "channel": channel.id, "message": parent.as_json()}
            self.feed.show(event, to=self.viewers(channel))

    @staticmethod
    def _put(channel: Channel, message: Message) -> None:
        channel.messages[message.ts] = message
        channel.latest.pop(message.ts, None)
        channel.latest[message.ts] = message

    def _announce(self, kind: str, channel: Channel, message: Message) -> None:
        self.feed.publish(("message", channel.id), message)
        if self.feed.has_pages:
            event = {"type": kind, "channel": channel.id, "message": message.as_json()}
            self.feed.show(event, to=self.viewers(channel))

    def whisper(self, message: Message) -> Message:
        """Show a message to one person only; the same `ts` again replaces it."""
        user = str(message.ephemeral_to)
        self.ephemerals.setdefault(user, {})[message.ts] = message
        self.feed.publish(("ephemeral", user), message)
        self.feed.show({"type": "ephemeral", "channel": message.channel, "message": message.as_json()}, to=[user])
        return message

    def unwhisper(self, user: str, ts: str) -> None:
        """Take an ephemeral message away."""
        message = self.ephemerals.get(user, {}).pop(ts, None)
        if message is not None:
            event = {"type": "message_deleted", "channel": message.channel, "message": message.as_json()}
            self.feed.show(event, to=[user])

    # Triggers and response URLs

    def new_trigger(self, user: str) -> str:
        """Return a trigger_id that opens one view within three seconds."""
        trigger = f"{self.new_ts()}.{self.new_id('')}"
        self._triggers[trigger] = (user, time.monotonic() + TRIGGER_SECONDS)
        if len(self._triggers) > 20_000:
            now = time.monotonic()
            self._triggers = {k: v for k, v in self._triggers.items() if v[1] > now - 60}
        return trigger

    def spend_trigger(self, trigger: str) -> str:
        """Exchange a trigger for the person who caused it; raises Slack's three trigger errors."""
        if trigger in self._spent:
            raise SlackError("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise SlackError("invalid_trigger_id")
        user, deadline = self._triggers[trigger]
        if time.monotonic() > deadline:
            raise SlackError("expired_trigger_id")
        del self._triggers[trigger]
        self._spent.add(trigger)
        return user

    # Views

    def show_view(self, view: View, event: str) -> View:
        """Store a view and tell its person's pages; `event` is view_opened, _updated, _pushed or home."""
        self.views[view.id] = view
        if event == "home":
            self.homes[view.user] = view
        elif event != "view_updated":
            if event == "view_opened":
                self.drop_stack(view.user)
            self.stacks.setdefault(view.user, []).append(view.id)
        self.feed.publish(("home" if event == "home" else "view", view.user), view)
        self.feed.show({"type": event, "view": view.payload}, to=[view.user])
        return view

    def drop_view(self, view: View) -> None:
        """Close one modal."""
        self.views.pop(view.id, None)
        stack = self.stacks.get(view.user, [])
        if view.id in stack:
            stack.remove(view.id)
        self.feed.show({"type": "view_closed", "view_id": view.id}, to=[view.user])

    def drop_stack(self, user: str) -> None:
        """Close every modal of this person."""
        for id in list(self.stacks.get(user, [])):
            if id in self.views:
                self.drop_view(self.views[id])
        self.stacks[user] = []

    def top_view(self, user: str) -> View | None:
        """Return the modal that this person sees."""
        stack = self.stacks.get(user)
        return self.views.get(stack[-1]) if stack else None
