"""The reference: a Bolt app with nothing behind it, served the same way. Prints its address.

It acknowledges clicks, and walks the same cycle with the same libraries (a card, a click, a reply in the thread, the
card repainted), but without rules, identity, database, audit chain or a second try.
"""

import asyncio
import os
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import ids
from tests.world import BOT_TOKEN, SIGNING_SECRET


async def authorize() -> AuthorizeResult:
    """No call to Slack: the reference does nothing but acknowledge."""
    return AuthorizeResult(enterprise_id=None, team_id="T0LOCAL", bot_token=BOT_TOKEN)


def card(text: str, *, buttons: bool) -> list[dict[str, Any]]:
    """The words, and a button while they wait."""
    words = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": ids.APPROVE}
    return [words, {"type": "actions", "elements": [button]}] if buttons else [words]


async def main() -> None:
    """Serve until killed."""
    app = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize, process_before_response=True)
    slack = AsyncWebClient(BOT_TOKEN, base_url=os.environ["SLACK_API_URL"])
    proposed: dict[str, tuple[str, str]] = {}
    answering: set[asyncio.Task[None]] = set()

    async def answer(channel: str, ts: str) -> None:
        conversation, text = proposed.pop(ts)
        _, thread_channel, thread = conversation.split(":")
        await slack.chat_postMessage(channel=thread_channel, thread_ts=thread, text=text)
        await slack.chat_update(channel=channel, ts=ts, text=text, blocks=card(f"{text} Sent.", buttons=False))

    @app.action(ids.APPROVE)
    async def acknowledge(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if (ts := body["container"]["message_ts"]) in proposed:
            answering.add(task := asyncio.create_task(answer(body["container"]["channel_id"], ts)))
            task.add_done_callback(answering.discard)

    @app.event("message")
    async def said() -> None:
        """What customers write is nothing to the reference."""

    async def propose(request: web.Request) -> web.Response:
        asked = await request.json()
        text, channel = asked["reply"]["text"], f"C0{asked['category'].upper()}"
        posted = await slack.chat_postMessage(channel=channel, text=text, blocks=card(text, buttons=True))
        proposed[posted["ts"]] = (asked["conversation"]["id"], text)
        return web.json_response({"state": "pending"}, status=201)

    async def deliver(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.add_routes([web.post("/slack/events", deliver), web.post("/v1/proposals", propose)])
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
