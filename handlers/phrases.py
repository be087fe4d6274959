"""What people type behind a slash command, parsed; whatever cannot be read gets a sentence with the right form."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.errors import BadInput
from bot.domain.masking import cut
from bot.domain.near import did_you_mean
from bot.domain.policy import Mode
from bot.thresholds import Wish

FORMS: Final = (
    ("/threshold", "the table of all categories"),
    ("/threshold refunds", "one category, with its evidence and its last changes"),
    ("/threshold refunds 0.92 because …", "change its threshold; `92%` means the same"),
    ("/threshold refunds suggest because …", "change its mode: suggest, autonomous, hold or escalate"),
    ("/threshold refunds reset because …", "back to the policy file, or to what was earned"),
    ("/threshold refunds tune 2%", "what the labels so far would support"),
)
QUEUE_FORMS: Final = (
    ("/approvals", "what waits for anybody"),
    ("/approvals mine", "what you may decide"),
    ("/approvals pause because …", "stop everything that would run"),
    ("/approvals resume", "let it go on"),
)
FORM: Final = (
    "Use `/threshold refunds 0.92 because …` to change a threshold, or `/threshold refunds suggest because …` "
    "to change a mode; `/threshold help` lists every form."
)
QUEUE_FORM: Final = "Use `/approvals`, `/approvals mine`, `/approvals pause because …` or `/approvals resume`."
ORDERS: Final = (*Mode, "reset", "tune")
LONGEST_REASON: Final = 500
QUEUE_ORDERS: Final = ("mine", "pause", "resume", "help")

_BECAUSE: Final = re.compile(r"\s+because\b[:,]?\s*", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(\d{1,3}(?:[.,]\d{1,6})?|[.,]\d{1,6})(\s?%)?\Z")


@dataclass(frozen=True, slots=True)
class Help:
    """What can be typed."""


@dataclass(frozen=True, slots=True)
class ShowAll:
    """The table of every category."""


@dataclass(frozen=True, slots=True)
class ShowOne:
    """One category in detail."""

    category: str


@dataclass(frozen=True, slots=True)
class Tune:
    """A look at what is stored, at this risk (a share of wrong ones)."""

    category: str
    risk: float


def threshold(text: str) -> Help | ShowAll | ShowOne | Wish | Tune:
    """What `/threshold TEXT` asks for; raises BadInput with the right form."""
    order, *reasons = _BECAUSE.split(f" {text.strip()}", maxsplit=1)
    reason = cut(reasons[0].strip(), LONGEST_REASON) or None if reasons else None
    parts = order.split()
    if len(parts) < 2 and reason:
        raise BadInput(f"A reason alone changes nothing: say what to change it to. {FORM}")
    if not parts:
        return ShowAll()
    category = parts[0].lower().strip("`*_")
    if len(parts) == 1 and category == "help":
        return Help()
    if len(parts) == 1:
        return ShowOne(category)
    if parts[1].lower() == "tune":
        return Tune(category=category, risk=_risk(" ".join(parts[2:])))
    value = " ".join(parts[1:]).lower()
    if value in set(Mode):
        return Wish(category=category, mode=Mode(value), reason=reason)
    if value in ("reset", "default"):
        return Wish(category=category, reset=True, reason=reason)
    if match := _NUMBER.match(value):
        return Wish(category=category, threshold=_checked(_share(match)), reason=reason)
    meant = did_you_mean(value, ORDERS) or "."
    raise BadInput(f'"{value[:60]}" is neither a number between 0 and 1 nor a mode{meant} {FORM}')


def _risk(text: str) -> float:
    match = _NUMBER.match(text or "2%")
    risk = _share(match) if match else 0.0
    if not 0.0 < risk <= 0.5:
        raise BadInput("Say which share may be wrong, above 0 and at most 50 %: `/threshold refunds tune 2%`.")
    return risk


def _share(match: re.Match[str]) -> float:
    number = float(match[1].replace(",", "."))
    return number / 100 if match[2] else number


def _checked(share: float) -> float:
    if not 0 <= share <= 1:
        raise BadInput(f"A threshold is a number between 0 and 1, such as 0.92, or a percentage such as 92%. {FORM}")
    return share


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits; `mine` is only what this person may decide."""

    mine: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """Stop executions, or let them go on."""

    to: Literal["pause", "resume"]
    reason: str | None = None


def approvals(text: str) -> Help | Queue | Switch:
    """What `/approvals TEXT` asks for; raises BadInput with the right form."""
    word, rest = (*text.strip().split(maxsplit=1), "", "")[:2]
    reason = cut(re.sub(r"\Abecause\b[:,]?\s*", "", rest, flags=re.IGNORECASE), LONGEST_REASON) or None
    match word.lower():
        case "":
            return Queue()
        case "mine":
            return Queue(mine=True)
        case "pause":
            return Switch("pause", reason)
        case "resume":
            return Switch("resume", reason)
        case "help":
            return Help()
    meant = did_you_mean(word.lower(), QUEUE_ORDERS) or "."
    raise BadInput(f'I do not know "{word[:40]}"{meant} {QUEUE_FORM}')
