"""What the bot answers to a command or sends to a response_url, and how Slack shows it."""

import dataclasses
import json
import time
from typing import Any

from aiohttp import web

from bot.local_slack.api_chat import content, truth
from bot.local_slack.limits import POST_TEXT
from bot.local_slack.model import Json, Message, SlackError
from bot.local_slack.state import RESPONSE_URL_SECONDS, ResponseUrl, Workspace


def new_response_url(
    world: Workspace, *, channel: str, user: str, message_ts: str | None = None, thread_ts: str | None = None
) -> str:
    """Return an address that takes five answers within thirty minutes."""
    token = f"{world.new_id('R')}{time.time_ns() % 1_000_000_007:09d}"
    expires = time.monotonic() + RESPONSE_URL_SECONDS
    world.response_urls[token] = ResponseUrl(
        channel=channel, user=user, message_ts=message_ts, thread_ts=thread_ts, expires=expires
    )
    if len(world.response_urls) > 20_000:
        for old in list(world.response_urls)[:10_000]:
            del world.response_urls[old]
    return f"{world.address}response/{token}"


async def handle(world: Workspace, request: web.Request) -> web.Response:
    """Serve one POST to a response_url."""
    target = world.response_urls.get(request.match_info["token"])
    if target is None:
        return web.json_response(SlackError("invalid_url").as_json(), status=404)
    try:
        if time.monotonic() > target.expires:
            raise SlackError("expired_url", status=404)
        if target.uses <= 0:
            raise SlackError("used_url", status=404)
        body = await _body(request)
        show(world, target, body)
        target.uses -= 1
    except SlackError as refused:
        status = refused.status if refused.status != 200 else 400
        return web.json_response(refused.as_json(), status=status)
    return web.json_response({"ok": True})


async def _body(request: web.Request) -> Json:
    raw: Any = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        raw = (await request.post()).get("payload", "")
    try:
        body = json.loads(raw)
    except (ValueError, TypeError):
        raise SlackError("invalid_payload") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body


def show(world: Workspace, target: ResponseUrl, body: Json) -> Message | None:
    """Show an answer: to one person, in the channel, or in place of the message it answers."""
    ts = target.message_ts
    channel = world.channels[target.channel]
    ephemeral_ts = ts if ts in world.ephemerals.get(target.user, {}) else None
    if truth(body.get("delete_original")):
        if ephemeral_ts:
            world.unwhisper(target.user, ephemeral_ts)
        elif ts:
            world.delete(channel, ts)
        return None
    text, blocks = content(world, body, POST_TEXT)
    if truth(body.get("replace_original")) and ts:
        old = world.ephemerals[target.user][ephemeral_ts] if ephemeral_ts else channel.messages.get(ts)
        if old is None:
            raise SlackError("message_not_found", status=404)
        edited = {"user": world.bot_user, "ts": f"{time.time():.6f}"}
        new = dataclasses.replace(old, text=text, blocks=blocks, edited=edited)
        return world.whisper(new) if ephemeral_ts else world.change(new)
    in_channel = body.get("response_type") == "in_channel"
    message = Message(
        ts=world.new_ts(),
        channel=channel.id,
        text=text,
        user=world.bot_user,
        blocks=blocks,
        bot_id=world.bot_id,
        app_id=world.app_id,
        thread_ts=str(body["thread_ts"]) if body.get("thread_ts") else target.thread_ts,
        ephemeral_to=None if in_channel else target.user,
    )
    return world.post(message) if in_channel else world.whisper(message)
