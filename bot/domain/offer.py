"""A looser threshold as a proposal like any other: an action whose arguments say what is offered, and why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.bins import COUNT, THRESHOLDS
from bot.domain.canonical import Json
from bot.domain.certificate import Certificate
from bot.domain.errors import BadInput
from bot.domain.plural import plural
from bot.domain.policy import number
from bot.domain.proposal import Action, Content

THRESHOLDS_CONNECTOR: Final = "thresholds"
LOOSEN: Final = "loosen_threshold"
SWITCH: Final = "from suggest to autonomous"
_DIGITS: Final = 5
_DIGIT: Final = 10**-_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an approved offer asks for: run `category` on its own from grid bin `bin` on, in that regime.

    `switches` says that it also takes the category out of the mode suggest.
    """

    category: str
    bin: int
    regime: int
    switches: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What a threshold would have done to labelled cases of the last weeks: all, run, and wrong among those."""

    weeks: int
    cases: int
    ran: int
    wrong: int

    def sentence(self) -> str:
        """In words."""
        if not self.cases:
            return f"Nobody decided a case of it in the last {self.weeks} weeks."
        return (
            f"Of {plural(self.cases, 'labelled case')} of the last {self.weeks} weeks, {self.ran:,} would have run on "
            f"their own; people had found {self.wrong:,} of those wrong."
        )


def offer(
    category: str, certificate: Certificate, *, before: float | None, regime: int, what_if: WhatIf, switches: bool
) -> Action:
    """The action that offers what a certificate supports."""
    args: dict[str, Json] = {
        "category": category,
        "now": "none, every case is held" if before is None else number(before),
        "threshold": shown_threshold(certificate.bin),
        "labels": f"{certificate.sample:,}; {certificate.wrong:,} wrong of the {certificate.covered:,} at or above it",
        "share": f"{percent(certificate.share)} of its cases would run on their own",
        "promise": promise(certificate.risk, certificate.confidence),
        "last_weeks": what_if.sentence(),
        "regime": regime,
        **({"mode": SWITCH} if switches else {}),
    }
    return Action(name=LOOSEN, args=args)


def accepted_offer(content: Content) -> Offer:
    """What an approved content asks for; BadInput where no offer of ours reads like that."""
    args = content.args if isinstance(content, Action) and content.name == LOOSEN else {}
    category, threshold, regime = args.get("category"), args.get("threshold"), args.get("regime")
    if not isinstance(category, str) or not isinstance(regime, int) or not isinstance(threshold, int | float):
        raise BadInput("This is not an offer of a threshold that Sayso wrote.")
    switches = args.get("mode") == SWITCH
    return Offer(category=category, bin=loosest_bin(float(threshold)), regime=regime, switches=switches)


def check_edit(before: Content, after: Content) -> None:
    """BadInput unless an edit of an offer only makes its threshold stricter: evidence cannot be edited."""
    old, new = accepted_offer(before), accepted_offer(after)
    if _rest(before) != _rest(after):
        raise BadInput("Only the threshold of an offer can be edited; the rest says what was seen.")
    if new.bin > old.bin:
        raise BadInput(
            f"The evidence supports {shown_threshold(old.bin)} at the loosest. "
            f"To go beyond it, set it by hand: /threshold {old.category} {number(THRESHOLDS[new.bin])} because …"
        )


def loosest_bin(threshold: float) -> int:
    """The loosest bin whose cases all reach `threshold` (to five decimals); BadInput where none is that strict."""
    found = [b for b in range(COUNT) if THRESHOLDS[b] >= threshold - _DIGIT]
    if not found:
        raise BadInput(f"The strictest threshold that can be earned is {shown_threshold(0)}.")
    return found[-1]


def shown_threshold(b: int) -> float:
    """A threshold of the grid as people see it: five decimals, rounded up, tell each from its neighbours."""
    return math.ceil(THRESHOLDS[b] / _DIGIT) / 10**_DIGITS


def promise(risk: float, confidence: float) -> str:
    """The guarantee in one sentence."""
    return f"At most {percent(risk)} of what runs on its own is wrong, with {percent(confidence)} confidence."


def percent(share: float) -> str:
    """A share as people write it: 2 %, 0.5 %, 71.3 %."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _rest(content: Content) -> Mapping[str, Json]:
    args = content.args if isinstance(content, Action) else {}
    return {name: value for name, value in args.items() if name != "threshold"}
