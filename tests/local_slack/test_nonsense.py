"""Whatever a caller sends, the answer is one of Slack's errors and never a crash."""

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.local_slack import LocalSlack
from bot.local_slack.blocks import ANYWHERE, IN_MESSAGES, check_message_blocks, check_view
from bot.local_slack.elements import CHECKS
from bot.local_slack.model import SlackError
from bot.local_slack.web_api import METHODS
from tests.local_slack.conftest import CHANNEL, TOKEN

KEYS = [
    *(
        "type",
        "text",
        "fields",
        "accessory",
        "elements",
        "element",
        "label",
        "options",
        "option_groups",
        "rows",
    ),
    *(
        "value",
        "confirm",
        "style",
        "initial_option",
        "initial_options",
        "initial_value",
        "min_length",
        "max_length",
    ),
    *(
        "placeholder",
        "column_settings",
        "action_id",
        "block_id",
        "url",
        "image_url",
        "alt_text",
        "hint",
        "title",
    ),
]
TYPES = [
    *IN_MESSAGES,
    *CHECKS,
    "plain_text",
    "mrkdwn",
    "raw_text",
    "rich_text_section",
    "rich_text_list",
    "link",
]
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.sampled_from(TYPES)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(TYPES),
            st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        ),
    ),
    max_leaves=12,
)
BLOCK = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(sorted(IN_MESSAGES)),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(BLOCK, max_size=3))
def test_any_blocks_are_taken_or_refused(blocks: list[Any]) -> None:
    try:
        check_message_blocks(json.loads(json.dumps(blocks)), lambda: "b")
    except SlackError as refused:
        assert refused.error in ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")


@settings(max_examples=80, deadline=None)
@given(JSON, st.lists(st.one_of(BLOCK, JSON), max_size=3), st.sampled_from(["modal", "home"]))
def test_any_view_is_taken_or_refused(noise: Any, blocks: list[Any], kind: str) -> None:
    view = {"type": kind, "title": noise, "submit": noise, "private_metadata": noise, "blocks": blocks}
    try:
        check_view(json.loads(json.dumps(view)), lambda: "b", kind=kind)
    except SlackError as refused:
        assert refused.error == "invalid_arguments"


WRONG: list[Any] = [None, 0, True, "", "x", [], [1], {}, {"id": []}, [{"id": {}}], "\ud800"]


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_any_arguments_are_answered_in_slacks_words(slack: LocalSlack, method: str) -> None:
    names = (
        "channel",
        "text",
        "ts",
        "user",
        "users",
        "view",
        "metadata",
        "files",
        "trigger_id",
        "blocks",
        "limit",
    )
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for wrong in WRONG:
            for args in (
                dict.fromkeys(names, wrong),
                {"channel": CHANNEL, "text": "x"}
                | {
                    "cursor": wrong,
                    "thread_ts": wrong,
                    "blocks": wrong,
                    "metadata": wrong,
                    "oldest": wrong,
                    "files": wrong,
                    "view": wrong,
                },
            ):
                answer = await http.post(slack.api_url + method, data=json.dumps(args))
                assert answer.status == 200, (args, await answer.text())
                assert isinstance((await answer.json())["ok"], bool)


def test_views_and_messages_know_the_same_blocks() -> None:
    assert set(IN_MESSAGES) - set(ANYWHERE) == {"markdown", "table"}
