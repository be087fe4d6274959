"""The Web API methods that read channels: conversations.*."""

import base64
from collections.abc import Sequence
from typing import TypeVar

from bot.local_slack.api_chat import Method, known, required, truth
from bot.local_slack.model import Channel, Json, Message, SlackError
from bot.local_slack.state import Workspace

T = TypeVar("T")


def page(items: Sequence[T], args: Json, *, default: int = 100, most: int = 1000) -> tuple[list[T], Json]:
    """Return one page of a list and the `response_metadata` that leads to the next."""
    try:
        limit = min(int(args.get("limit") or default), most)
        start = int(base64.b64decode(str(args["cursor"]))) if args.get("cursor") else 0
    except (ValueError, TypeError):
        raise SlackError("invalid_cursor" if args.get("cursor") else "invalid_limit") from None
    if limit < 1 or start < 0:
        raise SlackError("invalid_limit")
    end = start + limit
    cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
    return list(items[start:end]), {"next_cursor": cursor}


def within(args: Json, ts: str) -> bool:
    """Whether a message lies between `oldest` and `latest`."""
    inclusive = truth(args.get("inclusive"))
    at = _micros(ts)
    oldest, latest = args.get("oldest"), args.get("latest")
    if oldest and not (at > _micros(oldest) or (inclusive and at == _micros(oldest))):
        return False
    return not latest or at < _micros(latest) or (inclusive and at == _micros(latest))


def _micros(ts: object) -> int:
    whole, _, rest = str(ts).partition(".")
    try:
        return int(whole) * 1_000_000 + int((rest + "000000")[:6])
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None


def readable(world: Workspace, args: Json) -> Channel:
    """Return a channel whose messages the bot may read; unlike for writing, a name will not do."""
    channel = known(world, world.channels.get(str(args.get("channel", ""))))
    if world.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def answer_messages(found: list[Message], args: Json, *, most: int = 999) -> Json:
    """Return messages page by page as history and replies do."""
    items, meta = page(found, args, most=most)
    metadata = truth(args.get("include_all_metadata"))
    out: Json = {
        "messages": [m.as_json(metadata=metadata) for m in items],
        "has_more": bool(meta["next_cursor"]),
    }
    if meta["next_cursor"]:
        out["response_metadata"] = meta
    return out


def history(world: Workspace, args: Json) -> Json:
    """conversations.history: newest first, without the replies in threads."""
    channel = readable(world, args)
    found = [m for m in reversed(channel.messages.values()) if (not m.is_reply or m.broadcast) and within(args, m.ts)]
    return answer_messages(found, args)


def replies(world: Workspace, args: Json) -> Json:
    """conversations.replies: the parent and its replies, oldest first."""
    channel = readable(world, args)
    ts = required(args, "ts")
    parent = channel.messages.get(ts)
    if parent is None:
        raise SlackError("thread_not_found")
    below = [channel.messages[r] for r in channel.threads.get(ts, []) if r in channel.messages]
    return answer_messages([parent, *(m for m in below if within(args, m.ts))], args)


def info(world: Workspace, args: Json) -> Json:
    """conversations.info."""
    channel = known(world, world.channels.get(str(args.get("channel", ""))))
    return {"channel": channel.as_json(world.bot_user)}


def list_all(world: Workspace, args: Json) -> Json:
    """conversations.list."""
    types = str(args.get("types") or "public_channel").split(",")
    kinds = {"im": "im", "public_channel": "channel", "private_channel": "group"}
    wanted = {kinds[name] for name in types if name in kinds}
    skip_archived = truth(args.get("exclude_archived"))
    found = [
        c
        for c in world.channels.values()
        if c.kind in wanted
        and not (skip_archived and c.is_archived)
        and (c.kind != "group" or world.bot_user in c.members)
    ]
    items, meta = page(found, args)
    return {"channels": [c.as_json(world.bot_user) for c in items], "response_metadata": meta}


def members(world: Workspace, args: Json) -> Json:
    """conversations.members."""
    channel = known(world, world.channels.get(str(args.get("channel", ""))))
    items, meta = page(sorted(channel.members), args)
    return {"members": items, "response_metadata": meta}


def open_im(world: Workspace, args: Json) -> Json:
    """conversations.open: a direct message with one person."""
    users = [u for u in str(args.get("users") or "").split(",") if u]
    if args.get("channel"):
        channel = known(world, world.channels.get(str(args["channel"])))
    elif not users:
        raise SlackError("users_list_not_supplied")
    elif len(users) > 1:
        raise SlackError("not_enough_users" if len(users) > 8 else "method_not_supported_for_channel_type")
    else:
        user = world.users.get(users[0])
        if user is None:
            raise SlackError("user_not_found")
        if user.deleted:
            raise SlackError("user_disabled")
        if user.id == world.bot_user:
            raise SlackError("cannot_dm_bot")
        channel = world.open_im(user.id)
    full = truth(args.get("return_im"))
    return {"channel": channel.as_json(world.bot_user) if full else {"id": channel.id}}


METHODS: dict[str, Method] = {
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.info": info,
    "conversations.list": list_all,
    "conversations.members": members,
    "conversations.open": open_im,
}
