"""The customer writes while the edit window is open: it is shown again, and what was typed is what runs, all of it."""

from collections.abc import Mapping

import pytest

from bot.domain.proposal import Message
from bot.local_slack.model import Delivered, View
from bot.slack import ids
from tests.journeys.props import Shop, open_edit
from tests.world import World

LINES = [f"Line {number:03d} {'x' * 90}" for number in range(40)]
LONG = "\n".join(LINES)
NEARLY_FULL = "\n".join([*["y" * 96] * 29, "z" * 60])


async def shown_again(
    world: World, view: View, typed: Mapping[str, str], case: str, said: str = "One thing more."
) -> View:
    """Maria submits what she typed, after the customer wrote; the window that stands there then."""
    message = Message(role="customer", text=said)
    await world.sayso.store.transact(lambda tx: world.sayso.approvals.customer_wrote(tx, tx.proposal(case), message))
    answer = await world.slack.person("U0MARIA").submit(view, dict(typed))
    assert answer.body["response_action"] == "update", answer
    again = world.slack.person("U0MARIA").view
    assert again is not None
    assert said in str(again.blocks)
    assert (await world.get(case))["state"] == "pending"
    return again


def fields(view: View) -> dict[str, str | None]:
    """What the window's fields show, before anybody types, by block."""
    return {
        block["block_id"]: block["element"].get(
            "initial_value", block["element"].get("initial_option", {}).get("value")
        )
        for block in view.blocks
        if block["type"] == "input" and block["block_id"].startswith((ids.TEXT_BLOCK + ":", ids.ARG_BLOCK + ":"))
    }


async def submit(world: World, view: View, **typed: str) -> Delivered:
    return await world.slack.person("U0MARIA").submit(view, typed)


CUT = "\n".join(LINES[:10])
GROWN = "\n".join(["Dear Ana, thank you for waiting.", "We are sorry.", *LINES[:29]])
PS = f"{NEARLY_FULL}\nP.S. {'One line more. ' * 8}"


@pytest.mark.parametrize(
    ("text", "typed", "sent"),
    [
        (LONG, CUT, "\n".join([*LINES[:10], *LINES[29:]])),
        (LONG, GROWN, "\n".join([GROWN, *LINES[29:]])),
        (NEARLY_FULL, PS, PS),
    ],
    ids=["most of the first part is cut", "the first part grows", "the only field grows beyond a new window's"],
)
async def test_what_was_typed_is_sent_as_it_was_typed(
    world: World, shop: Shop, text: str, typed: str, sent: str
) -> None:
    case = (await world.propose(reply={"text": text}))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    before = fields(view)
    assert len(before) == (2 if text == LONG else 1)
    again = await shown_again(world, view, {"text:0:line": typed}, case)
    assert fields(again) == before | {"text:0:line": typed}
    once_more = await shown_again(world, again, {}, case, "And another.")
    assert fields(once_more) == fields(again)
    await submit(world, once_more)
    done = await world.get(case, wait=5)
    assert done["final"] == {"reply": {"text": sent}}
    assert [effect["reply"] for effect in shop.effects_of(case)] == [{"text": sent}]


async def test_arguments_and_the_reason_are_shown_again_as_they_were_typed(world: World) -> None:
    args = {"order": "1042", "amount": 180, "notify": True, "items": ["a"], "note": ""}
    case = (await world.act("refund", args))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    typed = {"arg:order": "1043", "arg:amount": "75", "arg:notify": "false", "arg:items": '["b"]', "arg:note": "gift"}
    again = await shown_again(world, view, typed | {ids.OTHER_BLOCK: "Only half"}, case)
    assert fields(again) == typed
    assert "Only half" in str(again.blocks)
    await submit(world, again)
    done = await world.get(case, wait=5)
    assert done["decision"]["reason"] == "Only half"
    assert done["final"]["action"]["args"] == {
        "order": "1043",
        "amount": 75,
        "notify": False,
        "items": ["b"],
        "note": "gift",
    }


async def test_a_part_that_slack_did_not_send_is_asked_for_instead_of_left_out(world: World) -> None:
    """After an update Slack may send nothing of a field that shows its text, as it does for one that was emptied."""
    case = (await world.propose(reply={"text": LONG}))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    again = await shown_again(world, view, {}, case)
    refused = await submit(world, again, **{"text:1:line": ""})
    assert list(refused.body["errors"]) == ["text:1:line"]
    assert "change a character" in str(refused.body["errors"])
    assert (await world.get(case))["state"] == "pending"
    await submit(world, again, **{"text:1:line": " "})
    done = await world.get(case, wait=5)
    assert done["final"] == {"reply": {"text": "\n".join([*LINES[:29], ""])}}


async def test_a_part_that_was_emptied_in_a_window_just_opened_is_left_out(world: World) -> None:
    case = (await world.propose(reply={"text": LONG}))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    again = await shown_again(world, view, {"text:1:line": ""}, case)
    assert fields(again)["text:1:line"] is None
    await submit(world, again)
    assert (await world.get(case, wait=5))["final"] == {"reply": {"text": "\n".join([*LINES[:29], ""])}}


LINE = "x" * 2_900
THREE = "\n".join(LINES + LINES[::-1])


@pytest.mark.parametrize(
    ("text", "typed", "sent"),
    [
        (LONG, {"text:0:line": ""}, "\n".join(LINES[29:])),
        (LONG, {"text:0:line": "", "text:1:line": "\nBye."}, "\nBye."),
        (f"{LINE}and so on", {"text:0:line": ""}, "and so on"),
        (f"{LINE}and so on", {"text:0:line": "", "text:1:glue": "\nBye."}, "\nBye."),
        (f"{LINE}and so on", {"text:1:glue": ""}, LINE),
        (f"\n{LINE}", {"text:1:line": "Bye."}, "\nBye."),
        (f"\n{LINE}", {"text:0:line": "Dear Ana,"}, f"Dear Ana,\n{LINE}"),
        (THREE, {"text:1:line": ""}, "\n".join([*LINES[:29], "", *LINES[21::-1]])),
        (THREE, {"text:0:line": "", "text:1:line": ""}, "\n".join(LINES[21::-1])),
    ],
    ids=[
        "the first part",
        "the first, and another is begun with an empty line",
        "the first, in the middle of a line",
        "the same, and the other is begun with an empty line",
        "the second, in the middle of a line",
        "none, where the first was empty already",
        "none, but an empty first part is filled",
        "the middle",
        "the first two",
    ],
)
async def test_a_part_that_is_emptied_leaves_what_stands_in_the_other_fields(
    world: World, shop: Shop, text: str, typed: dict[str, str], sent: str
) -> None:
    case = (await world.propose(reply={"text": text}))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    await submit(world, view, **typed)
    assert (await world.get(case, wait=5))["final"] == {"reply": {"text": sent}}
    assert [effect["reply"] for effect in shop.effects_of(case)] == [{"text": sent}]


async def test_the_beginning_is_emptied_in_a_window_that_is_shown_again_too(world: World) -> None:
    case = (await world.propose(reply={"text": LONG}))["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    again = await shown_again(world, view, {"text:0:line": ""}, case)
    await submit(world, again)
    assert (await world.get(case, wait=5))["final"] == {"reply": {"text": "\n".join(LINES[29:])}}
