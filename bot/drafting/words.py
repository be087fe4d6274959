"""Texts as search words: the one tokeniser for everything that is indexed and everything that is asked."""

import re
import unicodedata
from typing import Final

MOST_CHARACTERS: Final = 16_000
LONGEST_WORD: Final = 40
_TAIL: Final = 4_000

_MARKS: Final = r"\u0300-\u036f"
_NO_SPACES: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
)
_WORD: Final = re.compile(rf"[{_NO_SPACES}]++|[^\W_{_NO_SPACES}]++(?:['’][^\W_{_NO_SPACES}]++)*+")
_DENSE: Final = re.compile(rf"[{_NO_SPACES}]")
_ACCENTS: Final = re.compile(rf"(?<=[a-z])[{_MARKS}]+")
_UNDOUBLED: Final = frozenset("bdfgmnprt")
_QUOTED: Final = re.compile(
    r"^[ \t]*>.*$|^On .{5,200} wrote:\s*$|^-{2,} ?Original Message ?-{2,}[\s\S]*\Z", re.MULTILINE
)


def excerpt(text: str, limit: int = MOST_CHARACTERS) -> str:
    """The beginning and the end of a long text, with a mark that says how much was left out between them."""
    if len(text) <= limit:
        return text
    tail = min(_TAIL, limit // 4)
    return f"{text[: limit - tail]}\n[… {len(text) - limit:,} characters left out …]\n{text[-tail:]}"


def without_quotes(text: str) -> str:
    """A message without the lines that it quotes from earlier ones, unless nothing else is left."""
    own = _QUOTED.sub("", text)
    return own if own.strip() else text


def words(text: str) -> list[str]:
    """The words of a text in order, folded and stemmed lightly; a long text counts by its beginning and end.

    Scripts that write no spaces give pairs of neighbouring characters.
    """
    folded = unicodedata.normalize("NFKC", excerpt(text)).casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
    found: list[str] = []
    for word in _WORD.findall(folded):
        if _DENSE.match(word):
            found += [word[i : i + 2] for i in range(max(len(word) - 1, 1))]
        elif len(word) <= LONGEST_WORD:
            found += [stem(part) for part in re.split("['’]", word) if part]
    return found


def stem(word: str) -> str:
    """An English word without its plural, -ing, -ed and last e, so that "charges" meets "charging"."""
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui":
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root is not word and len(root) >= 3 and len(root) < len(word):
            word = root[:-1] if root[-1] == root[-2] and root[-1] in _UNDOUBLED else root
            break
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


COMMON: Final = frozenset(
    words(
        "i you it is are was the a an to of in on at and or my me your we they this that have has had do did not no "
        "yes please hello hi hey thanks thank can could will would for with be but so from what how when there "
        "just where why who which if am as by"
    )
)
"""English words that say nothing about the matter."""
