"""What does not fit on a card is never approved unseen: the whole text first, then Approve below it."""

import pytest

from bot.local_slack.model import Message, View
from bot.slack import ids
from tests.journeys.props import Shop, told
from tests.world import World

LONG = "\n".join(f"Paragraph {n}: we are sorry for the trouble with your parcel." for n in range(150))


def seen_in(view: View) -> str:
    """All the words of a window, in order."""
    return "".join(
        element["text"]
        for block in view.blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
        if element["type"] == "text"
    )


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "Fine." + " " * 3_000 + "And we pay you 5,000 euros.",
        "Fine." + "\n" * 200 + "And we pay you 5,000 euros.",
        "x" * 40_000,
    ],
    ids=["long", "a tail after spaces", "a tail after lines", "the longest"],
)
async def test_a_long_reply_is_read_in_full_before_it_is_approved(world: World, shop: Shop, text: str) -> None:
    proposed = await world.propose(reply={"text": text})
    card = await world.card(proposed["id"])
    assert ids.APPROVE not in str(card.blocks)
    assert f"{len(text):,} characters" in str(card.blocks)
    await world.click("U0MARIA", card, ids.READ)
    view = await world.slack.wait_for_view("U0MARIA")
    assert text[:50].split("\n", maxsplit=1)[0].rstrip() in seen_in(view)
    assert text[-26:].replace("\n", "") in seen_in(view)
    assert shop.calls == []
    await world.slack.person("U0MARIA").submit(view)
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["decision"]["kind"]) == ("executed", "approved")
    assert [effect["reply"]["text"] for effect in shop.effects_of(proposed["id"])] == [text]


async def test_a_part_that_slack_refused_is_posted_later_and_the_others_are_not_posted_twice(world: World) -> None:
    asked = await world.slack.person("U0OTHER").say("C0CUSTOMERS", "Hello?")
    words = [f"Part {number}. " + "word " * 550 for number in (1, 2, 3)]
    posted: list[str] = []

    def watch(what: str, message: Message, _: Message | None) -> None:
        if what == "post" and message.thread_ts == asked.ts:
            posted.append(message.text[:7])
            if len(posted) == 2:
                world.slack.faults.fail("chat.postMessage", "restricted_action", channel="C0CUSTOMERS")

    world.slack.world.tap = watch
    proposed = await world.propose(
        conversation={"id": f"slack:C0CUSTOMERS:{asked.ts}", "messages": []},
        reply={"text": "\n\n".join(words)},
        connector="slack_thread",
    )
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.READ)
    await world.slack.person("U0MARIA").submit(await world.slack.wait_for_view("U0MARIA"))
    alarm = await world.card(proposed["id"], "C0OPS", "It failed")
    assert posted == ["Part 1.", "Part 2."]
    await world.click("U0BEN", alarm, ids.RETRY, "C0OPS")
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert posted == ["Part 1.", "Part 2.", "Part 3."]


async def test_a_long_argument_is_read_in_full_too(world: World, shop: Shop) -> None:
    proposed = await world.act("refund", {"amount": 75, "note": "n" * 2_000 + " and 900 more"})
    card = await world.card(proposed["id"])
    assert ids.APPROVE not in str(card.blocks)
    await world.click("U0BEN", card, ids.READ)
    view = await world.slack.wait_for_view("U0BEN")
    assert "and 900 more" in seen_in(view)
    await world.slack.person("U0BEN").submit(view)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert len(shop.calls) == 1


async def test_who_reads_too_long_is_told_who_decided_meanwhile(world: World) -> None:
    proposed = await world.propose(reply={"text": LONG})
    card = await world.card(proposed["id"])
    await world.click("U0BEN", card, ids.READ)
    view = await world.slack.wait_for_view("U0BEN")
    await world.click("U0MARIA", card, ids.ESCALATE)
    await world.slack.person("U0BEN").submit(view)
    now = await world.slack.wait_for_view("U0BEN")
    assert "Maria escalated this" in str(now.blocks)
    assert now.payload.get("submit") is None


async def test_whoever_may_not_decide_does_not_get_to_the_button(world: World) -> None:
    proposed = await world.propose(reply={"text": LONG})
    await world.click("U0LEAD", await world.card(proposed["id"]), ids.READ)
    await told(world, "U0LEAD", "You are not on the list")
    assert world.slack.person("U0LEAD").view is None


async def test_a_long_conversation_still_makes_a_card_and_a_full_case(world: World) -> None:
    talk = [{"role": "customer", "text": f"{n}: " + "word " * 2_000} for n in range(40)]
    proposed = await world.propose(category="legal", conversation={"id": "conv-4", "messages": talk})
    card = await world.card(proposed["id"], "C0ESCALATE")
    assert "39: word" in str(card.blocks)
    assert "earlier messages are in the full case" in str(card.blocks)
    await world.choose("U0LEAD", card, ids.FULL_OPTION, "C0ESCALATE")
    assert proposed["id"] in str((await world.slack.wait_for_view("U0LEAD")).blocks)
