"""Which scopes a bot token has, and which one each method asks of it."""

from typing import Final

from bot.local_slack.model import Channel, Json, SlackError

GRANTED: Final = frozenset(
    {
        *("channels:history", "chat:write", "commands", "files:write"),
        *("groups:history", "im:write", "usergroups:read", "users:read"),
    }
)
"""What an app has that was installed from manifest.yml; a test holds the two together."""

READ: Final = ("channels:read", "groups:read", "mpim:read", "im:read")
HISTORY: Final = ("channels:history", "groups:history", "mpim:history", "im:history")
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "auth.test": (),
    "chat.delete": ("chat:write",),
    "chat.getPermalink": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": HISTORY,
    "conversations.info": READ,
    "conversations.list": READ,
    "conversations.members": READ,
    "conversations.open": ("im:write",),
    "conversations.replies": HISTORY,
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "reactions.add": ("reactions:write",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "views.open": (),
    "views.publish": (),
    "views.push": (),
    "views.update": (),
}
"""Any one of them, for a method that reads channels: the one for their kind."""
EVERY: Final = GRANTED.union(*NEEDED.values())

FAMILIES: Final = {"channel": "channels", "group": "groups", "im": "im"}
LISTED: Final = {"public_channel": "channels", "private_channel": "groups", "mpim": "mpim", "im": "im"}


def check(method: str, args: Json, channel: Channel | None, granted: frozenset[str]) -> None:
    """Raise `missing_scope`, as Slack words it, unless the token may call this method (for this channel)."""
    needed = NEEDED[method]
    wanted = [needed]
    if method == "conversations.list":
        types = str(args.get("types") or "public_channel").split(",")
        wanted = [(f"{LISTED[kind.strip()]}:read",) for kind in types if kind.strip() in LISTED]
    elif len(needed) > 1 and channel:
        wanted = [tuple(scope for scope in needed if scope.startswith(f"{FAMILIES[channel.kind]}:"))]
    if any(scopes and granted.isdisjoint(scopes) for scopes in wanted):
        # Slack names the whole family, whichever member of it is missing.
        more = {"needed": ",".join(needed), "provided": ",".join(sorted(granted))}
        raise SlackError("missing_scope", more=more)
