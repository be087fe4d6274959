"""What a token may do, and how often: `missing_scope` and 429 as Slack says them."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from bot.local_slack.pacing import PER_MINUTE
from bot.local_slack.scopes import GRANTED, NEEDED
from bot.local_slack.web_api import METHODS
from tests.local_slack.conftest import SECRET, TOKEN

Call = Callable[[AsyncWebClient], Coroutine[Any, Any, Any]]


def local(**options: Any) -> LocalSlack:
    """A workspace with a channel, which the bot has some rights in."""
    made = LocalSlack(bot_token=TOKEN, signing_secret=SECRET, **options)
    made.add_user("maria", id="U0MARIA")
    made.add_channel("one", id="C0ONE")
    return made


def client_of(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=TOKEN, base_url=slack.api_url, retry_handlers=[])


async def refusal(call: Coroutine[Any, Any, Any]) -> Any:
    """What Slack answered instead of ok."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def again_and_again(client: AsyncWebClient, call: Call, times: int) -> None:
    for _ in range(times):
        await call(client)


@pytest.mark.parametrize(
    ("lost", "call", "needed"),
    [
        ("chat:write", lambda c: c.chat_postMessage(channel="C0ONE", text="x"), "chat:write"),
        ("chat:write", lambda c: c.chat_update(channel="C0ONE", ts="1.1", text="x"), "chat:write"),
        ("chat:write", lambda c: c.chat_postEphemeral(channel="C0ONE", user="U0MARIA", text="x"), "chat:write"),
        ("users:read", lambda c: c.users_info(user="U0MARIA"), "users:read"),
        ("usergroups:read", lambda c: c.usergroups_list(), "usergroups:read"),
        ("im:write", lambda c: c.conversations_open(users="U0MARIA"), "im:write"),
        ("files:write", lambda c: c.files_getUploadURLExternal(filename="a.png", length=1), "files:write"),
        (
            "channels:history",
            lambda c: c.conversations_history(channel="C0ONE"),
            "channels:history,groups:history,mpim:history,im:history",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_method_whose_scope_is_missing_is_refused_with_what_it_needs(
    lost: str, call: Call, needed: str
) -> None:
    async with local(scopes=GRANTED - {lost}) as slack:
        answer = await refusal(call(client_of(slack)))
        assert answer.status_code == 200
        provided = ",".join(sorted(GRANTED - {lost}))
        assert answer.data == {"ok": False, "error": "missing_scope", "needed": needed, "provided": provided}
        assert answer.headers["x-oauth-scopes"] == provided


async def test_the_history_of_a_direct_message_needs_a_scope_of_its_own() -> None:
    async with local() as slack:
        client = client_of(slack)
        await client.conversations_history(channel="C0ONE")
        opened = (await client.conversations_open(users="U0MARIA"))["channel"]["id"]
        assert (await refusal(client.conversations_history(channel=opened)))["error"] == "missing_scope"
    async with local(scopes={*GRANTED, "im:history"}) as slack:
        client = client_of(slack)
        opened = (await client.conversations_open(users="U0MARIA"))["channel"]["id"]
        assert (await client.conversations_history(channel=opened))["ok"]


async def test_each_kind_of_channel_that_is_listed_needs_its_scope() -> None:
    async with local(scopes={"channels:read"}) as slack:
        client = client_of(slack)
        assert (await client.conversations_list())["channels"]
        assert (await refusal(client.conversations_list(types="public_channel,im")))["error"] == "missing_scope"


async def test_a_wrong_token_hears_nothing_of_scopes() -> None:
    async with local(scopes=()) as slack:
        stranger = AsyncWebClient(token="xoxb-wrong", base_url=slack.api_url, retry_handlers=[])
        assert (await refusal(stranger.users_info(user="U0MARIA"))).data == {"ok": False, "error": "invalid_auth"}
        assert (await client_of(slack).auth_test())["ok"]


def test_every_method_says_its_scope_and_its_pace() -> None:
    assert NEEDED.keys() == METHODS.keys()
    assert PER_MINUTE.keys() == METHODS.keys() - {"chat.postMessage"}


@pytest.mark.parametrize(
    ("a_minute", "call"),
    [
        (20, lambda c: c.usergroups_list()),
        (50, lambda c: c.conversations_history(channel="C0ONE")),
        (100, lambda c: c.users_info(user="U0MARIA")),
    ],
    ids=["tier 2", "tier 3", "tier 4"],
)
async def test_a_method_may_be_called_as_often_as_its_tier_allows(a_minute: int, call: Call) -> None:
    async with local(pacing=True) as slack:
        client = client_of(slack)
        began = time.monotonic()
        await again_and_again(client, call, a_minute)
        answer = await refusal(again_and_again(client, call, a_minute))
        assert len(slack.calls) - 1 <= a_minute + (time.monotonic() - began) * a_minute / 60
        assert (answer.status_code, answer["error"]) == (429, "ratelimited")
        assert 1 <= int(answer.headers["Retry-After"]) <= math.ceil(60 / a_minute)
        assert (await client.auth_test())["ok"], "each method has a pace of its own"


async def test_after_the_time_that_was_named_one_more_call_goes() -> None:
    async with local(pacing=True) as slack:
        client = client_of(slack)
        answer = await refusal(again_and_again(client, lambda c: c.users_info(user="U0MARIA"), 1_000))
        await asyncio.sleep(int(answer.headers["Retry-After"]))
        assert (await client.users_info(user="U0MARIA"))["ok"]


async def test_nothing_is_paced_unless_asked_for() -> None:
    async with local() as slack:
        await again_and_again(client_of(slack), lambda c: c.usergroups_list(), 25)


@pytest.mark.parametrize("channel", ["one", "#one", "U0MARIA", ""])
async def test_a_message_is_changed_by_the_id_of_its_channel_alone(channel: str) -> None:
    async with local() as slack:
        client = client_of(slack)
        ts = (await client.chat_postMessage(channel="#one", text="x"))["ts"]
        assert (await refusal(client.chat_update(channel=channel, ts=ts, text="y")))["error"] == "channel_not_found"
        await client.chat_update(channel="C0ONE", ts=ts, text="y")
        assert slack.message("C0ONE", ts).text == "y"
