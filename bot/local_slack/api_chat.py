"""The Web API methods of messages: chat.* and reactions.add."""

import dataclasses
import json
import re
import time
from collections.abc import Callable
from typing import Any

from bot.local_slack import limits
from bot.local_slack.blocks import check_message_blocks
from bot.local_slack.model import Channel, Json, Message, SlackError
from bot.local_slack.state import Workspace

Method = Callable[[Workspace, Json], Json]

TS = re.compile(r"[0-9]+\.[0-9]+")


def truth(value: object) -> bool:
    """Read a flag as JSON or a form writes it."""
    return value in (True, 1, "true", "True", "1")


def required(args: Json, key: str) -> str:
    """Return an argument that must be there as text."""
    value = args.get(key)
    if value is None or value == "":
        raise SlackError("invalid_arguments", f"missing required field: {key} [json-pointer:/{key}]")
    return str(value)


def known(world: Workspace, channel: Channel | None) -> Channel:
    """Return what the bot can know of: a private channel is as if it were not there until the bot is a member."""
    if channel is None or (channel.kind == "group" and world.bot_user not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def open_channel(world: Workspace, ref: object, *, person: bool = False, name: bool = False) -> Channel:
    """Return a channel that the bot may write to, by its id, and where the method takes that, by a person or a name."""
    wanted = str(ref or "")
    loose = person if wanted in world.users else name
    channel = known(world, world.channel(wanted) if loose else world.channels.get(wanted))
    if channel.is_archived:
        raise SlackError("is_archived")
    if world.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def content(world: Workspace, args: Json, limit: int) -> tuple[str, list[Json]]:
    """Return the checked text and blocks of a message."""
    text = str(args.get("text") or "")
    limits.check_text(text, limit)
    blocks = args.get("blocks") or []
    if blocks:
        blocks = check_message_blocks(blocks, lambda: world.new_id("b"))
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    return text, blocks


def checked_metadata(value: Any) -> Json | None:
    """Return message metadata, or raise `invalid_metadata_format` and its relatives."""
    if not value:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(value.get("event_payload"), dict) or value.keys() - {
        "event_type",
        "event_payload",
        "entities",
    }:
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(value)) > limits.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return value


def own_message(world: Workspace, channel: Channel, ts: object, refusal: str) -> Message:
    """Return a message that the bot itself wrote."""
    message = channel.messages.get(str(ts))
    if message is None:
        raise SlackError("message_not_found")
    if message.bot_id != world.bot_id:
        raise SlackError(refusal)
    return message


def thread_of(channel: Channel, value: object) -> str | None:
    """Return the thread that a message goes to; None also where its first message is gone, as Slack does it."""
    if not value:
        return None
    if not TS.fullmatch(str(value)):
        raise SlackError("invalid_thread_ts", f"{value} is not a valid thread_ts")
    return str(value) if str(value) in channel.messages else None


def post_message(world: Workspace, args: Json) -> Json:
    """chat.postMessage."""
    channel = open_channel(world, args.get("channel"), person=True, name=True)
    text, blocks = content(world, args, limits.POST_TEXT)
    thread_ts = thread_of(channel, args.get("thread_ts"))
    message = Message(
        ts=world.new_ts(),
        channel=channel.id,
        text=text,
        user=world.bot_user,
        blocks=blocks,
        bot_id=world.bot_id,
        app_id=world.app_id,
        thread_ts=thread_ts,
        metadata=checked_metadata(args.get("metadata")),
        broadcast=thread_ts is not None and truth(args.get("reply_broadcast")),
    )
    world.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}


def update(world: Workspace, args: Json) -> Json:
    """chat.update: what is not given stays, except that a new text without blocks removes the blocks."""
    channel = open_channel(world, args.get("channel"))
    old = own_message(world, channel, args.get("ts"), "cant_update_message")
    if "text" not in args and "blocks" not in args and "metadata" in args:
        text, blocks = old.text, old.blocks
    else:
        given = args if "text" in args else {**args, "text": ""}
        text, blocks = content(world, given, limits.UPDATE_TEXT)
    message = dataclasses.replace(
        old,
        text=text,
        blocks=blocks,
        metadata=checked_metadata(args["metadata"]) if "metadata" in args else old.metadata,
        edited={"user": world.bot_user, "ts": f"{time.time():.6f}"},
    )
    world.change(message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_json()}


def delete(world: Workspace, args: Json) -> Json:
    """chat.delete."""
    channel = open_channel(world, args.get("channel"))
    message = own_message(world, channel, args.get("ts"), "cant_delete_message")
    world.delete(channel, message.ts)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(world: Workspace, args: Json) -> Json:
    """chat.postEphemeral."""
    channel = open_channel(world, args.get("channel"), name=True)
    user = world.users.get(required(args, "user"))
    if user is None or user.deleted:
        raise SlackError("user_not_found")
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = content(world, args, limits.POST_TEXT)
    message = Message(
        ts=world.new_ts(),
        channel=channel.id,
        text=text,
        user=world.bot_user,
        blocks=blocks,
        bot_id=world.bot_id,
        app_id=world.app_id,
        thread_ts=str(args["thread_ts"]) if args.get("thread_ts") else None,
        ephemeral_to=user.id,
    )
    world.whisper(message)
    return {"message_ts": message.ts}


def permalink(world: Workspace, args: Json) -> Json:
    """chat.getPermalink."""
    channel = known(world, world.channel(str(args.get("channel", ""))))
    ts = required(args, "message_ts")
    if ts not in channel.messages:
        raise SlackError("message_not_found")
    address = f"{world.address}archives/{channel.id}/p{ts.replace('.', '')}"
    parent = channel.messages[ts].thread_ts
    if parent and parent != ts:
        address += f"?thread_ts={parent}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


def add_reaction(world: Workspace, args: Json) -> Json:
    """reactions.add."""
    channel = open_channel(world, args.get("channel"))
    message = channel.messages.get(str(args.get("timestamp")))
    if message is None:
        raise SlackError("message_not_found")
    name = str(args.get("name") or "").strip(":")
    if not name:
        raise SlackError("invalid_name")
    reactions = dict(message.reactions)
    if world.bot_user in reactions.get(name, ()):
        raise SlackError("already_reacted")
    reactions[name] = (*reactions.get(name, ()), world.bot_user)
    world.change(dataclasses.replace(message, reactions=tuple(reactions.items())))
    return {}


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": permalink,
    "reactions.add": add_reaction,
}
