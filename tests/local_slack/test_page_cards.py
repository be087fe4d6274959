"""Cards, menus, dialogs and modals on the page: a real browser, and a real Bolt app behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack, Person
from tests.local_slack.browser import Screen, post, row, screen_of
from tests.local_slack.conftest import CARD, CHANNEL, Bot, Json, button, field, modal, text

MARIA = "U0MARIA"
SAM = "U0SAM"


@pytest.fixture
async def screen(slack: LocalSlack) -> AsyncIterator[Screen]:
    """A browser, and a second person in the workspace."""
    slack.add_user("sam", id=SAM, real_name="Sam Okafor", title="Support lead")
    slack.join(CHANNEL, SAM)
    async with screen_of(slack) as screen:
        yield screen


async def test_a_clicked_button_reaches_the_app_and_the_card_is_repainted(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    clicks: list[Json] = []

    @bot.app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        clicks.append(body)
        await ack()
        await client.chat_update(channel=CHANNEL, ts=body["message"]["ts"], text="Approved by Maria", blocks=[])

    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").click()
    await expect(row(page, ts)).to_contain_text("Approved by Maria")
    assert [c["actions"][0]["value"] for c in clicks] == ["p1"]
    assert clicks[0]["user"]["id"] == MARIA


async def test_a_button_spins_until_the_app_has_answered(screen: Screen, client: AsyncWebClient, bot: Bot) -> None:
    answer = asyncio.Event()

    @bot.app.action("approve")
    async def approve(ack: Any) -> None:
        await answer.wait()
        await ack()

    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    approve_button = row(page, ts).locator("[data-action-id=approve]")
    await approve_button.click()
    await expect(approve_button).to_have_attribute("aria-busy", "true")
    await approve_button.click()
    answer.set()
    await expect(approve_button).not_to_have_attribute("aria-busy", "true")
    assert len(bot.requests) == 1
    await expect(row(page, ts).locator(".warning-line")).to_have_count(0)


async def test_an_app_that_is_late_or_fails_leaves_a_warning_at_the_message(
    screen: Screen, slack: LocalSlack, client: AsyncWebClient, bot: Bot
) -> None:
    slack.deliveries.ack_seconds = 0.2

    @bot.app.action("approve")
    async def approve(ack: Any) -> None:
        await asyncio.sleep(0.5)
        await ack()

    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").click()
    await expect(row(page, ts).locator(".warning-line")).to_contain_text("did not respond")
    slack.connect_bot(bot.url + "/nowhere")
    await row(page, ts).locator("[data-action-id=approve]").click()
    await expect(row(page, ts).locator(".warning-line")).to_have_text("The app answered with an error (http_404).")


async def test_menus_deliver_what_was_chosen_by_mouse_and_by_keyboard(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    chosen: list[Json] = []

    async def take(ack: Any, body: Json) -> None:
        await ack()
        chosen.append(body["actions"][0])

    bot.app.action("more")(take)
    bot.app.action("who")(take)
    picker = {"type": "users_select", "action_id": "who", "placeholder": text("Assign to")}
    page = await screen.open(MARIA, CHANNEL)
    ts = await post(client, text="card", blocks=[*CARD, {"type": "actions", "elements": [picker]}])
    await row(page, ts).locator("[data-action-id=more]").click()
    await page.get_by_role("menuitem", name="Full case").click()
    who = row(page, ts).locator("[data-action-id=who]")
    await who.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(who).to_contain_text("Sam Okafor")
    await expect(who).not_to_have_attribute("aria-busy", "true")
    await expect(who).to_be_focused()
    assert [c.get("selected_option", {}).get("value") or c["selected_user"] for c in chosen] == [
        "full:p1",
        SAM,
    ]


async def test_a_button_with_a_confirm_dialog_acts_only_when_confirmed(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    @bot.app.action("drop")
    async def drop(ack: Any) -> None:
        await ack()

    ask = {
        "title": text("Sure?"),
        "text": text("It is gone then."),
        "confirm": text("Drop"),
        "deny": text("Keep"),
    }
    page = await screen.open(MARIA, CHANNEL)
    element = button("drop", "Drop", style="danger", confirm=ask)
    ts = await post(client, text="card", blocks=[{"type": "actions", "elements": [element]}])
    for answer in ("confirm-no", "confirm-yes"):
        await row(page, ts).locator("[data-action-id=drop]").click()
        await expect(page.get_by_test_id("confirm")).to_contain_text("It is gone then.")
        await page.get_by_test_id(answer).click()
        await expect(page.get_by_test_id("confirm")).to_have_count(0)
    await expect(row(page, ts).locator("[aria-busy=true]")).to_have_count(0)
    assert len(bot.requests) == 1


@pytest.fixture
def forms(bot: Bot) -> list[Json]:
    """An app whose Approve opens a modal; returns the values it was sent."""
    values: list[Json] = []

    @bot.app.action("approve")
    async def show(ack: Any, body: Json, client: AsyncWebClient) -> None:
        options = [{"text": text(word), "value": word.lower()} for word in ("Tone", "Facts")]
        reason: Json = {"type": "radio_buttons", "action_id": "reason", "options": options}
        tags: Json = {"type": "multi_static_select", "action_id": "tags", "options": options}
        blocks = (
            field(multiline=True, initial_value="Dear Nadia", max_length=20),
            {"type": "input", "block_id": "reason", "label": text("Reason"), "element": reason},
            {"type": "input", "block_id": "tags", "label": text("Tags"), "element": tags, "optional": True},
            {
                "type": "actions",
                "block_id": "row",
                "elements": [button("again", "Again"), button("next", "Next")],
            },
        )
        await client.views_open(trigger_id=body["trigger_id"], view=modal(*blocks))
        await ack()

    @bot.app.action("again")
    async def again(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        view = modal(*[*body["view"]["blocks"], {"type": "section", "text": text("Painted again")}])
        await client.views_update(view_id=body["view"]["id"], view=view)

    @bot.app.action("next")
    async def push(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=modal(title=text("Second")))
        await ack()

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json) -> None:
        values.append(view["state"]["values"])
        short = len(view["state"]["values"]["reply"]["value"]["value"]) < 5
        await (ack(response_action="errors", errors={"reply": "Too short"}) if short else ack())

    return values


async def opened_modal(screen: Screen, client: AsyncWebClient, *, width: int = 1280) -> Page:
    """Open the channel, post the card and click it."""
    page = await screen.open(MARIA, CHANNEL, width=width)
    ts = await post(client, text="card", blocks=CARD)
    await row(page, ts).locator("[data-action-id=approve]").click()
    await expect(page.get_by_test_id("modal")).to_be_visible()
    return page


async def test_a_modal_shows_errors_under_their_inputs_until_it_is_right(
    screen: Screen, client: AsyncWebClient, forms: list[Json]
) -> None:
    page = await opened_modal(screen, client)
    reply = page.get_by_test_id("modal").get_by_label("Reply")
    await expect(reply).to_be_focused()
    await expect(page.locator(".counter")).to_have_text("10 of 20 characters left")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.locator('[data-block="reason"] .field-error')).to_have_text(
        "Please complete this required field."
    )
    await page.get_by_label("Facts").check()
    await reply.fill("Hm")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.locator('[data-block="reply"] .field-error')).to_have_text("Too short")
    await expect(page.locator(".field-error")).to_have_count(1)
    await expect(reply).to_be_focused()
    await reply.fill("Dear Nadia, sorry.")
    await page.locator("[data-action-id=tags]").click()
    await page.get_by_role("option", name="Tone").click()
    await page.get_by_role("option", name="Facts").click()
    await page.keyboard.press("Escape")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_test_id("modal")).to_have_count(0)
    assert forms[-1]["reply"]["value"]["value"] == "Dear Nadia, sorry."
    assert forms[-1]["reason"]["reason"]["selected_option"]["value"] == "facts"
    assert [o["value"] for o in forms[-1]["tags"]["tags"]["selected_options"]] == ["tone", "facts"]


async def test_an_updated_modal_keeps_what_was_typed(screen: Screen, client: AsyncWebClient, forms: list[Json]) -> None:
    page = await opened_modal(screen, client)
    await page.get_by_test_id("modal").get_by_label("Reply").fill("My own words")
    await page.locator("[data-action-id=again]").click()
    await expect(page.get_by_test_id("modal")).to_contain_text("Painted again")
    await expect(page.get_by_test_id("modal").get_by_label("Reply")).to_have_value("My own words")


async def test_an_answer_that_updates_a_modal_leaves_its_fields_as_they_stand(
    screen: Screen, client: AsyncWebClient, bot: Bot
) -> None:
    """As in Slack, also where a field was not touched; the initial value counts for a field that is new."""
    heard: list[Json] = []

    def window(words: str, *names: str) -> Json:
        return modal(*(field(name, initial_value=words) | {"label": text(name)} for name in names))

    @bot.app.action("approve")
    async def opened(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=window("old", "Typed", "Left"))
        await ack()

    @bot.app.view("edit")
    async def submitted(ack: Any, view: Json) -> None:
        heard.append({block: state["value"]["value"] for block, state in view["state"]["values"].items()})
        again = window("new", "Typed", "Left", "Fresh")
        await (ack(response_action="update", view=again) if len(heard) == 1 else ack())

    page = await opened_modal(screen, client)
    dialog = page.get_by_test_id("modal")
    await dialog.get_by_label("Typed").fill("mine")
    await page.get_by_test_id("modal-submit").click()
    await expect(dialog.get_by_label("Fresh")).to_have_value("new")
    await expect(dialog.get_by_label("Typed")).to_have_value("mine")
    await expect(dialog.get_by_label("Left")).to_have_value("old")
    await page.get_by_test_id("modal-submit").click()
    await expect(dialog).to_have_count(0)
    assert heard[-1] == {"Typed": "mine", "Left": "old", "Fresh": "new"}


async def test_escape_goes_back_one_modal_at_a_time_and_the_focus_returns_to_the_button(
    screen: Screen, client: AsyncWebClient, forms: list[Json], maria: Person
) -> None:
    page = await opened_modal(screen, client)
    await page.get_by_test_id("modal").get_by_label("Reply").fill("My own words")
    await page.locator("[data-action-id=next]").click()
    await expect(page.get_by_role("heading", name="Second")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("modal").get_by_label("Reply")).to_have_value("My own words")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("modal")).to_have_count(0)
    await expect(page.locator("[data-action-id=approve]")).to_be_focused()
    assert maria.view is None


@pytest.mark.parametrize("dark", [False, True])
async def test_everything_fits_into_a_narrow_window(
    dark: bool, screen: Screen, client: AsyncWebClient, forms: list[Json]
) -> None:
    cells = [[{"type": "raw_text", "text": word * 9} for word in ("order", "amount")] for _ in range(2)]
    await post(client, text="table", blocks=[{"type": "table", "rows": cells}])
    await post(client, text="x" * 300 + " https://example.com/" + "y" * 300)
    page = await screen.open(MARIA, CHANNEL, width=420, dark=dark)
    width = "[document.documentElement, ...document.querySelectorAll('.timeline, .modal-body')]"
    ts = await post(client, text="card", blocks=CARD)
    for at in (row(page, ts), page.get_by_test_id("modal")):
        await expect(at).to_be_visible()
        assert await page.evaluate(f"{width}.filter((box) => box.scrollWidth > box.clientWidth).length") == 0
        if await page.get_by_test_id("modal").count() == 0:
            await row(page, ts).locator("[data-action-id=approve]").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("person-switch")).not_to_be_in_viewport()
    await page.get_by_role("button", name="Channels and people").click()
    await expect(page.get_by_test_id("person-switch")).to_be_in_viewport()
