"""How alike two answers are, in words."""

from collections import Counter

from bot.domain.canonical import canonical_json
from bot.domain.proposal import Action, Content
from bot.drafting.words import words


def similarity(one: Content, other: Content) -> float:
    """From 0 to 1: the share of words in common (Dice 1945) of two replies; actions are the same or not."""
    if isinstance(one, Action) or isinstance(other, Action):
        return float(text_of(one) == text_of(other)) if type(one) is type(other) else 0.0
    return alike(one.text, other.text)


def alike(one: str, other: str) -> float:
    """Dice's coefficient over the words of two texts, repeats counted; wordless texts are compared as they are."""
    left, right = Counter(words(one)), Counter(words(other))
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else float(one.strip() == other.strip())


def text_of(content: Content) -> str:
    """A reply's words, or an action as canonical JSON."""
    return canonical_json(content.canonical()).decode() if isinstance(content, Action) else content.text
