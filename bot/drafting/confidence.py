"""How sure to be of a draft: a few features, blended by weights into the chance that a person approves it unedited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.drafting.grounding import Grounding
from bot.drafting.logistic import logit, sigmoid
from bot.drafting.ports import Outcome
from bot.drafting.retrieval import Found

NAMES: Final = (
    "nearness",
    "margin",
    "agreement",
    "knowledge",
    "ungrounded",
    "doubt",
    "disagreement",
    "model",
)
"""What the blend looks at, all in [0, 1] but `doubt`: see `features`."""
NEVER_HELPS: Final = frozenset({"ungrounded", "doubt", "disagreement"})
"""Features that may only lower the confidence, whatever the decisions seem to say."""
LOWEST: Final = 0.01
HIGHEST: Final = 0.99
HELD: Final = 0.04
"""What a held draft is at most: below every threshold of the grid (`bot.domain.bins`)."""
_TOP_DOUBT: Final = 4.0
_CEILING: Final = 0.95
_LIKE: Final = 0.1
_FEW: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One weight for each of `NAMES` and the intercept, in log-odds."""

    intercept: float
    by_name: Mapping[str, float]

    def confidence(self, features: Mapping[str, float]) -> float:
        """The blend, from 0.01 to 0.99."""
        z = self.intercept + sum(self.by_name.get(name, 0.0) * features.get(name, 0.0) for name in NAMES)
        return min(max(sigmoid(z), LOWEST), HIGHEST)


def features(
    found: Found,
    grounding: Grounding,
    *,
    agreement: float,
    margin: float,
    own: float | None = None,
    by_model: bool = False,
    samples: float = 1.0,
) -> dict[str, float]:
    """Everything that the blend looks at, by name.

    `nearness` of the nearest precedent, and `knowledge`, that of the nearest passage where a model wrote;
    `agreement`, the weighted share of
    neighbours whose answer is like the draft; `margin`, the lead of their favourite answer over the next; `ungrounded`,
    the share of particulars that occur nowhere; `disagreement` of extra samples; `doubt`, by how many nats of log-odds
    the model's own number lies below 0.95. A high number of the model's own says nothing: a ticket can order one.
    """
    return {
        "nearness": found.precedents[0].nearness if found.precedents else 0.0,
        "margin": margin,
        "agreement": agreement,
        "knowledge": found.passages[0].nearness if found.passages and by_model else 0.0,
        "ungrounded": 1.0 - grounding.share,
        "doubt": doubt(own),
        "disagreement": 1.0 - samples,
        "model": float(by_model),
        "by_meaning": float(found.by_meaning),
    }


def doubt(own: float | None) -> float:
    """How far the model's own number lies below 0.95, in log-odds from 0 to 4; a missing number is no doubt."""
    if own is None:
        return 0.0
    return min(max(logit(_CEILING) - logit(min(max(own, 1e-6), _CEILING)), 0.0), _TOP_DOUBT)


def is_grey(confidence: float, threshold: float | None, *, width: float = 0.1) -> bool:
    """Whether extra samples could change what happens: the confidence lies near the threshold."""
    return threshold is not None and abs(confidence - threshold) <= width


def in_words(
    values: Mapping[str, float],
    *,
    alike: int,
    neighbours: int,
    outcomes: Sequence[Outcome],
    confidence: float,
    samples: int = 0,
) -> tuple[str, ...]:
    """Where the confidence comes from, for people: the record of drafts like this one comes first."""
    said = [record(outcomes, confidence)]
    if neighbours:
        said.append(f"The nearest earlier case is {_how_near(values)}.")
        said.append(f"{alike} of the {neighbours} nearest earlier cases got an answer like this one.")
    else:
        said.append("No earlier case is like this one.")
    if samples:
        agreed = 1.0 - values.get("disagreement", 0.0)
        said.append(
            f"Asked {samples} more times, the model answered {'much the same' if agreed >= 0.6 else 'otherwise'}."
        )
    if values.get("doubt", 0.0) > 1.5:
        said.append("The model itself is not sure.")
    return tuple(said)


def record(outcomes: Sequence[Outcome], confidence: float, *, most: int = 50) -> str:
    """How the last drafts of about this confidence fared; `outcomes` are of one category, latest first."""
    like = [outcome for outcome in outcomes if abs(outcome.confidence - confidence) <= _LIKE][:most]
    right = sum(outcome.right for outcome in like)
    if len(like) < _FEW:
        return (
            f"Only {len(like)} drafts like this have been decided so far." if like else "This is the first of its kind."
        )
    return f"{right} of the last {len(like)} like this were approved unedited."


def _how_near(values: Mapping[str, float]) -> str:
    near = values.get("nearness", 0.0)
    close, far = (0.75, 0.55) if values.get("by_meaning") else (0.6, 0.4)
    return "very much like it" if near >= close else "rather like it" if near >= far else "only a little like it"
