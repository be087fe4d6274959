from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.connectors import slack_thread
from bot.connectors.slack_thread import (
    EVENT_TYPE,
    PART,
    SlackThread,
    escape,
    parse_thread_id,
    split,
    thread_id,
)
from bot.domain.delivery import Delivered, Failed, Outcome, Postponed
from bot.domain.errors import BadInput
from bot.domain.proposal import Proposal
from bot.local_slack import LocalSlack, Message
from tests.connectors.cases import DELIVERY, REFUND, errand, now, proposal

TOKEN = "xoxb-test"
POST, READ, HISTORY, DELETE = "chat.postMessage", "conversations.replies", "conversations.history", "chat.delete"


@dataclass(kw_only=True)
class Shop:
    """A channel in which a customer has just asked something."""

    slack: LocalSlack
    channel: str
    ts: str
    connector: SlackThread

    def case(self, text: str) -> Proposal:
        created_at = datetime.now(UTC)
        return proposal(text, conversation=thread_id(self.channel, self.ts), created_at=created_at)

    async def deliver(self, text: str = "On its way.", *, attempts: int = 1, interrupted: bool = False) -> Outcome:
        return await self.connector.deliver(self.case(text), errand(attempts=attempts, interrupted=interrupted))

    @property
    def replies(self) -> list[Message]:
        return self.slack.thread(self.channel, self.ts)[1:]

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.slack.calls)


async def asked(slack: LocalSlack, *, token: str = TOKEN, patience: int = 30) -> Shop:
    customer = slack.add_user("ana")
    channel = slack.add_channel("support").id
    said = await slack.person(customer).say(channel, "Where is my money?")
    client = AsyncWebClient(token=token, base_url=slack.api_url, timeout=patience, retry_handlers=[])
    return Shop(slack=slack, channel=channel, ts=said.ts, connector=SlackThread(client, now=now))


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s") as slack:
        yield await asked(slack)


def words(message: Message) -> str:
    [block] = message.blocks
    [section] = block["elements"]
    assert block["type"] == "rich_text"
    assert section["type"] == "rich_text_section"
    assert {element["type"] for element in section["elements"]} == {"text"}
    return "".join(element["text"] for element in section["elements"])


async def test_the_approved_words_stand_in_the_customers_thread(shop: Shop) -> None:
    outcome = await shop.deliver("Your refund is on its way.\n\nAna & co")
    [reply] = shop.replies
    assert words(reply) == "Your refund is on its way.\n\nAna & co"
    assert reply.thread_ts == shop.ts
    assert reply.metadata == {
        "event_type": EVENT_TYPE,
        "event_payload": {"delivery": DELIVERY, "part": 1, "of": 1},
    }
    assert outcome == Delivered(result={"channel": shop.channel, "messages": [reply.ts]})
    assert shop.calls(READ) == 0


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> look",
        "<!subteam^S1> <@U1> <#C1>",
        "<https://evil|https://good>",
        "&lt;!channel&gt;",
        "@here *bold* _it_ `code` ~no~",
        "javascript:alert(1) <javascript:alert(1)|x>",
    ],
)
async def test_nothing_in_a_reply_can_mention_or_link(shop: Shop, text: str) -> None:
    assert isinstance(await shop.deliver(text), Delivered)
    [reply] = shop.replies
    assert words(reply) == text
    assert "<" not in reply.text
    assert reply.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text
    [call] = [call for call in shop.slack.calls if call.method == POST]
    for flag in ("unfurl_links", "unfurl_media", "mrkdwn", "link_names"):
        assert call.args[flag] is False, flag
    assert call.args["parse"] == "none"


async def test_a_long_reply_goes_out_in_order_and_whole(shop: Shop) -> None:
    text = "\n\n".join(f"Paragraph {number}: " + "word " * 120 for number in range(20))
    outcome = await shop.deliver(text)
    assert len(shop.replies) > 3
    assert "".join(words(reply) for reply in shop.replies) == text
    assert isinstance(outcome, Delivered)
    assert outcome.result == {"channel": shop.channel, "messages": [reply.ts for reply in shop.replies]}


async def test_a_reply_of_nothing_but_ampersands_still_fits(shop: Shop) -> None:
    assert isinstance(await shop.deliver("&" * 9_000), Delivered)
    assert "".join(words(reply) for reply in shop.replies) == "&" * 9_000


@pytest.mark.parametrize("text", ["", "  \n\t"])
async def test_a_blank_reply_is_not_sent(shop: Shop, text: str) -> None:
    assert isinstance(await shop.deliver(text), Failed)
    assert shop.replies == []


async def test_a_reply_whose_answer_was_lost_is_found_and_not_posted_again(shop: Shop) -> None:
    shop.slack.faults.lose_answer(POST)
    outcome = await shop.deliver()
    [reply] = shop.replies
    assert outcome == Delivered(result={"channel": shop.channel, "messages": [reply.ts]})
    assert shop.calls(POST) == 1


@pytest.mark.parametrize("fault", ["status", "html", "fatal_error", "internal_error"])
async def test_a_server_error_is_postponed_and_the_next_attempt_looks_first(shop: Shop, fault: str) -> None:
    match fault:
        case "status":
            shop.slack.faults.server_error(POST)
        case "html":
            shop.slack.faults.bad_gateway(POST)
        case error:
            shop.slack.faults.fail(POST, error)
    first = await shop.deliver()
    assert isinstance(first, Postponed)
    assert first.hold_lane
    assert shop.replies == []
    assert isinstance(await shop.deliver(attempts=2), Delivered)
    assert len(shop.replies) == 1
    assert shop.calls(READ) == 2


async def test_an_interrupted_reply_is_looked_up_and_found(shop: Shop) -> None:
    await shop.deliver()
    outcome = await shop.deliver(interrupted=True, attempts=2)
    [reply] = shop.replies
    assert outcome == Delivered(result={"channel": shop.channel, "messages": [reply.ts]})


async def test_an_interrupted_reply_that_never_arrived_is_posted(shop: Shop) -> None:
    assert isinstance(await shop.deliver(interrupted=True), Delivered)
    assert len(shop.replies) == 1


async def test_another_delivery_in_the_same_thread_is_not_taken_for_this_one(shop: Shop) -> None:
    other = await shop.connector.deliver(shop.case("Earlier answer"), errand(delivery="dlv_other"))
    assert isinstance(other, Delivered)
    assert isinstance(await shop.deliver(interrupted=True), Delivered)
    assert len(shop.replies) == 2


async def test_only_the_missing_part_of_a_long_reply_is_posted_again(shop: Shop) -> None:
    text = "a" * PART + "b" * PART + "c" * 10
    await shop.deliver(text)
    second = shop.replies[1]
    shop.slack.delete_message(shop.channel, second.ts)
    assert isinstance(await shop.deliver(text, interrupted=True), Delivered)
    assert sorted(words(reply)[0] for reply in shop.replies) == ["a", "b", "c"]


async def test_a_reply_is_found_below_hundreds_of_others(shop: Shop) -> None:
    client = AsyncWebClient(token=TOKEN, base_url=shop.slack.api_url)
    for number in range(205):
        await client.chat_postMessage(channel=shop.channel, thread_ts=shop.ts, text=f"noise {number}")
    await shop.deliver()
    assert isinstance(await shop.deliver(interrupted=True), Delivered)
    assert len(shop.replies) == 206
    assert shop.calls(READ) == 2


async def test_a_look_up_that_fails_never_leads_to_a_second_post(shop: Shop) -> None:
    await shop.deliver()
    shop.slack.faults.server_error(READ, times=2)
    assert isinstance(await shop.deliver(interrupted=True), Postponed)
    assert len(shop.replies) == 1


async def test_a_missing_scope_for_the_look_up_posts_nothing_and_says_so(shop: Shop) -> None:
    shop.slack.faults.fail(READ, "missing_scope")
    outcome = await shop.deliver(interrupted=True)
    assert isinstance(outcome, Postponed)
    assert "missing_scope" in outcome.error
    assert shop.replies == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 1), ("1", 1), ("3600", 3600), ("999999999999", 3600), (None, 5), ("soon", 5), ("-3", 5)],
)
async def test_a_429_holds_the_lane_as_long_as_slack_asks(shop: Shop, header: str | None, seconds: int) -> None:
    shop.slack.faults.rate_limit(POST, retry_after=header)
    outcome = await shop.deliver()
    assert isinstance(outcome, Postponed)
    assert outcome.after == timedelta(seconds=seconds)
    assert outcome.hold_lane
    assert shop.replies == []


async def test_a_long_reply_that_is_slowed_down_midway_is_completed_later() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s", pacing=True) as slack:
        shop = await asked(slack)
        text = "\n".join("line " * 500 for _ in range(8))
        first = await shop.deliver(text)
        assert isinstance(first, Postponed)
        assert first.hold_lane
        assert 0 < len(shop.replies) < 8
        shop.slack._api.pace = None
        assert isinstance(await shop.deliver(text, attempts=2), Delivered)
        assert "".join(words(reply) for reply in shop.replies) == text


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("channel_not_found", "invite Sayso"),
        ("is_archived", "unarchive it"),
        ("not_in_channel", "/invite @Sayso"),
        ("restricted_action", "ask a workspace admin"),
        ("invalid_blocks", "invalid_blocks"),
    ],
)
async def test_a_refusal_fails_with_what_to_do(shop: Shop, error: str, advice: str) -> None:
    shop.slack.faults.fail(POST, error)
    outcome = await shop.deliver()
    assert isinstance(outcome, Failed)
    assert advice in outcome.error


def gone(shop: Shop, *, partly: bool = False) -> Failed:
    sentence = f"The customer's thread in {shop.channel} is gone, so the reply has nowhere to go."
    return Failed(error=sentence, partly=partly)


@pytest.fixture
async def bare(shop: Shop) -> Shop:
    """The customer took the question away: Slack would post the reply in the channel itself."""
    shop.slack.delete_message(shop.channel, shop.ts)
    return shop


async def test_a_reply_whose_thread_is_gone_is_taken_out_of_the_channel_and_fails(bare: Shop) -> None:
    assert await bare.deliver() == gone(bare)
    assert bare.slack.messages(bare.channel) == []
    assert (bare.calls(POST), bare.calls(DELETE)) == (1, 1)
    assert await bare.deliver(attempts=2) == gone(bare)
    assert bare.calls(POST) == 1


async def test_a_reply_of_which_a_part_stands_when_the_thread_goes_has_failed_in_part() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s") as slack:
        shop = await asked(slack)

        def take_the_question_away(kind: str, message: Message, old: Message | None) -> None:
            if shop.ts in {one.ts for one in slack.messages(shop.channel)}:
                slack.delete_message(shop.channel, shop.ts)

        slack.world.tap = take_the_question_away
        assert await shop.deliver("a" * PART + "b" * PART) == gone(shop, partly=True)
        [standing] = slack.messages(shop.channel)
        assert (words(standing)[0], standing.thread_ts) == ("a", shop.ts)


async def test_a_stray_reply_whose_answer_was_lost_is_found_and_taken_away(bare: Shop) -> None:
    bare.slack.faults.lose_answer(POST)
    assert await bare.deliver() == gone(bare)
    assert bare.slack.messages(bare.channel) == []
    assert bare.calls(POST) == 1


async def test_a_stray_reply_is_found_below_hundreds_of_others_and_those_are_left_alone(bare: Shop) -> None:
    bare.slack.faults.lose_answer(POST)
    bare.slack.faults.server_error(READ)
    assert isinstance(await bare.deliver(), Postponed)
    client = AsyncWebClient(token=TOKEN, base_url=bare.slack.api_url)
    for number in range(205):
        await client.chat_postMessage(channel=bare.channel, text=f"noise {number}")
    assert await bare.deliver(attempts=2) == gone(bare)
    assert len(bare.slack.messages(bare.channel)) == 205
    assert (bare.calls(POST), bare.calls(HISTORY)) == (1 + 205, 2)


async def test_a_post_that_may_still_arrive_is_looked_for_once_more(bare: Shop) -> None:
    bare.slack.faults.server_error(POST)
    first = await bare.deliver()
    assert isinstance(first, Postponed)
    assert first.maybe
    assert await bare.deliver(attempts=2) == gone(bare)
    assert bare.calls(POST) == 1


@pytest.mark.parametrize("fault", ["lost", "status", "limited", "unknown"])
async def test_a_stray_reply_that_could_not_be_taken_away_yet_is_taken_away_later(bare: Shop, fault: str) -> None:
    match fault:
        case "lost":
            bare.slack.faults.lose_answer(DELETE)
        case "status":
            bare.slack.faults.server_error(DELETE)
        case "limited":
            bare.slack.faults.rate_limit(DELETE)
        case _:
            bare.slack.faults.fail(DELETE, "internal_error")
    first = await bare.deliver()
    assert isinstance(first, Postponed)
    assert first.maybe
    assert first.hold_lane
    assert await bare.deliver(attempts=2) == gone(bare)
    assert bare.slack.messages(bare.channel) == []
    assert bare.calls(POST) == 1


async def test_a_stray_reply_that_somebody_else_took_away_needs_no_second_time(bare: Shop) -> None:
    bare.slack.faults.fail(DELETE, "message_not_found")
    assert await bare.deliver() == gone(bare)


async def test_a_stray_reply_that_slack_keeps_is_named_and_a_retry_takes_it_away(bare: Shop) -> None:
    bare.slack.faults.fail(DELETE, "cant_delete_message")
    outcome = await bare.deliver()
    assert isinstance(outcome, Failed)
    assert outcome.partly  # so that a retry keeps the key, and looks first
    assert "cant_delete_message" in outcome.error
    assert len(bare.slack.messages(bare.channel)) == 1
    assert await bare.deliver(attempts=2) == gone(bare)
    assert bare.slack.messages(bare.channel) == []
    assert bare.calls(POST) == 1


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_token_that_is_refused_loses_nothing(shop: Shop, error: str) -> None:
    shop.slack.faults.fail(POST, error)
    outcome = await shop.deliver()
    assert isinstance(outcome, Postponed)
    assert "SLACK_BOT_TOKEN" in outcome.error
    assert isinstance(await shop.deliver(attempts=2), Delivered)


async def test_a_real_archived_channel_and_a_real_wrong_token_are_recognised() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s") as slack:
        shop = await asked(slack, token="xoxb-stolen")
        assert isinstance(await shop.deliver(), Postponed)
        archived = await asked(slack)
        slack.archive(archived.channel)
        assert isinstance(await archived.deliver(), Failed)


async def test_slack_that_hangs_is_looked_up_again_before_a_second_post() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s") as slack:
        shop = await asked(slack, patience=1)
        slack.faults.hang(POST, seconds=3)
        assert isinstance(await shop.deliver(), Postponed)
        assert isinstance(await shop.deliver(attempts=2), Delivered)
        assert len(shop.replies) == 1


async def test_everything_ends_before_the_lease_does(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_thread, "_DEADLINE", 0.2)
    shop.slack.faults.hang(POST, seconds=3)
    assert isinstance(await shop.deliver(), Postponed)


async def test_a_slack_that_is_not_there_is_postponed() -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret="s") as slack:
        shop = await asked(slack)
    outcome = await shop.deliver()
    assert outcome == Postponed(error="Slack cannot be reached.", after=timedelta(seconds=5), hold_lane=True)


async def test_an_action_has_no_place_in_a_thread(shop: Shop) -> None:
    case = proposal(REFUND, conversation=thread_id(shop.channel, shop.ts))
    outcome = await shop.connector.deliver(case, errand())
    assert isinstance(outcome, Failed)
    assert "refund" in outcome.error


async def test_a_conversation_outside_slack_fails_in_words(shop: Shop) -> None:
    outcome = await shop.connector.deliver(proposal("Hi", conversation="zendesk:4812"), errand())
    assert isinstance(outcome, Failed)
    assert "slack:C" in outcome.error


def test_a_thread_id_comes_back_as_it_went_in() -> None:
    assert parse_thread_id(thread_id("C0123", "1712345678.000100")) == ("C0123", "1712345678.000100")


@pytest.mark.parametrize(
    "text",
    ["", "slack:C1", "slack:C1:", "slack::1.2", "slack:C1:1.2:3", "slack:c1:1.2", "slack:C1:1.2\n", "x"],
)
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_thread_id(text)


@given(st.text(alphabet="ab \n🙂👩\u200d\u0301<&", max_size=400), st.integers(8, 40))
def test_the_pieces_are_short_and_together_the_text(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < len(part) <= limit and part.strip() for part in parts)
    at = 0
    for part in parts:
        found = text.index(part, at)
        assert not text[at:found].strip()
        at = found + len(part)
    assert not text[at:].strip()


@pytest.mark.parametrize("extra", [-1, 0, 1, 2])
def test_a_piece_is_never_one_too_long(extra: int) -> None:
    assert [len(part) for part in split("x" * (PART + extra), PART)] == [min(PART, PART + extra)] + [extra] * (
        extra > 0
    )


def test_a_cut_falls_between_paragraphs_before_lines_before_words() -> None:
    assert split("one two\n\nthree four", 12) == ["one two\n\n", "three four"]
    assert split("one two\nthree four", 12) == ["one two\n", "three four"]
    assert split("onetwo three four", 12) == ["onetwo ", "three four"]


def test_a_cut_never_splits_what_a_reader_sees_as_one() -> None:
    family = "👩\u200d👩\u200d👧"
    assert split("x" * 8 + family, 10) == ["x" * 8, family]


def test_escaping_leaves_no_control_character_of_slack() -> None:
    assert escape("<a> & &lt;") == "&lt;a&gt; &amp; &amp;lt;"
