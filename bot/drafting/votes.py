"""What the neighbours say together: answers that are alike are one answer, and the nearer ones weigh more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.proposal import Content
from bot.drafting.retrieval import Found, Near
from bot.drafting.similar import similarity

SAME_ANSWER: Final = 0.8
_LIKE_ANSWER: Final = 0.6
# A neighbour's weight is its nearness to this power: cosines lie closer together than shared words do.
_POWER_WORDS: Final = 2
_POWER_MEANING: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The answer with the most weight behind it: its nearest precedent, its share, its lead over the next."""

    nearest: Near
    share: float
    margin: float


def elect(found: Found) -> Verdicts | None:
    """The neighbours' favourite answer; None without neighbours."""
    groups: list[list[Near]] = []
    for near in found.precedents:
        for group in groups:
            if similarity(group[0].precedent.final, near.precedent.final) >= SAME_ANSWER:
                group.append(near)
                break
        else:
            groups.append([near])
    power = _power(found)
    weights = [sum(one.nearness**power for one in group) for group in groups]
    total = sum(weights)
    if total <= 0.0:
        return None
    ranked = sorted(zip(weights, groups, strict=True), key=lambda pair: -pair[0])
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    best, group = ranked[0]
    return Verdicts(nearest=group[0], share=best / total, margin=(best - second) / total)


def support(found: Found, content: Content) -> tuple[float, int]:
    """The weighted share of neighbours whose answer is like this one, from 0 to 1, and how many they are."""
    power = _power(found)
    pairs = [(near.nearness**power, similarity(near.precedent.final, content)) for near in found.precedents]
    total = sum(weight for weight, _ in pairs)
    alike = sum(same >= _LIKE_ANSWER for _, same in pairs)
    return (sum(weight * same for weight, same in pairs) / total if total > 0.0 else 0.0), alike


def agreement(contents: Sequence[Content], content: Content) -> float:
    """How alike other samples are to this one on average; 1.0 where there are none."""
    return sum(similarity(one, content) for one in contents) / len(contents) if contents else 1.0


def _power(found: Found) -> int:
    return _POWER_MEANING if found.by_meaning else _POWER_WORDS
