"""What a person changed in a draft: a short diff for the card."""

from bot.domain.diff import ABSENT, args_diff, word_diff
from bot.domain.proposal import Action, Reply, Revision
from bot.slack.blocks import Block, Element, line, rich, shown, words

DIFF_WORDS = 900


def changes(revisions: tuple[Revision, ...]) -> list[Block]:
    """The difference between the AI's revision and the newest one; empty where there is none."""
    if len(revisions) < 2:
        return []
    first, last = revisions[0].content, revisions[-1].content
    if isinstance(first, Reply) and isinstance(last, Reply):
        return [rich(line(*_words(first.text, last.text)))]
    if isinstance(first, Action) and isinstance(last, Action):
        return [rich(*_arguments(first, last))]
    return []


def _words(before: str, after: str) -> list[Element]:
    parts: list[Element] = []
    for segment in word_diff(before, after, limit=DIFF_WORDS):
        text = shown(segment.text, DIFF_WORDS)
        match segment.kind:
            case "removed":
                parts.append(words(text, strike=True))
            case "added":
                parts.append(words(text, bold=True))
            case _:
                parts.append(words(text))
    return parts or [words("Only the spacing changed.", italic=True)]


def _arguments(before: Action, after: Action) -> list[Element]:
    lines = []
    for name, old, new in args_diff(before.args, after.args):
        parts = [words(f"{shown(name, 80)}: ")]
        if old is not ABSENT:
            parts.append(words(shown(str(old), 200), strike=True))
        if new is not ABSENT:
            parts += [words(" → "), words(shown(str(new), 200), bold=True)]
        lines.append(line(*parts))
    return lines or [line(words("Nothing changed.", italic=True))]
