"""The Web API as Slack's own client sees it."""

import asyncio
import copy
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from tests.local_slack.conftest import APP_TOKEN, CARD, CHANNEL, SECRET, TOKEN, modal

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def post(client: AsyncWebClient, text: str = "hello", **more: Any) -> str:
    return str((await client.chat_postMessage(channel=CHANNEL, text=text, **more))["ts"])


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-other", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(slack: LocalSlack, token: str, error: str) -> None:
    assert await error_of(AsyncWebClient(token=token, base_url=slack.api_url).auth_test()) == error


async def test_the_bot_learns_who_it_is(slack: LocalSlack, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0LOCAL", "U0LOCALBOT", "B0LOCAL")
    assert answer["url"] == slack.page_url


async def test_an_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


async def test_json_and_form_bodies_mean_the_same(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        fields = {"channel": CHANNEL, "text": "x", "blocks": '[{"type": "divider", "block_id": "d"}]'}
        await http.post(slack.api_url + "chat.postMessage", data=fields)
        fields["blocks"] = [{"type": "divider", "block_id": "d"}]  # type: ignore[assignment]
        await http.post(slack.api_url + "chat.postMessage", json=fields)
        answer = await http.post(
            slack.api_url + "chat.postMessage", data="{", headers={"Content-Type": "application/json"}
        )
        assert (await answer.json())["error"] == "invalid_json"
    first, second = slack.messages(CHANNEL)
    assert first.blocks == second.blocks == [{"type": "divider", "block_id": "d"}]


async def test_message_ids_are_unique_and_rise(slack: LocalSlack, client: AsyncWebClient) -> None:
    await asyncio.gather(*(post(client) for _ in range(50)))
    stamps = [m.ts for m in slack.messages(CHANNEL)]
    assert stamps == sorted(set(stamps)) and len(stamps) == 50


async def test_metadata_is_returned_when_asked_for(client: AsyncWebClient) -> None:
    metadata = {"event_type": "sayso_card", "event_payload": {"delivery": "d1"}}
    await post(client, metadata=metadata)
    with_it = await client.conversations_history(channel=CHANNEL, include_all_metadata=True)
    without = await client.conversations_history(channel=CHANNEL)
    assert with_it["messages"][0]["metadata"] == metadata
    assert "metadata" not in without["messages"][0]


async def test_history_is_newest_first_in_pages_and_within_times(client: AsyncWebClient) -> None:
    stamps = [await post(client, str(i)) for i in range(5)]
    await post(client, "reply", thread_ts=stamps[0])
    first = await client.conversations_history(channel=CHANNEL, limit=3)
    rest = await client.conversations_history(
        channel=CHANNEL, limit=3, cursor=first["response_metadata"]["next_cursor"]
    )
    assert [m["text"] for m in [*first["messages"], *rest["messages"]]] == ["4", "3", "2", "1", "0"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    middle = await client.conversations_history(channel=CHANNEL, oldest=stamps[1], latest=stamps[3])
    assert [m["text"] for m in middle["messages"]] == ["2"]
    middle = await client.conversations_history(channel=CHANNEL, oldest=stamps[1], latest=stamps[3], inclusive=True)
    assert [m["text"] for m in middle["messages"]] == ["3", "2", "1"]


async def test_a_thread_is_read_oldest_first(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = await post(client, "parent")
    for words in ("one", "two"):
        await post(client, words, thread_ts=parent)
    answer = await client.conversations_replies(channel=CHANNEL, ts=parent)
    assert [m["text"] for m in answer["messages"]] == ["parent", "one", "two"]
    assert answer["messages"][0]["reply_count"] == 2
    assert [m.text for m in slack.thread(CHANNEL, parent)] == ["parent", "one", "two"]
    assert await error_of(client.conversations_replies(channel=CHANNEL, ts="1.2")) == "thread_not_found"


async def test_a_bot_changes_only_its_own_messages(slack: LocalSlack, client: AsyncWebClient) -> None:
    said = await slack.person("U0MARIA").say(CHANNEL, "mine")
    update = client.chat_update(channel=CHANNEL, ts=said.ts, text="yours")
    assert await error_of(update) == "cant_update_message"
    assert await error_of(client.chat_delete(channel=CHANNEL, ts=said.ts)) == "cant_delete_message"
    assert await error_of(client.chat_update(channel=CHANNEL, ts="1.2", text="x")) == "message_not_found"


async def test_an_update_keeps_the_id_and_the_metadata(slack: LocalSlack, client: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {}}
    ts = await post(client, "before", blocks=copy.deepcopy(CARD), metadata=metadata)
    await client.chat_update(channel=CHANNEL, ts=ts, text="after")
    message = slack.message(CHANNEL, ts)
    assert (message.text, message.blocks, message.metadata) == ("after", [], metadata)
    assert message.edited is not None


async def test_a_deleted_message_is_gone(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = await post(client)
    await client.chat_delete(channel=CHANNEL, ts=ts)
    assert slack.messages(CHANNEL) == []
    assert await error_of(client.chat_update(channel=CHANNEL, ts=ts, text="x")) == "message_not_found"


@pytest.mark.filterwarnings("ignore:The top-level:UserWarning")
async def test_channels_refuse_as_slack_does(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.add_channel("closed", id="C0CLOSED", bot_is_member=False)
    slack.add_channel("old", id="C0OLD")
    slack.archive("C0OLD")
    for channel, error in (
        ("C0NONE", "channel_not_found"),
        ("C0CLOSED", "not_in_channel"),
        ("C0OLD", "is_archived"),
    ):
        assert await error_of(client.chat_postMessage(channel=channel, text="x")) == error
    assert await error_of(client.chat_postMessage(channel=CHANNEL, text="  ")) == "no_text"
    assert await error_of(client.chat_postMessage(channel=CHANNEL, text="x", thread_ts="0")) == "invalid_thread_ts"


async def test_a_reply_to_what_is_gone_stands_in_the_channel(slack: LocalSlack, client: AsyncWebClient) -> None:
    # slack-go/slack#1571: Slack refuses nothing, and the missing thread_ts is the only sign of it.
    parent = await post(client, "Where is my money?")
    threaded = await client.chat_postMessage(channel=CHANNEL, text="first", thread_ts=parent)
    await client.chat_delete(channel=CHANNEL, ts=parent)
    stray = await client.chat_postMessage(channel=CHANNEL, text="second", thread_ts=parent)
    assert threaded["message"]["thread_ts"] == parent
    assert "thread_ts" not in stray["message"]
    history = await client.conversations_history(channel=CHANNEL)
    assert [message["text"] for message in history["messages"]] == ["second"]


async def test_a_private_channel_is_not_there_for_a_bot_that_is_no_member(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.add_channel("board", id="C0BOARD", private=True, bot_is_member=False)
    for refused in (
        client.chat_postMessage(channel="C0BOARD", text="x"),
        client.chat_postMessage(channel="board", text="x"),
        client.chat_postEphemeral(channel="C0BOARD", user="U0MARIA", text="x"),
        client.conversations_history(channel="C0BOARD"),
        client.conversations_replies(channel="C0BOARD", ts="1.2"),
        client.conversations_info(channel="C0BOARD"),
        client.conversations_members(channel="C0BOARD"),
        client.chat_getPermalink(channel="C0BOARD", message_ts="1.2"),
    ):
        assert await error_of(refused) == "channel_not_found"
    assert (await client.conversations_list(types="private_channel"))["channels"] == []


async def test_a_private_channel_with_the_bot_in_it_is_as_any_other(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.add_channel("board", id="C0BOARD", private=True)
    posted = await client.chat_postMessage(channel="C0BOARD", text="x")
    assert (await client.conversations_history(channel="C0BOARD"))["messages"][0]["ts"] == posted["ts"]
    (listed,) = (await client.conversations_list(types="private_channel"))["channels"]
    assert (listed["id"], listed["is_private"], listed["is_member"]) == ("C0BOARD", True, True)
    assert "C0BOARD" not in [c["id"] for c in (await client.conversations_list())["channels"]]


async def test_a_message_to_a_person_opens_a_direct_message(slack: LocalSlack, client: AsyncWebClient) -> None:
    direct = (await client.conversations_open(users="U0MARIA"))["channel"]["id"]
    assert (await client.chat_postMessage(channel="U0MARIA", text="hi"))["channel"] == direct
    assert (await client.conversations_info(channel=direct))["channel"]["is_im"]
    assert await error_of(client.conversations_open(users="U0NOBODY")) == "user_not_found"


async def test_only_a_new_message_goes_to_a_person_or_a_name(slack: LocalSlack, client: AsyncWebClient) -> None:
    name = slack.world.channels[CHANNEL].name
    direct = await client.chat_postMessage(channel="U0MARIA", text="hi")
    named = await client.chat_postMessage(channel=name, text="hi")
    for channel, ts in (("U0MARIA", direct["ts"]), (name, named["ts"])):
        for refused in (
            client.chat_update(channel=channel, ts=ts, text="x"),
            client.chat_delete(channel=channel, ts=ts),
            client.reactions_add(channel=channel, timestamp=ts, name="eyes"),
        ):
            assert await error_of(refused) == "channel_not_found"
    whisper = client.chat_postEphemeral(channel="U0MARIA", user="U0MARIA", text="x")
    assert await error_of(whisper) == "channel_not_found"
    assert (await client.chat_update(channel=direct["channel"], ts=direct["ts"], text="x"))["ok"]


async def test_an_ephemeral_is_seen_by_one_person(slack: LocalSlack, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel=CHANNEL, user="U0MARIA", text="only you")
    assert [m.text for m in slack.ephemerals("U0MARIA")] == ["only you"]
    assert slack.messages(CHANNEL) == []
    wrong = client.chat_postEphemeral(channel=CHANNEL, user="U0NOBODY", text="x")
    assert await error_of(wrong) == "user_not_found"


async def test_an_ephemeral_is_seen_by_members_only(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.leave(CHANNEL, "U0MARIA")
    outside = client.chat_postEphemeral(channel=CHANNEL, user="U0MARIA", text="x")
    assert await error_of(outside) == "user_not_in_channel"
    assert slack.ephemerals("U0MARIA") == []


async def test_profiles_say_who_is_a_guest_a_bot_or_gone(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.add_user("guest", id="U0GUEST", is_restricted=True)
    slack.add_user("gone", id="U0GONE", deleted=True)
    slack.add_user("other", id="U0OTHER", team_id="T0OTHER", is_stranger=True)
    maria = (await client.users_info(user="U0MARIA"))["user"]
    assert (maria["real_name"], maria["profile"]["display_name"]) == ("Maria Lopez", "maria")
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"]
    assert (await client.users_info(user="U0GONE"))["user"]["deleted"]
    other = (await client.users_info(user="U0OTHER"))["user"]
    assert (other["team_id"], other["is_stranger"]) == ("T0OTHER", True)
    assert len((await client.users_list())["members"]) == 5
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_groups_list_their_people(slack: LocalSlack, client: AsyncWebClient) -> None:
    group = slack.add_group("leads", ["U0MARIA"], id="S0LEADS")
    assert (await client.usergroups_users_list(usergroup="S0LEADS"))["users"] == ["U0MARIA"]
    assert "users" not in (await client.usergroups_list())["usergroups"][0]
    assert (await client.usergroups_list(include_users=True))["usergroups"][0]["handle"] == "leads"
    slack.set_group_users(group, [])
    assert (await client.usergroups_users_list(usergroup="S0LEADS"))["users"] == []
    assert await error_of(client.usergroups_users_list(usergroup="S0NO")) == "no_such_subteam"


async def test_groups_are_listed_with_what_was_asked_for_and_without_the_disabled(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.add_group("leads", ["U0MARIA"], id="S0LEADS")
    slack.add_group("nobody", [], id="S0NOBODY")
    slack.disable_group(slack.add_group("gone", ["U0MARIA"], id="S0GONE"))
    leads, nobody = (await client.usergroups_list())["usergroups"]
    assert not {"users", "user_count"} & (leads.keys() | nobody.keys())
    leads, nobody = (await client.usergroups_list(include_users=True, include_count=True))["usergroups"]
    assert (leads["users"], leads["user_count"], "users" in nobody) == (["U0MARIA"], 1, False)
    gone = (await client.usergroups_list(include_disabled=True))["usergroups"][-1]
    assert (gone["id"], gone["date_delete"] > 0) == ("S0GONE", True)
    assert await error_of(client.usergroups_users_list(usergroup="S0GONE")) == "no_such_subteam"
    listed = await client.usergroups_users_list(usergroup="S0GONE", include_disabled=True)
    assert listed["users"] == ["U0MARIA"]


async def test_a_picture_is_uploaded_and_shown(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = await post(client)
    await client.files_upload_v2(channel=CHANNEL, thread_ts=ts, file=PNG, filename="risk.png", title="Risk")
    picture = slack.thread(CHANNEL, ts)[1].files[0]
    assert (picture["title"], picture["mimetype"], picture["size"]) == ("Risk", "image/png", len(PNG))
    async with aiohttp.ClientSession() as http, http.get(picture["url_private"]) as answer:
        assert await answer.read() == PNG
    nothing = client.files_completeUploadExternal(files=[{"id": "F0"}], channel_id=CHANNEL)
    assert await error_of(nothing) == "file_not_found"


async def test_a_reaction_is_added_once(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = await post(client)
    await client.reactions_add(channel=CHANNEL, timestamp=ts, name="eyes")
    assert slack.message(CHANNEL, ts).reactions == (("eyes", ("U0LOCALBOT",)),)
    again = client.reactions_add(channel=CHANNEL, timestamp=ts, name="eyes")
    assert await error_of(again) == "already_reacted"


async def test_a_permalink_leads_to_the_message(client: AsyncWebClient) -> None:
    ts = await post(client)
    link = (await client.chat_getPermalink(channel=CHANNEL, message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/{CHANNEL}/p{ts.replace('.', '')}")
    assert await error_of(client.chat_getPermalink(channel=CHANNEL, message_ts="1.2")) == "message_not_found"


async def test_lists_come_in_pages(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.add_channel("general")
    names: list[str] = []
    cursor = ""
    while True:
        answer = await client.conversations_list(limit=1, cursor=cursor)
        names += [c["name"] for c in answer["channels"]]
        cursor = answer["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert names == ["approvals", "general"]
    assert set((await client.conversations_members(channel=CHANNEL))["members"]) == {"U0MARIA", "U0LOCALBOT"}


async def test_home_is_published_and_guarded_by_its_hash(slack: LocalSlack, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    answer = await client.views_publish(user_id="U0MARIA", view=home)
    assert (await slack.wait_for_home("U0MARIA")).id == answer["view"]["id"]
    again = await client.views_publish(user_id="U0MARIA", view=home, hash=answer["view"]["hash"])
    assert again["view"]["id"] == answer["view"]["id"]
    stale = client.views_publish(user_id="U0MARIA", view=home, hash=answer["view"]["hash"])
    assert await error_of(stale) == "hash_conflict"


async def test_a_trigger_that_never_was_is_refused(client: AsyncWebClient) -> None:
    assert await error_of(client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"


async def test_posting_is_paced_for_each_channel(slack: LocalSlack) -> None:
    async with LocalSlack(bot_token=TOKEN, signing_secret=SECRET, pacing=True) as paced:
        paced.add_channel("one", id="C1")
        paced.add_channel("two", id="C2")
        client = AsyncWebClient(token=TOKEN, base_url=paced.api_url)
        for _ in range(5):
            await client.chat_postMessage(channel="C1", text="x")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C1", text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C2", text="x")


async def test_every_call_is_logged(slack: LocalSlack, client: AsyncWebClient) -> None:
    await post(client, "x")
    await error_of(client.chat_postMessage(channel="C0NONE", text="y"))
    assert [(c.method, c.args["text"], c.error) for c in slack.calls] == [
        ("chat.postMessage", "x", None),
        ("chat.postMessage", "y", "channel_not_found"),
    ]


async def test_waiting_ends_with_the_message_or_with_its_change(slack: LocalSlack, client: AsyncWebClient) -> None:
    waiting = asyncio.create_task(slack.wait_for_message(CHANNEL, lambda m: m.text == "done"))
    ts = await post(client, "pending")
    assert not waiting.done()
    await client.chat_update(channel=CHANNEL, ts=ts, text="done")
    assert (await waiting).ts == ts
    with pytest.raises(TimeoutError):
        await slack.wait_for_message(CHANNEL, lambda m: m.text == "never", timeout=0.02)
