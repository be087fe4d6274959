"""Settled cases as training rows: chat fine-tuning, preference pairs, or everything; customers' data masked."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.canonical import Json
from bot.domain.diff import word_diff
from bot.domain.masking import mask
from bot.domain.proposal import Content, Conversation, Reply
from bot.drafting.filling import customer_name
from bot.drafting.similar import text_of

Format = Literal["openai", "dpo", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("openai", "dpo", "jsonl")
SYSTEM: Final = "You draft replies for a customer support team."
_ROLES: Final = {"customer": "user", "agent": "assistant", "ai": "assistant"}
_PHONE: Final = re.compile(r"(?<![\w.,-])(?:\+|\(\d{1,4}\) ?)?\d(?:[ ().-]{0,2}\d){8,14}(?![\w-])")
_SENT: Final = frozenset({"approved", "edited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCase:
    """A settled case: what the AI drafted (None: nothing), what went out (None: nothing), and who decided why."""

    id: str
    category: str
    conversation: Conversation
    draft: Content | None
    final: Content | None
    decision: str
    by: str
    at: str
    reason: str | None = None


def rows(cases: Iterable[TrainingCase], form: Format, *, masked: bool = True) -> Iterator[dict[str, Json]]:
    """One JSON object for each case that the form has a use for.

    `openai`: {"messages": [...]} that end with what a person approved. `dpo`: {"prompt", "chosen", "rejected"}, for
    drafts that a person changed. `jsonl`: every case with draft, final, diff, reason and person.
    """
    build = {"openai": _chat, "dpo": _pair, "jsonl": _everything}[form]
    for case in cases:
        row = build(case)
        if row is not None:
            yield _masked(row, _veil(case)) if masked else row


def _chat(case: TrainingCase) -> dict[str, Json] | None:
    if case.decision not in _SENT or case.final is None or not _asked(case):
        return None
    return {"messages": [*_context(case), _says(case.final)]}


def _pair(case: TrainingCase) -> dict[str, Json] | None:
    drafted, final = case.draft, case.final
    if case.decision not in _SENT or drafted is None or final is None or not text_of(drafted).strip():
        return None
    if text_of(drafted) == text_of(final) or not _asked(case):
        return None
    return {"prompt": _context(case), "chosen": [_says(final)], "rejected": [_says(drafted)]}


def _everything(case: TrainingCase) -> dict[str, Json] | None:
    drafted, final = case.draft, case.final
    both = isinstance(drafted, Reply) and isinstance(final, Reply)
    changes = word_diff(text_of(drafted), text_of(final), limit=None) if both and drafted and final else ()
    return {
        "id": case.id,
        "category": case.category,
        "subject": case.conversation.subject,
        "customer": dict(case.conversation.customer),
        "messages": [{"role": m.role, "text": m.text} for m in case.conversation.messages],
        "draft": drafted.canonical() if drafted else None,
        "final": final.canonical() if final else None,
        "diff": [{"kind": one.kind, "text": one.text} for one in changes],
        "decision": case.decision,
        "reason": case.reason,
        "by": case.by,
        "at": case.at,
    }


def _asked(case: TrainingCase) -> bool:
    return bool(case.conversation.last_customer_text.strip())


def _context(case: TrainingCase) -> list[Json]:
    """The system line and the conversation up to the customer's newest words."""
    messages = list(case.conversation.messages)
    while messages and messages[-1].role != "customer":
        messages.pop()
    said: list[Json] = [{"role": _ROLES[one.role], "content": one.text} for one in messages]
    return [{"role": "system", "content": SYSTEM}, *said]


def _says(content: Content) -> dict[str, Json]:
    return {"role": "assistant", "content": text_of(content)}


def _veil(case: TrainingCase) -> Mapping[str, str]:
    """What stands for each of this customer's particulars, longest first."""
    customer = case.conversation.customer
    found: dict[str, str] = {}
    for name, value in customer.items():
        if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value).strip()) >= 3:
            found[str(value).strip()] = f"[{name}]"
    whole = customer_name(customer, case.conversation.last_customer_text)
    for part in [whole, *whole.split()] if whole else []:
        if len(part) >= 3:
            found.setdefault(part, "[name]")
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _masked(row: dict[str, Json], veil: Mapping[str, str]) -> dict[str, Json]:
    return {name: value if name in _OURS else _hidden(value, veil) for name, value in row.items()}


_OURS: Final = frozenset({"id", "category", "decision", "by", "at"})
"""Fields of the full export that are the team's own and name no customer."""


def _hidden(value: Json, veil: Mapping[str, str]) -> Json:
    match value:
        case str():
            return _hide(value, veil)
        case dict():
            return {name: _hidden(inner, veil) for name, inner in value.items()}
        case list():
            return [_hidden(inner, veil) for inner in value]
        case bool() | None:
            return value
        case _:
            return veil.get(str(value), value)


def _hide(text: str, veil: Mapping[str, str]) -> str:
    if veil:
        pattern = "|".join(re.escape(value) for value in veil)
        folded = {value.casefold(): marker for value, marker in veil.items()}
        text = re.sub(
            rf"(?<!\w)(?:{pattern})(?!\w)",
            lambda match: folded.get(match[0].casefold(), "[name]"),
            text,
            flags=re.IGNORECASE,
        )
    return _PHONE.sub("[phone]", mask(text, emails=True).text)
