"""A real headless Chromium that looks at the page of a local Slack; without it these tests are skipped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from tests.local_slack.conftest import CHANNEL

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
expect.set_options(timeout=15_000)


class Screen:
    """Opens the page as a person, and remembers every error that the browser reported."""

    def __init__(self, browser: Browser, slack: LocalSlack) -> None:
        self._browser = browser
        self._slack = slack
        self.errors: list[str] = []

    async def open(self, user: str, place: str, *, width: int = 1280, dark: bool = False) -> Page:
        """Return the page of this person at a channel (its id) or at `home`, connected for live events."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", locale="en-GB"
        )
        page = await context.new_page()
        page.set_default_timeout(5_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(f"a script ran: {dialog.message}"))
        page.on("console", self._note)
        await page.goto(f"{self._slack.page_url}?as={user}#{place}")
        await expect(page.locator("body")).to_have_attribute("data-online", "true")
        return page

    def _note(self, message: Any) -> None:
        # A request that fails while the server restarts is the test's doing, not the page's.
        expected = ("Failed to load resource", "WebSocket connection")
        if message.type == "error" and not message.text.startswith(expected):
            self.errors.append(message.text)


@asynccontextmanager
async def screen_of(slack: LocalSlack) -> AsyncIterator[Screen]:
    """Yield a screen; afterwards, no script error may have happened."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is absent")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        screen = Screen(browser, slack)
        yield screen
        await browser.close()
    assert screen.errors == []


def row(page: Page, ts: str) -> Locator:
    """Return the message with this ts in the channel."""
    return page.get_by_test_id("messages").locator(f'[data-ts="{ts}"]')


async def post(client: AsyncWebClient, **message: Any) -> str:
    """Let the app post in the channel of the tests, and return the message's ts."""
    return str((await client.chat_postMessage(channel=CHANNEL, **message))["ts"])


async def type_line(page: Page, line: str) -> None:
    """Write into the message box and press Enter."""
    await page.get_by_test_id("composer").fill(line)
    await page.get_by_test_id("composer").press("Enter")
