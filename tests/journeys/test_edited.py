"""A proposal is edited: what the person wrote is what runs, and every card shows what changed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.local_slack.model import Delivered, Message
from bot.slack import ids
from handlers.views import NOT_USED
from tests.journeys.props import (
    SECRET,
    MovableClock,
    Shop,
    edit_words,
    open_edit,
    painted,
    pass_time,
    shop_policy,
    story_of,
    told,
    until_stored,
    words_block,
)
from tests.world import POLICY, World, running_world

BETTER = "Your refund was sent on Tuesday, and it takes three days."


def styled(blocks: object, style: str, text: str) -> bool:
    """Whether some element of these blocks has this text in this style."""
    match blocks:
        case {"text": str(found), "style": dict(styles)} if styles.get(style) and text in found:
            return True
        case dict():
            return any(styled(value, style, text) for value in blocks.values())
        case list():
            return any(styled(value, style, text) for value in blocks)
    return False


async def test_an_edited_reply_runs_as_the_person_wrote_it(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    submitted = await edit_words(world, "U0MARIA", card, BETTER, other_reason="The day was wrong")
    assert submitted.ok
    assert world.slack.person("U0MARIA").view is None
    done = await world.get(proposed["id"], wait=5)
    assert (done["state"], done["revision"]) == ("executed", 2)
    assert done["decision"]["kind"] == "edited"
    assert done["decision"]["reason"] == "The day was wrong"
    assert done["final"] == {"reply": {"text": BETTER}}
    assert done["digest"] != proposed["digest"]
    (effect,) = shop.effects_of(proposed["id"])
    assert (effect["reply"], effect["revision"]) == ({"text": BETTER}, 2)
    assert "proposal.edited" in await story_of(world, proposed["id"])


async def test_the_card_shows_what_changed_and_who_changed_it(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await edit_words(world, "U0MARIA", card, BETTER)
    now = await painted(world, card, "Edited and approved by")
    assert "U0MARIA" in str(now.blocks)
    assert styled(now.blocks, "strike", "Monday")
    assert styled(now.blocks, "bold", "Tuesday")
    assert ids.APPROVE not in str(now.blocks)


async def test_the_difference_stands_on_every_copy_of_the_card(world: World) -> None:
    proposed = await world.propose()
    first = await world.card(proposed["id"])
    await world.click("U0BEN", first, ids.ESCALATE)
    second = await world.card(proposed["id"], "C0ESCALATE")
    await edit_words(world, "U0LEAD", second, BETTER)
    for card in (first, second):
        now = await painted(world, card, "Edited and approved by")
        assert styled(now.blocks, "strike", "Monday"), card.channel
        assert styled(now.blocks, "bold", "Tuesday"), card.channel
        assert "U0LEAD" in str(now.blocks)


async def test_every_argument_of_an_action_is_edited_as_what_it_is(world: World, shop: Shop) -> None:
    args = {
        "order": "1042",
        "amount": 180,
        "share": 0.5,
        "notify": True,
        "items": [{"sku": "A1", "n": 2}],
        "note": None,
    }
    proposed = await world.act("refund", args)
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    kinds = {b["block_id"]: b["element"]["type"] for b in view.blocks if b["type"] == "input"}
    assert kinds["arg:order"] == "plain_text_input"
    assert kinds["arg:amount"] == kinds["arg:share"] == "number_input"
    assert kinds["arg:notify"] == "static_select"
    edited = {
        "arg:order": "1043",
        "arg:amount": "75",
        "arg:share": "0.25",
        "arg:notify": "false",
        "arg:items": '[{"sku": "A1", "n": 1}]',
    }
    await world.slack.person("U0MARIA").submit(view, edited)
    done = await world.get(proposed["id"], wait=5)
    assert done["final"]["action"]["args"] == {
        "order": "1043",
        "amount": 75,
        "share": 0.25,
        "notify": False,
        "items": [{"sku": "A1", "n": 1}],
        "note": None,
    }
    (effect,) = shop.effects_of(proposed["id"])
    assert effect["action"] == done["final"]["action"]
    now = await world.message("C0REVIEW", "Edited and approved by")
    assert styled(now.blocks, "strike", "180")
    assert styled(now.blocks, "bold", "75")


async def test_an_argument_that_cannot_be_read_keeps_the_window_open(world: World) -> None:
    proposed = await world.act("refund", {"amount": 180, "items": [1]})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    maria = world.slack.person("U0MARIA")
    refused = await maria.submit(view, {"arg:items": "[1,"})
    assert refused.body["response_action"] == "errors"
    assert "items has to be JSON" in refused.body["errors"]["arg:items"]
    assert maria.view is not None
    assert (await world.get(proposed["id"]))["state"] == "pending"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ('"everything"', "items has to stay a list"),
        ("{}", "items has to stay a list"),
        ("[NaN]", "items has to be JSON"),
        ("[1e999]", "too large"),
        ("[12345678901234567890]", "would lose digits"),
        ("[" * 1000 + "]" * 1000, "items has to be JSON. It"),
        ('["\\ud800"]', "half of a surrogate pair"),
        ('[{"a": 1, "a": 2}]', "stands twice"),
    ],
)
async def test_an_argument_stays_what_it_is_and_can_be_sent(world: World, typed: str, why: str) -> None:
    proposed = await world.act("refund", {"amount": 180, "items": [1, 2]})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    refused = await world.slack.person("U0MARIA").submit(view, {"arg:items": typed})
    assert refused.status == 200
    assert why in str(refused.body["errors"])
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_an_edit_from_true_to_1_is_an_edit(world: World, shop: Shop) -> None:
    proposed = await world.act("refund", {"amount": 180, "options": {"express": True}})
    view = await open_edit(world, "U0MARIA", await world.card(proposed["id"]))
    await world.slack.person("U0MARIA").submit(view, {"arg:options": '{"express": 1}'})
    done = await world.get(proposed["id"], wait=5)
    assert (done["decision"]["kind"], done["revision"]) == ("edited", 2)
    assert [str(effect["action"]["args"]["options"]) for effect in shop.effects_of(proposed["id"])] == [
        "{'express': 1}"
    ]


@pytest.mark.parametrize("character", ["\x00", "\ud800"], ids=["NUL", "half a pair"])
async def test_a_character_that_cannot_be_kept_is_refused_in_the_window(world: World, character: str) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    maria, words = world.slack.person("U0MARIA"), f"Your refund{character} was sent."
    edit = await open_edit(world, "U0MARIA", card)
    refused = await maria.submit(edit, {words_block(edit): words})
    assert "cannot be kept" in str(refused.body["errors"])
    await world.choose("U0MARIA", card, ids.REJECT_OPTION)
    reject = await world.slack.wait_for_view("U0MARIA", predicate=lambda view: view.id != edit.id)
    refused = await maria.submit(reject, {ids.OTHER_BLOCK: words})
    assert "cannot be kept" in str(refused.body["errors"])
    assert (await world.get(proposed["id"]))["state"] == "pending"


async def test_an_edit_that_changes_nothing_is_an_approval(world: World, shop: Shop) -> None:
    proposed = await world.propose()
    await edit_words(world, "U0MARIA", await world.card(proposed["id"]), "Your refund was sent on Monday.")
    done = await world.get(proposed["id"], wait=5)
    assert (done["decision"]["kind"], done["revision"]) == ("approved", 1)
    assert done["digest"] == proposed["digest"]
    assert len(shop.effects_of(proposed["id"])) == 1


async def test_an_edit_to_nothing_is_refused_in_the_window(world: World) -> None:
    proposed = await world.propose()
    refused = await edit_words(world, "U0MARIA", await world.card(proposed["id"]), " \n ")
    assert not refused.ok or refused.body["response_action"] == "errors"
    assert (await world.get(proposed["id"]))["state"] == "pending"


@pytest.mark.parametrize("length", [2_999, 3_000, 3_001, 12_000])
async def test_a_long_reply_survives_the_window_unchanged_but_for_the_edit(world: World, length: int) -> None:
    text = "".join(f"Line {n} of the reply.\n" for n in range(length))[:length].rstrip()
    proposed = await world.propose(reply={"text": text})
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0MARIA", card)
    first = next(b for b in view.blocks if b["block_id"] == words_block(view))
    start = first["element"]["initial_value"]
    await world.slack.person("U0MARIA").submit(view, {words_block(view): start.replace("Line 0", "Line zero")})
    done = await world.get(proposed["id"], wait=5)
    assert done["final"] == {"reply": {"text": text.replace("Line 0 ", "Line zero ")}}


async def test_an_edit_of_what_was_decided_meanwhile_names_the_winner_under_the_field(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    await world.click("U0MARIA", card, ids.APPROVE)
    refused = await world.slack.person("U0BEN").submit(view, {words_block(view): BETTER})
    assert refused.body["response_action"] == "errors"
    assert list(refused.body["errors"].values()) == [f"Maria approved this just now. {NOT_USED}"]
    assert world.slack.person("U0BEN").view is not None
    assert (await world.get(proposed["id"], wait=5))["revision"] == 1


async def test_nobody_who_typed_nothing_is_told_that_it_was_not_used(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    view = await open_edit(world, "U0BEN", card)
    await edit_words(world, "U0MARIA", card, BETTER)
    refused = await world.slack.person("U0BEN").submit(view)
    assert list(refused.body["errors"].values()) == ["Maria edited this just now."]


async def test_an_edit_of_what_has_become_another_kind_of_value_names_whoever_changed_it(world: World) -> None:
    proposed = await world.act("close_account", {"account": "A-17", "note": None})
    card = await world.card(proposed["id"])
    ben, maria = await open_edit(world, "U0BEN", card), await open_edit(world, "U0MARIA", card)
    await world.slack.person("U0BEN").submit(ben, {"arg:note": "5"})
    refused = await world.slack.person("U0MARIA").submit(maria, {"arg:note": '"hello"'})
    told = "Ben changed this after you saw it; look at the new wording and decide again."
    assert refused.body["errors"] == {"arg:account": f"{told} {NOT_USED}"}


async def test_a_reason_that_was_chosen_and_one_that_was_written_are_both_kept(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await edit_words(world, "U0MARIA", card, BETTER, reason="0", other_reason="it was Tuesday")
    done = await world.get(proposed["id"], wait=5)
    assert done["decision"]["reason"] == "The facts are wrong: it was Tuesday"


async def test_no_reason_of_an_edit_is_that_it_should_not_be_done_at_all(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    edit = await open_edit(world, "U0MARIA", card)
    await world.choose("U0BEN", card, ids.REJECT_OPTION)
    reject = await world.slack.wait_for_view("U0BEN")
    offered = [
        [option["text"]["text"] for block in view.blocks for option in block.get("element", {}).get("options", ())]
        for view in (edit, reject)
    ]
    assert offered == [list(ids.REASONS[:-1]), list(ids.REASONS)]


async def test_an_edit_after_the_case_expired_is_refused_in_the_window(world: World, clock: MovableClock) -> None:
    proposed = await world.propose(expires_in=60)
    view = await open_edit(world, "U0BEN", await world.card(proposed["id"]))
    pass_time(world, clock, timedelta(seconds=61))
    await until_stored(world, lambda tx: tx.proposal(proposed["id"]).closed)
    refused = await world.slack.person("U0BEN").submit(view, {words_block(view): BETTER})
    assert "expired" in str(refused.body["errors"])


async def test_nobody_opens_the_window_of_a_decided_case(world: World) -> None:
    proposed = await world.propose()
    card = await world.card(proposed["id"])
    await world.click("U0MARIA", card, ids.APPROVE)
    await world.slack.person("U0BEN").click("C0REVIEW", card, ids.EDIT)
    await told(world, "U0BEN", "Maria approved this")
    assert world.slack.person("U0BEN").view is None


LIMITED = """
[actions.refund]
effect = "write"
free_when = "args.amount <= 50"
"""


@pytest.fixture
async def limited(tmp_path: Path, shop: Shop, clock: MovableClock) -> AsyncIterator[World]:
    """A world in which large refunds go to the escalation team, and very large ones are forbidden."""
    bounds = 'escalate_when = "args.amount > 500"\nrefuse_when = "args.amount > 1000"\n'
    policy = shop_policy(shop, base=POLICY.replace(LIMITED, LIMITED + bounds))
    assert bounds in policy
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as made:
        yield made


async def edit_amount(world: World, user: str, card: Message, amount: str) -> Delivered:
    view = await open_edit(world, user, card)
    return await world.slack.person(user).submit(view, {f"{ids.ARG_BLOCK}:amount": amount})


@pytest.mark.parametrize(("amount", "why"), [("501", "goes to the escalation team"), ("1001", "forbids refund")])
async def test_an_edit_lifts_no_limit_of_the_policy(limited: World, shop: Shop, amount: str, why: str) -> None:
    proposed = await limited.act("refund", {"amount": 180})
    refused = await edit_amount(limited, "U0BEN", await limited.card(proposed["id"]), amount)
    assert why in str(refused.body)
    assert limited.slack.person("U0BEN").view is not None, "what was typed is still there"
    assert (await limited.get(proposed["id"]))["state"] == "pending"
    assert shop.calls == []


async def test_a_limit_is_told_in_plain_words_under_the_argument_that_it_is_about(limited: World) -> None:
    proposed = await limited.act("refund", {"order": "1042", "amount": 180})
    card = await limited.card(proposed["id"])
    forbidden = await edit_amount(limited, "U0BEN", card, "1001")
    told = "The policy forbids refund when amount is above 1000. Change it, or reject."
    assert forbidden.body["errors"] == {"arg:amount": told}
    escalates = await edit_amount(limited, "U0BEN", card, "501")
    told = "refund goes to the escalation team when amount is above 500. Change it, or escalate."
    assert escalates.body["errors"] == {"arg:amount": told}


@pytest.mark.parametrize(
    ("condition", "edits", "field"),
    [
        ("args.amount > args.paid", {"arg:amount": "90"}, "arg:amount"),
        ("args.amount > args.paid", {"arg:amount": "90", "arg:paid": "60"}, "arg:order"),
        (
            "customer.name == 'Ana Lopez' && category == 'refunds' && args.amount > 80",
            {"arg:amount": "90"},
            "arg:amount",
        ),
    ],
    ids=["the edited one of two", "both of two", "one beside other things"],
)
async def test_a_limit_on_several_arguments_stands_under_the_edited_one_or_else_under_the_first(
    tmp_path: Path, shop: Shop, clock: MovableClock, condition: str, edits: dict[str, str], field: str
) -> None:
    policy = shop_policy(shop, base=POLICY.replace(LIMITED, f'{LIMITED}refuse_when = "{condition}"\n'))
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as world:
        proposed = await world.act("refund", {"order": "1042", "paid": 70, "amount": 65})
        view = await open_edit(world, "U0BEN", await world.card(proposed["id"]))
        refused = await world.slack.person("U0BEN").submit(view, edits)
    assert refused.body["errors"] == {field: f"The policy forbids refund when {condition}. Change it, or reject."}


@pytest.mark.parametrize(
    ("condition", "edits", "field"),
    [
        ("customer.name == 'Ana Lopez' && size(args) > 2 && args.amount + args.paid > 150", {}, "arg:order"),
        ("args['amount'] > 80", {"arg:amount": "90"}, "arg:amount"),
        ('args[\\"amount\\"] > args.paid + 10', {"arg:amount": "90"}, "arg:amount"),
    ],
    ids=["of none that is clear", "in brackets", "in brackets beside another"],
)
async def test_a_limit_stands_under_what_it_is_about_whatever_the_arguments_are_called(
    tmp_path: Path, shop: Shop, clock: MovableClock, condition: str, edits: dict[str, str], field: str
) -> None:
    policy = shop_policy(shop, base=POLICY.replace(LIMITED, f'{LIMITED}refuse_when = "{condition}"\n'))
    async with running_world(tmp_path / "sayso.db", policy, clock=clock, SHOP_SECRET=SECRET) as world:
        proposed = await world.act("refund", {"order": "1042", "None": "x", "paid": 70, "amount": 65})
        view = await open_edit(world, "U0BEN", await world.card(proposed["id"]))
        refused = await world.slack.person("U0BEN").submit(view, edits or {"arg:amount": "90", "arg:paid": "71"})
    said = condition.replace("\\", "")
    assert refused.body["errors"] == {field: f"The policy forbids refund when {said}. Change it, or reject."}


async def test_whoever_decides_escalated_cases_may_edit_up_to_what_is_forbidden(limited: World, shop: Shop) -> None:
    proposed = await limited.act("refund", {"amount": 180})
    card = await limited.card(proposed["id"])
    assert "forbids refund" in str((await edit_amount(limited, "U0MARIA", card, "1001")).body)
    assert (await edit_amount(limited, "U0MARIA", card, "501")).ok
    assert (await limited.get(proposed["id"], wait=5))["final"] == {
        "action": {"name": "refund", "args": {"amount": 501}}
    }
    assert len(shop.effects_of(proposed["id"])) == 1
