"""What a decision says about the AI: right only if a person approved its own words or arguments.

The cosmetic rule: an edit that changes nothing but white space, the case of letters and marks between words
(. , ; : ! ? … - – — quotes and round brackets) counts as unchanged. A mark inside a word or a number, or right before
a digit, is never cosmetic: 1.000 and 1,000, or 5 and -5, are different answers. An action has no cosmetic edits.
"""

import re
from dataclasses import dataclass
from typing import Final

from bot.domain.decision import DecisionKind
from bot.domain.proposal import Content, Proposal, Reply
from bot.domain.proposal import alike as to_the_letter

_MARKS: Final = re.compile(r"""(?<!\w)[.,;:!?…\-–—"'“”‘’«»()]+(?!\d)|[.,;:!?…\-–—"'“”‘’«»()]+(?!\w)""")
_NO_LABEL: Final = frozenset({DecisionKind.EXPIRED, DecisionKind.WITHDRAWN, DecisionKind.AUTOMATIC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One conversation's label in one regime of a category; `probability` is the chance of the audit that drew it.

    `marked` labels are of replies that went out on their own and were found wrong later.
    """

    proposal_id: str
    conversation_id: str
    category: str
    regime: int
    bin: int
    confidence: float
    wrong: bool
    sampled: bool
    audited: bool
    probability: float
    marked: bool
    at: str


def is_wrong(proposal: Proposal, first: Content) -> bool | None:
    """Whether the AI was wrong, by what people decided; None where nobody did. `first` is what the AI proposed."""
    decision = proposal.decision
    if proposal.escalated_by is not None:
        return True
    if decision is None or decision.kind in _NO_LABEL:
        return None
    if decision.kind is DecisionKind.REJECTED and proposal.execution is not None:
        # Somebody had approved it: that its delivery failed and was given up says nothing about the AI.
        return not alike(first, proposal.content)
    if decision.kind in {DecisionKind.APPROVED, DecisionKind.EDITED}:
        return not alike(first, proposal.content)
    return True


def alike(first: Content, last: Content) -> bool:
    """Whether two contents are the same by the cosmetic rule."""
    if isinstance(first, Reply) and isinstance(last, Reply):
        return _bare(first.text) == _bare(last.text)
    return to_the_letter(first, last)


def _bare(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text.casefold()).split())
