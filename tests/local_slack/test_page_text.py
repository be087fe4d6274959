"""How the page shows text: Slack's markup where the app asked for it, everything else exactly as written."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import LocalSlack
from tests.local_slack.browser import Screen, screen_of
from tests.local_slack.conftest import CHANNEL, Json

MARIA = "U0MARIA"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!channel> <!here> <@U0MARIA> <!subteam^S1>",
    "*bold* _italic_ ~strike~ `code` > quote",
    "<https://evil.example|https://good.example> [good](https://evil.example)",
    "&lt;b&gt; &amp;amp; \u2028 \ue0000\ue001",
    "line\n" * 30 + "the end",
]
LINK = 'target="_blank" rel="noopener noreferrer"'
MARKUP = {
    "*bold* _italic_ ~gone~ `x*y*z`": "<strong>bold</strong> <em>italic</em> <s>gone</s> <code>x*y*z</code>",
    "*bold _and italic_*": "<strong>bold <em>and italic</em></strong>",
    "snake_case_name 2*3*4 ~": "snake_case_name 2*3*4 ~",
    "a &lt;b&gt; &amp;amp; c": "a &lt;b&gt; &amp;amp; c",
    "before\n> one\n> two\nafter": "before<blockquote>one\ntwo</blockquote>after",
    "see ```\nif (a &lt; b) *x*\n``` end": "see <pre>if (a &lt; b) *x*</pre> end",
    "<https://e.example/a_b_c|a _label_>": f'<a href="https://e.example/a_b_c" {LINK}>a _label_</a>',
    "go to https://e.example/x.": f'go to <a href="https://e.example/x" {LINK}>https://e.example/x</a>.',
    "<javascript:alert(1)|free money>": (
        '<span class="dead-link" title="This address is not a web link">free money</span>'
    ),
    "<!date^0^{date_num}|then>": '<time title="then" datetime="1970-01-01T00:00:00.000Z">1970-01-01</time>',
    "<@U0MARIA> <@U0NOBODY|ghost> <!here>": (
        '<span class="mention mention-me" title="" data-user-id="U0MARIA">@Maria Lopez</span> '
        '<span class="mention" data-user-id="U0NOBODY">@ghost</span> '
        '<span class="mention mention-me">@here</span>'
    ),
    ":no_such_emoji: 12:30:45": ":no_such_emoji: 12:30:45",
}


@pytest.fixture
async def screen(slack: LocalSlack) -> AsyncIterator[Screen]:
    """A browser."""
    async with screen_of(slack) as screen:
        yield screen


def rich(words: str) -> Json:
    """Return a rich_text quote of these words."""
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": words}]}
    return {"type": "rich_text", "elements": [quote]}


async def test_slacks_markup_is_shown_as_slack_shows_it(screen: Screen, client: AsyncWebClient) -> None:
    page = await screen.open(MARIA, CHANNEL)
    for source, html in MARKUP.items():
        ts = (await client.chat_postMessage(channel=CHANNEL, text=source))["ts"]
        shown = page.get_by_test_id("messages").locator(f'[data-ts="{ts}"] .text')
        assert await shown.inner_html() == html


async def test_what_customers_wrote_is_shown_to_the_letter(screen: Screen, client: AsyncWebClient) -> None:
    page = await screen.open(MARIA, CHANNEL)
    for words in HOSTILE:
        plain = {"type": "section", "text": {"type": "plain_text", "text": words}}
        cell = {"type": "table", "rows": [[{"type": "raw_text", "text": words}]]}
        blocks = [rich(words), plain, cell]
        ts = (await client.chat_postMessage(channel=CHANNEL, text="card", blocks=blocks))["ts"]
        row = page.get_by_test_id("messages").locator(f'[data-ts="{ts}"]')
        for shown in (row.locator("blockquote"), row.locator(".text"), row.locator("th")):
            assert await shown.text_content() == words
        assert await row.locator("script, .blocks img, .blocks a, .mention, strong, em, code").count() == 0


async def test_a_markdown_block_is_formatted_and_its_dangerous_links_are_dead(
    screen: Screen, client: AsyncWebClient
) -> None:
    links = "[ok](https://e.example) [bad](javascript:alert(1))"
    source = f"# Head\n**bold** {links}\n\n1. one\n   - two\n\n| a |\n|---|\n| <b> |"
    page = await screen.open(MARIA, CHANNEL)
    await client.chat_postMessage(channel=CHANNEL, text="md", blocks=[{"type": "markdown", "text": source}])
    shown = page.locator(".md")
    await expect(shown.get_by_role("heading", name="Head")).to_be_visible()
    await expect(shown.locator("strong")).to_have_text("bold")
    await expect(shown.locator("a")).to_have_text("ok")
    await expect(shown.locator(".dead-link")).to_have_text("bad")
    await expect(shown.locator("ol > li > ul > li")).to_have_text("two")
    await expect(shown.locator("td")).to_have_text("<b>")


async def test_a_shared_picture_is_shown_in_its_message(screen: Screen, client: AsyncWebClient) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>"
    page = await screen.open(MARIA, CHANNEL)
    await client.files_upload_v2(channel=CHANNEL, filename="share.svg", content=svg, title="Automated share")
    picture = page.get_by_role("img", name="Automated share")
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("naturalWidth", 9)
