"""Reasons to hand a ticket to a person, found by patterns in the customer's own words and said in words."""

import re
from dataclasses import dataclass
from typing import Final

from bot.domain.proposal import Message
from bot.domain.text import shorten
from bot.drafting.draft import Ticket
from bot.drafting.trigger_patterns import (
    ATTACHED,
    INSTRUCTIONS,
    LEGAL,
    PERSON,
    SAFETY,
    STRONG_ANGER,
    WEAK_ANGER,
    Pattern,
)
from bot.drafting.words import COMMON, MOST_CHARACTERS, excerpt, without_quotes, words

_READ: Final = 100_000
_THIRD: Final = 3
_PLEASED: Final = re.compile(
    r"\b(?:thanks?|thank you|thx|cheers|great|perfect|solved|works? now|got it|all good)\b", re.IGNORECASE
)
_AGAIN: Final = re.compile(
    r"\b(?:again|still|already (?:told|said|asked|wrote|sent|tried)|as i (?:said|wrote)|any (?:update|news)|hello\?|"
    r"third time|same (?:problem|issue|error|question)|repeat(?:ing)? myself)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Family:
    reason: str
    patterns: tuple[Pattern, ...]


_FAMILIES: Final = (
    _Family("The customer asks for a person", PERSON),
    _Family("The customer uses legal words", LEGAL),
    _Family("The customer's safety may be at stake", SAFETY),
    _Family("The ticket gives orders to the AI", INSTRUCTIONS),
)


def triggers(ticket: Ticket) -> tuple[str, ...]:
    """The reasons why a person should take this ticket, one sentence each; empty where there are none.

    The newest customer turn is read for what it says, the whole conversation for how often it came back.
    """
    turns = _turns(ticket.conversation.messages)
    newest = turns[-1] if turns else ""
    text = _plain(excerpt(newest, _READ))
    said = [f"{family.reason}: “{found}”." for family in _FAMILIES if (found := _found(family.patterns, text))]
    candidates = [
        *said,
        _anger(text, newest),
        _loop(ticket.conversation.messages, turns),
        _unread(ticket, text),
    ]
    return (*(reason for reason in candidates if reason), *_long(newest))


def _found(patterns: tuple[Pattern, ...], text: str) -> str | None:
    for pattern in patterns:
        for match in pattern.finds.finditer(text):
            nearby = text[max(0, match.start() - 60) : match.end() + 40]
            if pattern.unless is None or not pattern.unless.search(nearby):
                return shorten(" ".join(match[0].split()), 60)
    return None


def _anger(text: str, written: str) -> str | None:
    if strong := _found(STRONG_ANGER, text):
        return f"The customer is angry: “{strong}”."
    weak = [found for pattern in WEAK_ANGER if (found := _found((pattern,), text))]
    if _shouts(written):
        weak.append("capitals throughout")
    if re.search(r"[!?]{3,}", text):
        weak.append("!!!")
    return f"The customer is angry: “{'”, “'.join(weak[:2])}”." if len(weak) >= 2 else None


def _shouts(text: str) -> bool:
    letters = [sign for sign in text[:4000] if sign.isalpha()]
    return len(letters) >= 25 and sum(sign.isupper() for sign in letters) > 0.7 * len(letters)


def _loop(messages: tuple[Message, ...], turns: list[str]) -> str | None:
    """A third turn on the same matter; three lines in a row without an answer are one turn unless they repeat."""
    lines = [message.text for message in messages if message.role == "customer"]
    for kind, said in (("turn", turns), ("line", lines)):
        if len(said) < _THIRD or (_PLEASED.search(said[-1]) and not _AGAIN.search(said[-1])):
            continue
        same = 1 + sum(_same_matter(earlier, said[-1], strict=kind == "line") for earlier in said[:-1])
        if same >= _THIRD:
            return f"The customer writes for the {_ordinal(same)} time about the same matter."
    return None


def _same_matter(earlier: str, newest: str, *, strict: bool) -> bool:
    old, new = _content(earlier), _content(newest)
    if not strict and (not new or _AGAIN.search(newest)):
        return True
    shared = len(old & new) / max(min(len(old), len(new)), 1)
    return shared >= (0.6 if strict else 0.34) and bool(old & new)


def _content(text: str) -> frozenset[str]:
    return frozenset(words(without_quotes(text))) - COMMON


def _ordinal(count: int) -> str:
    return {3: "third", 4: "fourth", 5: "fifth"}.get(count, f"{count}th")


def _unread(ticket: Ticket, text: str) -> str | None:
    if ticket.attachments:
        names = ", ".join(shorten(name, 60) for name in ticket.attachments[:3])
        more = len(ticket.attachments) - 3
        return f"Nobody has read what is attached: {names}{f' and {more:,} more' if more > 0 else ''}."
    mention = _found(ATTACHED, text)
    return f"The customer speaks of something attached that was not read: “{mention}”." if mention else None


def _long(newest: str) -> tuple[str, ...]:
    if len(newest) <= MOST_CHARACTERS:
        return ()
    return (f"The ticket is {len(newest):,} characters long, and only its beginning and its end were read.",)


def _turns(messages: tuple[Message, ...]) -> list[str]:
    """What the customer wrote between answers, without quoted lines."""
    turns: list[str] = []
    answered = True
    for message in messages:
        if message.role != "customer":
            answered = True
            continue
        own = without_quotes(message.text)
        if answered:
            turns.append(own)
        else:
            turns[-1] += "\n" + own
        answered = False
    return turns


def _plain(text: str) -> str:
    return text.replace("’", "'").replace("\u00a0", " ")
