"""What Slack sends to the app: signed requests, or envelopes while a Socket Mode connection is open."""

import asyncio
import contextlib
import dataclasses
import json
import time
import urllib.parse
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.local_slack.faults import Faults
from bot.local_slack.model import Delivered, Json
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Workspace

ACK_SECONDS = 3.0
RETRY_DELAYS = (0.0, 60.0, 300.0)
FORM = "application/x-www-form-urlencoded"


class Deliveries:
    """Carries interactions, commands and events to the bot and measures how it acknowledges."""

    def __init__(self, world: Workspace, faults: Faults, sockets: Sockets, *, signing_secret: str) -> None:
        self.world = world
        self.request_url: str | None = None
        self.ack_seconds = ACK_SECONDS
        self.retry_delays: tuple[float, ...] = RETRY_DELAYS
        self._faults = faults
        self._sockets = sockets
        self._signer = SignatureVerifier(signing_secret)
        self._session: aiohttp.ClientSession | None = None
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def connected(self) -> bool:
        """Whether there is anywhere to deliver to."""
        return self._session is not None and (self.request_url is not None or self._sockets.connected)

    async def start(self) -> None:
        """Open the client side."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)

    async def stop(self) -> None:
        """Drop what is under way and close the client side."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something on the side; it ends with `stop` at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # The three kinds of delivery

    async def interaction(self, payload: Json) -> Delivered:
        """Deliver block_actions, view_submission or view_closed."""
        body = urllib.parse.urlencode({"payload": json.dumps(payload)})
        return await self._deliver(payload["type"], "interactive", payload, body, FORM)

    async def command(self, fields: Mapping[str, str]) -> Delivered:
        """Deliver a slash command."""
        return await self._deliver("command", "slash_commands", dict(fields), urllib.parse.urlencode(fields), FORM)

    async def event(self, event: Json) -> Delivered:
        """Deliver an event; when it is not acknowledged, Slack's three retries follow on the side."""
        envelope = self._event_envelope(event)
        first = await self._send_event(envelope)
        if not first.ok and not self._no_retry(first):
            self.spawn(self._retry(envelope, first))
        return first

    def event_soon(self, event: Json) -> None:
        """Deliver an event on the side, if a bot is connected."""
        if self.connected:
            self.spawn(self.event(event))

    async def url_verification(self) -> Delivered:
        """Ask the bot's request URL to echo a challenge, as Slack does when the URL is saved."""
        body = {
            "token": "verification",
            "type": "url_verification",
            "challenge": self.world.new_id("challenge"),
        }
        done = await self.raw(json.dumps(body), content_type="application/json")
        answer = done.body.get("challenge") if isinstance(done.body, dict) else done.body
        if done.ok and answer != body["challenge"]:
            return dataclasses.replace(done, error="challenge_failed")
        return done

    async def raw(
        self,
        body: str | bytes,
        *,
        content_type: str = FORM,
        timestamp: str | None = None,
        signature: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Delivered:
        """Post any bytes to the bot; timestamp and signature are right unless given, "" leaves them out."""
        if self.request_url is None or self._session is None:
            return Delivered(status=0, ms=0.0, error="dispatch_failed")
        data = body.encode() if isinstance(body, str) else body
        stamp = str(int(time.time())) if timestamp is None else timestamp
        if signature is None:
            signature = self._signer.generate_signature(timestamp=stamp, body=data) or ""
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
        sent = {k: v for k, v in signed.items() if v} | {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0",
        }
        return await self._post(self._session, self.request_url, data, sent | dict(headers or {}))

    # How they travel

    async def _deliver(self, kind: str, socket_type: str, payload: Json, body: str, content_type: str) -> Delivered:
        fault = self._faults.take_delivery(kind) if self._faults.deliveries else None
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is None or fault.copies == 1:
            return await self._once(socket_type, payload, body, content_type)
        stamp = str(int(time.time()))

        async def copy(number: int) -> Delivered:
            headers = _retry_headers(number, "http_timeout") if number and kind == "event" else None
            return await self._once(socket_type, payload, body, content_type, headers, stamp)

        async def later() -> None:
            await asyncio.sleep(fault.after)
            await asyncio.gather(*(copy(number) for number in range(1, fault.copies)))

        if fault.after:
            self.spawn(later())
            return await copy(0)
        return (await asyncio.gather(*(copy(number) for number in range(fault.copies))))[0]

    async def _once(
        self,
        socket_type: str,
        payload: Json,
        body: str,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        stamp: str | None = None,
    ) -> Delivered:
        if self._sockets.connected:
            retry = int((headers or {}).get("x-slack-retry-num", 0))
            return await self._sockets.send(socket_type, payload, self.ack_seconds, retry=retry)
        return await self.raw(body, content_type=content_type, timestamp=stamp, headers=headers)

    async def _post(
        self, session: aiohttp.ClientSession, url: str, data: bytes, headers: Mapping[str, str]
    ) -> Delivered:
        began = time.perf_counter()

        def ms() -> float:
            return (time.perf_counter() - began) * 1000

        try:
            async with asyncio.timeout(self.ack_seconds):
                async with session.post(url, data=data, headers=headers, allow_redirects=False) as answer:
                    text = await answer.text()
        except TimeoutError:
            return Delivered(status=0, ms=ms(), error="operation_timeout")
        except aiohttp.ClientError as error:
            return Delivered(status=0, ms=ms(), body=str(error), error="dispatch_failed")
        body: Any = text
        with contextlib.suppress(ValueError):
            body = json.loads(text) if text else ""
        error_word = None if 200 <= answer.status < 300 else f"http_{answer.status}"
        if "x-slack-no-retry" in answer.headers and error_word:
            error_word = "no_retry"
        return Delivered(status=answer.status, ms=ms(), body=body, error=error_word)

    # Events

    def _event_envelope(self, event: Json) -> Json:
        world = self.world
        bot = {
            "enterprise_id": None,
            "team_id": world.team_id,
            "user_id": world.bot_user,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "verification",
            "team_id": world.team_id,
            "api_app_id": world.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": world.new_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [bot],
            "is_ext_shared_channel": False,
            "event_context": world.new_id("EC"),
        }

    async def _send_event(self, envelope: Json) -> Delivered:
        return await self._deliver("event", "events_api", envelope, json.dumps(envelope), "application/json")

    async def _retry(self, envelope: Json, last: Delivered) -> None:
        for number, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            reason = {"operation_timeout": "http_timeout", "dispatch_failed": "connection_failed"}
            headers = _retry_headers(number, reason.get(str(last.error), "http_error"))
            last = await self._once("events_api", envelope, json.dumps(envelope), "application/json", headers)
            if last.ok or self._no_retry(last):
                return

    @staticmethod
    def _no_retry(done: Delivered) -> bool:
        return done.error == "no_retry"


def _retry_headers(number: int, reason: str) -> dict[str, str]:
    """What Slack adds when it sends an event again."""
    return {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason}
