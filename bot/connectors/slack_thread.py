"""Posts an approved reply in the customer's Slack thread, and finds it again when Slack's answer was lost.

Where the thread's first message is gone, Slack refuses nothing: it puts the reply into the channel itself, and the
only sign of it is that the answer's message has no `thread_ts`. Such a reply is taken away again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.connectors.answers import SET_UP_WAIT, retry_after, words_of
from bot.domain.canonical import Json
from bot.domain.delivery import Delivered, Errand, Failed, Outcome, Postponed
from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal
from bot.domain.text import shorten

EVENT_TYPE: Final = "sayso_delivery"
PART: Final = 3_000
PART_WEIGHT: Final = 12_000
"""With its entities: Slack refuses more than some 13,000 characters in the blocks of a message."""
_DEADLINE: Final = 45.0  # seconds; shorter than the errand's lease
_LIMITED_WAIT: Final = timedelta(seconds=5)
_SETTLING: Final = timedelta(seconds=5)
_CLOCK_SKEW: Final = timedelta(days=1)
_THREAD: Final = re.compile(r"slack:([CDG][A-Z0-9]+):([0-9]+\.[0-9]+)")

_UNKNOWN: Final = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
_LIMITED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SET_UP: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
_REFUSALS: Final[Mapping[str, str]] = {
    "channel_not_found": "Slack knows no channel {channel} that Sayso may see: invite Sayso there and retry.",
    "is_archived": "The channel {channel} is archived: unarchive it and retry.",
    "not_in_channel": "Sayso is not in the channel {channel}: write /invite @Sayso there and retry.",
    "cannot_reply_to_message": "The customer's message in {channel} takes no replies.",
    "restricted_action": "The settings of {channel} do not let Sayso post: ask a workspace admin and retry.",
}
_GONE: Final = "The customer's thread in {channel} is gone, so the reply has nowhere to go."
_ASTRAY: Final = (
    "The customer's thread in {channel} is gone; Slack put the reply into the channel itself, and does not let Sayso "
    "delete it ({code}): delete it there, or retry."
)
_FAULTS: Final = (SlackApiError, aiohttp.ClientError, TimeoutError)


class _Gone(Exception):
    """The thread is gone; `stray` is the timestamp of what Slack has just put into the channel instead."""

    def __init__(self, stray: str | None = None) -> None:
        super().__init__(stray)
        self.stray = stray


def thread_id(channel: str, ts: str) -> str:
    """The conversation id of a Slack thread."""
    return f"slack:{channel}:{ts}"


def parse_thread_id(conversation_id: str) -> tuple[str, str]:
    """The channel and thread timestamp of such an id; raises BadInput."""
    match = _THREAD.fullmatch(conversation_id)
    if match is None:
        raise BadInput('A conversation in Slack has an id like "slack:C0123456789:1712345678.000100".')
    return match[1], match[2]


class SlackThread:
    """Each message carries the delivery id and its number in its metadata, so no attempt posts it twice.

    Give it a client without retry handlers: a repeated call could post twice.
    """

    def __init__(self, client: AsyncWebClient, *, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now

    async def deliver(self, proposal: Proposal, errand: Errand) -> Outcome:
        """Post the reply, or what is missing of it; an unknown outcome is looked up in the thread."""
        words = words_of(proposal, "A Slack thread")
        if isinstance(words, Failed):
            return words
        try:
            thread = _Thread(self._client, proposal, errand.id)
        except BadInput as error:
            return Failed(error=error.sentence)
        parts = pieces(words)
        try:
            async with asyncio.timeout(_DEADLINE):
                return await self._deliver(thread, parts, look_first=errand.tried_before)
        except TimeoutError:
            return _in_the_air(_NO_ANSWER)

    async def _deliver(self, thread: "_Thread", parts: list[str], *, look_first: bool) -> Outcome:
        posted: dict[int, str] = {}
        try:
            posted = await thread.posted() if look_first else {}
            for number, text in enumerate(parts, start=1):
                if number not in posted:
                    posted[number] = await thread.post(text, number, len(parts))
            return thread.delivered(posted)
        except _Gone as gone:
            return await self._clear_up(thread, gone, partly=bool(posted))
        except _FAULTS as error:
            if known := self._refusal(error, thread.channel):
                return replace(known, partly=bool(posted)) if isinstance(known, Failed) else known
        try:
            posted = await thread.posted()
        except _Gone as gone:
            return await self._clear_up(thread, gone, partly=bool(posted), awaited=True)
        except _FAULTS:
            return _in_the_air(_NO_ANSWER)
        if len(posted) == len(parts):
            return thread.delivered(posted)
        return _in_the_air("Slack gave no answer, and the reply is not in the thread.")

    async def _clear_up(self, thread: "_Thread", gone: _Gone, *, partly: bool, awaited: bool = False) -> Outcome:
        """Fail, once nothing of the reply stands in the channel; what is `awaited` may appear there yet."""
        try:
            taken = await thread.take_away(gone.stray)
        except _FAULTS as error:
            known = self._refusal(error, thread.channel)
            if isinstance(error, SlackApiError) and isinstance(known, Failed):
                code = _answer(error)[1]
                return Failed(error=_ASTRAY.format(channel=thread.channel, code=code), partly=True)
            return replace(known, maybe=True) if isinstance(known, Postponed) else _in_the_air(_NO_ANSWER)
        if awaited and not taken:
            return _in_the_air(_NO_ANSWER)
        return Failed(error=_GONE.format(channel=thread.channel), partly=partly)

    def _refusal(self, error: Exception, channel: str) -> Outcome | None:
        """What a failed call means; None where the message may stand in the thread all the same."""
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Postponed(error="Slack cannot be reached.", after=_SETTLING, hold_lane=True)
        if not isinstance(error, SlackApiError):
            return None
        status, code, header = _answer(error)
        if status == 429 or code in _LIMITED:
            wait = retry_after(header, now=self._now()) or _LIMITED_WAIT
            return Postponed(error="Slack asks Sayso to post more slowly.", after=wait, hold_lane=True)
        if status >= 500 or not code or code in _UNKNOWN:
            return None
        if code in _SET_UP:
            sentence = f"Slack refuses Sayso's token ({code}): renew SLACK_BOT_TOKEN."
            return Postponed(error=sentence, after=SET_UP_WAIT, hold_lane=True)
        sentence = _REFUSALS.get(code, f"Slack refused the reply in {{channel}} with {code}.")
        return Failed(error=sentence.format(channel=channel))


_NO_ANSWER: Final = "Slack gave no answer; Sayso looks in the thread before it posts again."


def _in_the_air(error: str) -> Postponed:
    """Slack is away, as for the cards of this channel: that uses up no try, however long it lasts."""
    return Postponed(error=error, after=_SETTLING, hold_lane=True, maybe=True)


class _Thread:
    """One customer's thread, as seen by one delivery."""

    def __init__(self, client: AsyncWebClient, proposal: Proposal, delivery: str) -> None:
        self.channel, self.ts = parse_thread_id(proposal.conversation.id)
        self._client, self._delivery = client, delivery
        # Nothing of this delivery can be older than the proposal, give or take two clocks that disagree.
        self._oldest = f"{(proposal.created_at - _CLOCK_SKEW).timestamp():.6f}"

    async def post(self, text: str, number: int, count: int) -> str:
        """Post one message as words only, in which nothing can mention, link or unfurl; its timestamp, or _Gone."""
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        answer = await self._client.chat_postMessage(
            channel=self.channel,
            thread_ts=self.ts,
            text=escape(text),
            blocks=[{"type": "rich_text", "elements": [section]}],
            mrkdwn=False,
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
            metadata={
                "event_type": EVENT_TYPE,
                "event_payload": {"delivery": self._delivery, "part": number, "of": count},
            },
        )
        if not answer["message"].get("thread_ts"):
            raise _Gone(str(answer["ts"]))
        return str(answer["ts"])

    async def posted(self) -> dict[int, str]:
        """The timestamps of the messages of this delivery that stand in the thread, by their number; or _Gone."""
        try:
            found = await self._own(lambda page: self._client.conversations_replies(ts=self.ts, **page))
        except SlackApiError as error:
            if _answer(error)[1] == "thread_not_found":
                raise _Gone from error
            raise
        return {int(_payload(message)["part"]): str(message["ts"]) for message in found}

    async def take_away(self, stray: str | None) -> int:
        """Delete this message, or else whatever of this delivery stands in the channel itself; how many there were."""
        found = [] if stray else await self._own(lambda page: self._client.conversations_history(**page))
        strays = [stray] if stray else [str(message["ts"]) for message in found]
        for ts in strays:
            try:
                await self._client.chat_delete(channel=self.channel, ts=ts)
            except SlackApiError as error:
                if _answer(error)[1] != "message_not_found":
                    raise
        return len(strays)

    async def _own(self, read: Callable[[dict[str, Any]], Awaitable[AsyncSlackResponse]]) -> list[dict[str, Any]]:
        """The messages of this delivery among what a method reads page by page."""
        page = {"channel": self.channel, "oldest": self._oldest, "include_all_metadata": True, "limit": 200}
        found: list[dict[str, Any]] = []
        while True:
            answer = await read(page)
            messages: list[dict[str, Any]] = answer.get("messages", [])
            found += [message for message in messages if _payload(message).get("delivery") == self._delivery]
            page["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not page["cursor"]:
                return found

    def delivered(self, posted: Mapping[int, str]) -> Delivered:
        """Where the reply stands."""
        stamps: list[Json] = [posted[number] for number in sorted(posted)]
        return Delivered(result={"channel": self.channel, "messages": stamps})


def pieces(text: str) -> list[str]:
    """The text in pieces that Slack takes each: shorter ones where nearly every character becomes an entity."""
    parts = split(text, PART)
    return parts if all(len(escape(part)) <= PART_WEIGHT for part in parts) else split(text, PART // 2)


def split(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` characters, cut at paragraphs, lines or words where possible.

    The pieces together are the text, but for pieces that are all blank: Slack takes no empty message.
    """
    parts: list[str] = []
    rest = text
    while len(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut])
        rest = rest[cut:]
    return [part for part in (*parts, rest) if part.strip()]


def _cut(text: str, limit: int) -> int:
    for separator in ("\n\n", "\n", " "):
        at = text.rfind(separator, limit // 2, limit)
        if at >= 0:
            return min(at + len(separator), limit)
    # One character more than there is room for, so that `shorten` always cuts, and where no reader sees it.
    return len(shorten(text + ".", limit + 1).removesuffix("…")) or limit


def escape(text: str) -> str:
    """Slack's three control characters made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = message.get("metadata") or {}
    return metadata.get("event_payload") or {} if metadata.get("event_type") == EVENT_TYPE else {}


def _answer(error: SlackApiError) -> tuple[int, str, str | None]:
    """Status, error word and Retry-After; the SDK gives its own response or, for broken JSON, aiohttp's."""
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    data = getattr(response, "data", None)
    headers = {str(name).lower(): str(value) for name, value in getattr(response, "headers", {}).items()}
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    return int(status), code, headers.get("retry-after")
