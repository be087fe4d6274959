"""Clicks, menus, modals, commands and words, through a real Bolt app."""

import asyncio
import copy
import json
import urllib.parse
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from bot.local_slack.model import SlackError, View
from tests.local_slack.conftest import CARD, CHANNEL, SECRET, TOKEN, Bot, Json, button, field, modal, text


async def post_card(client: AsyncWebClient) -> str:
    return str((await client.chat_postMessage(channel=CHANNEL, text="Refund?", blocks=copy.deepcopy(CARD)))["ts"])


async def open_modal(bot: Bot, slack: LocalSlack, maria: Person, view: Json) -> View:
    """Let the bot open a modal at a click, and return it."""

    @bot.app.action("approve")
    async def opened(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    done = await maria.click(CHANNEL, await post_card(bot.app.client), "approve")
    assert done.ok, done
    return await slack.wait_for_view(maria.id)


async def test_a_click_arrives_as_block_actions(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack()

    ts = await post_card(bot.app.client)
    done = await maria.click(CHANNEL, ts, "approve")
    assert done.ok and done.status == 200 and done.ms < 3000
    (body,) = heard
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": "U0MARIA", "username": "maria", "name": "maria", "team_id": "T0LOCAL"}
    assert (body["team"]["id"], body["api_app_id"], body["enterprise"]) == ("T0LOCAL", "A0LOCAL", None)
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": CHANNEL,
        "is_ephemeral": False,
    }
    assert body["channel"] == {"id": CHANNEL, "name": "approvals"}
    assert body["message"]["blocks"] == CARD
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "buttons", "p1")
    assert action["type"] == "button" and float(action["action_ts"]) > 0


async def test_a_choice_carries_its_option(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    chosen: list[str] = []

    @bot.app.action("more")
    async def more(ack: Any, action: Json) -> None:
        chosen.append(action["selected_option"]["value"])
        await ack()

    ts = await post_card(bot.app.client)
    await maria.choose(CHANNEL, ts, "more", "full:p1")
    assert chosen == ["full:p1"]
    with pytest.raises(LookupError, match="reject:p1"):
        await maria.choose(CHANNEL, ts, "more", "nothing")
    with pytest.raises(LookupError, match="approve"):
        await maria.click(CHANNEL, ts, "nothing")


async def test_a_click_on_an_old_card_carries_what_the_person_saw(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    values: list[str] = []

    @bot.app.action("approve")
    async def approve(ack: Any, action: Json) -> None:
        values.append(action["value"])
        await ack()

    ts = await post_card(bot.app.client)
    seen = slack.message(CHANNEL, ts)
    await bot.app.client.chat_update(channel=CHANNEL, ts=ts, text="decided", blocks=[])
    with pytest.raises(LookupError):
        await maria.click(CHANNEL, ts, "approve")
    await maria.click(CHANNEL, seen, "approve")
    await maria.click(CHANNEL, seen, "approve", "forged")
    assert values == ["p1", "forged"]


async def test_requests_are_signed_as_slack_signs(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    @bot.app.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    await maria.click(CHANNEL, await post_card(bot.app.client), "approve")
    await maria.command("/threshold")
    await maria.say(CHANNEL, "hello")
    verifier = SignatureVerifier(SECRET)
    assert len(bot.requests) == 3
    for headers, body in bot.requests:
        assert verifier.is_valid_request(body, headers)
        assert not SignatureVerifier("other").is_valid_request(body, headers)
    kinds = [headers["content-type"] for headers, _ in bot.requests]
    assert kinds == ["application/x-www-form-urlencoded"] * 2 + ["application/json"]


@pytest.mark.parametrize("forgery", [{"signature": "v0=00"}, {"signature": ""}, {"timestamp": "1"}, {"timestamp": ""}])
async def test_a_forged_request_can_be_sent_and_bolt_refuses_it(
    slack: LocalSlack, bot: Bot, forgery: dict[str, str]
) -> None:
    body = urllib.parse.urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})})
    assert (await slack.deliver_raw(body, **forgery)).status == 401  # type: ignore[arg-type]


async def test_a_modal_opens_and_its_values_arrive(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    select = {
        "type": "static_select",
        "action_id": "level",
        "options": [{"text": text("High"), "value": "high"}],
    }
    urgency = {
        "type": "input",
        "block_id": "urgency",
        "label": text("Urgency"),
        "element": select,
        "optional": True,
    }
    number = {"type": "number_input", "action_id": "number", "is_decimal_allowed": True}
    amount = {"type": "input", "block_id": "amount", "label": text("Amount"), "element": number}
    view = await open_modal(
        bot, slack, maria, modal(field(initial_value="old"), urgency, amount, private_metadata="p1")
    )
    states: list[Json] = []

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json) -> None:
        states.append(view)
        await ack()

    done = await maria.submit(view, {"urgency": "high", "amount": 12.5})
    assert done.ok, done
    assert states[0]["private_metadata"] == "p1"
    values = states[0]["state"]["values"]
    assert values["reply"]["value"] == {"type": "plain_text_input", "value": "old"}
    assert values["urgency"]["level"]["selected_option"]["value"] == "high"
    assert values["amount"]["number"] == {"type": "number_input", "value": "12.5"}
    assert maria.view is None


async def test_a_form_that_is_not_complete_is_not_sent(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    number = {"type": "number_input", "action_id": "number", "is_decimal_allowed": False, "max_value": "50"}
    amount = {"type": "input", "block_id": "amount", "label": text("Amount"), "element": number}
    view = await open_modal(bot, slack, maria, modal(field(max_length=5), amount))
    sent = len(bot.requests)
    for values, wrong in (
        ({}, {"reply", "amount"}),
        ({"reply": "   ", "amount": "1"}, {"reply"}),
        ({"reply": "123456", "amount": "1"}, {"reply"}),
        ({"reply": "x", "amount": "1.5"}, {"amount"}),
        ({"reply": "x", "amount": "51"}, {"amount"}),
        ({"reply": "x", "amount": "many"}, {"amount"}),
    ):
        done = await maria.submit(view, values)
        assert not done.ok and set(done.body["errors"]) == wrong
    assert len(bot.requests) == sent
    with pytest.raises(LookupError, match="amount"):
        await maria.submit(view, {"nowhere": "x"})


async def test_the_bot_may_answer_with_errors_an_update_a_push_or_clear(
    slack: LocalSlack, bot: Bot, maria: Person
) -> None:
    view = await open_modal(bot, slack, maria, modal())
    answers: list[Json] = [
        {"response_action": "errors", "errors": {"reply": "too rude"}},
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": modal(title=text("Second"))},
        {"response_action": "push", "view": modal(title=text("Third"))},
        {"response_action": "clear"},
    ]

    @bot.app.view("edit")
    async def submitted(ack: Any) -> None:
        await ack(**answers.pop(0))

    done = await maria.submit(view, {"reply": "x"})
    assert done.ok and done.body["errors"] == {"reply": "too rude"} and maria.view == view
    assert (await maria.submit(view, {"reply": "x"})).error == "invalid_response_errors"
    await maria.submit(view, {"reply": "x"})
    assert maria.view is not None and (maria.view.id, maria.view.title) == (view.id, "Second")
    await maria.submit(maria.view, {"reply": "x"})
    assert maria.view.title == "Third" and maria.view.payload["previous_view_id"] == view.id
    await maria.submit(maria.view, {"reply": "x"})
    assert maria.view is None


async def test_a_modal_that_asks_for_it_is_missed_when_closed(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    closed: list[Json] = []

    @bot.app.view_closed("edit")
    async def gone(ack: Any, body: Json) -> None:
        closed.append(body)
        await ack()

    for notify in (False, True):
        trigger = slack.world.new_trigger(maria.id)
        await bot.app.client.views_open(trigger_id=trigger, view=modal(notify_on_close=notify))
        await maria.close(await slack.wait_for_view(maria.id), clear=True)
        assert maria.view is None
    assert [body["is_cleared"] for body in closed] == [True]


async def test_a_trigger_opens_one_view_and_only_soon(
    slack: LocalSlack, bot: Bot, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    triggers: list[str] = []

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json) -> None:
        triggers.append(body["trigger_id"])
        await ack()

    ts = await post_card(bot.app.client)
    await maria.click(CHANNEL, ts, "approve")
    await bot.app.client.views_open(trigger_id=triggers[0], view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await bot.app.client.views_open(trigger_id=triggers[0], view=modal())
    monkeypatch.setattr("bot.local_slack.state.TRIGGER_SECONDS", 0.01)
    await maria.click(CHANNEL, ts, "approve")
    await asyncio.sleep(0.02)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await bot.app.client.views_open(trigger_id=triggers[1], view=modal())


async def test_a_trigger_lives_three_seconds(slack: LocalSlack) -> None:
    from bot.local_slack import state

    assert state.TRIGGER_SECONDS == 3.0


async def test_a_view_that_is_refused_does_not_use_the_trigger_up(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    trigger = slack.world.new_trigger(maria.id)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await bot.app.client.views_open(trigger_id=trigger, view=modal(submit=None))
    assert (await bot.app.client.views_open(trigger_id=trigger, view=modal()))["ok"]


async def test_modals_stack_three_high(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    client = bot.app.client
    await client.views_open(trigger_id=slack.world.new_trigger(maria.id), view=modal())
    for _ in range(2):
        await client.views_push(trigger_id=slack.world.new_trigger(maria.id), view=modal())
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.world.new_trigger(maria.id), view=modal())


async def test_a_view_is_updated_by_whoever_knows_its_hash(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    client = bot.app.client
    trigger = slack.world.new_trigger(maria.id)
    opened = (await client.views_open(trigger_id=trigger, view=modal(external_id="e")))["view"]
    updated = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(title=text("New")))
    assert maria.view is not None and maria.view.title == "New" and updated["view"]["id"] == opened["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V0", view=modal())


@pytest.mark.parametrize("by", ["the answer", "the Web API"])
async def test_an_update_keeps_what_stands_in_fields_of_the_same_ids(
    slack: LocalSlack, bot: Bot, maria: Person, by: str
) -> None:
    """As in Slack: an update's initial values count for those fields only that were not there before."""

    def fields(*names: str, words: str) -> Json:
        return modal(*(field(name, initial_value=words) | {"optional": True} for name in names))

    heard: list[Json] = []
    again = fields("typed", "left", "emptied", "fresh", words="new")
    again["blocks"].append(field("renamed", initial_value="new", action_id="other"))

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json, client: AsyncWebClient) -> None:
        heard.append(view["state"]["values"])
        if len(heard) == 1 and by == "the answer":
            await ack(response_action="update", view=again)
        elif len(heard) == 1:
            await ack(response_action="errors", errors={"typed": "wait"})
            await client.views_update(view_id=view["id"], view=again)
        else:
            await ack()

    view = await open_modal(bot, slack, maria, fields("typed", "left", "emptied", "renamed", "gone", words="old"))
    await maria.submit(view, {"typed": "mine", "emptied": "", "renamed": "mine"})
    updated = await slack.wait_for_view(maria.id, predicate=lambda shown: "fresh" in str(shown.blocks))
    await maria.submit(updated)
    assert {block: next(iter(state.values()))["value"] for block, state in heard[1].items()} == {
        "typed": "mine",
        "left": "old",
        "emptied": None,
        "fresh": "new",
        "renamed": "new",
    }


async def test_what_was_typed_stays_where_the_bot_finds_fault_with_it(
    slack: LocalSlack, bot: Bot, maria: Person
) -> None:
    heard: list[Json] = []

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json) -> None:
        heard.append({block: state["value"]["value"] for block, state in view["state"]["values"].items()})
        await (ack(response_action="errors", errors={"b": "too short"}) if len(heard) == 1 else ack())

    view = await open_modal(bot, slack, maria, modal(field("a", initial_value="old"), field("b", initial_value="old")))
    await maria.submit(view, {"a": "mine", "b": "x"})
    await maria.submit(view, {"b": "longer"})
    assert heard == [{"a": "mine", "b": "x"}, {"a": "mine", "b": "longer"}]


async def test_a_menu_keeps_its_choice_while_that_is_still_offered(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    def menu(*values: str) -> Json:
        options = [{"text": text(value), "value": value} for value in values]
        element = {"type": "static_select", "action_id": "value", "options": options, "initial_option": options[0]}
        return modal({"type": "input", "block_id": "reply", "label": text("Which"), "element": element})

    chosen: list[str] = []
    answers = [menu("c", "b", "a"), menu("c", "a")]

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json) -> None:
        chosen.append(view["state"]["values"]["reply"]["value"]["selected_option"]["value"])
        await (ack(response_action="update", view=answers.pop(0)) if answers else ack())

    await maria.submit(await open_modal(bot, slack, maria, menu("a", "b")), {"reply": "b"})
    for _ in range(2):
        assert maria.view is not None
        await maria.submit(maria.view)
    assert chosen == ["b", "b", "c"]


async def test_buttons_in_a_modal_and_on_home_work(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []

    @bot.app.action("refresh")
    async def refresh(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack()

    @bot.app.event("app_home_opened")
    async def home(event: Json, client: AsyncWebClient) -> None:
        blocks = [{"type": "actions", "block_id": "b", "elements": [button("refresh", value="now")]}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    assert (await maria.open_home()).ok
    published = await slack.wait_for_home(maria.id)
    assert (await maria.click_in_view(published, "refresh")).ok
    assert heard[0]["view"]["id"] == published.id and heard[0]["actions"][0]["value"] == "now"
    assert heard[0]["container"] == {"type": "view", "view_id": published.id}


async def test_a_command_is_answered_to_its_typist(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    @bot.app.command("/threshold")
    async def threshold(ack: Any, command: Json) -> None:
        await ack(text=f"{command['user_name']}: {command['text']} in {command['channel_name']}")

    done = await maria.command("/threshold refunds 0.9 because & <reasons>")
    assert done.body == "maria: refunds 0.9 because & <reasons> in approvals"
    assert [m.text for m in slack.ephemerals(maria.id)] == [done.body]
    assert slack.messages(CHANNEL) == []
    unknown = await maria.command("/nothing")
    assert unknown.error == "/nothing is not a valid command."


async def test_a_command_may_be_answered_in_the_channel(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    @bot.app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack(response_type="in_channel", text="all see this")

    await maria.command("/threshold")
    assert [m.text for m in slack.messages(CHANNEL)] == ["all see this"]


async def test_a_response_url_takes_five_answers(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    urls: list[str] = []

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json) -> None:
        urls.append(body["response_url"])
        await ack()

    ts = await post_card(bot.app.client)
    await maria.click(CHANNEL, ts, "approve")
    async with aiohttp.ClientSession() as http:
        for body in (
            {"text": "one"},
            {"text": "two", "response_type": "in_channel"},
            {"text": "three", "replace_original": True},
            {"text": "four", "thread_ts": ts, "response_type": "in_channel"},
            {"delete_original": True},
        ):
            assert (await http.post(urls[0], json=body)).status == 200
        sixth = await http.post(urls[0], json={"text": "six"})
        assert (sixth.status, (await sixth.json())["error"]) == (404, "used_url")
    assert [m.text for m in slack.ephemerals(maria.id)] == ["one"]
    assert [m.text for m in slack.messages(CHANNEL)] == ["two", "four"]


async def test_a_response_url_ends_after_thirty_minutes(
    slack: LocalSlack, bot: Bot, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.local_slack import responses, state

    assert state.RESPONSE_URL_SECONDS == 1800
    monkeypatch.setattr("bot.local_slack.responses.RESPONSE_URL_SECONDS", -1)
    url = responses.new_response_url(slack.world, channel=CHANNEL, user=maria.id)
    async with aiohttp.ClientSession() as http:
        answer = await http.post(url, json={"text": "late"})
        assert (answer.status, (await answer.json())["error"]) == (404, "expired_url")


async def test_an_ephemeral_has_buttons_and_can_be_replaced(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json, respond: Any) -> None:
        heard.append(body)
        await respond(text="replaced", replace_original=True)
        await ack()

    await bot.app.client.chat_postEphemeral(channel=CHANNEL, user=maria.id, text="x", blocks=copy.deepcopy(CARD))
    shown = await slack.wait_for_ephemeral(maria.id)
    assert (await maria.click(CHANNEL, shown.ts, "approve")).ok
    assert heard[0]["container"]["is_ephemeral"] and "message" not in heard[0]
    assert [m.text for m in slack.ephemerals(maria.id)] == ["replaced"]


async def test_words_arrive_as_message_events(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []

    @bot.app.event("message")
    async def message(event: Json) -> None:
        heard.append(event)

    said = await maria.say(CHANNEL, "1 < 2 & <@U0LOCALBOT>")
    await maria.say(CHANNEL, "in the thread", thread_ts=said.ts)
    await maria.edit(CHANNEL, said.ts, "1 < 3")
    await maria.delete(CHANNEL, said.ts)
    assert [e.get("subtype") for e in heard] == [None, None, "message_changed", "message_deleted"]
    assert heard[0]["text"] == "1 &lt; 2 &amp; <@U0LOCALBOT>"
    assert (heard[0]["channel"], heard[0]["user"], heard[0]["channel_type"]) == (
        CHANNEL,
        "U0MARIA",
        "channel",
    )
    assert (heard[1]["thread_ts"], heard[1]["parent_user_id"]) == (said.ts, "U0MARIA")
    assert heard[2]["message"]["text"] == "1 &lt; 3" and "1 &lt; 2" in heard[2]["previous_message"]["text"]
    assert heard[3]["deleted_ts"] == said.ts


async def test_a_reply_that_is_also_sent_to_the_channel_is_a_broadcast(
    slack: LocalSlack, bot: Bot, maria: Person, client: AsyncWebClient
) -> None:
    heard: list[Json] = []

    @bot.app.event("message")
    async def message(event: Json) -> None:
        heard.append(event)

    said = await maria.say(CHANNEL, "first")
    await maria.say(CHANNEL, "in the thread only", thread_ts=said.ts)
    await maria.say(CHANNEL, "for all", thread_ts=said.ts, broadcast=True)
    broadcast = heard[2]
    assert (broadcast["subtype"], broadcast["thread_ts"]) == ("thread_broadcast", said.ts)
    assert (broadcast["root"]["user"], broadcast["root"]["ts"]) == ("U0MARIA", said.ts)
    assert "parent_user_id" not in broadcast
    history = await client.conversations_history(channel=CHANNEL)
    assert [one["text"] for one in history["messages"]] == ["for all", "first"]
    thread = await client.conversations_replies(channel=CHANNEL, ts=said.ts)
    assert [one["text"] for one in thread["messages"]] == ["first", "in the thread only", "for all"]


async def test_words_in_a_private_channel_are_a_groups(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    heard: list[Json] = []

    @bot.app.event("message")
    async def message(event: Json) -> None:
        heard.append(event)

    slack.add_channel("board", id="C0BOARD", private=True)
    with pytest.raises(SlackError):
        await maria.say("C0BOARD", "Let me in")
    slack.join("C0BOARD", "U0MARIA")
    await maria.say("C0BOARD", "Hello")
    assert [(one["channel_type"], one["text"]) for one in heard] == [("group", "Hello")]


async def test_people_and_groups_that_change_are_events(slack: LocalSlack, bot: Bot) -> None:
    heard: asyncio.Queue[Json] = asyncio.Queue()
    for kind in ("team_join", "user_change", "subteam_members_changed", "member_joined_channel"):

        @bot.app.event(kind)
        async def event(event: Json) -> None:
            heard.put_nowait(event)

    group = slack.add_group("leads", ["U0MARIA"])
    sam = slack.add_user("sam")
    assert (await heard.get())["user"]["id"] == sam.id
    slack.change_user(sam.id, deleted=True)
    changed = await heard.get()
    assert (changed["type"], changed["user"]["deleted"]) == ("user_change", True)
    slack.set_group_users(group, [sam])
    members = await heard.get()
    assert (members["subteam_id"], members["added_users"], members["removed_users"]) == (
        group.id,
        [sam.id],
        ["U0MARIA"],
    )
    slack.join(CHANNEL, sam.id)
    assert (await heard.get())["user"] == sam.id


async def test_events_come_in_an_envelope(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    await maria.say(CHANNEL, "hello")
    envelope = json.loads(bot.requests[-1][1])
    assert envelope["type"] == "event_callback" and envelope["event_id"].startswith("Ev")
    assert (envelope["team_id"], envelope["api_app_id"]) == ("T0LOCAL", "A0LOCAL")
    assert envelope["authorizations"][0]["user_id"] == "U0LOCALBOT"


async def test_the_bots_own_words_come_back_to_it_when_wanted(slack: LocalSlack, bot: Bot) -> None:
    client = bot.app.client
    await client.chat_postMessage(channel=CHANNEL, text="unheard")
    async with LocalSlack(bot_token=TOKEN, signing_secret=SECRET, echo_bot_messages=True) as loud:
        loud.add_channel("approvals", id=CHANNEL)
        loud.connect_bot(bot.url)
        client = AsyncWebClient(token=TOKEN, base_url=loud.api_url)
        ts = (await client.chat_postMessage(channel=CHANNEL, text="a"))["ts"]
        await client.chat_update(channel=CHANNEL, ts=ts, text="b")
        async with asyncio.timeout(15):
            while len(bot.requests) < 2:
                await asyncio.sleep(0.005)
    events = [json.loads(body)["event"] for _, body in bot.requests]
    assert [(e.get("subtype"), e.get("bot_id")) for e in events] == [
        (None, "B0LOCAL"),
        ("message_changed", None),
    ]
    assert events[1]["previous_message"]["text"] == "a"


async def test_a_menu_in_a_message_shows_its_choice_in_the_state(slack: LocalSlack, bot: Bot, maria: Person) -> None:
    states: list[Json] = []

    @bot.app.action("level")
    async def level(ack: Any, body: Json) -> None:
        states.append(body["state"]["values"])
        await ack()

    options = [{"text": text(name), "value": name} for name in ("low", "high")]
    select = {"type": "static_select", "action_id": "level", "options": options, "initial_option": options[0]}
    blocks = [{"type": "actions", "block_id": "b", "elements": [select]}]
    ts = (await bot.app.client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks))["ts"]
    assert (await maria.choose(CHANNEL, ts, "level", "high")).ok
    assert states[0]["b"]["level"]["selected_option"]["value"] == "high"


async def test_a_request_url_is_verified(slack: LocalSlack, bot: Bot) -> None:
    assert (await slack.verify_url()).ok
