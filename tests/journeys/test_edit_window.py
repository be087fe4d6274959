"""What the edit window shows of a case, and that what nobody touches in it stays as it was, to the character."""

from typing import Any

import pytest

from bot.domain.canonical import Json
from bot.domain.proposal import Message
from bot.slack import ids
from bot.slack.edit_modal import TOO_MUCH_HIDES
from tests.journeys.props import Shop, open_edit, told, words_block
from tests.local_slack.browser import screen_of
from tests.world import World

LOOKALIKES: dict[str, Json] = {"n": "50", "t": "true", "z": "null", "o": '{"a": 1}', "q": '"x"'}


async def test_a_short_value_with_a_line_break_keeps_it_when_a_person_edits_it(world: World, shop: Shop) -> None:
    """A field of one line drops the break where the page is drawn already."""
    proposed = await world.act("refund", {"amount": 180, "address": "1 Main St\nBerlin"})
    await world.card(proposed["id"])
    async with screen_of(world.slack) as screen:
        page = await screen.open("U0MARIA", "C0REVIEW")
        await page.get_by_role("button", name="Edit", exact=True).first.click()
        address = page.get_by_label("address")
        await address.press("Control+End")
        await address.type("!")
        await page.get_by_role("button", name="Approve edited").click()
        done = await world.get(proposed["id"], wait=5)
    assert done["final"]["action"]["args"] == {"amount": 180, "address": "1 Main St\nBerlin!"}


@pytest.mark.parametrize("text", ["a\nb", "a\n", "a\r\nb", "a\rb", "a\u2028b", "a\u0085b", "a\x0bb"])
async def test_whatever_breaks_a_line_has_a_field_of_several_lines_and_stays_itself(world: World, text: str) -> None:
    proposed = await world.act("refund", {"amount": 180, "note": text})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    field = next(block["element"] for block in view.blocks if block.get("block_id") == "arg:note")
    assert field["multiline"]
    assert "\r" not in field["initial_value"], "a browser would send another character than was there"
    await world.slack.person("U0MARIA").submit(view, {"arg:amount": "170"})
    done = await world.get(proposed["id"], wait=5)
    assert done["final"]["action"]["args"] == {"amount": 170, "note": text}


@pytest.mark.parametrize("text", ["Dear Ana,\r\nit was sent.\r\n", "One\rtwo"])
async def test_a_reply_with_other_line_ends_that_nobody_changed_is_approved_as_it_was(world: World, text: str) -> None:
    proposed = await world.propose(reply={"text": text})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    field = next(block["element"] for block in view.blocks if block["block_id"].startswith(ids.TEXT_BLOCK))
    assert "\r" not in field["initial_value"]
    await world.slack.person("U0MARIA").submit(view)
    done = await world.get(proposed["id"], wait=5)
    assert (done["decision"]["kind"], done["final"]) == ("approved", {"reply": {"text": text}})


@pytest.mark.parametrize("share", [1e-7, 0.00001234, 1e22, 1e300, -0.0, 9007199254740992.0, 123456789012345680.0])
async def test_a_number_that_nobody_could_type_stays_itself_when_another_argument_is_edited(
    world: World, share: float
) -> None:
    proposed = await world.act("refund", {"amount": 180, "share": share, "note": "x"})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    field = next(block["element"] for block in view.blocks if block.get("block_id") == "arg:share")
    assert "e" not in field["initial_value"], "not every client takes an exponent for a number"
    await world.slack.person("U0MARIA").submit(view, {"arg:note": "y"})
    done = await world.get(proposed["id"], wait=5)
    assert repr(done["final"]["action"]["args"]) == repr({"amount": 180, "share": share, "note": "y"})


async def test_a_number_that_would_lose_digits_is_refused_under_its_own_field(world: World) -> None:
    proposed = await world.act("refund", {"amount": 180, "note": "x"})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    refused = await world.slack.person("U0MARIA").submit(view, {"arg:amount": "9007199254740993"})
    told = "amount has to stay as it was, or be a number below 9,007,199,254,740,992: a larger one would lose digits."
    assert refused.body["errors"] == {"arg:amount": told}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0.12345678901234567890", "0.12345678901234568"),
        ("1234567890123456.789", "1234567890123456.8"),
        ("-0.30000000000000001", "-0.3"),
        ("1e-400", "0.0"),
    ],
)
async def test_a_number_that_would_be_rounded_is_refused_with_the_one_that_is_kept(
    world: World, typed: str, kept: str
) -> None:
    proposed = await world.act("refund", {"amount": 180, "note": "x", "list": []})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    maria = world.slack.person("U0MARIA")
    refused = await maria.submit(view, {"arg:amount": typed})
    told = f"amount would lose digits; type {kept}, or another number that is no longer."
    assert refused.body["errors"] == {"arg:amount": told}
    refused = await maria.submit(view, {"arg:amount": "180", "arg:list": f"[{typed}]"})
    told = f"list would lose digits of {typed}; type {kept}, or set it in quotes."
    assert refused.body["errors"] == {"arg:list": told}
    await maria.submit(view, {"arg:amount": kept, "arg:list": f"[{kept}]"})
    done = await world.get(proposed["id"], wait=5)
    assert done["final"]["action"]["args"] == {"amount": float(kept), "note": "x", "list": [float(kept)]}


@pytest.mark.parametrize("typed", ["12345678901234567.89", "123456789012345678901234567890"])
async def test_a_number_of_too_many_digits_is_refused_under_its_own_field(world: World, typed: str) -> None:
    proposed = await world.act("refund", {"note": "x", "amount": 180})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    refused = await world.slack.person("U0MARIA").submit(view, {"arg:amount": typed})
    assert "a larger one would lose digits" in refused.body["errors"]["arg:amount"]


@pytest.mark.parametrize(
    "typed", ["0.1", "1.50", "-2.5", "0.30000000000000004", "9007199254740991", "2251799813685249.5"]
)
async def test_a_number_that_keeps_its_digits_is_taken(world: World, typed: str) -> None:
    proposed = await world.act("refund", {"note": "x", "amount": 180})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    await world.slack.person("U0MARIA").submit(view, {"arg:amount": typed})
    done = await world.get(proposed["id"], wait=5)
    assert done["final"]["action"]["args"]["amount"] == float(typed)


async def test_text_that_reads_like_something_else_stands_in_quotes_on_the_card(world: World) -> None:
    plain = {"n": 50, "t": True, "z": None, "o": {"a": 1}, "q": "x"}
    texts, values = await world.act("close_account", LOOKALIKES), await world.act("close_account", plain)
    tables = [
        {row[0]["text"]: row[1]["text"] for row in block["rows"]}
        for proposed in (texts, values)
        for block in (await world.card(proposed["id"])).blocks
        if block["type"] == "table"
    ]
    assert tables == [
        {"Detail": "Value", "n": '"50"', "t": '"true"', "z": '"null"', "o": '"{"a": 1}"', "q": '""x""'},
        {"Detail": "Value", "n": "50", "t": "true", "z": "null", "o": '{"a": 1}', "q": "x"},
    ]


async def test_text_that_reads_like_something_else_is_edited_without_quotes_and_stays_text(world: World) -> None:
    proposed = await world.act("refund", {**LOOKALIKES, "none": None, "amount": 180, "note": "x"})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    fields = {block["block_id"]: block for block in view.blocks if block["type"] == "input"}
    assert fields["arg:n"]["element"]["initial_value"] == "50"
    assert "sent as text" in str(fields["arg:n"]["hint"])
    assert "JSON" in str(fields["arg:none"]["hint"])
    assert "hint" not in fields["arg:note"]
    await world.slack.person("U0MARIA").submit(view, {"arg:n": "60", "arg:none": '"none"'})
    done = await world.get(proposed["id"], wait=5)
    edited = {**LOOKALIKES, "n": "60", "none": "none", "amount": 180, "note": "x"}
    assert done["final"]["action"]["args"] == edited
    card = await world.card(proposed["id"], saying="Edited and approved by")
    assert '"60"' in str(card.blocks)


async def test_text_in_place_of_nothing_is_told_from_a_number_where_the_change_is_shown(world: World) -> None:
    proposed = await world.act("refund", {"amount": 180, "limits": None})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    await world.slack.person("U0MARIA").submit(view, {"arg:limits": '"180"'})
    card = await world.card(proposed["id"], saying="Edited and approved by")
    (after,) = [element["text"] for element in bold_of(card.blocks) if "180" in element["text"]]
    assert after == '"180"'


NASTY = (
    "Your refund was sent.\n" * 120
    + "Pay to \u202eDE12\u202c now\u200b\U000e0061\U000e0062 and "
    + "\u3164" * 3
    + "bye."
)


async def test_what_hides_in_a_reply_is_spelled_out_above_its_fields(world: World, shop: Shop) -> None:
    proposed = await world.propose(reply={"text": NASTY})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    kinds = [block["type"] for block in view.blocks]
    above = words_of(view.blocks[: kinds.index("input")])
    assert "Hidden characters, in the fields below" in above
    assert "Pay to <U+202E>DE12<U+202C> now<U+200B><U+E0061><U+E0062> and <U+3164><U+3164><U+3164>bye." in above
    first = words_block(view)
    start = next(b["element"]["initial_value"] for b in view.blocks if b["block_id"] == first)
    await world.slack.person("U0MARIA").submit(view, {first: start.replace("Your", "The", 1)})
    done = await world.get(proposed["id"], wait=5)
    assert done["final"] == {"reply": {"text": NASTY.replace("Your", "The", 1)}}


async def test_what_hides_in_arguments_is_named_with_its_argument(world: World) -> None:
    args = {"amount": 180, "iban\u200b": "x", "note": "p\u0430ypal", "list": ["a\u202eb"], "plain": "Fine."}
    proposed = await world.act("refund", args)
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    kinds = [block["type"] for block in view.blocks]
    above = words_of(view.blocks[: kinds.index("input")])
    assert '"p\u0430ypal" mixes letters of Latin and Cyrillic' in above
    assert 'list:["a<U+202E>b"]' in above
    assert "plain" not in above
    labels = [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
    assert "iban<U+200B>" in labels


async def test_a_window_that_is_shown_again_spells_out_what_was_typed(world: World) -> None:
    case = (await world.propose())["id"]
    view = await open_edit(world, "U0MARIA", await world.card(case))
    assert "Hidden characters" not in words_of(view.blocks)
    message = Message(role="customer", text="One thing more.")
    await world.sayso.store.transact(lambda tx: world.sayso.approvals.customer_wrote(tx, tx.proposal(case), message))
    answer = await world.slack.person("U0MARIA").submit(view, {words_block(view): "It was\u200b sent."})
    assert answer.body["response_action"] == "update"
    assert "It was<U+200B> sent." in words_of(answer.body["view"]["blocks"])


async def test_every_place_where_something_hides_is_shown_however_many_there_are(world: World) -> None:
    args = {f"a{n}": f"x{n}\u200by" for n in range(30)} | {"long": f"{'word ' * 20}\u202e" * 25}
    proposed = await world.act("refund", args)
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    kinds = [block["type"] for block in view.blocks]
    above = words_of(view.blocks[: kinds.index("input")])
    assert [n for n in range(30) if f"x{n}<U+200B>y" not in above] == []
    assert above.count("<U+202E>") == 25


async def test_what_hides_in_more_places_than_a_window_shows_is_not_edited_in_it(world: World) -> None:
    args = {f"a{n}": "\u200b\u202e" * 100 for n in range(60)}
    proposed = await world.act("refund", args)
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.EDIT)
    assert TOO_MUCH_HIDES in (await told(world, "U0MARIA")).text
    assert world.slack.person("U0MARIA").view is None


async def test_a_line_end_in_the_name_of_an_argument_is_spelled_out_wherever_it_stands(world: World) -> None:
    """Raw, it would draw a line that could pass for one more argument."""
    args = {"note\namount: 5": "old", "tab\t\rx": "\u200b", "amount": 180}
    proposed = await world.act("refund", args)
    card = await world.card(proposed["id"])
    await world.choose("U0MARIA", card, ids.FULL_OPTION)
    full = await world.slack.wait_for_view("U0MARIA")
    assert "note<U+000A>amount: 5: old" in words_of(full.blocks)
    view = await open_edit(world, "U0BEN", card)
    labels = [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
    assert labels[:2] == ["note<U+000A>amount: 5", "tab<U+0009><U+000D>x"]
    assert "tab<U+0009><U+000D>x:<U+200B>" in words_of(view.blocks)
    await world.slack.person("U0BEN").submit(view, {"arg:note\namount: 5": "new"})
    now = await world.card(proposed["id"], saying="Edited and approved by")
    assert "note<U+000A>amount: 5: old → new" in words_of(now.blocks)


@pytest.mark.parametrize("window", ["read", "full"])
async def test_what_is_empty_is_told_from_the_words_that_say_so(world: World, window: str) -> None:
    args = {"none": "", "said": "(empty)", "long": "x" * 400, "amount": 180}
    talk = [{"role": "customer", "text": text} for text in ("", "(empty)", "So?")]
    proposed = await world.act("refund", args, conversation={"id": "conv-9", "messages": talk})
    card = await world.card(proposed["id"])
    if window == "read":
        await world.click("U0MARIA", card, ids.READ)
    else:
        await world.choose("U0MARIA", card, ids.FULL_OPTION)
    found = of_text((await world.slack.wait_for_view("U0MARIA")).blocks, "(empty)")
    assert found == [{"italic": True}, {}] * (1 if window == "read" else 2)


async def test_a_change_to_or_from_nothing_is_told_from_the_words_that_say_so(world: World) -> None:
    args = {"a": "", "b": "", "amount": 180}
    proposed = await world.act("refund", args)
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    await world.slack.person("U0MARIA").submit(view, {"arg:a": "(empty)", "arg:b": " "})
    card = await world.card(proposed["id"], saying="Edited and approved by")
    nothing = {"italic": True, "strike": True}
    assert of_text(card.blocks, "(empty)") == [nothing, {"bold": True}, nothing]
    assert "b: (empty) → (blank)" in words_of(card.blocks)
    assert "masked" not in words_of(card.blocks)


async def test_what_is_masked_on_the_card_stands_in_the_edit_window_in_full(world: World) -> None:
    proposed = await world.act("refund", {"password: Hunter2x": "a", "amount": 180, "note": "password: Swordfish9"})
    card = await world.card(proposed["id"])
    assert "Hunter2x" not in str(card.blocks)
    view = await open_edit(world, "U0MARIA", card)
    labels = [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
    assert "password: Hunter2x" in labels
    assert "⚠ Masked elsewhere, in full here: password" in words_of(view.blocks)


FIRST = "It came broken. " * 90
TALK = [
    {"role": "customer", "text": "I ordered a blue mug."},
    {"role": "agent", "text": "It left on Friday."},
    {"role": "customer", "text": f"{FIRST}The last sentence."},
]


@pytest.mark.parametrize("action", [ids.EDIT, ids.READ])
async def test_a_window_shows_the_whole_of_what_the_customer_asked(world: World, action: str) -> None:
    long = "We are sorry.\n" * 150
    proposed = await world.propose(conversation={"id": "conv-9", "messages": TALK}, reply={"text": long})
    await world.click("U0MARIA", card := await world.card(proposed["id"]), action)
    assert "The last sentence." not in words_of(card.blocks)
    said = words_of((await world.slack.wait_for_view("U0MARIA")).blocks)
    assert f"{FIRST}The last sentence." in said
    assert "2 more messages in the full case" in said


@pytest.mark.parametrize("action", [ids.EDIT, ids.READ])
async def test_a_window_says_where_it_cuts_what_the_customer_asked(world: World, action: str) -> None:
    talk = [{"role": "customer", "text": "word " * 10_000}]
    proposed = await world.propose(conversation={"id": "conv-9", "messages": talk}, reply={"text": "Sorry.\n" * 300})
    await world.click("U0MARIA", await world.card(proposed["id"]), action)
    said = words_of((await world.slack.wait_for_view("U0MARIA")).blocks)
    assert said.count("word ") > 3_900
    assert "The rest of it is in the full case." in said


@pytest.mark.parametrize("action", [ids.EDIT, ids.READ])
async def test_the_window_of_an_escalated_case_shows_the_talk_that_its_card_shows(world: World, action: str) -> None:
    long = "We are sorry.\n" * 150
    proposed = await world.propose(
        category="legal", conversation={"id": "conv-9", "messages": TALK}, reply={"text": long}
    )
    card = await world.card(proposed["id"], "C0ESCALATE")
    await world.click("U0LEAD", card, action, "C0ESCALATE")
    said = words_of((await world.slack.wait_for_view("U0LEAD")).blocks)
    for message in TALK:
        assert message["text"] in words_of(card.blocks)
        assert message["text"] in said


async def test_as_much_of_the_talk_is_shown_as_leaves_room_for_what_is_approved(world: World) -> None:
    """40,000 characters of three bytes each leave no room for 20,000 more."""
    talk = [{"role": "customer", "text": "\u4e2d\u6587" * 15_000}]
    text = "\u6211\u5011" * 17_000
    proposed = await world.propose(conversation={"id": "conv-9", "messages": talk}, reply={"text": text})
    await world.click("U0MARIA", await world.card(proposed["id"]), ids.READ)
    said = words_of((await world.slack.wait_for_view("U0MARIA")).blocks)
    assert text in said
    assert said.count("\u4e2d\u6587") >= 340
    assert "The rest of it is in the full case." in said


def bold_of(blocks: Any) -> list[dict[str, Any]]:
    """Every bold element of these blocks."""
    match blocks:
        case {"text": str(), "style": {"bold": True}}:
            return [blocks]
        case dict():
            return [element for value in blocks.values() for element in bold_of(value)]
        case list():
            return [element for value in blocks for element in bold_of(value)]
    return []


def of_text(blocks: Any, text: str) -> list[dict[str, bool]]:
    """The styles of every element of these blocks that says just this, in order."""
    match blocks:
        case {"type": "text", "text": str(found)} if found == text:
            return [blocks.get("style", {})]
        case dict():
            return [style for value in blocks.values() for style in of_text(value, text)]
        case list():
            return [style for value in blocks for style in of_text(value, text)]
    return []


def words_of(blocks: Any) -> str:
    """Every word of the rich text of these blocks, in order."""
    match blocks:
        case {"type": "text", "text": str(text)}:
            return text
        case dict():
            return words_of(blocks.get("elements", []))
        case list():
            return "".join(map(words_of, blocks))
    return ""
