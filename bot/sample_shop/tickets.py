"""The tickets of the sample shop: what customers write, and what the AI would do about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of a conversation."""

    role: Literal["customer", "agent", "ai"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the AI proposes: `content` is the `reply` or the `action` of the HTTP interface."""

    category: str
    kind: Literal["reply", "action"]
    content: Json
    confidence: float | None
    in_scope: bool = True
    evidence: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One conversation.

    `look_up` reads the order first, `second_draft` is the AI's next try after a rejection, `then` what it writes once
    an action was carried out, and `thanks` what the customer answers.
    """

    name: str
    subject: str
    lines: tuple[Line, ...]
    draft: Draft
    look_up: bool = False
    second_draft: Draft | None = None
    then: Draft | None = None
    thanks: str | None = None


def tickets() -> tuple[Ticket, ...]:
    """All tickets, in the order in which they arrive; texts still hold {first}, {order} and {email}."""
    document = json.loads(files(__package__).joinpath("tickets.json").read_text("utf-8"))
    return tuple(_ticket(row) for row in document)


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """The same JSON with every {word} in its texts replaced."""
    match value:
        case str():
            for word, text in words.items():
                value = value.replace(f"{{{word}}}", text)
            return value
        case dict():
            return {key: filled(inner, words) for key, inner in value.items()}
        case list() | tuple():
            return [filled(inner, words) for inner in value]
        case _:
            return value


def _ticket(row: Json) -> Ticket:
    draft = _draft(row, row["category"])
    second = row.get("second_draft")
    then = row.get("then")
    return Ticket(
        name=row["id"],
        subject=row["subject"],
        lines=tuple(Line(role=line["role"], text=line["text"]) for line in row["messages"]),
        draft=draft,
        look_up=row.get("look_up", False),
        second_draft=_draft(row | {"reply": second}, row["category"]) if second else None,
        then=_draft(then, then["category"]) if then else None,
        thanks=row.get("thanks"),
    )


def _draft(row: Json, category: str) -> Draft:
    action = row.get("action")
    text = row.get("reply", "\n".join(row.get("reply_lines", [])))
    return Draft(
        category=category,
        kind="action" if action else "reply",
        content=action or {"text": text},
        confidence=row["confidence"],
        in_scope=row.get("in_scope", True),
        evidence=tuple(row.get("evidence", ())),
    )
