"""A customer's message in a watched Slack channel: what Slack's event says, as an arrival."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.connectors.slack_thread import thread_id
from bot.domain.canonical import Json
from bot.domain.proposal import Conversation, Message
from bot.intake.arrival import Arrival

SOURCE: Final = "slack"
KINDS: Final = frozenset({None, "file_share", "thread_broadcast"})
"""The subtypes that are somebody's words; edits, joins, bots' messages and the rest are not."""
_MARKUP: Final = re.compile(r"<([^<>\n]+)>")


def arrival_of(event: Mapping[str, Any], channels: tuple[str, ...]) -> Arrival | None:
    """The arrival of a `message` event; None for whatever is not a person's message in a watched channel."""
    channel, ts, user = str(event.get("channel", "")), str(event.get("ts", "")), event.get("user")
    if channel not in channels or event.get("subtype") not in KINDS or event.get("bot_id") or not user:
        return None
    text, files = plain(str(event.get("text") or "")), _files(event)
    if not text.strip() and not files:
        return None
    message = Message(role="customer", text=text, at=ts)
    return Arrival(
        source=SOURCE,
        key=f"{channel}:{ts}",
        conversation=Conversation(
            id=thread_id(channel, str(event.get("thread_ts") or ts)),
            customer={"id": str(user)},
            messages=(message,),
        ),
        connector="slack_thread",
        attachments=files,
    )


def starts_thread(event: Mapping[str, Any]) -> bool:
    """Whether the message stands in the channel itself, or was written by whoever started its thread."""
    thread, root = event.get("thread_ts"), event.get("root")
    # A reply that was also sent to the channel carries the whole first message instead of its author.
    author = root.get("user") if isinstance(root, Mapping) else event.get("parent_user_id")
    return thread in (None, event.get("ts")) or author == event.get("user")


def plain(text: str) -> str:
    """Slack's text as the person typed it: links with their label, mentions by id, &lt; as <."""
    return _unescape(_MARKUP.sub(_spelled, text))


def _spelled(match: re.Match[str]) -> str:
    target, _, label = match[1].partition("|")
    if target.startswith(("@", "#")):
        return f"{target[0]}{label or target[1:]}"
    if target.startswith("!"):
        return f"@{label or target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return f"{label} ({address})" if label and label not in (address, target) and not _same(label, address) else address


def _same(label: str, address: str) -> bool:
    return address.removeprefix("https://").removeprefix("http://").rstrip("/") == label.rstrip("/")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _files(event: Mapping[str, Any]) -> tuple[str, ...]:
    files = event.get("files")
    return tuple(str(file.get("name") or "a file") for file in files[:20]) if isinstance(files, list) else ()


class SlackNames:
    """Puts the customer's name beside their id, where Slack knows it; it is asked once for each person."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._names: dict[str, dict[str, Json]] = {}

    async def named(self, conversation: Conversation) -> Conversation:
        """The same conversation, with name and e-mail address of a Slack user."""
        user = conversation.customer.get("id")
        if not conversation.id.startswith("slack:") or not isinstance(user, str) or "name" in conversation.customer:
            return conversation
        if user not in self._names:
            try:
                profile = dict((await self._client.users_info(user=user))["user"])
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError):
                return conversation
            self._names[user] = _known(profile)
        return replace(conversation, customer={**self._names[user], **conversation.customer})


def _known(profile: Mapping[str, Any]) -> dict[str, Json]:
    name = profile.get("real_name") or profile.get("name")
    return {"name": str(name)} if name else {}
