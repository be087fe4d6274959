"""The things a workspace is made of: people, channels, messages, groups, views."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
"""A JSON object, as it came from or goes to the wire."""

COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "684b6c", "5b89d5", "2b6836")


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person or a bot, as `users.info` shows them."""

    id: str
    name: str
    real_name: str
    team_id: str
    title: str = ""
    color: str = COLORS[0]
    tz: str = "Etc/UTC"
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    updated: int = 0

    def belongs_to(self, team_id: str) -> bool:
        """Whether it is a full member of this workspace: no guest, and nobody of another organisation."""
        return self.team_id == team_id and not (self.is_restricted or self.is_ultra_restricted or self.is_stranger)

    def as_json(self) -> Json:
        """Return the user object of the Web API."""
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "color": self.color,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "email": f"{self.name}@example.com",
                "title": self.title,
                "team": self.team_id,
            },
            "is_admin": False,
            "is_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_stranger": self.is_stranger,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message as it stood at a moment; an update makes a new object with the same `ts`."""

    ts: str
    channel: str
    text: str
    user: str
    blocks: list[Json] = field(default_factory=list)
    bot_id: str | None = None
    app_id: str | None = None
    thread_ts: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    files: tuple[Json, ...] = ()
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ephemeral_to: str | None = None
    reply_count: int = 0
    broadcast: bool = False

    def as_json(self, *, metadata: bool = True) -> Json:
        """Return the message object of the Web API, with its metadata or without."""
        out: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        if self.bot_id:
            out["bot_id"], out["app_id"] = self.bot_id, self.app_id
        maybe = {
            "subtype": "thread_broadcast" if self.broadcast else None,
            "blocks": self.blocks,
            "thread_ts": self.thread_ts,
            "edited": self.edited,
            "files": list(self.files),
        }
        out |= {name: value for name, value in maybe.items() if value}
        if self.reply_count:
            out["thread_ts"], out["reply_count"] = self.thread_ts or self.ts, self.reply_count
        if self.reactions:
            out["reactions"] = [{"name": n, "users": list(u), "count": len(u)} for n, u in self.reactions]
        if self.metadata and metadata:
            out["metadata"] = self.metadata
        if self.ephemeral_to:
            out["ephemeral"] = True
        return out

    @property
    def is_reply(self) -> bool:
        """Whether it hangs in a thread below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(kw_only=True, slots=True)
class Channel:
    """A channel or a direct message, with its messages by `ts`."""

    id: str
    name: str
    kind: str = "channel"
    """`channel`, `group` for a private one, or `im`, as the events say it."""
    topic: str = ""
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    created: int = 0
    messages: dict[str, Message] = field(default_factory=dict)
    latest: dict[str, Message] = field(default_factory=dict)
    """The same messages in the order of their last change."""
    threads: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self, bot_user: str) -> Json:
        """Return the conversation object of the Web API."""
        is_im = self.kind == "im"
        out: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.is_archived,
            "is_im": is_im,
            "is_channel": not is_im,
            "is_private": self.kind != "channel",
            "is_member": bot_user in self.members,
        }
        if is_im:
            out["user"] = next((m for m in sorted(self.members) if m != bot_user), bot_user)
        else:
            out |= {"name": self.name, "topic": {"value": self.topic}, "num_members": len(self.members)}
        return out


@dataclass(kw_only=True, slots=True)
class Group:
    """A user group such as `@support-leads`; `date_delete` is when it was disabled, or 0."""

    id: str
    handle: str
    users: list[str]
    date_delete: int = 0

    def as_json(self, team_id: str, *, users: bool = True, count: bool = True) -> Json:
        """Return the user group object of the Web API, with its members and their number or without.

        Slack's own types call `users` optional, so a group that nobody is in comes without.
        """
        out: Json = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.handle,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_delete": self.date_delete,
            "prefs": {"channels": [], "groups": []},
        }
        if users and self.users:
            out["users"] = list(self.users)
        if count:
            out["user_count"] = len(self.users)
        return out


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A slash command that the app has registered."""

    command: str
    description: str = ""
    usage_hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A modal or a Home as one person sees it; `payload` is Slack's view object."""

    id: str
    user: str
    payload: Json

    @property
    def callback_id(self) -> str:
        """The app's own name for this view."""
        return str(self.payload.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        """What the app stored with the view."""
        return str(self.payload.get("private_metadata", ""))

    @property
    def title(self) -> str:
        """The words in the view's head."""
        return str((self.payload.get("title") or {}).get("text", ""))

    @property
    def blocks(self) -> list[Json]:
        """The blocks of the view."""
        blocks: list[Json] = self.payload["blocks"]
        return blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the Web API: what was asked, when (Unix seconds), and the error it got, if any."""

    method: str
    args: Json
    at: float
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """The outcome of one delivery to the bot.

    `status` is the HTTP status (200 for an acknowledged envelope, 0 for none), `ms` the milliseconds it took,
    `body` the parsed answer, `error` the word Slack's client would show, `ts` the message a person wrote.
    """

    status: int
    ms: float
    body: Any = None
    error: str | None = None
    ts: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot acknowledged in time."""
        return self.error is None and 200 <= self.status < 300


class SlackError(Exception):
    """A refusal in Slack's words: `{"ok": false, "error": …}`."""

    def __init__(
        self,
        error: str,
        *messages: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        more: Json | None = None,
    ) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages
        self.status = status
        self.headers = headers or {}
        self.more = more or {}

    def as_json(self) -> Json:
        """Return the body of the answer."""
        out: Json = {"ok": False, "error": self.error, **self.more}
        if self.messages:
            out["errors"] = list(self.messages)
            out["response_metadata"] = {"messages": [f"[ERROR] {line}" for line in self.messages]}
        return out
