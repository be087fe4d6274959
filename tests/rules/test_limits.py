"""Whatever an agent writes, Slack takes what Sayso makes of it: checked by the local Slack's own rules."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.decision import Decision, DecisionKind
from bot.domain.errors import BadInput
from bot.domain.lifecycle import State
from bot.domain.proposal import Action, Content, Evidence, Execution, Message, Proposal, Reply
from bot.errands import summary
from bot.local_slack.blocks import check_message_blocks, check_view
from bot.local_slack.model import SlackError
from bot.ports import Case, Pause
from bot.slack.blocks import is_light, quote, rich
from bot.slack.cards import Painted, card
from bot.slack.edit_modal import edit_modal
from bot.slack.full_case import full_case
from bot.slack.lists import home, queue
from bot.slack.metadata import Metadata
from bot.slack.notices import log_lines, notice
from bot.slack.read_modal import read_modal
from bot.slack.reject_modal import reject_modal
from tests.handlers.nasty import HIDING, INJECTIONS, MARIA, NOW, case, conversation, edited, proposal, story

WIDE = "\U0001d173\u200b"  # each is spelled out in nine characters or eight
LONG = {
    "empty": "",
    "blank": " \n\t ",
    "long": "word " * 8_000,
    "no blanks": "x" * 40_000,
    "hidden": WIDE * 1_500,
    "emoji": "👨\u200d👩\u200d👧" * 1_000,
    "lines": "a\n" * 5_000,
    "blank lines": "\n" * 9_000,
    "nul": "a\x00" * 900,
    "hosts": " ".join(f"https://h{n}.{'x' * 60}.example" for n in range(100)),
    "mixed": "pаypal " * 1_000,
    "entities": "&<>" * 3_000,
    "HTML": "<td class='a'>&nbsp;</td>\n" * 400,
}
TEXTS = LONG | HIDING | INJECTIONS
ROOMS = ("review", "escalation", "ops")
METADATA = Metadata(seen=proposal().seen, channel="C0REVIEW").text()


def new_id() -> Callable[[], str]:
    counter = itertools.count()
    return lambda: f"b{next(counter)}"


def takes(painted: Painted) -> None:
    """Slack takes it as a new message, and as a changed one."""
    check_message_blocks(painted.blocks, new_id())
    assert 0 < len(painted.text) <= 4_000


def takes_view(view: dict[str, Any], kind: str = "modal") -> None:
    check_view(view, new_id(), kind=kind)


def full(content: Content, text: str) -> Proposal:
    """A proposal with everything that can be said, at its longest."""
    made = proposal(content)
    messages = tuple(Message(role=role, text=text, at=text[:64]) for role in ("customer", "agent", "ai") * 11)
    return replace(
        made,
        category="c" * 80,
        conversation=replace(
            conversation(text),
            url=f"https://shop.example/?{'&' * 1_900}",
            messages=messages,
            customer={f"{text[:50]}{n}": text for n in range(40)},
        ),
        evidence=tuple(
            Evidence(title=text[:300], quote=text[:2000], url=f"https://{'u' * 60}.example/{n}") for n in range(20)
        ),
        notes=(text,) * 20,
        ruling=replace(made.ruling, reason=text or "Because.", threshold=0.9, approvals_needed=3),
        approvals=(MARIA, replace(MARIA, id="U0BEN")),
        escalated_by=MARIA,
        connector="email:support",
        recipient=text[:255] or "a@example.com",
        follow_ups=messages[:4],
    )


def contents_of(text: str) -> list[Content]:
    return [
        Reply(text=text),
        Action(name="n" * 80, args={}),
        Action(name="refund", args={(text or "a")[:100]: text, "deep": [[[text[:400]]]], "yes": True, "no": None}),
        Action(name="refund", args={f"{(text or 'a')[:90]}{n}": text[:300] for n in range(60)}),
        Action(name="refund", args={f"{n}": WIDE[0] * 33 for n in range(20)}),
    ]


def decided(made: Proposal, text: str, kind: DecisionKind | None, state: State) -> Proposal:
    decision = Decision(kind=kind, by=MARIA, at=NOW, revision=1, reason=text) if kind else None
    status: Literal["in_doubt", "failed"] = "in_doubt" if state is State.IN_DOUBT else "failed"
    return replace(
        made, state=state, decision=decision, execution=Execution(status=status, error=text) if kind else None
    )


@pytest.mark.parametrize("room", ROOMS[:2])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_slack_takes_every_card(text: str, room: str) -> None:
    waiting = (None, State.PENDING if room == "review" else State.ESCALATED)
    shapes = (waiting, (DecisionKind.APPROVED, State.IN_DOUBT), (DecisionKind.ESCALATED, State.ESCALATED))
    for (kind, state), content in zip(itertools.cycle(shapes), [*contents_of(text), *contents_of(text)], strict=False):
        made = case(decided(full(content, text), text, kind, state))
        takes(card(made, room, undoable=True))
        brief = card(made, room, undoable=True, brief=True)
        takes(brief)
        assert is_light(brief.blocks)
        assert not {"table", "markdown"} & {block["type"] for block in brief.blocks}


@pytest.mark.parametrize("kind", DecisionKind)
def test_slack_takes_the_card_of_every_decision(kind: DecisionKind) -> None:
    for text, room in itertools.product(("word " * 900, WIDE * 900), ROOMS):
        takes(card(case(decided(full(Reply(text=text), text), text, kind, State.CANCELLED)), room))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_slack_takes_every_card_of_an_edit(text: str) -> None:
    for content in contents_of(text):
        other: Content = (
            Reply(text=f"{text[: len(text) // 2]} changed {text[len(text) // 2 :][::-1]}")
            if isinstance(content, Reply)
            else replace(content, args={name: f"new {value}" for name, value in content.args.items()})
        )
        made, first = edited(full(content, text), other)
        made = replace(made, revision=replace(made.revision, reason=text))
        for state in (State.APPROVED, State.ESCALATED, State.FAILED):
            takes(card(case(replace(made, state=state), first), "escalation", undoable=True))
            brief = card(case(replace(made, state=state), first), "escalation", undoable=True, brief=True)
            assert is_light(brief.blocks)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_slack_opens_every_window_or_sayso_says_why_not(text: str) -> None:
    for content in contents_of(text):
        made = full(content, text)
        takes_view(reject_modal(made, METADATA))
        for paint in (edit_modal, read_modal):
            try:
                view = paint(made, METADATA)
            except BadInput:
                said = sum(len(message.text) for message in made.follow_ups)
                assert len(str(content.canonical())) + said > 3_000
            else:
                takes_view(view)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_slack_opens_every_full_case(text: str) -> None:
    for content in contents_of(text)[::2]:
        made, first = edited(full(content, text), content)
        takes_view(full_case(story(made, first, first), METADATA))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_slack_takes_every_list_and_notice(text: str) -> None:
    pause = Pause(by=MARIA, at=NOW, reason=text)
    for content in contents_of(text)[:3:2]:
        many = [replace(full(content, text), id=f"prp_{n:032x}") for n in range(45)]
        check_message_blocks(queue(many, len(many), pause), new_id())
        takes_view(home(many, len(many), pause), "home")
        takes(log_lines(many[:16]))
        takes(log_lines(many[:16], brief=True))
        said = [("Why", text), ("What", summary(many[0])), ("Which", text)]
        lines = [*({"label": label, "text": words} for label, words in said), {"label": "By", "user": "U0MARIA"}]
        told = {"title": "A case was escalated.", "lines": lines, "level": "alarm"}
        takes(notice(told))
        takes(notice(told, brief=True))


any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200).map(lambda text: text * 30)


@given(any_text, any_text, st.sampled_from(State), st.sampled_from(ROOMS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_slack_takes_a_card_of_any_words(text: str, other: str, state: State, room: str) -> None:
    for content in (Reply(text=text), Action(name="refund", args={(text or "a")[:100]: other, "b": [text, other]})):
        made = replace(full(content, other), state=state)
        takes(card(case(made), room))
        takes_view(full_case(story(made), METADATA))


def test_a_message_that_is_too_long_is_noticed() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        takes(Painted(text="x", blocks=[rich(quote("x" * 7_000)), rich(quote("x" * 7_000))]))


def test_a_case_that_waits_long_keeps_its_buttons() -> None:
    made = replace(full(Reply(text="x" * 1_800), "word " * 900), expires_at=NOW + timedelta(days=30))
    for room in ROOMS[:2]:
        painted = card(
            Case(proposal=replace(made, state=State.ESCALATED), revisions=(made.revision,), receipts=()), room
        )
        assert ("sayso_read" in str(painted.blocks)) == (room == "escalation")
