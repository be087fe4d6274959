"""The local Slack misbehaves on demand, as the real one does by chance."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from tests.local_slack.conftest import CHANNEL, SECRET, TOKEN, Bot, Json, button, modal


async def post(client: AsyncWebClient) -> Any:
    return await client.chat_postMessage(channel=CHANNEL, text="x")


@pytest.mark.parametrize("retry_after", ["0", "1", "3600", None, "soon"])
async def test_a_rate_limit_says_what_it_is_told_to(
    slack: LocalSlack, client: AsyncWebClient, retry_after: str | None
) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=retry_after)
    with pytest.raises(SlackApiError) as caught:
        await post(client)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers.get("Retry-After") == retry_after
    assert (await post(client))["ok"]
    assert len(slack.messages(CHANNEL)) == 1


async def test_a_fault_lasts_its_number_of_times_and_keeps_to_its_channel(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.add_channel("other", id="C0OTHER")
    slack.faults.fail("chat.postMessage", "is_archived", times=2, channel=CHANNEL)
    await client.chat_postMessage(channel="C0OTHER", text="x")
    for _ in range(2):
        with pytest.raises(SlackApiError, match="is_archived"):
            await post(client)
    assert (await post(client))["ok"]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_carries_nothing_out(slack: LocalSlack, client: AsyncWebClient, status: int) -> None:
    slack.faults.server_error("chat.postMessage", status=status)
    with pytest.raises(SlackApiError) as caught:
        await post(client)
    assert caught.value.response.status_code == status
    assert slack.messages(CHANNEL) == []


async def test_a_bad_gateway_answers_in_html(slack: LocalSlack) -> None:
    slack.faults.bad_gateway("*")
    async with aiohttp.ClientSession() as http, http.post(slack.api_url + "auth.test") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")
        assert "Bad Gateway" in await answer.text()


async def test_a_hanging_call_does_nothing(slack: LocalSlack) -> None:
    slack.faults.hang("chat.postMessage", seconds=30)
    client = AsyncWebClient(token=TOKEN, base_url=slack.api_url, timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(post(client), 0.05)
    assert slack.messages(CHANNEL) == []


async def test_an_answer_is_lost_after_the_message_was_posted(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.lose_answer("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await post(client)
    assert [m.text for m in slack.messages(CHANNEL)] == ["x"]


async def test_slacks_own_client_posts_twice_when_an_answer_is_lost(slack: LocalSlack) -> None:
    slack.faults.lose_answer("chat.postMessage")
    at_once = AsyncConnectionErrorRetryHandler(interval_calculator=FixedValueRetryIntervalCalculator(0))
    await post(AsyncWebClient(token=TOKEN, base_url=slack.api_url, retry_handlers=[at_once]))
    assert len(slack.messages(CHANNEL)) == 2


async def click_something(bot: Bot, maria: Person, heard: list[Json]) -> Any:
    @bot.app.action("approve")
    async def approve(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack()

    blocks = [{"type": "actions", "elements": [button()]}]
    ts = (await bot.app.client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks))["ts"]
    return await maria.click(CHANNEL, ts, "approve")


async def test_a_delivery_comes_twice(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []
    slack.faults.duplicate("block_actions")
    assert (await click_something(bot, maria, heard)).ok
    assert len(heard) == 2 and heard[0]["trigger_id"] == heard[1]["trigger_id"]


Doing = Callable[[LocalSlack, Bot, Person], Awaitable[Any]]


async def click(slack: LocalSlack, bot: Bot, maria: Person) -> Any:
    return await click_something(bot, maria, [])


async def submit(slack: LocalSlack, bot: Bot, maria: Person) -> Any:
    @bot.app.view("edit")
    async def submitted(ack: Any) -> None:
        await ack()

    await bot.app.client.views_open(trigger_id=slack.world.new_trigger(maria.id), view=modal())
    return await maria.submit(await slack.wait_for_view(maria.id), {"reply": "Words"})


async def type_command(slack: LocalSlack, bot: Bot, maria: Person) -> Any:
    @bot.app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack()

    return await maria.command("/threshold refunds")


async def say(slack: LocalSlack, bot: Bot, maria: Person) -> Any:
    @bot.app.event("message")
    async def heard(event: Json) -> None:
        pass

    return await maria.say(CHANNEL, "hello")


KINDS: dict[str, Doing] = {"block_actions": click, "view_submission": submit, "command": type_command, "event": say}
SIGNED = ("x-slack-request-timestamp", "x-slack-signature", "content-type")


@pytest.mark.parametrize("after", [0.0, 0.05])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_delivery_comes_again_byte_for_byte(
    kind: Any, after: float, slack: LocalSlack, bot: Bot, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = itertools.count(int(time.time()))
    monkeypatch.setattr(time, "time", lambda: next(ticking))  # between any two copies a second passes
    slack.faults.duplicate(kind, copies=3, after=after)
    assert (await KINDS[kind](slack, bot, maria)).ok
    async with asyncio.timeout(15):
        while len(bot.requests) < 3:
            await asyncio.sleep(0.01)
    assert len({body for _, body in bot.requests}) == 1
    assert len({tuple(headers[name] for name in SIGNED) for headers, _ in bot.requests}) == 1
    retries = sorted(headers.get("x-slack-retry-num", "0") for headers, _ in bot.requests)
    assert retries == (["0", "1", "2"] if kind == "event" else ["0", "0", "0"])
    reasons = {headers.get("x-slack-retry-reason") for headers, _ in bot.requests}
    assert reasons == ({None, "http_timeout"} if kind == "event" else {None})


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_delivery_comes_late(kind: Any, slack: LocalSlack, bot: Bot, maria: Person) -> None:
    slack.faults.delay(0.1, kind)
    began = time.monotonic()
    assert (await KINDS[kind](slack, bot, maria)).ok
    assert len(bot.requests) == 1 and time.monotonic() - began >= 0.1


async def test_a_delivery_comes_late(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []
    slack.faults.delay(0.05, "block_actions")
    began = time.monotonic()
    assert (await click_something(bot, maria, heard)).ok
    assert len(heard) == 1 and time.monotonic() - began >= 0.05


async def test_a_bot_that_does_not_answer_in_time_has_failed(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    assert slack.deliveries.ack_seconds == 3.0
    slack.deliveries.ack_seconds = 0.05

    @bot.app.command("/threshold")
    async def slow(ack: Any) -> None:
        await asyncio.sleep(0.2)
        await ack("late")

    done = await maria.command("/threshold")
    assert (done.ok, done.status, done.error) == (False, 0, "operation_timeout")
    assert slack.ephemerals(maria.id) == []


async def test_a_bot_that_is_not_there_has_failed(slack: LocalSlack, maria: Person) -> None:
    assert (await maria.command("/threshold")).error == "dispatch_failed"
    slack.connect_bot("http://127.0.0.1:9/slack/events")
    assert (await maria.command("/threshold")).error == "dispatch_failed"


async def test_an_event_is_tried_again_three_times(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    assert slack.deliveries.retry_delays == (0.0, 60.0, 300.0)
    slack.deliveries.retry_delays = (0.0, 0.01, 0.01)
    tries: list[Any] = []
    done = asyncio.Event()

    @bot.app.event("message")
    async def broken(event: Json, request: Any) -> None:
        tries.append(request.headers.get("x-slack-retry-num"))
        if len(tries) == 4:
            done.set()
        raise RuntimeError("broken on purpose")

    assert (await maria.say(CHANNEL, "hello")).status == 500
    await asyncio.wait_for(done.wait(), 15)
    assert tries == [None, ["1"], ["2"], ["3"]]
    ids = {json.loads(body)["event_id"] for _, body in bot.requests}
    assert len(ids) == 1


async def test_an_event_is_not_tried_again_once_it_was_taken(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    slack.deliveries.retry_delays = (0.0, 0.0, 0.0)

    @bot.app.event("message")
    async def taken(event: Json) -> None:
        pass

    await maria.say(CHANNEL, "hello")
    await asyncio.sleep(0.02)
    assert len(bot.requests) == 1


async def test_faults_are_set_over_http(slack: LocalSlack, client: AsyncWebClient) -> None:
    url = slack.page_url + "control/faults"
    async with aiohttp.ClientSession() as http:
        order = {"fault": "error", "method": "chat.postMessage", "error": "invalid_auth", "count": 1}
        answer = await (await http.post(url, json=order)).json()
        assert answer == {"ok": True, "faults": ["error chat.postMessage x1"]}
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await post(client)
        ts = (await post(client))["ts"]
        await http.post(url, json={"fault": "delete_message", "channel": CHANNEL, "ts": ts})
        assert slack.messages(CHANNEL) == []
        await http.post(url, json={"fault": "delay", "delivery": "event", "seconds": 2})
        assert (await (await http.delete(url)).json())["faults"] == []
        wrong = await http.post(url, json={"fault": "explode"})
        assert wrong.status == 400 and "unknown fault" in (await wrong.json())["error"]


async def test_without_control_there_is_no_switch() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret=SECRET) as slack, aiohttp.ClientSession() as http:
        assert (await http.post(slack.page_url + "control/faults", json={})).status == 404
