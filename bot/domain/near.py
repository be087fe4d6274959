"""What somebody probably meant who typed a word that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is probably meant to be."""
    return next(iter(get_close_matches(word[:80], list(known), n=1, cutoff=0.6)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The middle of a sentence, such as `; did you mean returns?`; empty where nothing is near."""
    near = near_word(word, known)
    return f"; did you mean {near}?" if near else ""
