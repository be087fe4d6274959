"""What a newcomer does in the sample shop, in a real browser: only clicks and typing, and a look at the customers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Locator, Page, expect

from bot.config import Config
from bot.sample_shop import Shop, opened
from tests.local_slack.browser import Screen, screen_of, type_line

MARIA, AMARA, JONAS, FELIX = "U0MARIA", "U0AMARA", "U0JONAS", "U0FELIX"
REVIEW, ESCALATIONS, OPS, LOG, CUSTOMERS = "C0REVIEW", "C0ESCALATE", "C0OPS", "C0LOG", "C0CUSTOMERS"
PAN, RETURN, TABLE, RAIN = "Pan on induction", "Too late to return?", "The table wobbles", "Parcel left in the rain"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """The sample shop as `make run` starts it, with an AI in a hurry."""
    config = Config.of({"SAYSO_PORT": "0", "SAYSO_LOG_LEVEL": "ERROR"})
    async with opened(config, pace=0.05) as made:
        yield made


@pytest.fixture
async def screen(shop: Shop) -> AsyncIterator[Screen]:
    """A browser in front of it."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(screen_of(shop.slack))


def card(page: Page, subject: str) -> Locator:
    """The card with this subject in the channel."""
    return page.get_by_test_id("messages").locator(".message").filter(has_text=subject).first


def button(page: Page, subject: str, name: str) -> Locator:
    """A button of a card."""
    return card(page, subject).get_by_role("button", name=name, exact=True)


async def go(page: Page, channel: str) -> None:
    """Open a channel in the sidebar."""
    await page.locator(f'.sidebar [data-channel-id="{channel}"]').click()
    await expect(page.locator(f'.sidebar [data-channel-id="{channel}"]')).to_have_attribute("aria-current", "page")


async def become(page: Page, name: str) -> None:
    """Take somebody else's chair."""
    await page.get_by_test_id("person-switch").click()
    await page.get_by_role("option", name=name).click()
    await expect(page.get_by_test_id("person-switch")).to_contain_text(f"You are {name}")
    await expect(page.locator("body")).to_have_attribute("data-online", "true")


async def thread_of(page: Page, words: str) -> Locator:
    """The thread below a customer's message, opened."""
    await go(page, CUSTOMERS)
    message = page.get_by_test_id("messages").locator(".message").filter(has_text=words).first
    await message.get_by_test_id("thread-link").click()
    return page.get_by_test_id("thread-panel")


async def test_an_approved_reply_stands_in_the_customers_thread(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await expect(card(page, PAN)).to_contain_text("The AI is 0.84 sure; products needs 0.9 to run on its own.")
    await button(page, PAN, "Approve").click()
    await expect(card(page, PAN)).to_contain_text("Approved by @Maria Lopez")
    await expect(card(page, PAN)).to_contain_text("Sent.")
    await expect(button(page, PAN, "Approve")).to_have_count(0)
    thread = await thread_of(page, "cast-iron pan work on an induction hob")
    await expect(thread).to_contain_text("yes, the 28 cm cast-iron pan works on induction")
    await expect(thread).to_contain_text("Perfect, then I will order it tonight.")


async def test_an_edited_reply_goes_out_as_it_was_edited_and_the_card_shows_the_difference(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await expect(card(page, RETURN)).to_contain_text("Unused items can be returned within 30 days of delivery.")
    await button(page, RETURN, "Edit").click()
    modal = page.get_by_test_id("modal")
    await expect(modal).to_contain_text("Is it too late to send it back?")
    reply = modal.get_by_label("Reply")
    assert "14 days" in await reply.input_value()
    await reply.fill("Hello Olga,\n\nyou are in time: our return period is 30 days.\n\nKind regards,\nOak & Ember")
    await modal.get_by_role("button", name="Approve edited").click()
    await expect(modal).to_have_count(0)
    await expect(card(page, RETURN)).to_contain_text("Edited and approved by @Maria Lopez")
    await expect(card(page, RETURN).locator("s, del").first).to_be_visible()
    thread = await thread_of(page, "linen cushion three weeks ago")
    await expect(thread).to_contain_text("you are in time: our return period is 30 days.")
    await expect(thread).not_to_contain_text("14 days")


async def test_an_escalated_case_is_taken_over_and_a_person_answers_the_customer(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await button(page, RAIN, "Escalate").click()
    await expect(card(page, RAIN)).to_contain_text("It is with the escalation team now.")
    await become(page, "Amara Okafor")
    await go(page, OPS)
    await expect(page.get_by_test_id("messages")).to_contain_text("A case was escalated.")
    await go(page, ESCALATIONS)
    await expect(card(page, RAIN)).to_contain_text("Escalated by @Maria Lopez")
    await button(page, RAIN, "Take over").click()
    await expect(card(page, RAIN)).to_contain_text("Taken over by @Amara Okafor")
    await go(page, REVIEW)
    await expect(card(page, RAIN)).to_contain_text("Taken over by @Amara Okafor")
    await go(page, CUSTOMERS)
    message = page.get_by_test_id("messages").locator(".message").filter(has_text="left my parcel in the rain")
    await message.hover()
    await message.get_by_role("button", name="Reply in thread").click()
    await page.get_by_test_id("thread-composer").fill("Hello Yusuf, this is Amara. May I call you?")
    await page.get_by_test_id("thread-composer").press("Enter")
    thread = page.get_by_test_id("thread-panel")
    await expect(thread).to_contain_text("this is Amara")
    await expect(thread).not_to_contain_text("certainly not twice")


async def test_a_rejected_draft_is_never_sent_and_the_ai_tries_again(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await card(page, RETURN).locator("[data-action-id=sayso_more]").click()
    await page.get_by_role("menuitem", name="Reject…").click()
    modal = page.get_by_test_id("modal")
    await expect(modal).to_contain_text("Nothing will be sent or done.")
    await modal.get_by_label("In your own words").fill("It is 30 days, see the source.")
    await modal.get_by_role("button", name="Reject", exact=True).click()
    await expect(modal).to_have_count(0)
    await expect(card(page, RETURN)).to_contain_text("Rejected by @Maria Lopez")
    await expect(card(page, RETURN)).to_contain_text("It is 30 days, see the source.")
    second = page.get_by_test_id("messages").locator(".message").filter(has_text=RETURN).nth(1)
    await expect(second).to_contain_text("you are in time")
    await go(page, CUSTOMERS)
    asked = page.get_by_test_id("messages").locator(".message").filter(has_text="linen cushion three weeks ago")
    await expect(asked).to_be_visible()
    await expect(asked.get_by_test_id("thread-link")).to_have_count(0)


async def test_somebody_who_may_not_decide_is_told_so_and_nothing_happens(screen: Screen) -> None:
    page = await screen.open(FELIX, REVIEW)
    await button(page, PAN, "Approve").click()
    await expect(page.locator("[data-ephemeral]").last).to_contain_text("You are not on the list of approvers")
    await expect(button(page, PAN, "Approve")).to_be_visible()


async def test_two_people_agree_before_an_account_is_closed(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    account = "Please delete my account"
    await expect(card(page, account)).to_contain_text("0 of 2 approvals")
    await button(page, account, "Approve").click()
    await expect(card(page, account)).to_contain_text("1 of 2 approvals")
    await become(page, "Jonas Weber")
    await button(page, account, "Approve").click()
    await expect(card(page, account)).to_contain_text("Approved by @Maria Lopez and @Jonas Weber")
    thread = await thread_of(page, "Please close my account")
    await expect(thread).to_contain_text("The shop closes the account of Claire Dubois")


async def test_a_long_reply_is_read_before_it_is_approved(screen: Screen, shop: Shop) -> None:
    page = await screen.open(MARIA, REVIEW)
    for subject in (PAN, RETURN, RAIN):
        await button(page, subject, "Approve").click()
        await expect(card(page, subject)).to_contain_text("Sent.")
    await expect(button(page, "Manual is missing", "Approve")).to_have_count(0)
    await button(page, "Manual is missing", "Read and approve").click()
    modal = page.get_by_test_id("modal")
    await expect(modal).to_contain_text("it can set itself on fire")
    await modal.get_by_role("button", name="Approve", exact=True).click()
    await expect(modal).to_have_count(0)
    thread = await thread_of(page, "no manual in the box")
    await expect(thread).to_contain_text("it can set itself on fire")


async def test_a_threshold_is_shown_and_changed_by_typing_and_the_ops_channel_hears_why(screen: Screen) -> None:
    page = await screen.open(AMARA, REVIEW)
    await type_line(page, "/threshold")
    table = page.locator("[data-ephemeral]").last
    await expect(table.get_by_role("row", name="refunds")).to_contain_text("0.95")
    await type_line(page, "/threshold refunds 0.97 because two refunds went wrong last week")
    await expect(page.locator("[data-ephemeral]").last).to_contain_text("refunds is now autonomous, threshold 0.97")
    await go(page, OPS)
    notice = page.get_by_test_id("messages").locator(".message").last
    await expect(notice).to_contain_text("two refunds went wrong last week")
    await expect(notice).to_contain_text("Amara Okafor")
    await become(page, "Maria Lopez")
    await type_line(page, "/threshold refunds 0.5")
    await expect(page.locator("[data-ephemeral]").last).to_contain_text("Only the admins")
    await type_line(page, "/threshold refunds")
    await expect(page.locator("[data-ephemeral]").last).to_contain_text("0.97")


async def test_the_queue_is_listed_by_typing_and_opens_a_full_case(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await expect(button(page, "Please delete my account", "Approve")).to_be_visible()
    await type_line(page, "/approvals")
    listed = page.locator("[data-ephemeral]").last
    await expect(listed).to_contain_text("waiting")
    await expect(listed).to_contain_text("Tom Bailey")
    await listed.get_by_role("button", name="Open").first.click()
    await expect(page.get_by_test_id("modal")).to_contain_text("The full case")
    await page.get_by_test_id("modal-close").click()
    await type_line(page, "/approvals pause because the payments look odd")
    await expect(page.locator("[data-ephemeral]").last).to_contain_text("Only the admins")


async def test_the_app_home_shows_each_person_what_waits_for_them(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await expect(button(page, "Please delete my account", "Approve")).to_be_visible()
    await page.get_by_test_id("open-home").click()
    home = page.get_by_test_id("home")
    await expect(home).to_contain_text("What waits for you")
    await expect(home).to_contain_text("Tom Bailey")
    await expect(home).not_to_contain_text("Ingrid Holm")
    await become(page, "Amara Okafor")
    await expect(home).to_contain_text("Ingrid Holm")
    await expect(home).not_to_contain_text("Tom Bailey")


async def test_what_ran_on_its_own_is_in_the_log_with_its_reason(screen: Screen) -> None:
    page = await screen.open(MARIA, LOG)
    log = page.get_by_test_id("messages")
    await expect(log).to_contain_text("order_status runs on its own from 0.92")
    await expect(log).to_contain_text("look_up_order only reads")
    thread = await thread_of(page, "One of the two bowls")
    await expect(thread).to_contain_text("Refunded €40.00 to Mei Lin")


async def test_a_customer_sees_the_customers_channel_and_nothing_of_the_team(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW)
    await expect(card(page, PAN)).to_be_visible()
    await become(page, "Tom Bailey")
    await expect(page.locator(".sidebar [data-channel-id]")).to_have_text(["customers"])
    await expect(page.get_by_test_id("messages")).to_contain_text("cast-iron pan work on an induction hob")
    await expect(page.get_by_test_id("messages")).not_to_contain_text("needs 0.9 to run on its own")
    await type_line(page, "One more thing")
    await expect(page.get_by_test_id("messages")).to_contain_text("One more thing")
    await become(page, "Maria Lopez")
    await expect(page.locator(".sidebar [data-channel-id]").first).to_contain_text("ai-log")
    page = await screen.open("U0CUSTOMER2", REVIEW)
    await expect(page.get_by_test_id("messages")).to_contain_text("cast-iron pan work on an induction hob")
    await expect(page.locator(".place-title")).to_have_text("customers")


@pytest.mark.parametrize("width", [1280, 420])
async def test_undo_does_not_stand_where_approve_stood(screen: Screen, width: int) -> None:
    """The second half of a double click is meant for Approve, and the card is repainted before it comes."""
    page = await screen.open(MARIA, REVIEW, width=width)
    before = await button(page, TABLE, "Approve").bounding_box()
    await button(page, TABLE, "Approve").click()
    await expect(button(page, TABLE, "Undo")).to_be_visible()
    after = await button(page, TABLE, "Undo").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] >= before["x"] + before["width"]


async def test_a_card_fits_a_narrow_window(screen: Screen) -> None:
    page = await screen.open(MARIA, REVIEW, width=420)
    await expect(button(page, TABLE, "Approve")).to_be_visible()
    boxes = "[document.documentElement, ...document.querySelectorAll('.timeline')]"
    assert await page.evaluate(f"{boxes}.filter((box) => box.scrollWidth > box.clientWidth).length") == 0
