"""HTML as plain text, by the standard library's own parser: words and line ends, nothing else."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final

LONGEST: Final = 1_000_000
_UNSEEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript"})
_LINES: Final = frozenset(
    {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "hr", "pre"}
)
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol"})
_MANY: Final = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_BLANKS: Final = re.compile(r"[ \t\r\f\v]+")
# Python reads numbers of 4,300 digits at most; no character has a number of eight.
_NO_CHARACTER: Final = re.compile(r"&#[0-9]{1000,};?")


def text_of_html(html: str) -> str:
    """What a reader sees of its first million characters; links keep their address, quotes their mark."""
    reader = _Reader()
    reader.feed(_NO_CHARACTER.sub("\ufffd", html[:LONGEST]))
    reader.end()
    lines = "".join(reader.parts).split("\n")
    text = "\n".join(_BLANKS.sub(" ", line).strip() for line in lines)
    return _MANY.sub("\n\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._quoted = 0
        self._link: str | None = None
        self._linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "blockquote":
            self._quoted += 1
        elif tag == "a":
            self._link, self._linked = dict(attrs).get("href"), []
        elif tag == "li":
            self._line("\n- ")
            return
        if tag in _LINES:
            self._line("\n\n" if tag in _PARAGRAPHS else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "a":
            self._end_link()
        if tag in _PARAGRAPHS or tag in {"div", "tr", "li"}:
            self._line("\n\n" if tag in _PARAGRAPHS else "\n")
        if tag == "blockquote":
            self._quoted = max(self._quoted - 1, 0)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        words = data.replace("\n", " ").replace("\xa0", " ")
        if self._link is not None:
            self._linked.append(words)
        if words.strip() and self._quoted and (not self.parts or self.parts[-1].endswith("\n")):
            self.parts.append("> ")
        self.parts.append(words)

    def end(self) -> None:
        """Take in the text behind the last tag.

        A tag or comment that never ends hides what follows, as in a browser; the library's own `close` would look
        through all of it again at each `<`, for hours.
        """
        rest, self.rawdata = self.rawdata, ""
        if not rest.startswith("<"):
            self.handle_data(unescape(rest))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Skip `<![if !mso]>` and its like up to the next `>`, as a browser does; the library would give up."""
        return self.parse_bogus_comment(i, report=bool(report))

    def _line(self, ends: str) -> None:
        if not self._unseen:
            self.parts.append(ends)

    def _end_link(self) -> None:
        address, label = (self._link or "").strip(), "".join(self._linked).strip()
        if address.startswith(("http://", "https://")) and address.rstrip("/") != label.rstrip("/"):
            self.parts.append(f" ({address})")
        self._link = None
