"""Settled cases become training rows, and no customer stands in them."""

import json
from typing import Any

import pytest

from bot.domain.canonical import Json
from bot.domain.proposal import Action, Conversation, Message, Reply
from bot.drafting.training import FORMATS, TrainingCase, rows

CUSTOMER: dict[str, Json] = {
    "name": "Eva Stone",
    "email": "eva@stone.example",
    "order": "B-9876",
    "vip": True,
    "age": 41,
}


def case(**changes: Any) -> TrainingCase:
    talk = Conversation(
        id="c1",
        customer=CUSTOMER,
        messages=(
            Message(role="customer", text="Where is order B-9876? Call +49 30 1234 5678. Eva"),
            Message(role="ai", text="Dear Eva, wait."),
            Message(role="customer", text="My card 4242 4242 4242 4242 was charged. eva@stone.example"),
            Message(role="agent", text="On it."),
        ),
    )
    values: dict[str, Any] = {
        "id": "p1",
        "category": "orders",
        "conversation": talk,
        "draft": Reply(text="Dear Eva, order B-9876 is lost."),
        "final": Reply(text="Dear Eva Stone, order B-9876 is here."),
        "decision": "edited",
        "by": "Ada",
        "at": "2025-03-12",
        "reason": "Eva was told so",
    }
    return TrainingCase(**{**values, **changes})


def test_a_chat_row_ends_with_what_a_person_approved() -> None:
    (row,) = rows([case()], "openai")
    messages: Any = row["messages"]
    assert [one["role"] for one in messages] == ["system", "user", "assistant", "user", "assistant"]
    assert messages[-1]["content"] == "Dear [name], order [order] is here."


def test_a_preference_pair_puts_the_final_over_the_draft() -> None:
    (row,) = rows([case()], "dpo", masked=False)
    assert row["chosen"] == [{"role": "assistant", "content": "Dear Eva Stone, order B-9876 is here."}]
    assert row["rejected"] == [{"role": "assistant", "content": "Dear Eva, order B-9876 is lost."}]


def test_everything_keeps_draft_final_diff_reason_and_person() -> None:
    (row,) = rows([case()], "jsonl")
    assert (row["by"], row["decision"], row["reason"]) == ("Ada", "edited", "[name] was told so")
    diff: Any = row["diff"]
    assert {"kind": "added", "text": "here"} in [{**one, "text": one["text"].strip()} for one in diff]


@pytest.mark.parametrize("form", FORMATS)
def test_no_customer_stands_in_a_masked_row(form: Any) -> None:
    text = json.dumps(list(rows([case()], form)))
    for theirs in ("Eva", "Stone", "eva@", "B-9876", "4242 4242", "1234 5678"):
        assert theirs not in text
    assert "Eva" in json.dumps(list(rows([case()], form, masked=False)))


@pytest.mark.parametrize(
    ("changes", "openai", "dpo"),
    [
        ({"decision": "approved", "draft": Reply(text="Same."), "final": Reply(text="Same.")}, 1, 0),
        ({"draft": None}, 1, 0),
        ({"draft": Reply(text=" ")}, 1, 0),
        ({"decision": "rejected", "final": None}, 0, 0),
        ({"decision": "expired"}, 0, 0),
        ({"conversation": Conversation(id="c")}, 0, 0),
        ({"draft": Action(name="refund", args={"a": 9}), "final": Action(name="refund", args={"a": 5})}, 1, 1),
    ],
)
def test_each_form_takes_the_cases_that_it_can_use(changes: dict[str, Any], openai: int, dpo: int) -> None:
    counts = [len(list(rows([case(**changes)], form))) for form in FORMATS]
    assert counts == [openai, dpo, 1]
