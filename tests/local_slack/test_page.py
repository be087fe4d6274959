"""What people see and do on the page of the local Slack: a real browser, and a real Bolt app behind it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from tests.local_slack.browser import Screen, post, row, screen_of, type_line
from tests.local_slack.conftest import CHANNEL, SECRET, TOKEN, Bot, Json, button, text

MARIA = "U0MARIA"
SAM = "U0SAM"


@pytest.fixture
async def screen(slack: LocalSlack) -> AsyncIterator[Screen]:
    """A browser, and a second person in the workspace."""
    slack.add_user("sam", id=SAM, real_name="Sam Okafor", title="Support lead")
    slack.join(CHANNEL, SAM)
    async with screen_of(slack) as screen:
        yield screen


async def test_messages_of_people_and_of_the_app_appear_while_they_are_said(
    screen: Screen, client: AsyncWebClient, maria: Person
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    said = await maria.say(CHANNEL, "Good *morning*")
    await expect(row(page, said.ts).locator(".name")).to_have_text("Maria Lopez")
    await expect(row(page, said.ts).locator("strong")).to_have_text("morning")
    ts = await post(client, text="From the app")
    await expect(row(page, ts)).to_contain_text("APP")
    await client.chat_update(channel=CHANNEL, ts=ts, text="Changed")
    await expect(row(page, ts)).to_contain_text("Changed (edited)")
    await client.chat_delete(channel=CHANNEL, ts=ts)
    await expect(row(page, ts)).to_have_count(0)


async def test_a_slash_command_is_suggested_and_its_answer_is_only_for_its_person(
    screen: Screen, bot: Bot, maria: Person
) -> None:
    @bot.app.command("/threshold")
    async def threshold(ack: Any, command: Json) -> None:
        await ack(f"You typed {command['text']}")

    page = await screen.open(MARIA, CHANNEL)
    other = await screen.open(SAM, CHANNEL)
    await page.get_by_test_id("composer").press_sequentially("/thr")
    await expect(page.get_by_role("option", name="/threshold")).to_contain_text("Show or set thresholds")
    await page.get_by_test_id("composer").press("Enter")
    await page.get_by_test_id("composer").press_sequentially("refunds 0.9")
    await page.get_by_test_id("composer").press("Enter")
    answer = page.locator("[data-ephemeral]")
    await expect(answer).to_contain_text("Only visible to you")
    await expect(answer).to_contain_text("You typed refunds 0.9")
    await maria.say(CHANNEL, "done")
    await expect(other.get_by_test_id("messages")).to_contain_text("done")
    await expect(other.locator("[data-ephemeral]")).to_have_count(0)


async def test_an_unknown_command_stays_in_the_box_with_a_reason(screen: Screen) -> None:
    page = await screen.open(MARIA, CHANNEL)
    await type_line(page, "/nope now")
    await expect(page.get_by_role("alert")).to_have_text("/nope is not a valid command.")
    await expect(page.get_by_test_id("composer")).to_have_value("/nope now")


async def test_a_message_is_typed_with_a_mention_and_a_second_line(screen: Screen, slack: LocalSlack) -> None:
    page = await screen.open(MARIA, CHANNEL)
    box = page.get_by_test_id("composer")
    await box.press_sequentially("Look @sam")
    await box.press("Tab")
    await box.press("Shift+Enter")
    await box.press_sequentially("<b>now</b>")
    await box.press("Enter")
    await expect(page.get_by_test_id("messages")).to_contain_text("Look @Sam Okafor \n<b>now</b>")
    assert slack.messages(CHANNEL)[-1].text == f"Look <@{SAM}> \n&lt;b&gt;now&lt;/b&gt;"


async def test_a_thread_opens_beside_the_channel_and_takes_replies(
    screen: Screen, slack: LocalSlack, client: AsyncWebClient, maria: Person
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="The start")
    await maria.say(CHANNEL, "First reply", thread_ts=ts)
    await row(page, ts).get_by_role("button", name="1 reply").click()
    thread = page.get_by_test_id("thread-panel")
    await expect(thread).to_contain_text("First reply")
    await page.get_by_test_id("thread-composer").fill("Second reply")
    await page.get_by_test_id("thread-composer").press("Enter")
    await expect(thread.locator("[data-ts]")).to_have_count(3)
    await expect(row(page, ts)).to_contain_text("2 replies")
    await expect(page.get_by_test_id("messages")).not_to_contain_text("Second reply")
    assert [m.text for m in slack.thread(CHANNEL, ts)][1:] == ["First reply", "Second reply"]
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()


async def test_a_reply_that_is_also_sent_to_the_channel_stands_in_both(
    screen: Screen, client: AsyncWebClient, maria: Person
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="The start")
    await maria.say(CHANNEL, "For all", thread_ts=ts, broadcast=True)
    await expect(page.get_by_test_id("messages")).to_contain_text("For all")
    await row(page, ts).get_by_role("button", name="1 reply").click()
    await expect(page.get_by_test_id("thread-panel")).to_contain_text("For all")


async def test_somebody_else_takes_the_chair_in_the_same_channel(screen: Screen, slack: LocalSlack) -> None:
    slack.add_channel("general", id="C0GENERAL")
    page = await screen.open(MARIA, "C0GENERAL")
    await expect(page.get_by_test_id("person-switch")).to_contain_text("You are Maria Lopez")
    await page.get_by_test_id("person-switch").click()
    await page.get_by_role("option", name="Sam Okafor Support lead").click()
    await expect(page.get_by_test_id("person-switch")).to_contain_text("You are Sam Okafor")
    await expect(page).to_have_url(f"{slack.page_url}?as={SAM}#C0GENERAL")
    await type_line(page, "It is me")
    await expect(page.get_by_test_id("messages").locator(".name")).to_have_text("Sam Okafor")


async def test_unread_messages_are_counted_until_the_channel_is_opened(
    screen: Screen, slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.add_channel("general", id="C0GENERAL")
    page = await screen.open(MARIA, "C0GENERAL")
    entry = page.locator(f'[data-channel-id="{CHANNEL}"]')
    await post(client, text="one")
    await post(client, text=f"two <@{MARIA}>")
    await expect(entry.locator(".badge-mention")).to_have_text("2")
    await entry.click()
    await page.locator('[data-channel-id="C0GENERAL"]').click()
    await expect(entry.locator(".badge")).to_have_count(0)


async def test_reading_older_messages_is_not_disturbed_and_one_click_leads_to_the_newest(
    screen: Screen, client: AsyncWebClient
) -> None:
    for number in range(40):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    await expect(page.get_by_text("line 39")).to_be_in_viewport()
    await page.get_by_text("line 5\n").scroll_into_view_if_needed()
    ts = await post(client, text="newest")
    await expect(row(page, ts)).to_have_count(1)
    await expect(row(page, ts)).not_to_be_in_viewport()
    await page.get_by_role("button", name="1 new").click()
    await expect(row(page, ts)).to_be_in_viewport()


async def test_home_shows_what_the_app_publishes_and_its_buttons_work(screen: Screen, bot: Bot) -> None:
    @bot.app.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        await publish(client, event["user"], "3 wait")

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await publish(client, body["user"]["id"], "2 wait")

    async def publish(client: AsyncWebClient, user: str, words: str) -> None:
        blocks = [{"type": "section", "text": text(words), "accessory": button()}]
        await client.views_publish(user_id=user, view={"type": "home", "blocks": blocks})

    page = await screen.open(MARIA, CHANNEL)
    await page.get_by_test_id("open-home").click()
    await expect(page.get_by_test_id("home")).to_contain_text("3 wait")
    await page.get_by_test_id("home").locator("[data-action-id=approve]").click()
    await expect(page.get_by_test_id("home")).to_contain_text("2 wait")


async def test_the_page_recovers_when_the_server_is_restarted(
    screen: Screen, slack: LocalSlack, client: AsyncWebClient
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    port = int(slack.page_url.rstrip("/").rpartition(":")[2])
    await slack.stop()
    await expect(page.get_by_role("status")).to_contain_text("Reconnecting")
    async with LocalSlack(bot_token=TOKEN, signing_secret=SECRET, port=port) as again:
        again.add_user("maria", id=MARIA, real_name="Maria Lopez")
        again.add_channel("approvals", id=CHANNEL, topic="Second life")
        await again.person(MARIA).say(CHANNEL, "Said while you were away")
        await expect(page.get_by_test_id("messages")).to_contain_text("Said while you were away")
        await expect(page.get_by_text("Second life")).to_be_visible()
        await type_line(page, "Back again")
        await expect(page.get_by_test_id("messages")).to_contain_text("Back again")
