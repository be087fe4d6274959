"""An argument whose name says that it is a secret: no channel shows its value, and whoever approves reads it first."""

from typing import Any

import pytest

from bot.domain.canonical import Json
from bot.domain.masking import hide_named
from bot.slack import ids
from tests.journeys.props import Shop, buttons_of, open_edit, painted, told
from tests.world import World

VALUE = "Quartz Lamp"
"""Nothing in it looks like a secret."""
NAMED: list[dict[str, Json]] = [
    {"password": VALUE},
    {"new_api_key": VALUE},
    {"resetToken": VALUE},
    {"credentials": [VALUE]},
    {"PIN": VALUE},
    {"login": {"user": "ana", "secret_key": {"part": VALUE}}},
]


def everywhere(world: World) -> str:
    """All that stands in any channel, and all that was whispered."""
    public = [message for channel in world.slack.world.channels for message in world.slack.messages(channel)]
    return str([public, world.slack.world.ephemerals])


@pytest.mark.parametrize("named", NAMED, ids=[next(iter(one)) for one in NAMED])
async def test_its_value_stands_in_no_channel_and_is_approved_only_where_it_is_read(
    world: World, shop: Shop, named: dict[str, Any]
) -> None:
    args = {"order": "1042", "amount": 180, **named}
    proposed = await world.act("refund", args)
    card = await world.card(proposed["id"])
    assert ids.READ in buttons_of(card) and ids.APPROVE not in buttons_of(card)
    assert "Masked here, but it would go out in full: " in str(card.blocks)
    await world.choose("U0MARIA", card, ids.FULL_OPTION)
    full = await world.slack.wait_for_view("U0MARIA")
    assert VALUE not in str(full.blocks) and full.payload["submit"] is None
    await world.click("U0BEN", card, ids.READ)
    view = await world.slack.wait_for_view("U0BEN")
    assert VALUE in str(view.blocks)
    await world.slack.person("U0BEN").submit(view)
    await world.get(proposed["id"], wait=5)
    await painted(world, card, "Approved by")
    assert [effect["action"]["args"] for effect in shop.effects_of(proposed["id"])] == [args]
    assert VALUE not in everywhere(world)


async def test_its_value_is_in_no_line_about_an_edit_an_escalation_or_a_queue(world: World) -> None:
    proposed = await world.act("close_account", {"account": "A-17", "password": VALUE, "token": f"{VALUE} 1"})
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0MARIA", card)
    await world.slack.person("U0MARIA").submit(view, {"arg:token": f"{VALUE} 2"})
    now = await painted(world, card, "Edited by")
    assert "[password] → " in "".join(texts(now.blocks)) and " (masked)" in texts(now.blocks)
    await world.click("U0BEN", now, ids.ESCALATE)
    await world.message("C0OPS", "was escalated")
    listed = await world.slack.person("U0LEAD").command("/approvals")
    assert proposed["id"] in str(listed.body)
    assert VALUE not in str(listed.body)
    await world.slack.person("U0BEN").click("C0REVIEW", now, ids.READ)
    await told(world, "U0BEN")
    assert VALUE not in everywhere(world)


@pytest.mark.parametrize(
    "args",
    [
        {"shipping": "x", "tokens": 5, "secretary": "Jo", "opinion": "good"},
        {"password": "", "token": None, "secret": [], "reset_password": True, "credentials": {}},
    ],
    ids=["other names", "nothing in it"],
)
async def test_what_is_no_secret_is_shown_and_approved_on_the_card(world: World, args: dict[str, Json]) -> None:
    assert hide_named(args) == args
    card = await world.card((await world.act("refund", {"amount": 180, **args}))["id"])
    assert ids.APPROVE in buttons_of(card)


async def test_what_hides_in_a_name_is_spelled_out_in_the_table_of_the_card(world: World) -> None:
    args = {"note\namount": "5", "tab\tx\r\n": "y", "b\u202ec": "z", "amount": 180}
    card = await world.card((await world.act("refund", args))["id"])
    (table,) = [block for block in card.blocks if block["type"] == "table"]
    names = [row[0]["text"] for row in table["rows"][1:]]
    assert names == ["note<U+000A>amount", "tab<U+0009>x<U+000D><U+000A>", "b<U+202E>c", "amount"]


async def test_a_name_that_the_table_would_cut_is_read_before_it_is_approved(world: World) -> None:
    card = await world.card((await world.act("refund", {"\n" * 99: "5", "amount": 180}))["id"])
    assert ids.READ in buttons_of(card)


def texts(blocks: Any) -> list[str]:
    """Every text of the rich text of these blocks, in order."""
    match blocks:
        case {"type": "text", "text": str(text)}:
            return [text]
        case dict():
            return texts(blocks.get("elements", []))
        case list():
            return [text for one in blocks for text in texts(one)]
    return []
