"""What the server gives to its page, and what it does for it."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from tests.local_slack.conftest import CARD, CHANNEL, Bot, Json, modal

MARIA = "U0MARIA"


class Client:
    """The page's calls, as its JavaScript makes them."""

    def __init__(self, http: aiohttp.ClientSession, slack: LocalSlack) -> None:
        self.http = http
        self.url = slack.page_url + "client/"

    async def get(self, name: str, **query: str) -> Json:
        async with self.http.get(self.url + name, params=query) as answer:
            found: Json = await answer.json()
            return found

    async def post(self, name: str, **body: Any) -> Json:
        async with self.http.post(self.url + name, json=body) as answer:
            found: Json = await answer.json()
            return found


@pytest.fixture
async def page(slack: LocalSlack) -> AsyncIterator[Client]:
    """An open page."""
    async with aiohttp.ClientSession() as http:
        yield Client(http, slack)


async def test_the_page_learns_who_and_what_is_there(slack: LocalSlack, page: Client) -> None:
    slack.add_group("leads", [MARIA])
    boot = await page.get("boot")
    assert boot["ok"] and boot["team"]["id"] == "T0LOCAL" and boot["bot"]["user_id"] == "U0LOCALBOT"
    assert [c["name"] for c in boot["channels"]] == ["approvals"]
    assert boot["groups"][0]["users"] == [MARIA]
    assert boot["commands"][0]["command"] == "/threshold"
    assert {u["id"] for u in boot["users"]} == {MARIA, "U0LOCALBOT"}


async def test_what_happens_is_pushed_to_the_page(slack: LocalSlack, page: Client, client: AsyncWebClient) -> None:
    async with page.http.ws_connect(page.url + "ws", params={"user": MARIA}) as socket:
        assert await socket.receive_json() == {"type": "hello"}
        ts = (await client.chat_postMessage(channel=CHANNEL, text="one"))["ts"]
        event = await socket.receive_json()
        assert (event["type"], event["channel"], event["message"]["text"]) == ("message", CHANNEL, "one")
        await client.chat_update(channel=CHANNEL, ts=ts, text="two")
        event = await socket.receive_json()
        assert (event["type"], event["message"]["text"]) == ("message_changed", "two")
        await client.chat_delete(channel=CHANNEL, ts=ts)
        assert (await socket.receive_json())["type"] == "message_deleted"
        await client.chat_postEphemeral(channel=CHANNEL, user=MARIA, text="psst")
        event = await socket.receive_json()
        assert (event["type"], event["message"]["ephemeral"]) == ("ephemeral", True)
        await client.views_open(trigger_id=slack.world.new_trigger(MARIA), view=modal())
        event = await socket.receive_json()
        assert (event["type"], event["view"]["callback_id"]) == ("view_opened", "edit")
        slack.add_user("sam")
        assert (await socket.receive_json())["type"] == "roster"


async def test_an_ephemeral_is_not_pushed_to_others(slack: LocalSlack, page: Client, client: AsyncWebClient) -> None:
    slack.add_user("sam", id="U0SAM")
    async with page.http.ws_connect(page.url + "ws", params={"user": "U0SAM"}) as socket:
        await socket.receive_json()
        await client.chat_postEphemeral(channel=CHANNEL, user=MARIA, text="psst")
        await client.chat_postMessage(channel=CHANNEL, text="all")
        assert (await socket.receive_json())["message"]["text"] == "all"
    assert [m["text"] for m in (await page.get("messages", channel=CHANNEL, user="U0SAM"))["messages"]] == ["all"]
    mine = (await page.get("messages", channel=CHANNEL, user=MARIA))["messages"]
    assert [(m["text"], m.get("ephemeral", False)) for m in mine] == [("psst", True), ("all", False)]


async def test_a_button_is_pressed_from_the_page(slack: LocalSlack, page: Client, bot: Bot) -> None:
    values: list[Json] = []

    @bot.app.action("approve")
    async def approve(ack: Any, action: Json) -> None:
        values.append(action)
        await ack()

    ts = (await bot.app.client.chat_postMessage(channel=CHANNEL, text="x", blocks=copy.deepcopy(CARD)))["ts"]
    action = {"action_id": "approve", "type": "button", "value": "p1"}
    where = {"user": MARIA, "channel": CHANNEL, "message_ts": ts, "block_id": "buttons"}
    async with page.http.ws_connect(page.url + "ws", params={"user": MARIA}) as socket:
        await socket.receive_json()
        assert (await page.post("act", **where, action=action))["ok"]
        event = await socket.receive_json()
        assert (event["type"], event["ok"], event["status"]) == ("delivery", True, 200)
    assert values[0]["value"] == "p1" and values[0]["text"]["text"] == "Approve"
    unknown = await page.post("act", **where, action={"action_id": "nothing"})
    assert unknown == {"ok": False, "error": "action_not_found"}


async def test_a_modal_is_filled_in_from_the_page(slack: LocalSlack, page: Client, bot: Bot) -> None:
    texts: list[str] = []

    @bot.app.view("edit")
    async def edit(ack: Any, view: Json) -> None:
        words = view["state"]["values"]["reply"]["value"]["value"]
        texts.append(words)
        await (ack(response_action="errors", errors={"reply": "too short"}) if len(words) < 3 else ack())

    trigger = slack.world.new_trigger(MARIA)
    view = (await bot.app.client.views_open(trigger_id=trigger, view=modal()))["view"]

    async def submit(words: str) -> Json:
        values = {"reply": {"value": {"type": "plain_text_input", "value": words}}}
        return await page.post("submit", user=MARIA, view_id=view["id"], values=values)

    assert set((await submit(""))["errors"]) == {"reply"}
    assert (await submit("no")) == {"ok": False, "errors": {"reply": "too short"}}
    assert (await submit("yes, sure"))["ok"]
    assert texts == ["no", "yes, sure"]
    assert (await submit("again"))["error"] == "not_found"


async def test_a_modal_is_closed_from_the_page(slack: LocalSlack, page: Client, client: AsyncWebClient) -> None:
    trigger = slack.world.new_trigger(MARIA)
    view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]
    assert (await page.post("close", user="U0LOCALBOT", view_id=view["id"]))["error"] == "not_found"
    assert (await page.post("close", user=MARIA, view_id=view["id"]))["ok"]
    assert slack.world.top_view(MARIA) is None


async def test_words_and_commands_are_typed_in_one_box(slack: LocalSlack, page: Client, bot: Bot) -> None:
    @bot.app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack("the table")

    said = await page.post("say", user=MARIA, channel=CHANNEL, text="hello")
    assert slack.message(CHANNEL, said["ts"]).text == "hello"
    assert (await page.post("say", user=MARIA, channel=CHANNEL, text="/threshold"))["ok"]
    assert [m.text for m in slack.ephemerals(MARIA)] == ["the table"]
    wrong = await page.post("say", user=MARIA, channel=CHANNEL, text="/nothing at all")
    assert wrong["error"] == "/nothing is not a valid command."
    assert (await page.post("say", user="U0NOBODY", channel=CHANNEL, text="x"))["error"] == "user_not_found"


async def test_home_is_fetched_and_opened(slack: LocalSlack, page: Client, bot: Bot) -> None:
    @bot.app.event("app_home_opened")
    async def home(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [{"type": "divider"}]})

    assert (await page.get("home", user=MARIA))["view"]["blocks"][0]["type"] == "divider"


async def test_other_web_sites_may_not_click(slack: LocalSlack, page: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with page.http.post(page.url + "say", json={}, headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.http.ws_connect(page.url + "ws", params={"user": MARIA}, headers=headers)


async def test_nonsense_from_the_page_is_an_error_not_a_crash(slack: LocalSlack, page: Client) -> None:
    for name in ("say", "act", "submit", "close"):
        async with page.http.post(page.url + name, data=b"\xff{") as answer:
            assert (await answer.json())["ok"] is False
        assert (await page.post(name))["ok"] is False
    assert (await page.get("messages", channel="C0", user=MARIA))["error"] == "channel_not_found"
    assert (await page.get("messages", channel=CHANNEL, user=MARIA, limit="x"))["ok"] is False


async def test_the_page_runs_only_its_own_scripts(slack: LocalSlack, page: Client) -> None:
    async with page.http.get(slack.page_url) as answer:
        assert answer.status == 200
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
