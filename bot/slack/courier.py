"""Posts cards, repaints, notices and whispers.

A lost answer is looked up by the delivery ids in the message's metadata, which names every line of a group.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.delivery import Delivered, Errand, ErrandKind, Failed, Outcome, Postponed, Receipt
from bot.domain.policy import Policy
from bot.ports import Case
from bot.slack import ids
from bot.slack.blocks import escape, shown
from bot.slack.cards import Painted, card
from bot.slack.notices import log_lines, notice

log = structlog.get_logger(__name__)

NETWORK: Final = (aiohttp.ClientError, TimeoutError, OSError)
UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
SOON: Final = timedelta(seconds=2)
LATER: Final = timedelta(seconds=20)
UNREADABLE: Final = "unreadable"
LONGEST_HOLD: Final = timedelta(hours=1)
CLOCKS_DISAGREE: Final = timedelta(hours=1)
PAGES_SEARCHED: Final = 20
WHISPER: Final = 600

# Slack's words for "this can never work as it is", and for what an admin or Slack itself can mend: that may wait for
# ever, with all that comes behind it. Any other word is tried a few times, so that one message cannot stop a channel.
HOPELESS: Final = frozenset({"invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text", "user_not_found"})
MENDABLE: Final = frozenset(
    {
        *("channel_not_found", "is_archived", "not_in_channel", "restricted_action", "no_permission", "access_denied"),
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
        *("org_login_required", "ekm_access_denied", "team_access_not_granted", "team_added_to_org"),
        *("ratelimited", "rate_limited", "message_limit_exceeded", "accesslimited"),
        *("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
    }
)
UNHEARD: Final = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"})
"""Where no whisper is heard: commands work in every channel, also where Sayso is no member."""
GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
DISLIKED: Final = frozenset({"invalid_blocks", "msg_blocks_too_long"})


class Paint(Protocol):
    """Makes a message, or a brief form of it in the plainest of blocks."""

    def __call__(self, *, brief: bool = False) -> Painted:
        """The message as it would stand now."""


class SlackCourier:
    """Implements `bot.ports.Courier` for everything that Sayso itself says in Slack."""

    def __init__(self, client: AsyncWebClient, policy: Policy) -> None:
        self._client, self._policy = client, policy
        self._held: dict[str, str] = {}
        self._newest: dict[str, str] = {}

    @property
    def trouble(self) -> str | None:
        """What keeps a lane waiting now, such as a channel that Slack does not know."""
        return "; ".join(dict.fromkeys(self._held.values())) or None

    async def carry(self, errand: Errand, case: Case | None, *together: Case) -> Outcome:
        """Post or repaint; whatever Slack's mood, nothing is lost and nothing stands twice."""
        try:
            outcome = await self._send(errand, case, together)
        except SlackApiError as error:
            outcome = self._refused(errand, error)
        except NETWORK as error:
            outcome = Postponed(error=f"Slack cannot be reached ({type(error).__name__})", after=SOON, hold_lane=True)
        self._held.pop(errand.lane, None)
        if isinstance(outcome, Postponed):
            self._held[errand.lane] = f"{outcome.error} ({errand.lane})"
        return outcome

    async def _send(self, errand: Errand, case: Case | None, together: tuple[Case, ...]) -> Outcome:
        match errand.kind:
            case ErrandKind.CARD if case:
                return await self._post_once(errand, self._card(case, str(errand.payload["room"])))
            case ErrandKind.REPAINT if case:
                return await self._repaint(errand, case)
            case ErrandKind.NOTICE:
                return await self._post_once(errand, partial(notice, errand.payload, case.proposal if case else None))
            case ErrandKind.LOG if case:
                lines = [case.proposal, *(other.proposal for other in together)]
                return await self._post_once(errand, partial(log_lines, lines))
            case ErrandKind.RELOG:
                return await self._relog(errand, together)
            case ErrandKind.WHISPER:
                return await self._whisper(errand)
            case _:
                return Failed(error=f"the Slack courier does not carry {errand.kind}")

    def _card(self, case: Case, room: str) -> Paint:
        proposal = case.proposal
        window = self._policy.category(proposal.category).undo_window
        if proposal.decision is None or proposal.decision.by.kind != "person":
            return partial(card, case, room)
        retried = proposal.execution is not None and proposal.execution.before is not None
        goes_out = proposal.decision.at + window if window and not retried else None
        # Nothing begins during a pause, so that there is time to think again.
        return partial(card, case, room, undoable=bool(window) or case.paused, goes_out=goes_out)

    async def _post_once(self, errand: Errand, paint: Paint) -> Outcome:
        channel = str(errand.payload["channel"])
        if errand.attempts > 1 and (found := await self._find(channel, errand)):
            if errand.coalesce is not None and found.receipt:
                await self._update(channel, found.receipt.ts, paint)  # a newer move may have joined the errand since
            return found
        metadata = {
            "event_type": ids.DELIVERY_EVENT,
            "event_payload": {"delivery": " ".join([errand.id, *errand.together])},
        }
        answer = await _said_in_blocks(
            paint,
            lambda painted: self._client.chat_postMessage(
                channel=channel,
                text=painted.text,
                blocks=painted.blocks,
                unfurl_links=False,
                unfurl_media=False,
                metadata=metadata,
            ),
        )
        if errand.coalesce is None:  # the others come out of turn: something older of the lane may be looked for yet
            self._newest[channel] = str(answer["ts"])
        return Delivered(receipt=_receipt(errand, str(answer["channel"]), str(answer["ts"])))

    async def _find(self, channel: str, errand: Errand) -> Delivered | None:
        """The message of an earlier attempt whose answer was lost: it is no older than the errand.

        Others may share the errand's message by now that it did not hold then.
        """
        oldest = self._oldest(channel, errand)
        cursor: str | None = None
        for _ in range(PAGES_SEARCHED):
            answer = await self._client.conversations_history(
                channel=channel, oldest=oldest, limit=200, include_all_metadata=True, cursor=cursor
            )
            for message in answer["messages"]:
                if errand.id in (held := _deliveries(message)):
                    return Delivered(
                        receipt=_receipt(errand, channel, message["ts"]), missing=frozenset(errand.together) - held
                    )
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    def _oldest(self, channel: str, errand: Errand) -> str:
        """Where the search may end: at its own time, or at what was posted here last, by Slack's clock and in order.

        What coalesces may be overtaken while it waits, so it has its own time only.
        """
        queued = f"{((errand.queued_at or errand.due_at) - CLOCKS_DISAGREE).timestamp():.6f}"
        newest = self._newest.get(channel, queued) if errand.coalesce is None else queued
        return max(queued, newest, key=float)

    async def _repaint(self, errand: Errand, case: Case) -> Outcome:
        room = str(errand.payload["room"])
        paint = self._card(case, room)
        posted = [receipt for receipt in case.receipts if receipt.room == room]
        standing = [receipt for receipt in posted if await self._update(receipt.channel, receipt.ts, paint)]
        if posted and not standing:
            # A person deleted the card: the case goes on, so the card comes back.
            return await self._post_once(errand, paint)
        return Delivered()

    async def _update(self, channel: str, ts: str, paint: Paint) -> bool:
        """Bring one message up to date; False where it is gone."""
        try:
            await _said_in_blocks(
                paint,
                lambda painted: self._client.chat_update(
                    channel=channel, ts=ts, text=painted.text, blocks=painted.blocks
                ),
            )
        except SlackApiError as error:
            if said(error)[1] not in GONE:
                raise
            return False
        return True

    async def _relog(self, errand: Errand, lines: tuple[Case, ...]) -> Outcome:
        paint = partial(log_lines, [line.proposal for line in lines])
        await self._update(str(errand.payload["channel"]), str(errand.payload["ts"]), paint)
        return Delivered()

    async def _whisper(self, errand: Errand) -> Outcome:
        user, text = str(errand.payload["user"]), escape(shown(str(errand.payload["text"]), WHISPER))
        try:
            await self._client.chat_postEphemeral(channel=str(errand.payload["channel"]), user=user, text=text)
        except SlackApiError as error:
            if said(error)[1] not in UNHEARD:
                raise
            return await self._direct(errand, user, text)
        return Delivered()

    async def _direct(self, errand: Errand, user: str, text: str) -> Outcome:
        """Say it in a direct message, at most once: it stays, and Sayso may not read there whether it arrived."""
        if errand.unsettled:
            return Failed(error="an earlier try may have sent the direct message")
        try:
            await self._client.chat_postMessage(channel=user, text=text, unfurl_links=False, unfurl_media=False)
        except UNSENT:
            raise
        except NETWORK as error:
            return Failed(error=f"Slack gave no answer to a direct message ({type(error).__name__})")
        except SlackApiError as error:
            status, name = said(error)
            if status >= 500 or (name == UNREADABLE and status != 429):
                return Failed(error=f"Slack gave no answer to a direct message ({status})")
            raise
        return Delivered()

    def _refused(self, errand: Errand, error: SlackApiError) -> Outcome:
        status, name = said(error)
        if status == 429:
            return Postponed(error="Slack asks for patience", after=retry_after(error.response.headers), hold_lane=True)
        passing = status >= 500 or name == UNREADABLE
        if name in HOPELESS or (errand.kind is ErrandKind.WHISPER and not passing):
            return Failed(error=f"Slack refused it: {name}")
        log.warning("slack_refused", error=name, errand=errand.id, kind=errand.kind)
        if errand.kind is ErrandKind.WHISPER or not (passing or name in MENDABLE):
            return Postponed(error=f"Slack refused it: {name}")
        return Postponed(error=f"Slack refused it: {name}", after=SOON if passing else LATER, hold_lane=True)


async def _said_in_blocks(paint: Paint, call: Callable[[Painted], Awaitable[AsyncSlackResponse]]) -> AsyncSlackResponse:
    """What Slack answers; where it dislikes the blocks, the message goes in brief, so that no case is lost on it."""
    try:
        return await call(paint())
    except SlackApiError as error:
        if (name := said(error)[1]) not in DISLIKED:
            raise
        log.warning("said_in_brief", error=name)
        return await call(paint(brief=True))


def said(error: SlackApiError) -> tuple[int, str]:
    """(HTTP status, Slack's error word); slack_sdk hands over a bare aiohttp response where the body was no JSON."""
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    return int(status or 0), str(data.get("error") or UNREADABLE) if isinstance(data, dict) else UNREADABLE


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """Slack's Retry-After in seconds: at least one second, at most an hour, and one second where it is unreadable."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = text[0] if isinstance(text, list) else text
    seconds = int(text) if text.isdecimal() and len(text) < 8 else 1
    return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), LONGEST_HOLD)


def _deliveries(message: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the errands that this message carried out."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return frozenset(str(payload.get("delivery", "")).split())


def _receipt(errand: Errand, channel: str, ts: str) -> Receipt:
    room = str(errand.payload.get("room", errand.kind.value))
    return Receipt(errand_id=errand.id, proposal_id=errand.proposal_id, room=room, channel=channel, ts=ts)
