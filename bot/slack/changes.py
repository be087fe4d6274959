"""What a person changed in a draft: a short diff for the card."""

from typing import Any, Final

from bot.domain.diff import ABSENT, args_diff, word_diff
from bot.domain.masking import hide_named
from bot.domain.proposal import Action, Content, Reply, Revision
from bot.domain.text import shorten
from bot.slack.blocks import EMPTY, Block, Element, line, one_line, quote, rich, shown_name, whole, words
from bot.slack.parts import cell

DIFF_WORDS: Final = 900
CHANGED_ARGUMENTS: Final = 6
VALUE: Final = 100
BLANK: Final = "(blank)"


def changes(revisions: tuple[Revision, ...], label: str) -> list[Block]:
    """The difference between the AI's revision and the newest one, under `label`; empty where there is none."""
    if len(revisions) < 2:
        return []
    first, last = revisions[0].content, revisions[-1].content
    heading = [line(words(label, bold=True))] if isinstance(first, Reply) else []
    return [rich(*heading, *difference(first, last))]


def difference(before: Content, after: Content) -> list[Element]:
    """What differs between two contents of one kind, as sections of rich text."""
    if isinstance(before, Reply) and isinstance(after, Reply):
        # Behind a bar, as every wording is: a line of it must not pass for one of ours.
        return [quote(*_words(before.text, after.text))]
    return _arguments(before, after) if isinstance(before, Action) and isinstance(after, Action) else []


def _words(before: str, after: str) -> list[Element]:
    # Masked first: a secret cut into what stayed and what went would not be known as one.
    old, new = whole(before), whole(after)
    if old == new:
        same = "Only what is masked here changed." if before.split() != after.split() else "Only the spacing changed."
        return [words(same, italic=True)]
    parts: list[Element] = []
    for segment in word_diff(old, new, limit=DIFF_WORDS):
        match segment.kind:
            case "removed":
                parts += _marked(segment.text, strike=True)
            case "added":
                parts += _marked(segment.text, bold=True)
            case _:
                parts.append(words(segment.text))
    return parts


def _marked(text: str, **style: bool) -> list[Element]:
    """The words in this style, the blanks behind them without it: a struck blank would look like a dash."""
    core = text.rstrip() or text
    return [words(core, **style), *([words(text[len(core) :])] if len(core) < len(text) else [])]


def _arguments(before: Action, after: Action) -> list[Element]:
    found = args_diff(before.args, after.args)
    lines = []
    for name, old, new in found[:CHANGED_ARGUMENTS]:
        parts = [words(f"{shorten(shown_name(name), 80)}: ")]
        if old is not ABSENT:
            parts.append(_value(name, old, strike=True))
        if new is not ABSENT:
            parts += [words(" → "), _value(name, new, bold=True)]
            parts += [words(" (masked)", bold=True)] if _value(name, old) == _value(name, new) else []
        lines.append(line(*parts))
    if len(found) > CHANGED_ARGUMENTS:
        lines.append(line(words(f"{len(found) - CHANGED_ARGUMENTS} more in the full case", italic=True)))
    return lines or [line(words("Nothing changed.", italic=True))]


def _value(name: str, value: Any, **style: bool) -> Element:
    text = str(value) if value is ABSENT else cell(hide_named({name: value})[name])
    if text.strip():
        return words(one_line(text, VALUE), **style)
    return words(BLANK if text else EMPTY, italic=True, **style)
