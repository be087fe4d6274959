"""Guests and outsiders see the channels they are in and nothing of the others, however they ask."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from tests.local_slack.conftest import CARD, CHANNEL, Json

OUTER, ANA = "C0CUSTOMERS", "U0ANA"
KINDS = [{"is_restricted": True}, {"is_ultra_restricted": True}, {"is_stranger": True}, {"team_id": "T0OTHER"}]
NOT_THERE = {"ok": False, "error": "channel_not_found"}


@pytest.fixture
async def http(slack: LocalSlack) -> AsyncIterator[aiohttp.ClientSession]:
    """What the page speaks; beside the team's channel there is one for customers."""
    slack.add_channel("customers", id=OUTER)
    async with aiohttp.ClientSession(slack.page_url + "client/") as session:
        yield session


@pytest.fixture(params=KINDS, ids=str)
def ana(slack: LocalSlack, http: aiohttp.ClientSession, request: pytest.FixtureRequest) -> str:
    """Ana, who is not one of us, and in the customers' channel only."""
    slack.add_user("ana", id=ANA, real_name="Ana Ferreira", **request.param)
    slack.join(OUTER, ANA)
    return ANA


async def get(http: aiohttp.ClientSession, name: str, **query: str) -> Json:
    async with http.get(name, params=query) as answer:
        found: Json = await answer.json()
        return found


async def send(http: aiohttp.ClientSession, name: str, **body: Any) -> Json:
    async with http.post(name, json=body) as answer:
        found: Json = await answer.json()
        return found


async def test_only_their_own_channels_are_listed(http: aiohttp.ClientSession, ana: str) -> None:
    assert [c["name"] for c in (await get(http, "boot", user=ana))["channels"]] == ["customers"]
    assert len((await get(http, "boot", user="U0MARIA"))["channels"]) == 2


async def test_other_channels_are_neither_read_nor_written_nor_clicked_in(
    http: aiohttp.ClientSession, ana: str, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel=CHANNEL, text="card", blocks=CARD))["ts"]
    assert await get(http, "messages", user=ana, channel=CHANNEL) == NOT_THERE
    assert await send(http, "say", user=ana, channel=CHANNEL, text="Let me in") == NOT_THERE
    assert await send(http, "say", user=ana, channel=CHANNEL, text="/threshold") == NOT_THERE
    click = {"type": "button", "action_id": "approve"}
    assert await send(http, "act", user=ana, channel=CHANNEL, message_ts=ts, action=click) == NOT_THERE
    assert (await send(http, "say", user=ana, channel=OUTER, text="Hello"))["ok"]
    assert [m["text"] for m in (await get(http, "messages", user=ana, channel=OUTER))["messages"]] == ["Hello"]


async def test_what_happens_elsewhere_is_not_pushed_to_them(
    http: aiohttp.ClientSession, ana: str, client: AsyncWebClient
) -> None:
    async with http.ws_connect("ws", params={"user": ana}) as page:
        assert await page.receive_json() == {"type": "hello"}
        inner = (await client.chat_postMessage(channel=CHANNEL, text="About Ana"))["ts"]
        await client.chat_postMessage(channel=CHANNEL, text="More about Ana", thread_ts=inner)
        await client.chat_update(channel=CHANNEL, ts=inner, text="Still about Ana")
        await client.chat_delete(channel=CHANNEL, ts=inner)
        await client.chat_postMessage(channel=OUTER, text="To Ana")
        event = await page.receive_json()
        assert (event["channel"], event["message"]["text"]) == (OUTER, "To Ana")


async def test_whoever_is_invited_reads_from_then_on(
    slack: LocalSlack, http: aiohttp.ClientSession, ana: str, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=CHANNEL, text="Before")
    slack.join(CHANNEL, ana)
    assert (await get(http, "messages", user=ana, channel=CHANNEL))["messages"][0]["text"] == "Before"
    slack.leave(CHANNEL, ana)
    assert await get(http, "messages", user=ana, channel=CHANNEL) == NOT_THERE


async def test_a_full_member_reads_a_public_channel_without_being_in_it(
    slack: LocalSlack, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=CHANNEL, text="Public")
    slack.leave(CHANNEL, "U0MARIA")
    assert (await get(http, "messages", user="U0MARIA", channel=CHANNEL))["messages"][0]["text"] == "Public"


async def test_a_private_channel_is_there_for_its_members_only(
    slack: LocalSlack, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    slack.add_channel("board", id="C0BOARD", private=True)
    await client.chat_postMessage(channel="C0BOARD", text="Private")
    assert await get(http, "messages", user="U0MARIA", channel="C0BOARD") == NOT_THERE
    assert await send(http, "say", user="U0MARIA", channel="C0BOARD", text="Let me in") == NOT_THERE
    assert "board" not in [c["name"] for c in (await get(http, "boot", user="U0MARIA"))["channels"]]
    slack.join("C0BOARD", "U0MARIA")
    assert (await get(http, "messages", user="U0MARIA", channel="C0BOARD"))["messages"][0]["text"] == "Private"
    assert "board" in [c["name"] for c in (await get(http, "boot", user="U0MARIA"))["channels"]]


async def test_nobody_reads_the_direct_messages_of_others(
    slack: LocalSlack, http: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    slack.add_user("sam", id="U0SAM")
    direct = (await client.chat_postMessage(channel="U0MARIA", text="Only for Maria"))["channel"]
    assert await get(http, "messages", user="U0SAM", channel=direct) == NOT_THERE
    assert await send(http, "say", user="U0SAM", channel=direct, text="Me too") == NOT_THERE
    assert direct not in [c["id"] for c in (await get(http, "boot", user="U0SAM"))["channels"]]


async def test_the_home_of_another_organisations_app_is_not_there(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    slack.add_user("ana", id=ANA, is_stranger=True)
    assert (await get(http, "boot", user=ANA))["home"] is False
    assert (await get(http, "home", user=ANA))["error"] == "not_allowed"
    assert (await get(http, "boot", user="U0MARIA"))["home"] is True
