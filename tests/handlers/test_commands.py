"""Slash commands: what cannot be read gets the right form, and only admins change anything, for all to see."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.audit_log import check_chain
from bot.domain.proposal import Proposal
from bot.local_slack import LocalSlack
from bot.local_slack.blocks import check_message_blocks
from bot.slack.lists import HEAVY_ROWS, QUEUE_ROWS
from handlers.phrases import FORMS, QUEUE_FORMS
from storage import rows
from tests.handlers.nasty import HIDING, INJECTIONS, read, walk
from tests.journeys.props import empty_slack, until_stored
from tests.world import POLICY, World, running_bot

NONSENSE = (
    "refunds 1.0000001",
    "refunds -0.1",
    "refunds 2",
    "refunds 101%",
    "refunds NaN",
    "refunds inf",
    "refunds 1e-1",
    "refunds true",
    "refunds 0.9 0.8",
    "refunds suggest hold",
    "refunds 0.9 please",
    "refunds AUTO",
    "refunds because it is late",
    "nothing 0.9",
    "<!channel> 0.9",
    "refunds <@U0LEAD>",
    "refunds " + "9" * 5_000,
    "x" * 3_000,
)


async def typed(world: World, line: str, user: str = "U0LEAD") -> Any:
    """What the bot answers to a slash command."""
    done = await world.slack.person(user).command(line, "C0OPS")
    assert (done.status, done.error) == (200, None), (line, done)
    return done.body if isinstance(done.body, dict) else {"text": done.body}


async def settings(world: World) -> dict[str, tuple[str | None, float | None]]:
    found = await world.sayso.store.read(lambda tx: tx.settings())
    return {name: (change.mode.value if change.mode else None, change.threshold) for name, change in found.items()}


async def test_what_cannot_be_read_gets_a_sentence_and_changes_nothing(world: World) -> None:
    for line in NONSENSE:
        text = (await typed(world, f"/threshold {line}"))["text"]
        assert len(text) < 1_000, line
        assert "/threshold" in text or "The policy has no category" in text, line
        assert "<!" not in text
        assert "<@" not in text
    assert await settings(world) == {}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/threshold refnuds 0.9", "The policy has no category refnuds; did you mean refunds?"),
        ("/threshold refnuds", "The policy has no category refnuds; did you mean refunds?"),
        ("/threshold zebra", "The policy has no category zebra; it has orders, refunds, legal."),
        ("/threshold refunds autonomus", "nor a mode; did you mean autonomous?"),
        ("/threshold refunds rest", "nor a mode; did you mean reset?"),
        ("/threshold refunds 92", "or a percentage such as 92%."),
        ("/threshold refunds tune 2", "Say which share may be wrong"),
        ("/approvals resum", 'I do not know "resum"; did you mean resume?'),
        ("/threshold help", "• `/threshold refunds reset because …`: back to the policy file, or to what was earned"),
        ("/threshold HELP", "• `/threshold refunds tune 2%`: what the labels so far would support"),
        ("/approvals help", "• `/approvals mine`: what you may decide"),
    ],
)
async def test_whoever_mistypes_or_asks_is_told_what_to_type(world: World, line: str, answer: str) -> None:
    assert answer in (await typed(world, line, "U0MARIA"))["text"]


@pytest.mark.parametrize("blank", ["\n", "\t", "\N{NO-BREAK SPACE}", "\N{EM SPACE}", "\r\n ", "\N{LINE SEPARATOR}"])
async def test_any_blank_stands_between_two_words(world: World, blank: str) -> None:
    answer = (await typed(world, f"/threshold orders{blank}0.5{blank}because{blank}it is late"))["text"]
    assert "orders is now autonomous, threshold 0.5." in answer
    assert "it is late" in str((await world.message("C0OPS", "The threshold of orders was changed.")).blocks)
    answer = (await typed(world, f"/approvals pause{blank}because{blank}it is late"))["text"]
    assert answer.startswith("Executions are paused")
    assert "Why: it is late\n" in in_lines((await world.message("C0OPS", "Executions are paused")).blocks)
    assert (await typed(world, f"/approvals resume{blank}"))["text"] == "Executions go on."


def in_lines(blocks: Any) -> str:
    """The lines of rich text."""
    sections = [found["elements"] for found in walk(blocks) if found.get("type") == "rich_text_section"]
    return "".join("".join(part.get("text", "…") for part in section) + "\n" for section in sections)


async def test_every_form_that_help_lists_is_understood(world: World) -> None:
    for form, _ in (*FORMS, *QUEUE_FORMS):
        body = await typed(world, form.replace("…", "of a test"))
        assert "Use `/" not in str(body), form
        assert "did you mean" not in str(body), form


@pytest.mark.parametrize("word", ["reset", "default"])
async def test_reset_goes_back_to_what_the_policy_file_says(world: World, word: str) -> None:
    await typed(world, "/threshold orders 0.5")
    await typed(world, "/threshold orders hold")
    assert (await world.propose(category="orders", confidence=0.95))["ruling"]["verdict"] == "ask"
    answer = (await typed(world, f"/threshold orders {word} because the test is over"))["text"]
    assert "orders is now autonomous, threshold 0.9, as the policy file says. It was hold" in answer
    assert (await settings(world))["orders"] == (None, None)
    told = str((await world.message("C0OPS", "the test is over")).blocks)
    assert "U0LEAD" in told
    detail = read((await typed(world, "/threshold orders"))["blocks"])
    assert "Set by the policy file." in detail
    assert "mode of the file, threshold of the file, by Lena because the test is over" in detail
    assert (await world.propose(category="orders", confidence=0.95))["ruling"]["verdict"] == "automate"
    assert (await world.propose(category="orders", confidence=0.6))["ruling"]["verdict"] == "ask"
    events = await world.sayso.store.read(lambda tx: tx.audit_events(kinds=["threshold.changed"]))
    assert events[-1].event.payload["mode"] == ["hold", "autonomous"]
    assert events[-1].event.payload["threshold"] == [0.5, 0.9]
    again = (await typed(world, f"/threshold orders {word}"))["text"]
    assert again == "orders is autonomous, threshold 0.9 already, so nothing was changed."
    assert "Only the admins" in (await typed(world, f"/threshold orders {word}", "U0MARIA"))["text"]


async def test_whoever_lets_more_run_and_gives_no_reason_is_shown_how(world: World) -> None:
    hint = "No reason was given; next time add one: /threshold orders 0.92 because …"
    assert hint in (await typed(world, "/threshold orders 0.8"))["text"]
    assert hint not in (await typed(world, "/threshold orders 0.95"))["text"], "it lets less run"
    assert hint not in (await typed(world, "/threshold orders 0.8 because of a test"))["text"]


async def test_an_unknown_order_of_approvals_gets_the_right_form(world: World) -> None:
    for line in ("all", "approve everything", "<!channel>", "pausenow", "x" * 3_000):
        body = await typed(world, f"/approvals {line}")
        assert "Use `/approvals`" in body["text"], line
        assert "<!" not in body["text"]
    assert await world.sayso.store.read(lambda tx: tx.pause()) is None


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("refunds 0.92 because audits were clean", (None, 0.92)),
        ("refunds 92%", (None, 0.92)),
        ("refunds 92 %", (None, 0.92)),
        ("refunds 0,92", (None, 0.92)),
        ("REFUNDS .92", (None, 0.92)),
        ("`refunds` 1", (None, 1.0)),
        ("refunds 0", (None, 0.0)),
        ("refunds autonomous", ("autonomous", None)),
        ("refunds Escalate because: holidays", ("escalate", None)),
        ("  refunds   hold  ", ("hold", None)),
    ],
)
async def test_an_admin_changes_it_at_once_and_the_ops_channel_hears_who_and_why(
    world: World, line: str, setting: tuple[str | None, float | None]
) -> None:
    await typed(world, f"/threshold {line}")
    assert (await settings(world))["refunds"] == setting
    told = await world.message("C0OPS", "refunds was changed")
    assert "U0LEAD" in str(told.blocks)
    assert ("audits were clean" in str(told.blocks)) == ("audits" in line)
    _, fault = await check_chain(world.sayso.store)
    assert fault is None


async def test_a_changed_threshold_rules_on_the_next_proposal(world: World) -> None:
    assert (await world.propose(category="orders", confidence=0.95))["ruling"]["verdict"] == "automate"
    await typed(world, "/threshold orders 0.96")
    assert (await world.propose(category="orders", confidence=0.95))["ruling"]["verdict"] == "ask"
    await typed(world, "/threshold orders escalate")
    assert (await world.propose(category="orders", confidence=1.0))["ruling"]["verdict"] == "escalate"


@pytest.mark.parametrize("user", ["U0MARIA", "U0OTHER", "U0GUEST", "U0STRANGER", "U0ROBOT", "U0GONE"])
async def test_nobody_but_an_admin_changes_a_threshold_or_pauses(world: World, user: str) -> None:
    for line in ("/threshold refunds 0.1", "/threshold refunds autonomous", "/approvals pause", "/approvals resume"):
        body = await typed(world, line, user)
        assert any(words in body["text"] for words in ("Only the admins", "cannot decide")), (line, body)
    assert await settings(world) == {}
    assert await world.sayso.store.read(lambda tx: tx.pause()) is None
    assert [m for m in world.slack.messages("C0OPS") if "changed" in m.text] == []


async def test_each_change_is_a_version_with_who_when_and_why(world: World) -> None:
    for value in ("0.8 because of Monday", "0.9 because of Tuesday", "hold because of Wednesday"):
        await typed(world, f"/threshold refunds {value}")
    history = await world.sayso.store.read(lambda tx: tx.setting_history("refunds"))
    assert [change.reason for change in history] == ["of Wednesday", "of Tuesday", "of Monday"]
    assert [change.threshold for change in history] == [0.9, 0.9, 0.8]
    assert {change.by.id for change in history} == {"U0LEAD"}
    seen = read((await typed(world, "/threshold refunds"))["blocks"])
    for words in ("of Monday", "of Tuesday", "of Wednesday", "Lena", "hold"):
        assert words in seen
    table = read((await typed(world, "/threshold"))["blocks"])
    for words in ("orders", "refunds", "legal", "hold", "0.9"):
        assert words in table


async def test_what_was_changed_and_paused_outlives_a_restart(tmp_path: Path) -> None:
    async with empty_slack() as slack:
        async with running_bot(slack, tmp_path / "sayso.db", POLICY):
            await said(slack, "/threshold orders 0.77 because of a test")
            await said(slack, "/approvals pause because of a test")
        async with running_bot(slack, tmp_path / "sayso.db", POLICY):
            assert "0.77" in read((await said(slack, "/threshold"))["blocks"])
            assert "paused" in read((await said(slack, "/approvals"))["blocks"])


async def said(slack: LocalSlack, line: str) -> Any:
    done = await slack.person("U0LEAD").command(line, "C0OPS")
    assert done.ok, done
    return done.body


async def test_a_reason_is_only_words(world: World) -> None:
    texts = [*INJECTIONS.values(), *HIDING.values(), "x" * 2_000]
    for number, text in enumerate(texts):
        await typed(world, f"/threshold refunds 0.{500 + number} because {text}")
        await typed(world, f"/approvals pause {text}")
        only_words((await typed(world, "/approvals"))["blocks"], text)
        await typed(world, "/approvals resume")
    history = (await typed(world, "/threshold refunds"))["blocks"]
    await until_stored(world, lambda tx: not tx.outbox_size())
    assert len(world.slack.messages("C0OPS")) >= 3 * len(texts)
    for text in texts:
        only_words(history, text)
    for message in world.slack.messages("C0OPS"):
        assert "<" not in message.text
        for text in texts:
            only_words(message.blocks, text)


@pytest.mark.parametrize("at", [480, 485, 490])
async def test_a_reason_that_is_cut_shows_no_beginning_of_a_secret(world: World, at: int) -> None:
    reason = f"{'x' * at} 4242 4242 4242 4242 was charged twice and more"
    await typed(world, f"/threshold refunds 0.5 because {reason}")
    await typed(world, f"/approvals pause because {reason}")
    await typed(world, "/approvals resume")
    await until_stored(world, lambda tx: not tx.outbox_size())
    told = [message for message in world.slack.messages("C0OPS") if "xxx" in str(message.blocks)]
    assert len(told) == 2
    assert [message for message in told if "4242 4" in str(message.blocks)] == []


def only_words(blocks: Any, text: str) -> None:
    for found in walk(blocks):
        assert found.get("type") not in ("broadcast", "usergroup", "link")
        assert found.get("type") != "user" or found["user_id"] == "U0LEAD"
        assert found.get("type") != "mrkdwn" or text[:40].strip() not in found["text"]
    assert text not in HIDING.values() or text not in read(blocks)


async def test_where_nothing_waits_for_me_it_is_said_what_waits_for_others(world: World) -> None:
    nothing = read((await typed(world, "/approvals mine", "U0BEN"))["blocks"])
    assert "Every case is decided." in nothing
    await world.propose(category="legal")
    bens = read((await typed(world, "/approvals mine", "U0BEN"))["blocks"])
    assert "*Nothing waits for you.* 1 case waits for others; `/approvals` lists them." in bens
    await world.slack.person("U0BEN").open_home()
    assert "1 case waits for others" in str((await world.slack.wait_for_home("U0BEN")).blocks)


async def test_what_expires_first_stands_first(world: World) -> None:
    for number, seconds in enumerate((900, 300, 600)):
        talk = {"id": f"c{number}", "customer": {"name": f"Customer {seconds}"}}
        await world.propose(key=str(number), expires_in=seconds, conversation=talk)
    seen = read((await typed(world, "/approvals"))["blocks"])
    assert re.findall(r"Customer \d+", seen) == ["Customer 300", "Customer 600", "Customer 900"]


async def test_the_queue_lists_what_waits_and_mine_only_what_i_may_decide(world: World) -> None:
    held = await world.propose(conversation={"id": "c", "customer": {"name": "Held Customer"}})
    await world.propose(category="legal", conversation={"id": "d", "customer": {"name": "Legal Customer"}})
    seen = read((await typed(world, "/approvals"))["blocks"])
    assert "Held Customer" in seen
    assert "Legal Customer" in seen
    mine = read((await typed(world, "/approvals mine", "U0LEAD"))["blocks"])
    assert "Legal Customer" in mine
    assert "Held Customer" not in mine
    bens = (await typed(world, "/approvals mine", "U0BEN"))["blocks"]
    assert "Held Customer" in read(bens)
    assert "Legal Customer" not in read(bens)
    assert any(held["id"] in str(e.get("value")) for e in walk(bens))


async def test_a_queue_that_is_too_much_for_slack_shows_fewer_rows(world: World) -> None:
    for number in range(QUEUE_ROWS):
        heavy = {"name": "<" * 60}
        await world.propose(
            conversation={"id": f"c{number}", "customer": heavy, "messages": [{"role": "customer", "text": "&" * 200}]},
            expires_in=60 * (number + 1),
        )
    answer = await typed(world, "/approvals", "U0MARIA")
    blocks = check_message_blocks(answer["blocks"], lambda: "block")
    assert f"*{QUEUE_ROWS} waiting*, the first {HEAVY_ROWS} of them" in str(blocks)
    assert str(blocks).count("Open") == HEAVY_ROWS


async def test_a_long_queue_reads_the_page_that_it_shows_and_of_a_conversation_only_the_beginning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(QUEUE_ROWS + 5):
        talk = {"id": f"c{number}", "messages": [{"role": "customer", "text": "long " * 20_000}]}
        await world.propose(conversation=talk, expires_in=60 * (number + 1))
    read_out: list[str] = []
    made = rows.proposal_of

    def counted(row: rows.Row) -> Proposal:
        read_out.append(row["document"])
        return made(row)

    monkeypatch.setattr(rows, "proposal_of", counted)
    for command, most in (("/approvals", QUEUE_ROWS), ("/approvals mine", QUEUE_ROWS + 5)):
        read_out.clear()
        shown = str((await typed(world, command, "U0MARIA"))["blocks"])
        assert f"*{QUEUE_ROWS + 5} waiting*, the first {QUEUE_ROWS} of them" in shown
        # Cards are painted at the same time, and they do show the conversation; a list shows how it begins.
        light = [document for document in read_out if len(document) < 5_000]
        assert len(light) == most


async def test_a_pause_holds_what_is_approved_and_resume_lets_it_go(world: World) -> None:
    await typed(world, "/approvals pause because of a test")
    ran = await world.propose(category="orders", confidence=1.0)
    assert ran["state"] == "approved"
    assert "paused" in read((await typed(world, "/approvals"))["blocks"])
    await typed(world, "/approvals resume")
    assert (await world.get(ran["id"], wait=5))["state"] == "executed"
    assert "not paused" in (await typed(world, "/approvals resume"))["text"]
