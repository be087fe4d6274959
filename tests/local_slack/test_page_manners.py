"""How the page treats those who read, tab and listen: places are kept, letters can be read, little is read out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from bot.local_slack.model import COLORS
from tests.local_slack.browser import Screen, post, row, screen_of, type_line
from tests.local_slack.conftest import CARD, CHANNEL, Bot, Json, field, modal

MARIA, SAM = "U0MARIA", "U0SAM"


@pytest.fixture
async def screen(slack: LocalSlack) -> AsyncIterator[Screen]:
    """A browser, and a second person in the workspace."""
    slack.add_user("sam", id=SAM, real_name="Sam Okafor", title="Support lead")
    async with screen_of(slack) as screen:
        yield screen


@pytest.fixture
def deciding(bot: Bot) -> Bot:
    """An app that takes the buttons off a card once it is decided, at once or by way of a modal."""

    async def decide(client: AsyncWebClient, ts: str) -> None:
        await client.chat_update(channel=CHANNEL, ts=ts, text="Decided", blocks=CARD[:1])

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await decide(client, body["message"]["ts"])

    @bot.app.action("more")
    async def more(ack: Any, body: Json, client: AsyncWebClient) -> None:
        view = modal(private_metadata=body["message"]["ts"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @bot.app.view("edit")
    async def edited(ack: Any, view: Json, client: AsyncWebClient) -> None:
        await decide(client, view["private_metadata"])
        await ack()

    return bot


async def scrolled_up(screen: Screen, client: AsyncWebClient) -> Page:
    """Maria reads what was said long ago."""
    for number in range(40):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    await page.get_by_text("line 5\n").scroll_into_view_if_needed()
    await expect(page.get_by_text("line 39\n")).not_to_be_in_viewport()
    return page


async def test_what_one_sends_comes_into_view(screen: Screen, client: AsyncWebClient, slack: LocalSlack) -> None:
    page = await scrolled_up(screen, client)
    await type_line(page, "My own words")
    await expect(page.get_by_text("My own words")).to_be_in_viewport()
    await expect(page.get_by_test_id("composer")).to_be_focused()


async def test_the_answer_to_a_command_comes_into_view_and_a_mistyped_one_keeps_the_place(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    @bot.app.command("/threshold")
    async def threshold(ack: Any) -> None:
        await ack("All of them")

    page = await scrolled_up(screen, client)
    await type_line(page, "/treshold")
    await expect(page.get_by_role("alert")).to_contain_text("not a valid command")
    await expect(page.get_by_text("line 5\n")).to_be_in_viewport()
    await type_line(page, "/threshold")
    await expect(page.locator("[data-ephemeral]")).to_contain_text("All of them")
    await expect(page.locator("[data-ephemeral]")).to_be_in_viewport()


async def test_the_focus_stays_on_a_card_whose_button_has_gone(
    screen: Screen, client: AsyncWebClient, deciding: Bot
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").press("Enter")
    await expect(row(page, ts).locator("button[data-action-id]")).to_have_count(0)
    await expect(row(page, ts)).to_be_focused()


async def test_the_focus_returns_to_the_card_when_a_modal_decided_it(
    screen: Screen, client: AsyncWebClient, deciding: Bot
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    for closing in ("modal-close", "modal-submit"):
        await row(page, ts).locator("[data-action-id=more]").press("Enter")
        await page.keyboard.press("Enter")
        await page.get_by_test_id("modal").get_by_label("Reply").fill("Words")
        await page.get_by_test_id(closing).click()
        await expect(page.get_by_test_id("modal")).to_have_count(0)
        if closing == "modal-close":
            await expect(row(page, ts).locator("[data-action-id=more]")).to_be_focused()
    await expect(row(page, ts).locator("button[data-action-id]")).to_have_count(0)
    await expect(row(page, ts)).to_be_focused()


async def test_a_window_without_fields_is_not_submitted_by_the_key_that_opened_it(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    @bot.app.action("approve")
    async def read(ack: Any, body: Json, client: AsyncWebClient) -> None:
        section = {"type": "section", "text": {"type": "plain_text", "text": "line\n" * 200}}
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section))
        await ack()

    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").press("Enter")
    await expect(page.locator(".modal-body")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("PageDown")
    await page.wait_for_function("() => document.querySelector('.modal-body').scrollTop > 0")
    assert len(bot.requests) == 1


async def test_the_focus_goes_to_the_message_before_one_that_was_deleted(
    screen: Screen, client: AsyncWebClient
) -> None:
    page = await screen.open(MARIA, CHANNEL)
    first, second = [await post(client, text="card", blocks=CARD) for _ in range(2)]
    await row(page, second).locator("[data-action-id=approve]").focus()
    await client.chat_delete(channel=CHANNEL, ts=second)
    await expect(row(page, first)).to_be_focused()


async def test_a_card_stays_where_its_menu_is_open_while_others_arrive(
    screen: Screen, client: AsyncWebClient, deciding: Bot
) -> None:
    for number in range(20):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=more]").click()
    before = await row(page, ts).bounding_box()
    for _ in range(3):
        newest = await post(client, text="card", blocks=CARD)
    await expect(row(page, newest)).to_have_count(1)
    assert await row(page, ts).bounding_box() == before
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="3 new").click()
    await expect(row(page, newest)).to_be_in_viewport()


async def test_a_card_stays_while_the_pointer_is_on_its_buttons_and_the_newest_comes_when_it_leaves(
    screen: Screen, client: AsyncWebClient, deciding: Bot
) -> None:
    for number in range(20):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").hover()
    before = await row(page, ts).bounding_box()
    for _ in range(3):
        newest = await post(client, text="card", blocks=CARD)
    await expect(page.get_by_role("button", name="3 new")).to_be_visible()
    assert await row(page, ts).bounding_box() == before
    await page.mouse.move(5, 5)
    await expect(row(page, newest)).to_be_in_viewport()
    await expect(page.get_by_role("main").locator(".jump")).to_be_hidden()


async def test_pressing_a_button_that_then_goes_lets_the_newest_come(
    screen: Screen, client: AsyncWebClient, deciding: Bot
) -> None:
    for number in range(20):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    approve = row(page, ts).locator("[data-action-id=approve]")
    await approve.hover()
    for _ in range(3):
        newest = await post(client, text="card", blocks=CARD)
    await expect(page.get_by_role("button", name="3 new")).to_be_visible()
    await page.mouse.down()
    await page.mouse.up()
    await expect(approve).to_have_count(0)
    await expect(row(page, newest)).to_be_in_viewport()


async def test_who_scrolls_back_from_a_card_stays_there(screen: Screen, client: AsyncWebClient, deciding: Bot) -> None:
    for number in range(40):
        await post(client, text=f"line {number}\nand more of it")
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").hover()
    await post(client, text="card", blocks=CARD)
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    await page.mouse.wheel(0, -1500)
    await expect(row(page, ts)).not_to_be_in_viewport()
    await page.mouse.move(5, 5)
    await expect(row(page, ts)).not_to_be_in_viewport()
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()


async def test_the_list_of_people_stays_open_while_somebody_joins(screen: Screen, slack: LocalSlack) -> None:
    page = await screen.open(MARIA, CHANNEL)
    await page.get_by_test_id("person-switch").click()
    slack.add_channel("general")
    await expect(page.locator(".sidebar")).to_contain_text("general")
    await page.get_by_role("option", name="Sam Okafor").click()
    await expect(page.get_by_test_id("person-switch")).to_contain_text("You are Sam Okafor")
    await expect(page.get_by_test_id("person-switch")).to_be_focused()


CONTRAST = """(node) => {
  const light = (css) => css.match(/\\d+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0.05);
  const { color, backgroundColor } = getComputedStyle(node);
  const [more, less] = [light(color), light(backgroundColor)].sort((a, b) => b - a);
  return more / less;
}"""


async def test_initials_can_be_read_on_every_colour(screen: Screen, slack: LocalSlack) -> None:
    for number in range(len(COLORS)):
        user = slack.add_user(f"person-{number}")
        await slack.person(user).say(CHANNEL, "Hello")
    for number, hex_color in enumerate(("808080", "777777", "767676", "7a7a7a", "ffffff", "000000")):
        user = slack.add_user(f"grey-{number}")
        slack.change_user(user.id, color=hex_color)
        await slack.person(user).say(CHANNEL, "Hello")
    page = await screen.open(MARIA, CHANNEL)
    avatars = page.get_by_test_id("messages").locator(".avatar")
    await expect(avatars).to_have_count(len(COLORS) + 6)
    assert min([await one.evaluate(CONTRAST) for one in await avatars.all()]) >= 4.5


async def test_a_channels_name_fits_beside_its_count_and_a_longer_one_can_be_pointed_at(
    screen: Screen, slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.add_channel("support-escalations", id="C0ESCALATE")
    slack.add_channel("a-name-that-nobody-could-fit-into-any-sidebar", id="C0LONG")
    for channel in ("C0ESCALATE", "C0LONG"):
        await client.chat_postMessage(channel=channel, text=f"<@{MARIA}>")
    page = await screen.open(MARIA, CHANNEL)
    cut = "(node) => node.scrollWidth > node.clientWidth"
    usual, long = (page.locator(f"[data-channel-id={channel}] .side-name") for channel in ("C0ESCALATE", "C0LONG"))
    await expect(page.locator(".badge")).to_have_count(2)
    assert [await usual.evaluate(cut), await long.evaluate(cut)] == [False, True]
    await expect(long).to_have_attribute("title", "a-name-that-nobody-could-fit-into-any-sidebar")


async def test_the_cells_of_a_table_stand_on_one_line_unless_they_may_wrap(
    screen: Screen, client: AsyncWebClient
) -> None:
    heads = ("Category", "Mode", "Threshold", "Set by", "On its own", "Audited error", "Labels", "Needed")
    line = ("order_status", "autonomous", "0.92", "the policy file", "100 %", "–", "0", "–")
    rows = [[{"type": "raw_text", "text": cell} for cell in cells] for cells in (heads, line)]
    narrow = await screen.open(MARIA, CHANNEL, width=420)
    wide = await screen.open(MARIA, CHANNEL, width=1440)
    ts = await post(client, text="table", blocks=[{"type": "table", "rows": rows}])
    wrapped = [[{"type": "raw_text", "text": "word " * 99}]]
    settings: list[Json] = [{"is_wrapped": True}]
    prose = await post(client, text="t", blocks=[{"type": "table", "rows": wrapped, "column_settings": settings}])
    for page in (narrow, wide):
        await expect(row(page, prose)).to_be_visible()
        heights = [await one.evaluate("(td) => td.clientHeight") for one in await row(page, ts).locator("td").all()]
        assert max(heights) < 40
        whole = "(box) => box.scrollWidth <= box.clientWidth"
        assert await row(page, prose).locator(".table-scroll").evaluate(whole)
    assert await row(wide, ts).locator(".table-scroll").evaluate(whole)


async def test_only_what_is_new_is_read_out_and_not_what_is_painted_again(
    screen: Screen, client: AsyncWebClient, maria: Person
) -> None:
    await post(client, text="Said before")
    page = await screen.open(MARIA, CHANNEL)
    read_out = page.locator(".timeline-box > [aria-live=polite]").first
    await expect(page.get_by_test_id("messages")).to_have_attribute("aria-live", "off")
    ts = await post(client, text="Refund 40 EUR?")
    await expect(read_out).to_have_text("Sayso: Refund 40 EUR?")
    await client.chat_update(channel=CHANNEL, ts=ts, text="Refund 50 EUR?")
    await maria.say(CHANNEL, "Mine", thread_ts=ts)
    await maria.say(CHANNEL, "My own")
    await expect(page.get_by_test_id("messages")).to_contain_text("My own")
    await expect(read_out).to_have_text("Sayso: Refund 40 EUR?")


async def test_the_count_of_characters_is_read_out_only_in_a_pause_and_where_room_is_short(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    @bot.app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=modal(field(max_length=20)))
        await ack()

    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").click()
    live = page.get_by_test_id("modal").locator("[aria-live]")
    said = (
        "(node) => { window.said = []; new MutationObserver(() => said.push(node.textContent)).observe(node, "
        "{childList: true, characterData: true, subtree: true}); }"
    )
    await live.evaluate(said)
    await expect(page.locator(".counter")).to_be_hidden()
    await page.get_by_test_id("modal").get_by_label("Reply").press_sequentially("Dear Nadia, we are")
    await expect(page.locator(".counter")).to_have_text("2 of 20 characters left")
    await expect(live).to_have_text("2 of 20 characters left")
    assert await page.evaluate("said") == ["2 of 20 characters left"]
