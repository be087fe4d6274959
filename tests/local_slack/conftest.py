"""A local Slack, a client of slack_sdk, and a real Bolt app that answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from bot.local_slack.scopes import EVERY

TOKEN = "xoxb-test"
APP_TOKEN = "xapp-test"
SECRET = "test-signing-secret"
CHANNEL = "C0APPROVALS"
Json = dict[str, Any]


def text(words: str) -> Json:
    """Return a plain text object."""
    return {"type": "plain_text", "text": words}


def button(action_id: str = "approve", words: str = "Approve", **more: Any) -> Json:
    """Return a button."""
    return {"type": "button", "action_id": action_id, "text": text(words), **more}


def field(block_id: str = "reply", **more: Any) -> Json:
    """Return an input block with a text field."""
    element = {"type": "plain_text_input", "action_id": "value", **more}
    return {"type": "input", "block_id": block_id, "label": text("Reply"), "element": element}


def modal(*blocks: Json, **more: Any) -> Json:
    """Return a modal."""
    view = {"type": "modal", "callback_id": "edit", "title": text("Edit"), "submit": text("Send")}
    return {**view, "blocks": list(blocks or (field(),)), **more}


CARD: list[Json] = [
    {"type": "section", "block_id": "words", "text": {"type": "mrkdwn", "text": "Refund 40 EUR?"}},
    {
        "type": "actions",
        "block_id": "buttons",
        "elements": [
            button(value="p1"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [
                    {"text": text("Reject"), "value": "reject:p1"},
                    {"text": text("Full case"), "value": "full:p1"},
                ],
            },
        ],
    },
]


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    """A workspace with Maria, one channel and one command, for a bot that may do everything."""
    async with LocalSlack(
        bot_token=TOKEN, signing_secret=SECRET, app_token=APP_TOKEN, scopes=EVERY, control=True
    ) as server:
        server.add_user("maria", id="U0MARIA", real_name="Maria Lopez")
        server.add_channel("approvals", id=CHANNEL)
        server.add_command("/threshold", "Show or set thresholds", "[category] [0.92]")
        yield server


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncWebClient:
    """Slack's own client, without its retries."""
    return AsyncWebClient(token=TOKEN, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def maria(slack: LocalSlack) -> Person:
    """Maria at her keyboard."""
    return slack.person("U0MARIA")


@dataclass(kw_only=True)
class Bot:
    """A real Bolt app behind a real HTTP server, and the raw requests it got."""

    app: AsyncApp
    url: str
    requests: list[tuple[dict[str, str], bytes]]


@pytest.fixture
async def bot(slack: LocalSlack) -> AsyncIterator[Bot]:
    """A Bolt app that the local Slack delivers to."""
    client = AsyncWebClient(token=TOKEN, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=SECRET, process_before_response=True)
    requests: list[tuple[dict[str, str], bytes]] = []

    async def events(request: web.Request) -> web.Response:
        requests.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.router.add_post("/slack/events", events)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    slack.connect_bot(url)
    yield Bot(app=app, url=url, requests=requests)
    await runner.cleanup()
