"""What a reviewer sees is what they approve, whatever an agent writes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.canonical import Json
from bot.domain.decision import Actor, Decision, DecisionKind, Seen
from bot.domain.errors import BadField, BadInput
from bot.domain.lifecycle import State
from bot.domain.masking import hide_named
from bot.domain.proposal import Action, Content, Conversation, Evidence, Execution, Message, Reply
from bot.domain.text import reveal, reveal_name
from bot.errands import summary
from bot.slack import ids
from bot.slack.blocks import Block, is_light, one_line, shown, shown_name, whole
from bot.slack.cards import CARD_CHARACTERS, CARD_LINES, CELL, ROWS, card
from bot.slack.edit_modal import edit_modal, edited
from bot.slack.fields import fields_of
from bot.slack.full_case import full_case
from bot.slack.notices import log_lines
from bot.slack.parts import cell, safe_link
from bot.slack.read_modal import read_modal
from tests.handlers.nasty import (
    FAKE_APPROVAL,
    HIDING,
    INJECTIONS,
    MARIA,
    NOW,
    action,
    case,
    conversation,
    everywhere,
    proposal,
    read,
    story,
    walk,
)
from tests.handlers.nasty import edited as edited_case

PAN = "4242 4242 4242 4242"

nasty_text = st.text(
    st.one_of(
        st.sampled_from("ab \n\u200b\u200c\u202e\u3164\u0301\U000e0061\u2028<>&*_~`@"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=300,
).map(lambda text: text * 9)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | nasty_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
contents: st.SearchStrategy[Content] = st.one_of(
    nasty_text.map(lambda text: Reply(text=text)),
    st.dictionaries(st.text(min_size=1, max_size=100), json_values, max_size=25).map(
        lambda args: Action(name="refund", args=args)
    ),
)


def blocks_of(content: Content | str, room: str = "review") -> list[dict[str, Any]]:
    return card(case(proposal(content)), room).blocks


def offers(content: Content | str) -> bool:
    """Whether Approve itself stands on the card."""
    return any(found.get("action_id") == ids.APPROVE for found in walk(blocks_of(content)))


def draft_of(blocks: list[dict[str, Any]]) -> str:
    """The draft as the card shows it."""
    (block,) = [b for b in blocks if b["type"] == "rich_text" and "'text': 'Draft'" in str(b)]
    return str(block["elements"][1]["elements"][0]["text"])


# nothing is approved unseen


@given(contents)
@settings(max_examples=150, deadline=None)
def test_approve_stands_only_on_a_card_that_shows_every_character(content: Content) -> None:
    if not offers(content):
        return
    blocks = blocks_of(content)
    if isinstance(content, Reply):
        assert draft_of(blocks) == whole(content.text)
        return
    rows = [
        tuple(one["text"] for one in row) for block in blocks if block["type"] == "table" for row in block["rows"][1:]
    ]
    cells = [(shown_name(name), whole(cell(value))) for name, value in hide_named(content.args).items()]
    assert rows == [(name or " ", value or " ") for name, value in cells]


@given(contents)
@settings(max_examples=150, deadline=None)
def test_read_and_approve_shows_every_character_or_does_not_open(content: Content) -> None:
    try:
        view = read_modal(proposal(content), "")
    except BadInput:
        return
    quotes = [found["elements"][0]["text"] for found in walk(view["blocks"]) if found.get("type") == "rich_text_quote"]
    if isinstance(content, Reply):
        assert (reveal(content.text).text or "(empty)") in "".join(quotes)
        return
    shown = read(view["blocks"])
    for name, value in content.args.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
        assert reveal_name(name) in shown
        expected = reveal(text).text or "(empty)"
        assert expected in "".join(quotes) or expected in shown


def test_many_empty_arguments_are_no_blank_lines_that_hide_something() -> None:
    assert "Hidden characters" not in read(blocks_of(Action(name="refund", args={f"a{n}": "" for n in range(12)})))


def test_an_argument_cannot_pass_for_another_one() -> None:
    view = read_modal(proposal(Action(name="refund", args={"amount": 5, "why": "broken\namount: 900"})), "")
    (block,) = [found for found in view["blocks"] if "'refund'" in str(found) and "broken" in str(found)]
    _, amount, why, words = block["elements"]
    assert read(amount) == "amount: \n5"
    assert (read(why), why["elements"][0]["style"]) == ("why", {"bold": True})
    assert (words["type"], read(words)) == ("rich_text_quote", "broken\namount: 900")


@pytest.mark.parametrize(
    "text",
    [
        "a" * (CARD_CHARACTERS + 1),
        "a" * 2_999,
        "a" * 3_000,
        "a" * 3_001,
        "a" * 40_000,
        "line\n" * 5_000,
        "line\n" * (CARD_LINES + 1),
        "line\u2028" * (CARD_LINES + 1),
        "Dear Ana, fine." + "\u200b\u200c" * 800 + "We owe you 5,000 euros.",
        "Dear Ana, fine." + "👨\u200d👩\u200d👧" * 400 + "We owe you 5,000 euros.",
    ],
    ids=lambda text: f"{text[:8]!r}x{len(text)}",
)
def test_what_does_not_fit_cannot_be_approved_on_the_card_and_says_how_long_it_is(text: str) -> None:
    assert not offers(text)
    blocks = blocks_of(text)
    assert any(found.get("action_id") == ids.READ for found in walk(blocks))
    assert f"{len(text):,} characters" in read(blocks[0])


def test_what_just_fits_can_be_approved_on_the_card() -> None:
    assert offers("a" * CARD_CHARACTERS)
    assert not offers("a" * (CARD_CHARACTERS + 1))
    assert offers(Action(name="refund", args={"why": "a" * CELL}))
    assert not offers(Action(name="refund", args={"why": "a" * (CELL + 1)}))
    assert offers(Action(name="refund", args={f"a{n}": n for n in range(ROWS)}))
    assert not offers(Action(name="refund", args={f"a{n}": n for n in range(ROWS + 1)}))


@pytest.mark.parametrize("gap", [" " * 1_500, "\n" * 200, "\t" * 900, "\u3000" * 900, " \n" * 700])
def test_a_tail_behind_a_long_gap_is_on_the_card_or_approve_is_not(gap: str) -> None:
    text = f"Dear Ana, all is well.{gap}We owe you 5,000 euros."
    assert "5,000 euros" in read(blocks_of(text)) or not offers(text)
    assert not offers(f"Dear Ana, all is well.{gap * 2}We owe you 5,000 euros.") or "5,000 euros" in read(
        blocks_of(text)
    )


@pytest.mark.parametrize("value", ["x" * 200 + "\u200b\u200c" * 50, [["deep"] * 200], "a\n" * 140])
def test_an_argument_that_its_cell_cuts_cannot_be_approved_on_the_card(value: Any) -> None:
    assert not offers(Action(name="refund", args={"amount": 5, "why": value}))


def test_arguments_that_would_fill_more_than_a_window_cannot_be_approved_in_it() -> None:
    deep: Json = [1] * 19_000
    for _ in range(60):
        deep = [deep]
    with pytest.raises(BadInput, match="too long to be read"):
        read_modal(proposal(Action(name="refund", args={"amount": 5, "list": deep})), "")
    with pytest.raises(BadInput, match="too long to be read"):
        read_modal(proposal("\u200b\u200c" * 20_000), "")


@pytest.mark.parametrize(
    "args",
    [{f"a{n}": n for n in range(120)}, {"amount": 5, "note": "a" * 2_901}, {"amount": 5, "\u200b\u200c" * 50: "x"}],
)
def test_edit_does_not_open_where_an_argument_would_be_approved_without_a_field(args: dict[str, Json]) -> None:
    with pytest.raises(BadInput, match="too many or too long to edit"):
        edit_modal(proposal(Action(name="refund", args=args)), "")


@given(contents)
@settings(max_examples=80, deadline=None)
def test_an_edit_that_changes_nothing_is_the_same_content(content: Content) -> None:
    assume("\\x00" not in repr(content))  # neither an agent nor a person gets that far with one
    try:
        view = edit_modal(proposal(content), "")
    except BadInput:
        return
    assert edited(content, submitted(view)) == content


@given(contents)
@settings(max_examples=80, deadline=None)
def test_a_window_that_is_shown_again_has_the_same_fields_and_what_was_typed_into_them(content: Content) -> None:
    """Slack keeps what was typed under the same ids, so that it and the initial value must not differ."""
    try:
        view = edit_modal(proposal(content), "")
    except BadInput:
        return
    typed = submitted(view)
    for name, state in typed.items():
        if name.startswith(ids.TEXT_BLOCK):
            state[ids.VALUE]["value"] = f"Dear Ana,\n{state[ids.VALUE]['value'] or ''}"[-3_000:]
    try:
        again = edit_modal(proposal(content), "", typed=typed)
    except BadInput:
        return
    assert submitted(again) == typed
    assert fields_of(again | {"state": {"values": typed}}, again=True) == typed


def submitted(view: Block) -> dict[str, Any]:
    """The state of a window in which nobody touched anything."""
    return {
        block["block_id"]: {
            ids.VALUE: {
                "value": block["element"].get("initial_value"),
                "selected_option": block["element"].get("initial_option"),
            }
        }
        for block in view["blocks"]
        if block["type"] == "input"
    }


TWO_PARTS = "\n".join(f"Line {number:03d} {'x' * 90}" for number in range(40))


def test_a_window_takes_its_own_fields_only_in_their_order() -> None:
    """Slack has been seen to send what an earlier screen held as well."""
    view = edit_modal(proposal(TWO_PARTS), "")
    typed = submitted(view)
    state = {"text:2:line": {ids.VALUE: {"value": "of an earlier screen"}}, **dict(reversed(typed.items()))}
    fields = fields_of(view | {"state": {"values": state}}, again=False)
    assert list(fields) == list(typed)
    assert edited(Reply(text=TWO_PARTS), fields) == Reply(text=TWO_PARTS)


@pytest.mark.parametrize("lost", [None, "absent"])
def test_a_part_that_comes_back_empty_was_emptied_unless_an_update_painted_it(lost: str | None) -> None:
    view = edit_modal(proposal(TWO_PARTS), "")
    state = submitted(view)
    first, second = (name for name in state if name.startswith(ids.TEXT_BLOCK))
    if lost:
        del state[second]
    else:
        state[second] = {ids.VALUE: {"type": "plain_text_input", "value": None}}
    sent = view | {"state": {"values": state}}
    kept = edited(Reply(text=TWO_PARTS), fields_of(sent, again=False))
    assert kept == Reply(text=f"{state[first][ids.VALUE]['value']}\n")
    with pytest.raises(BadField, match="type one space") as refused:
        fields_of(sent, again=True)
    assert refused.value.block == second
    emptied = edit_modal(proposal(TWO_PARTS), "", typed=fields_of(sent, again=False))
    fields_of(emptied | {"state": {"values": state}}, again=True)  # nothing was shown there, so nothing is lost


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("value", ["gift", 5, True, ["a"]])
def test_an_argument_that_had_a_value_and_comes_back_without_is_not_taken_for_emptied(value: Json, again: bool) -> None:
    """Slack's own client lets nobody submit it empty."""
    view = edit_modal(proposal(Action(name="refund", args={"what": value})), "")
    state = submitted(view) | {"arg:what": {ids.VALUE: {"value": None, "selected_option": None}}}
    with pytest.raises(BadField, match="Slack did not send what stands here"):
        fields_of(view | {"state": {"values": state}}, again=again)


def test_a_window_of_an_earlier_sayso_with_other_fields_is_not_filled_in_again() -> None:
    typed = submitted(edit_modal(proposal(TWO_PARTS), ""))
    with pytest.raises(BadInput, match="copy what you typed"):
        edit_modal(proposal("A short one."), "", typed=typed)


def test_a_menu_is_shown_again_with_its_own_option() -> None:
    """Slack sends an option back with more keys than it got, and takes no initial option that is not among them."""
    made = proposal(Action(name="refund", args={"notify": True}))
    chosen = {"text": {"type": "plain_text", "text": "no", "emoji": True}, "value": "false"}
    typed = submitted(edit_modal(made, "")) | {"arg:notify": {ids.VALUE: {"selected_option": chosen}}}
    element = next(
        b["element"] for b in edit_modal(made, "", typed=typed)["blocks"] if b.get("block_id") == "arg:notify"
    )
    assert element["initial_option"] == element["options"][1]
    assert element["initial_option"]["value"] == "false"


def test_an_empty_draft_offers_to_write_one() -> None:
    for text in ("", "  \n ", "\t"):
        assert not offers(text)
        assert "There is no draft." in read(blocks_of(text))
        assert "Write a reply" in read(blocks_of(text))


# nothing hides


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING.keys())
def test_hidden_characters_are_spelled_out_with_a_warning(text: str) -> None:
    for content in (text, action(text), Action(name="refund", args={text: 1})):
        seen = read(blocks_of(content))
        assert "⚠ Hidden characters" in seen
        assert "<U+" in seen or "more combining marks" in seen
        assert text not in seen


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING.keys())
def test_hidden_characters_show_in_every_place_that_an_agent_may_fill(text: str) -> None:
    made = everywhere(text)
    escalated = replace(made, state=State.ESCALATED)
    for blocks in (
        card(case(made), "review").blocks,
        card(case(escalated), "escalation").blocks,
        full_case(story(made), "")["blocks"],
        read_modal(replace(made, revision=proposal("Fine.").revision), "")["blocks"],
        log_lines([made]).blocks,
    ):
        assert text not in read(blocks)
        assert "\u202e" not in str(blocks)


def test_words_of_mixed_scripts_are_named_in_values_and_in_names() -> None:
    for args in ({"shop": "pаypal"}, {"аmount": 5}):
        assert "mixes letters of" in read(blocks_of(Action(name="refund", args=args)))


def test_a_cut_never_divides_what_reads_as_one_sign() -> None:
    family = "👨\u200d👩\u200d👧"
    for length in range(40, 60):
        cut = shown("a" * length + family * 20, 60)
        assert cut.endswith("…")
        assert cut.rstrip("…").count("\u200d") % 2 == 0


def test_a_megabyte_is_looked_at_only_as_far_as_it_shows() -> None:
    text = "\u200b\u200c" * 500_000
    assert shown(text, 700).startswith("<U+200B><U+200C>")
    assert shown(text, 700).endswith("…")
    assert len(str(full_case(story(everywhere_megabyte()), ""))) < 250_000


def everywhere_megabyte() -> Any:
    made = proposal()
    text = "\u200b\u200c" * 100_000
    messages = tuple(Message(role="customer", text=text) for _ in range(5))
    return replace(
        made, conversation=Conversation(id="c", messages=messages, customer={"name": "Ana", "note": text * 4})
    )


@given(st.integers(0, 40), st.sampled_from([" ", "\n", "\u200b", "a", "password: x"]))
@settings(max_examples=60, deadline=None)
def test_what_is_cut_far_behind_the_limit_says_that_it_is_cut(limit: int, filler: str) -> None:
    text = filler * 60_000 + "tail"
    for found in (shown(text, limit + 10), one_line(text, limit + 10)):
        assert found.endswith("…")
        assert len(found) <= limit + 10


# nothing passes for ours


def margin_lines(blocks: Any) -> list[str]:
    """The lines that stand at the margin: of running text and small print, not behind a bar or in a table."""
    sections = [found for found in walk(blocks) if found.get("type") == "rich_text_section"]
    texts = ["".join(str(e.get("text", "@")) for e in section["elements"]) for section in sections]
    texts += [str(found["text"]) for found in walk(blocks) if found.get("type") in ("plain_text", "mrkdwn")]
    return [row.strip() for text in texts for row in text.splitlines()]


@pytest.mark.parametrize("room", ["review", "escalation"])
@pytest.mark.parametrize("state", [State.PENDING, State.ESCALATED, State.FAILED, State.EXPIRED])
def test_no_line_of_theirs_stands_where_our_verdict_stands(state: State, room: str) -> None:
    made = replace(everywhere(FAKE_APPROVAL), state=state)
    blocks = card(case(made), room).blocks
    assert "Approved by @ceo" in read(blocks)
    assert not [row for row in margin_lines(blocks) if row.startswith("✅")]
    assert not [row for row in margin_lines(full_case(story(made), "")["blocks"]) if row.startswith("✅")]
    assert not [row for row in margin_lines(read_modal(made, "")["blocks"]) if row.startswith("✅")]
    assert not [row for row in margin_lines(log_lines([made]).blocks) if row.startswith("✅")]


def test_our_own_verdict_does_stand_there() -> None:
    decision = Decision(kind=DecisionKind.APPROVED, by=MARIA, at=NOW, revision=1)
    made = replace(proposal(), state=State.APPROVED, decision=decision)
    assert [row for row in margin_lines(card(case(made), "review").blocks) if row.startswith("✅ Approved by")]


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS.keys())
def test_their_words_stand_only_where_slack_reads_no_formatting(text: str) -> None:
    made = everywhere(text)
    shapes = [
        card(case(made), "review").blocks,
        card(case(replace(made, state=State.ESCALATED)), "escalation").blocks,
        card(case(replace(made, revision=replace(made.revision, content=action(text)))), "review").blocks,
        full_case(story(made), "")["blocks"],
        edit_modal(made, "")["blocks"],
        read_modal(made, "")["blocks"],
        log_lines([made, made]).blocks,
    ]
    for blocks in shapes:
        for found in walk(blocks):
            assert found.get("type") not in ("broadcast", "usergroup", "user", "emoji", "markdown")
            if found.get("type") == "link":
                assert found["url"].startswith("https://shop.example/")
            if found.get("type") == "mrkdwn":
                assert text not in found["text"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://shop.example/",
        "https://good.example\n.evil.example/",
        "https://good.example\t.evil.example/",
        "https://good.example .evil.example/",
        "https://good.example\u200b.evil.example/",
        "data:text/html,x",
        "https:///evil.example",
        "https://" + "a" * 3000,
    ],
)
def test_an_address_that_could_lead_elsewhere_is_no_link(url: str) -> None:
    assert safe_link(url) == []


def test_a_link_shows_the_host_it_leads_to() -> None:
    (bare,) = safe_link("https://shop.example/refunds?to=https://good.example")
    assert bare["text"] == "shop.example"
    (punycode,) = safe_link("https://аpple.com/")
    assert punycode["text"].startswith("xn--")
    (behind,) = safe_link("https://good.example@evil.example/")
    assert behind["text"].startswith("evil.example")


# secrets


def test_a_secret_in_the_draft_is_masked_and_the_card_says_so() -> None:
    for content in (f"Your card {PAN} is fine.", Action(name="refund", args={"card": PAN})):
        seen = read(blocks_of(content))
        assert PAN not in seen
        assert "••4242" in seen
        assert "⚠ Masked here, but it would go out in full: card number" in seen.replace("\n", "")


def test_words_behind_the_first_line_of_a_key_are_no_key() -> None:
    text = "Fine. -----BEGIN PRIVATE KEY----- we owe you five thousand euros"
    assert "we owe you five thousand euros" in read(blocks_of(text))


@pytest.mark.parametrize("at", [*range(2_380, 2_420), *range(2_480, 2_512), *range(2_880, 2_912), 140, 145, 149])
def test_a_secret_on_the_edge_of_a_page_is_masked_all_the_same(at: int) -> None:
    text = ("wx" * at)[: at - 1] + " " + PAN.replace(" ", "") + " " + "yz" * 3_000
    made = replace(proposal(text), conversation=Conversation(id="c", messages=(Message(role="customer", text=text),)))
    for blocks in (
        full_case(story(made), "")["blocks"],
        read_modal(replace(made, revision=proposal("Fine.").revision), "")["blocks"],
        log_lines([made]).blocks,
        card(case(made), "escalation").blocks,
    ):
        assert "42424" not in read(blocks).replace("\n", "")


@pytest.mark.parametrize("at", range(125, 152))
def test_a_secret_on_the_edge_of_a_summary_is_masked_all_the_same(at: int) -> None:
    text = ("wx" * at)[: at - 1] + " " + PAN.replace(" ", "") + " thanks"
    for content in (Reply(text=text), Action(name="a", args={"b": text})):
        assert "42424" not in summary(proposal(content))


def test_a_secret_that_an_edit_cuts_in_two_is_masked_all_the_same() -> None:
    before, after = f"Your card {PAN} is fine.", "Your card 4242 4242 4242 4242 was fine, and 5555 5555 5555 4444 too."
    made, first = edited_case(proposal(before), Reply(text=after))
    seen = read(card(case(made, first), "review").blocks)
    assert "4242 4242" not in seen
    assert "5555 5555" not in seen
    made, first = edited_case(proposal("Your password: hunter2go"), Reply(text="Your password: hunter3go"))
    seen = read(card(case(made, first), "review").blocks)
    assert "hunter" not in seen
    assert "Only what is masked here changed." in seen


def test_a_changed_argument_is_shown_as_json_says_it() -> None:
    made, first = edited_case(
        proposal(Action(name="refund", args={"notify": True, "note": None, "ids": ["a"]})),
        Action(name="refund", args={"notify": False, "note": "x", "ids": ["a", "b"]}),
    )
    seen = read(card(case(made, first), "review").blocks)
    for value in ("true", "false", "null", '["a"]', '["a", "b"]'):
        assert value in seen
    for value in ("True", "False", "None"):
        assert value not in seen


# where it goes


def test_the_card_says_whom_a_reply_reaches() -> None:
    mail = replace(proposal(), connector="email:support", recipient="ana@evil.example")
    assert "Goes to ana@evil.example" in read(card(case(mail), "review").blocks).replace("\n", "")
    thread = replace(proposal(), connector="slack_thread", recipient="slack:C0SECRET:1712345678.000100")
    found = [e for e in walk(card(case(thread), "review").blocks) if e.get("type") == "channel"]
    assert [e["channel_id"] for e in found] == ["C0SECRET"]


def test_the_card_and_the_full_case_say_which_webhook_carries_it_out() -> None:
    made = replace(proposal(Action(name="refund", args={"amount": 5})), connector="webhook:payments")
    for blocks in (card(case(made), "review").blocks, full_case(story(made), "")["blocks"]):
        assert "Goes to the webhook payments" in read(blocks).replace("\n", "")


def test_the_customer_of_a_case_that_was_taken_over_does_not_wait_at_the_webhook() -> None:
    taken = Decision(kind=DecisionKind.TAKEN_OVER, by=MARIA, at=NOW, revision=1, reason=None)
    made = replace(proposal(), connector="webhook:payments", state=State.CANCELLED, decision=taken)
    assert "The customer waits" not in read(card(case(made), "escalation").blocks)


@pytest.mark.parametrize("count", [1, 30, 500])
def test_a_conversation_of_any_length_leaves_room_for_the_case(count: int) -> None:
    messages = tuple(Message(role="customer", text=f"word {n}") for n in range(count))
    made = replace(
        proposal("x" * CARD_CHARACTERS),
        state=State.ESCALATED,
        conversation=replace(conversation("A rather long name of a customer"), messages=messages),
        evidence=(Evidence(title="t" * 300, quote="q" * 2000),) * 20,
    )
    blocks = card(case(made), "escalation").blocks
    assert is_light(blocks)
    assert f"word {count - 1}" in read(blocks)


def test_every_column_of_a_table_wraps_so_that_no_value_leaves_the_screen() -> None:
    (table,) = [block for block in blocks_of(action("x" * 200)) if block["type"] == "table"]
    assert [column["is_wrapped"] for column in table["column_settings"]] == [True] * len(table["rows"][0])


def test_no_blank_is_struck_through() -> None:
    now, before = edited_case(proposal("Within 14 days."), Reply(text="Within 30 days."))
    struck = [
        found["text"]
        for found in walk(card(case(now, before), "review").blocks)
        if isinstance(found.get("style"), dict) and found["style"].get("strike")
    ]
    assert struck == ["14"]


def test_an_argument_that_had_a_value_cannot_be_left_empty() -> None:
    content = Action(name="refund", args={"street": "Long Lane 1", "note": ""})
    fields = {
        block.get("block_id"): block.get("optional", False) for block in edit_modal(proposal(content), "")["blocks"]
    }
    assert (fields[f"{ids.ARG_BLOCK}:street"], fields[f"{ids.ARG_BLOCK}:note"]) == (False, True)


def test_a_button_carries_what_was_seen_and_one_of_an_earlier_sayso_still_works() -> None:
    """The value of a card that was painted before turns were counted has one part less."""
    seen = Seen(
        proposal_id="prp_" + "0" * 28, revision=999_999, digest="f" * 64, follow_ups=3, state=State.ESCALATED, turn=12
    )
    value = ids.carried(seen)
    assert ids.seen_of(value) == seen
    assert len(f"{ids.REJECT_OPTION}|{value}") <= 150, "Slack's limit for the value of a menu's option"
    assert ids.seen_of(value.rpartition(":")[0]) == replace(seen, turn=0)
    for forged in ("", "prp_1:1:ff", f"{value}:0", value.replace(":12", ":-1"), value.replace(":12", ":1234567")):
        with pytest.raises(BadInput, match="not one of Sayso's"):
            ids.seen_of(forged)


def test_a_link_that_hides_its_host_is_named_however_many_others_there_are() -> None:
    decoys = " ".join(f"https://shop{n}.example.com" for n in range(30))
    shown_ = read(blocks_of(f"{decoys} https://shop.example.com@evil.example/login")).replace("\n", "")
    assert "A link hides where it leads: evil.example (after a user name)" in shown_
    assert "and 21 more" in shown_


def test_a_window_that_leaves_anything_out_offers_no_approve() -> None:
    """One piece that is left out and the line that says so are as many blocks as before."""
    text = "".join(f"[{n:04d}] Слово за слово, мы проверили ваш заказ и всё в порядке. " for n in range(420))[:25_000]
    said = []
    for length in range(22_000, 26_000, 200):
        talk = Conversation(id="c", messages=(Message(role="customer", text=("Вопрос. " * 4_000)[:length]),))
        window = full_case(story(replace(proposal(text), conversation=talk)), "", approvable=True)
        words = read(window["blocks"])
        assert ("left out here" in words) == (window.get("submit") is None), length
        said.append(words)
    assert any("1 piece of the middle left out here" in words for words in said)
    assert any("left out here" not in words for words in said)


def test_whoever_approved_is_named_each() -> None:
    by = [Actor(kind="person", id=user, name=user) for user in ("U0MARIA", "U0BEN")]
    decision = Decision(kind=DecisionKind.APPROVED, by=by[1], at=NOW, revision=1)
    made = replace(proposal("Fine."), state=State.EXECUTED, decision=decision, approvals=tuple(by))
    people = [found["user_id"] for found in walk(card(case(made), "review").blocks) if found.get("type") == "user"]
    assert people == ["U0MARIA", "U0BEN"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [("reply", "Given up; an earlier try may have sent it:"), ("action", "Given up; an earlier try may have done it:")],
)
def test_what_may_have_happened_is_not_called_undone(kind: str, said: str) -> None:
    content = Reply(text="Fine.") if kind == "reply" else Action(name="refund", args={"amount": 9})
    execution = Execution(status="failed", error="no answer", key="dlv_1")
    made = replace(proposal(content), state=State.CANCELLED, execution=execution)
    assert said in read(card(case(made), "review").blocks)
    never = replace(made, execution=replace(execution, key=None))
    assert said not in read(card(case(never), "review").blocks)


def test_a_blank_draft_is_written_and_not_edited() -> None:
    view = edit_modal(proposal("  "), "")
    assert (view["title"]["text"], view["submit"]["text"]) == ("Write a reply", "Approve reply")
    assert "Why the change?" not in read(view["blocks"])
