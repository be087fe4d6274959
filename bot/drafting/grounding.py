"""Whether every particular of a draft occurs in its sources or in the ticket; deterministic, without a model."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.canonical import Json
from bot.domain.proposal import Action, Content
from bot.domain.text import shorten
from bot.drafting.particulars import Particular, offered, particulars

_WORD: Final = re.compile(r"[^\W\d_]+")
_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """How many particulars the draft states, and which of them occur nowhere."""

    stated: int
    missing: tuple[Particular, ...]

    @property
    def share(self) -> float:
        """The share of the particulars that occur somewhere; 1.0 where there are none."""
        return 1.0 - len(self.missing) / self.stated if self.stated else 1.0

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each particular that occurs nowhere; after the fifth, how many more there are."""
        shown = tuple(
            f"The {one.kind} “{shorten(one.text, 80)}” occurs in neither the sources nor the ticket."
            for one in self.missing[:_NAMED]
        )
        more = len(self.missing) - _NAMED
        return (*shown, f"{more:,} more particulars of the draft occur in neither.") if more > 0 else shown


def ground(content: Content, sources: Iterable[str], *, known: Iterable[str] = ()) -> Grounding:
    """Compare a draft with all that it may draw on; `known` are words that need no source, such as the team's name.

    Of an action, the argument values count, each as a text of its own.
    """
    material = "\n".join([*sources, *known])
    keys = offered(material)
    vocabulary = frozenset(word.casefold() for word in _WORD.findall(material))
    stated = {
        (particular.kind, particular.keys): particular for text in _texts(content) for particular in particulars(text)
    }
    missing = tuple(one for one in stated.values() if not _occurs(one, keys, vocabulary))
    return Grounding(stated=len(stated), missing=missing)


def _occurs(one: Particular, keys: frozenset[str], vocabulary: frozenset[str]) -> bool:
    if one.kind == "name":
        return all(word.casefold() in vocabulary for word in _WORD.findall(one.text))
    if not one.keys.isdisjoint(keys):
        return True
    return one.kind == "identifier" and one.text.isdigit() and f"number {int(one.text)}" in keys


def _texts(content: Content) -> list[str]:
    return _leaves(dict(content.args)) if isinstance(content, Action) else [content.text]


def _leaves(value: Json) -> list[str]:
    match value:
        case dict():
            return [text for inner in value.values() for text in _leaves(inner)]
        case list():
            return [text for inner in value for text in _leaves(inner)]
        case None | bool():
            return []
        case _:
            return [f"{value:f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)]
