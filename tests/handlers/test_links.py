"""Links that somebody else wrote: Slack opens none of them by itself, and each shows the host it really leads to."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.lifecycle import State
from bot.domain.proposal import Conversation, Evidence, Proposal
from bot.local_slack.model import Call
from bot.slack import ids
from bot.slack.cards import card
from bot.slack.edit_modal import edit_modal
from bot.slack.full_case import full_case
from bot.slack.notices import log_lines
from bot.slack.read_modal import read_modal
from tests.handlers.nasty import case, proposal, story, walk
from tests.world import World

LURE = "Look at https://evil.example/track?who=maria first."

# previews: opening one would tell the sender that it was read, and paint their picture below our card


async def said_about_a_lure(world: World) -> list[Call]:
    """Every message that was posted while cases full of links went every way that a case can go."""
    talk = {
        "id": "conv-1",
        "subject": LURE,
        "url": "https://evil.example/case",
        "customer": {"name": LURE, "email": "ana@example.com"},
        "messages": [{"role": "customer", "text": LURE}, {"role": "ai", "text": LURE}],
    }
    lure: dict[str, Any] = {
        "reply": {"text": LURE},
        "conversation": talk,
        "evidence": [{"title": LURE, "quote": LURE, "url": "https://evil.example/source"}],
    }
    held = await world.propose(**lure)
    await world.click("U0BEN", await world.card(held["id"]), ids.ESCALATE)
    await world.card(held["id"], "C0ESCALATE")
    await world.propose(category="orders", **lure)
    await world.message("C0LOG", "evil.example")
    asked = await world.slack.person("U0OTHER").say("C0CUSTOMERS", "Where is it?")
    thread = talk | {"id": f"slack:C0CUSTOMERS:{asked.ts}"}
    threaded = await world.propose(category="orders", **lure | {"conversation": thread}, connector="slack_thread")
    await world.until(threaded["id"], "executed")
    await world.message("C0OPS", "evil.example")
    return [call for call in world.slack.calls if call.method == "chat.postMessage"]


async def test_slack_opens_no_link_by_itself_in_anything_that_is_posted(world: World) -> None:
    posted = await said_about_a_lure(world)
    baited = {call.args["channel"] for call in posted if "evil.example" in str(call.args)}
    assert baited == {"C0REVIEW", "C0ESCALATE", "C0OPS", "C0LOG", "C0CUSTOMERS"}
    for call in posted:
        for flag in ("unfurl_links", "unfurl_media"):
            assert call.args.get(flag) is False, (flag, call.args["channel"], call.args["text"])


# where a link leads

TRUE_HOSTS = {
    "https://shop.example/refunds": "shop.example",
    "https://good.example@evil.example/": "evil.example (after a user name)",
    "https://evil.example/https://good.example/": "evil.example",
    "https://evil.example?good.example": "evil.example",
    "https://good.example.evil.example/": "good.example.evil.example",
    "https://аpple.com/": "xn--pple-43d.com (аpple.com)",
    "https://xn--pple-43d.com/": "xn--pple-43d.com (аpple.com)",
    "https://2130706433/": "2130706433 (127.0.0.1)",
}
NO_LINKS = (
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://good.example/",
    "data:text/html,<script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://shop.example/x",
    "slack://user?team=T1&id=U1",
    "mailto:ceo@shop.example",
    "//evil.example/",
    "evil.example",
    " https://evil.example/",
    "https://good.example\n.evil.example/",
    "https://good.example\u202e.evil.example/",
)


def baited(url: str) -> Proposal:
    """A case whose source and conversation lead there, under the name of somewhere else."""
    source = Evidence(title="https://good.example/policy", quote="See https://good.example/policy", url=url)
    talk = Conversation(id="conv-1", url=url, customer={"name": "Ana"})
    return replace(proposal(), evidence=(source,), conversation=talk)


def links(made: Proposal) -> dict[str, list[dict[str, Any]]]:
    """The link elements of each place that shows a case."""
    several = replace(made, evidence=made.evidence * 3)
    shapes = {
        "card": card(case(made), "review").blocks,
        "several sources": card(case(several), "review").blocks,
        "escalation card": card(case(replace(made, state=State.ESCALATED)), "escalation").blocks,
        "read": read_modal(made, "")["blocks"],
        "edit": edit_modal(made, "")["blocks"],
        "full case": full_case(story(made), "")["blocks"],
        "log": log_lines([made]).blocks,
    }
    return {place: [found for found in walk(blocks) if "url" in found] for place, blocks in shapes.items()}


@pytest.mark.parametrize(("url", "host"), TRUE_HOSTS.items())
def test_a_sources_link_shows_the_host_it_leads_to_and_not_what_its_title_claims(url: str, host: str) -> None:
    found = links(baited(url))
    for place in ("card", "several sources", "escalation card", "read", "edit"):
        assert found[place], place
    for place, elements in found.items():
        for element in elements:
            assert (element["type"], element["url"], element["text"]) == ("link", url, host), place


@pytest.mark.parametrize("url", NO_LINKS)
def test_an_address_of_another_kind_is_no_link_anywhere(url: str) -> None:
    assert [place for place, elements in links(baited(url)).items() if elements] == []
