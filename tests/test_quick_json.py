"""JSON for Slack and for agents: quick, and nothing that Python can write or read is lost by it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from bot.quick_json import dump, load
from bot.slack.session import slack_session
from tests.world import BOT_TOKEN, SIGNING_SECRET

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=VALUES)
def test_what_is_written_reads_the_same(value: Any) -> None:
    assert json.loads(dump(value)) == value


@given(value=VALUES)
def test_what_anybody_writes_is_read_the_same(value: Any) -> None:
    assert load(json.dumps(value)) == value


def test_an_integer_of_any_size_is_written() -> None:
    assert dump({"n": 2**70}) == b'{"n":1180591620717411303424}'


@pytest.mark.parametrize("text", ["", "<html>", '{"ok": tru', "\x00"])
def test_what_is_no_json_is_refused_as_the_sdk_expects(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        load(text)


async def test_half_of_a_surrogate_pair_hides_no_answer() -> None:
    async with (
        LocalSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET) as slack,
        slack_session() as session,
    ):
        slack.add_channel("orders", id="C0ORDERS")
        client = AsyncWebClient(BOT_TOKEN, base_url=slack.api_url, session=session, retry_handlers=[])
        posted = await client.chat_postMessage(channel="C0ORDERS", text="cut \ud83d off")
        assert posted["message"]["text"] == "cut \ud83d off"
        history = await client.conversations_history(channel="C0ORDERS")
        assert [message["text"] for message in history["messages"]] == ["cut \ud83d off"]
