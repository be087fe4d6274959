"""A Markdown text as passages: each under its headings, none longer than a bound."""

import re
from collections.abc import Iterator
from typing import Final

from bot.drafting.ports import Passage

LONGEST: Final = 1_200
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE: Final = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE: Final = re.compile(r"^ {0,3}(```+|~~~+)")
_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---(?:\n|\Z)", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def passages(document: str, markdown: str) -> list[Passage]:
    """The passages of one document in order; `heading` is the path of headings, such as "Returns › Refunds"."""
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", markdown.replace("\r\n", "\n").lstrip("\ufeff")))
    found = [(heading, piece) for heading, section in _sections(text.split("\n")) for piece in _pieces(section.strip())]
    return [
        Passage(id=f"{document}#{number}", document=document, heading=heading, text=piece)
        for number, (heading, piece) in enumerate(found, 1)
    ]


def _sections(lines: list[str]) -> Iterator[tuple[str, str]]:
    path: dict[int, str] = {}
    body: list[str] = []
    fence: str | None = None
    for line in lines:
        opened = _FENCE.match(line)
        if opened and (fence is None or opened[1].startswith(fence)):
            fence = opened[1] if fence is None else None
        level, title = (0, "") if fence is not None or opened else _heading(line, body)
        if not level:
            body.append(line)
            continue
        yield _joined(path), "\n".join(body)
        body = []
        path = {depth: name for depth, name in path.items() if depth < level} | {level: title}
    yield _joined(path), "\n".join(body)


def _heading(line: str, body: list[str]) -> tuple[int, str]:
    """Level and title where this line ends a heading; an underlined title is taken back out of `body`."""
    if found := _HEADING.match(line):
        return len(found[1]), found[2]
    alone = len(body) == 1 or (len(body) > 1 and not body[-2].strip())
    if (
        body
        and alone
        and body[-1].strip()
        and (found := _UNDERLINE.match(line))
        and not body[-1].lstrip().startswith("|")
    ):
        return (1 if found[1][0] == "=" else 2), body.pop().strip()
    return 0, ""


def _joined(path: dict[int, str]) -> str:
    return " › ".join(path[depth] for depth in sorted(path))


def _pieces(text: str) -> Iterator[str]:
    """Whole paragraphs together up to the bound; a longer paragraph at its sentences, a longer sentence anywhere."""
    piece = ""
    for part in _parts(text):
        if piece and len(piece) + len(part) > LONGEST:
            yield piece.strip()
            piece = ""
        piece += part
    if piece.strip():
        yield piece.strip()


def _parts(text: str) -> Iterator[str]:
    for paragraph in re.split(r"(?<=\n)\s*\n", text):
        if len(paragraph) <= LONGEST:
            yield paragraph + "\n\n"
            continue
        for sentence in re.split(r"(?<=[.!?。])\s+|\n", paragraph):
            for start in range(0, len(sentence), LONGEST):
                yield sentence[start : start + LONGEST] + " "
