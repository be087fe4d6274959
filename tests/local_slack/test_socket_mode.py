"""Socket Mode with Bolt's own handler."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from tests.local_slack.conftest import APP_TOKEN, CHANNEL, TOKEN, Json, button, modal


@pytest.fixture
async def app(slack: LocalSlack) -> AsyncIterator[AsyncApp]:
    """A Bolt app that is connected by Socket Mode."""
    app = AsyncApp(client=AsyncWebClient(token=TOKEN, base_url=slack.api_url))
    # Also a heartbeat: a process that stands still for half of it loses its connection.
    handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=app.client, ping_interval=2)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.sockets.wait_connected()
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_clicks_commands_and_events_come_down_the_socket(slack: LocalSlack, app: AsyncApp, maria: Person) -> None:
    heard: list[str] = []

    @app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        heard.append(body["actions"][0]["value"])
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("edit")
    async def edit(ack: Any) -> None:
        await ack(response_action="errors", errors={"reply": "no"})

    @app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack("table")

    @app.event("message")
    async def message(event: Json) -> None:
        heard.append(event["text"])

    blocks = [{"type": "actions", "elements": [button(value="p1")]}]
    ts = (await app.client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks))["ts"]
    assert (await maria.click(CHANNEL, ts, "approve")).ok
    done = await maria.submit(await slack.wait_for_view(maria.id), {"reply": "x"})
    assert done.body == {"response_action": "errors", "errors": {"reply": "no"}}
    assert (await maria.command("/threshold")).body in ("table", {"text": "table"})
    assert [m.text for m in slack.ephemerals(maria.id)] == ["table"]
    assert (await maria.say(CHANNEL, "hello")).ok
    assert heard == ["p1", "hello"]


async def test_the_app_comes_back_when_the_socket_is_cut(slack: LocalSlack, app: AsyncApp, maria: Person) -> None:
    @app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack("table")

    await slack.cut_sockets()
    assert not slack.sockets.connected
    await slack.sockets.wait_connected()
    assert (await maria.command("/threshold")).ok


async def test_the_app_comes_back_when_it_is_asked_to_reconnect(
    slack: LocalSlack, app: AsyncApp, maria: Person
) -> None:
    await slack.refresh_sockets()
    await slack.sockets.wait_connected()
    assert slack.sockets.count == 1


async def test_a_click_is_lost_when_the_socket_is_cut_in_the_middle(
    slack: LocalSlack, app: AsyncApp, maria: Person
) -> None:
    arrived = asyncio.Event()

    @app.command("/threshold")
    async def slow(ack: Any) -> None:
        arrived.set()
        await asyncio.sleep(0.2)
        await ack()

    waiting = asyncio.create_task(maria.command("/threshold"))
    await arrived.wait()
    await slack.cut_sockets()
    assert (await waiting).error == "dispatch_failed"


async def test_ten_connections_are_the_most(slack: LocalSlack) -> None:
    client = AsyncWebClient(base_url=slack.api_url)
    async with aiohttp.ClientSession() as http:
        sockets = []
        for number in range(1, 11):
            url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
            socket = await http.ws_connect(url)
            assert (await socket.receive_json())["num_connections"] == number
            sockets.append(socket)
        url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
        refused = await (await http.ws_connect(url)).receive_json()
        assert refused == {"type": "disconnect", "reason": "too_many_websockets"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)
        for socket in sockets:
            await socket.close()


async def test_only_the_app_token_opens_a_socket(slack: LocalSlack) -> None:
    client = AsyncWebClient(base_url=slack.api_url)
    for token, error in ((TOKEN, "not_allowed_token_type"), ("xapp-other", "invalid_auth")):
        with pytest.raises(SlackApiError, match=error):
            await client.apps_connections_open(app_token=token)
