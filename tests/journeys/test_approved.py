"""A proposal is approved: the card, the click, the effect, and what everybody sees."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web

from bot.slack import ids
from tests.connectors.receiver import Received
from tests.journeys.props import Shop, buttons_of, painted, story_of, the_chain_holds, told
from tests.world import World


async def test_an_approved_reply_runs_and_the_card_says_who_approved_it(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    assert proposed["state"] == "pending"
    card = await world.card(proposed["id"])
    assert shop.calls == []
    clicked = await world.click("U0MARIA", card, ids.APPROVE)
    assert clicked.status == 200
    done = await world.get(proposed["id"], wait=5)
    assert done["state"] == "executed"
    assert done["decision"]["kind"] == "approved"
    assert done["decision"]["by"] == {"id": "U0MARIA", "name": "Maria"}
    assert done["final"] == {"reply": {"text": "Your refund was sent on Monday."}}
    assert [effect["reply"]["text"] for effect in shop.effects_of(proposed["id"])] == [
        "Your refund was sent on Monday."
    ]
    painted = await world.message("C0REVIEW", "Approved by")
    assert "U0MARIA" in str(painted)
    assert ids.APPROVE not in str(painted)


async def test_a_quick_execution_changes_the_card_once_and_a_slow_one_twice(world: World, shop: Shop) -> None:
    """Slack allows few changes a minute; whoever waits for a slow execution sees soon that it was approved."""
    quick = await world.propose()
    await world.click("U0MARIA", await world.card(quick["id"]), ids.APPROVE)
    await world.message("C0REVIEW", "Sent.")
    assert sum(call.method == "chat.update" for call in world.slack.calls) == 1
    go_on = asyncio.Event()

    async def slow(request: web.Request, received: Received, shop: Shop) -> web.StreamResponse:
        await go_on.wait()
        return web.json_response({"order": shop.do(received)})

    shop.mood = slow
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    painted = await world.message("C0REVIEW", "on its way")
    assert "Approved by" in str(painted)
    go_on.set()
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    await world.slack.wait_for_message("C0REVIEW", lambda m: m.ts == painted.ts and "Sent." in str(m.blocks), 5)


async def test_the_card_shows_what_a_reviewer_needs_to_decide(world: World) -> None:
    proposed = await world.propose(
        confidence=0.61,
        evidence=[
            {"title": "Refund policy", "quote": "Refunds take three days.", "url": "https://shop.example/refunds"}
        ],
    )
    card = str((await world.card(proposed["id"])).blocks)
    for shown in (
        "Ana Lopez",
        "Where is my refund for order 1042?",
        "Your refund was sent on Monday.",
        "refunds",
        "0.61",
        "'text': 'refunds', 'style': {'code': True}",
        "A person approves every draft in refunds.",
        "Refunds take three days.",
        "Expires",
    ):
        assert shown in card, shown
    for offered in (ids.APPROVE, ids.EDIT, ids.ESCALATE, ids.MORE):
        assert offered in card, offered


async def test_an_approved_action_runs_with_exactly_the_arguments_that_were_shown(world: World, shop: Shop) -> None:
    proposed = await world.act("refund", {"order": "1042", "amount": 180.5, "notify": True})
    card = await world.card(proposed["id"])
    for cell in ("order", '"1042"', "amount", "180.5", "notify", "true"):
        assert f"'text': '{cell}'" in str(card.blocks), cell
    await world.click("U0BEN", card, ids.APPROVE)
    done = await world.get(proposed["id"], wait=5)
    assert done["execution"] == {"status": "succeeded", "result": {"order": 1}, "error": None}
    (effect,) = shop.effects_of(proposed["id"])
    assert effect["action"] == {"name": "refund", "args": {"order": "1042", "amount": 180.5, "notify": True}}
    assert effect["approved_by"] == {"id": "U0BEN", "name": "Ben"}
    assert effect["digest"] == done["digest"] == proposed["digest"]


async def test_an_approved_reply_reaches_the_customer_in_their_own_thread(world: World) -> None:
    asked = await world.slack.person("U0OTHER").say("C0CUSTOMERS", "Where is my parcel?")
    proposed = await world.propose(
        connector="slack_thread",
        conversation={
            "id": f"slack:C0CUSTOMERS:{asked.ts}",
            "messages": [{"role": "customer", "text": "Where is my parcel?"}],
        },
    )
    await world.click("U0BEN", await world.card(proposed["id"]), ids.APPROVE)
    assert (await world.get(proposed["id"], wait=5))["state"] == "executed"
    assert asked.ts is not None
    thread = world.slack.thread("C0CUSTOMERS", asked.ts)
    assert [message.text for message in thread] == ["Where is my parcel?", "Your refund was sent on Monday."]


async def test_a_hundred_clicks_of_the_same_person_are_one_approval(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    clicks = await asyncio.gather(*(world.click("U0MARIA", card, ids.APPROVE) for _ in range(100)))
    assert {clicked.status for clicked in clicks} == {200}
    await world.get(proposed["id"], wait=5)
    assert len(shop.calls) == 1
    assert (await story_of(world, proposed["id"])).count("proposal.approved") == 1
    assert world.slack.ephemerals("U0MARIA") == []


async def test_a_click_that_slack_delivers_twice_is_one_approval(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    world.slack.faults.duplicate("block_actions", copies=3)
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    assert len(shop.calls) == 1
    assert (await story_of(world, proposed["id"])).count("proposal.approved") == 1
    assert world.slack.ephemerals("U0MARIA") == []


async def test_whoever_changes_their_mind_too_late_is_told_so(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.click("U0MARIA", card, ids.ESCALATE)
    await told(world, "U0MARIA", "Maria approved this")
    assert (await world.get(proposed["id"], wait=5))["decision"]["kind"] == "approved"


async def test_a_forged_button_approves_nothing(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    maria = world.slack.person("U0MARIA")
    for value, sentence in (
        (f"{proposed['id']}:1:{'0' * 64}:0:pending", "changed this after you saw it"),
        (f"{proposed['id']}:2:{proposed['digest']}:0:pending", "changed this after you saw it"),
        (f"prp_nothing:1:{proposed['digest']}:0:pending", "There is no proposal"),
        (f"{proposed['id']}:1:{proposed['digest']}", "not one of Sayso's"),
        ("approve everything", "not one of Sayso's"),
    ):
        before = world.slack.world.new_ts()
        await maria.click("C0REVIEW", card, ids.APPROVE, value)
        await told(world, "U0MARIA", sentence, since=before)
    assert (await world.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def test_the_story_is_written_down_and_the_chain_holds(world: World) -> None:
    proposed = await world.propose()
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.APPROVE)
    await world.get(proposed["id"], wait=5)
    assert await story_of(world, proposed["id"]) == [
        "proposal.submitted",
        "proposal.ruled",
        "proposal.approved",
        "proposal.executed",
    ]
    assert await the_chain_holds(world)


async def test_a_decided_card_keeps_the_way_to_its_full_case(world: World) -> None:
    said = [{"role": "customer", "text": f"Message {number}."} for number in (1, 2, 3)]
    proposed = await world.propose(conversation={"id": "conv-1", "messages": said})
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    now = await painted(world, card, "Sent.")
    assert buttons_of(now) == [ids.OPEN]
    await world.click("U0BEN", now, ids.OPEN)
    view = await world.slack.wait_for_view("U0BEN")
    assert "Message 1." in str(view.blocks)
    assert "Approved by Maria" in str(view.blocks)
    assert view.payload.get("submit") is None, "there is nothing to approve any more"


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({"connector": "agent"}, "The AI has the go-ahead."),
        ({}, "It was sent."),
        ({"kind": "action", "reply": None, "action": {"name": "refund", "args": {"amount": 180}}}, "It was done."),
    ],
)
async def test_the_full_case_says_what_sayso_did_and_when_in_the_readers_own_time(
    world: World, changes: dict[str, Any], ended: str
) -> None:
    proposed = await world.propose(**changes)
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    done = await world.get(proposed["id"], wait=5)
    await world.click("U0BEN", await painted(world, card, ids.OPEN), ids.OPEN)
    blocks = (await world.slack.wait_for_view("U0BEN")).blocks
    assert ended in str(blocks)
    (line,) = [block["elements"][0]["elements"] for block in blocks if "Approved by Maria" in str(block)]
    at = datetime.fromisoformat(done["decision"]["at"])
    assert (line[1]["type"], line[1]["timestamp"]) == ("date", int(at.timestamp()))
    assert line[1]["fallback"] == f"{at:%d %b %Y at %H:%M} UTC"
