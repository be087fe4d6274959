"""On which line each key of a TOML text stands; tomllib tells the values but not the lines."""

import re
import tomllib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Place = tuple[str | int, ...]

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t]+|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<string>\"{3}(?:[^\\]|\\.)*?\"{3,5} | '{3}.*?'{3,5} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
  | (?P<mark>[\[\]{}=,.])
  | (?P<bare>[^\s\#"'\[\]{}=,.]+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def locate(text: str) -> dict[Place, int]:
    """The 1-based line of every table, key and array element of a text that tomllib has accepted."""
    tokens: list[_Token] = []
    line = 1
    for match in _TOKEN.finditer(text.replace("\r\n", "\n")):
        if match.lastgroup != "space":
            tokens.append(_Token(match.lastgroup or "other", match[0], line))
        line += match[0].count("\n")
    scan = _Scan(tokens)
    scan.document()
    return scan.lines


def line_of(lines: dict[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest table around it; 0 where the file has none of them."""
    return next((lines[place[:size]] for size in range(len(place), 0, -1) if place[:size] in lines), 0)


@dataclass(slots=True)
class _Scan:
    tokens: list[_Token]
    at: int = 0
    lines: dict[Place, int] = field(default_factory=dict)

    def document(self) -> None:
        table: Place = ()
        while self.at < len(self.tokens):
            if self._next("\n"):
                continue
            if self._next("["):
                self._next("[")
                table = self._key(())
                while self._next("]"):
                    pass
            else:
                self._pair(table)

    def _pair(self, table: Place) -> None:
        place = self._key(table)
        self._next("=")
        self._value(place)

    def _key(self, table: Place) -> Place:
        place = table
        while self.at < len(self.tokens) and self._peek().kind in ("bare", "string"):
            token = self._take()
            place = (*place, _name(token))
            self.lines.setdefault(place, token.line)
            if not self._next("."):
                break
        if place == table and self.at < len(self.tokens):
            self.at += 1  # not a key after all: move on, so that the scan always ends
        return place

    def _value(self, place: Place) -> None:
        if self._next("["):
            self._array(place)
        elif self._next("{"):
            self._inline_table(place)
        else:
            while self.at < len(self.tokens) and self._peek().text not in ("\n", ",", "]", "}"):
                self.at += 1

    def _array(self, place: Place) -> None:
        index = 0
        while self.at < len(self.tokens) and not self._next("]"):
            if self._next("\n"):
                continue
            if self._next(","):
                index += 1
                continue
            self.lines.setdefault((*place, index), self._peek().line)
            before = self.at
            self._value((*place, index))
            self.at += self.at == before

    def _inline_table(self, place: Place) -> None:
        while self.at < len(self.tokens) and not self._next("}"):
            if not (self._next(",") or self._next("\n")):
                self._pair(place)

    def _peek(self) -> _Token:
        return self.tokens[self.at]

    def _take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _next(self, text: str) -> bool:
        """Step over the next token where it is `text` itself, not a string of it."""
        if self.at < len(self.tokens) and self._peek().text == text:
            self.at += 1
            return True
        return False


def _name(token: _Token) -> str:
    if token.kind == "bare":
        return token.text
    return str(tomllib.loads(f"key = {token.text}")["key"])
