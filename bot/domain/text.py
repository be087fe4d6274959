"""What a person really sees of a text: hidden characters shown, long runs named, clean cuts.

Invisible and direction-changing characters let a text say one thing to a reader and another to a machine,
and a long run of blanks pushes a sentence out of sight. General category Cf alone misses most of them
(fillers, selectors, stacked marks), so the set below is spelled out.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from bot.domain.links import link_hosts

__all__ = ["Revealed", "fits", "link_hosts", "reveal", "reveal_name", "shorten"]

MARKS_ON_ONE_BASE: Final = 8
SPACES_IN_A_ROW: Final = 20
BLANK_LINES_IN_A_ROW: Final = 5
_MOVES_ON: Final = str.maketrans({"\t": "<U+0009>", "\n": "<U+000A>", "\r": "<U+000D>"})
_REPEATS_SHOWN: Final = 3
_WORDS_NAMED: Final = 3
_WORD_SHOWN: Final = 40

_TAGS: Final = r"\U000e0000-\U000e007f"
_SELECTORS: Final = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
_NONCHARACTERS: Final = r"\ufdd0-\ufdef" + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17))
_HIDDEN: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U00013430-\U00013440"
    r"\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0080-\U000e0fff" + _SELECTORS + _NONCHARACTERS
)
_HIDDEN_RUN: Final = re.compile(rf"[{_TAGS}]++|([{_HIDDEN}])\1*+")
_PICTURE: Final = re.compile(
    r"[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3"
    r"\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07"
    r"\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_NATION_FLAGS: Final = frozenset({"gbeng", "gbsct", "gbwls"})

_BLANK: Final = r" \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SPACES: Final = re.compile(rf"[{_BLANK}]{{{SPACES_IN_A_ROW + 1},}}+")
_MANY_SPACES: Final = " " * (SPACES_IN_A_ROW + 1)
_BLANK_LINES: Final = re.compile(rf"\n(?:[{_BLANK}]*+\n){{{BLANK_LINES_IN_A_ROW + 1},}}+")
# Combining marks are neither word characters nor blanks, so this finds every stack worth a closer look.
_MAYBE_MARKS: Final = re.compile(rf"[^\w\s\x00-\u02ff]{{{MARKS_ON_ONE_BASE + 1},}}+")

_LATIN: Final = r"A-Za-z\xaa\xba\xc0-\xd6\xd8-\xf6\xf8-\u024f\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff"
_CYRILLIC: Final = r"\u0400-\u0482\u048a-\u052f\u1c80-\u1c8f\ua640-\ua66e\ua680-\ua69d"
_ARMENIAN_CHEROKEE: Final = r"\u0531-\u0587\u13a0-\u13fd\uab70-\uabbf"
# Only the Greek letters that pass for Latin or Cyrillic ones: "kΩ" and "Δt" are honest.
_GREEK_LOOKALIKES: Final = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυχϲϳ"
_OTHER: Final = _CYRILLIC + _ARMENIAN_CHEROKEE + _GREEK_LOOKALIKES
_MIXED_PAIR: Final = re.compile(
    rf"[{_LATIN}](?=[{_OTHER}])|[{_OTHER}](?=[{_LATIN}])"
    rf"|[{_CYRILLIC}](?=[{_GREEK_LOOKALIKES}])|[{_GREEK_LOOKALIKES}](?=[{_CYRILLIC}])"
)


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """A text with nothing hidden in it, and one short note for each kind of hiding that was found."""

    text: str
    hidden: tuple[str, ...]


def reveal(text: str) -> Revealed:
    """Show hidden and deceptive characters as `<U+202E>`, and long blank runs as `⟨3,000 spaces⟩`.

    Emoji sequences, the flags of England, Scotland and Wales, and the joiners that Persian and Indic
    spelling need stay as they are. CRLF becomes LF. Visible characters are never lost, except what a run
    marker counts. Words that mix scripts keep their letters and are named in the notes. Works on any `str`,
    lone surrogates included.
    """
    if text.isascii() and text.isprintable() and _MANY_SPACES not in text:
        return Revealed(text=text, hidden=())  # one plain line: most of what is ever shown
    found: Counter[str] = Counter()
    spelled: list[str] = []
    shown = text.replace("\r\n", "\n")
    shown = _HIDDEN_RUN.sub(lambda match: _show_hidden(match, found, spelled), shown)
    stacks: list[int] = []
    shown = _MAYBE_MARKS.sub(lambda match: _show_marks(match[0], stacks), shown)
    kinds: Counter[str] = Counter()
    for character, count in found.items():
        kinds[_kind(character)] += count
    notes = [_note(kind, count, "".join(spelled)) for kind, count in kinds.items()]
    if stacks:
        notes.append(f"{max(stacks):,} combining marks on one character")
    notes += _mixed_scripts(shown)
    lines: list[int] = []
    shown = _BLANK_LINES.sub(lambda match: _show_lines(match[0], lines), shown)
    spaces: list[int] = []
    shown = _SPACES.sub(lambda match: _show_spaces(match[0], spaces), shown)
    notes += [f"a run of {max(lines):,} blank lines"] if lines else []
    notes += [f"a run of {max(spaces):,} spaces"] if spaces else []
    return Revealed(text=shown, hidden=tuple(notes))


def reveal_name(name: str) -> str:
    """A name with nothing hidden in it, on one line: line ends and tabs are spelled out as well."""
    return reveal(name.translate(_MOVES_ON)).text


def _show_hidden(match: re.Match[str], found: Counter[str], spelled: list[str]) -> str:
    run = match[0]
    if match[1] is None:
        if _is_nation_flag(match.string[match.start() - 1 : match.start()], run):
            return run
        spelled.append("".join(chr(ord(tag) - 0xE0000) for tag in run if 0xE0020 <= ord(tag) < 0xE007F))
        found[run[0]] += len(run)
        return "".join(_codes(tag, len(list(same))) for tag, same in groupby(run))
    kept = run[0] if _belongs(match.string, match.start()) else ""
    count = len(run) - len(kept)
    if count:
        found[run[0]] += count
    return kept + _codes(run[0], count)


def _codes(character: str, count: int) -> str:
    code = f"<U+{ord(character):04X}>"
    return code * count if count <= _REPEATS_SHOWN else f"{code[:-1]} ×{count:,}>"


def _is_nation_flag(before: str, run: str) -> bool:
    letters = "".join(chr(ord(tag) - 0xE0000) for tag in run)
    return before == "\U0001f3f4" and letters[-1] == "\x7f" and letters[:-1] in _NATION_FLAGS


def _belongs(text: str, at: int) -> bool:
    """Whether the joiner or selector at this place is part of an emoji or of a script's ordinary spelling."""
    character = text[at]
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if character in "\ufe0e\ufe0f":
        return bool(_PICTURE.match(before)) or (before in tuple("0123456789#*") and after == "\u20e3")
    if character not in "\u200c\u200d" or not (before and after):
        return False
    if unicodedata.combining(before) == 9:  # a virama: the joiner chooses the shape of the conjunct
        return after.isalpha()
    if character == "\u200c":
        return _is_arabic_letter(before) and _is_arabic_letter(after)
    if before == "\ufe0f":
        before = text[at - 2 : at - 1]
    return bool(_PICTURE.match(before) and _PICTURE.match(after))


def _is_arabic_letter(character: str) -> bool:
    return "\u0620" <= character <= "\u06ff" and character.isalpha()


def _kind(character: str) -> str:
    code = ord(character)
    if 0xE0000 <= code <= 0xE007F:
        return "tag characters"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return "variation selectors"
    if 0xD800 <= code <= 0xDFFF:
        return "lone surrogates"
    if code == 0:
        return "null character U+0000"
    plain = "control character" if unicodedata.category(character) == "Cc" else "invisible character"
    return f"{unicodedata.name(character, plain).lower()} U+{code:04X}"


def _note(kind: str, count: int, spelled: str) -> str:
    note = kind if count == 1 else f"{kind} ×{count:,}"
    return f'{note} spelling "{shorten(spelled, 60)}"' if kind == "tag characters" and spelled else note


def _show_marks(run: str, stacks: list[int]) -> str:
    parts: list[str] = []
    for is_mark, group in groupby(run, key=lambda character: unicodedata.category(character)[0] == "M"):
        marks = "".join(group)
        if is_mark and (extra := len(marks) - MARKS_ON_ONE_BASE) > 0:
            stacks.append(len(marks))
            marks = f"{marks[:MARKS_ON_ONE_BASE]}⟨{extra:,} more combining marks⟩"
        parts.append(marks)
    return "".join(parts)


def _mixed_scripts(text: str) -> list[str]:
    if text.isascii():
        return []
    words: dict[str, None] = {}
    match = _MIXED_PAIR.search(text)
    while match:
        word, end = _word_around(text, match.start())
        words[word] = None
        match = _MIXED_PAIR.search(text, end)
    notes = [f'"{word}" mixes letters of {" and ".join(_scripts(word))}' for word in list(words)[:_WORDS_NAMED]]
    more = len(words) - _WORDS_NAMED
    return [*notes, f"{more:,} more words of mixed scripts"] if more > 0 else notes


def _word_around(text: str, at: int) -> tuple[str, int]:
    start = at
    while start and at - start < _WORD_SHOWN and text[start - 1].isalpha():
        start -= 1
    end = at + 1
    while end < len(text) and end - at < _WORD_SHOWN and text[end].isalpha():
        end += 1
    return text[start:end], end


def _scripts(word: str) -> list[str]:
    names = (unicodedata.name(letter, "unknown").split()[0].capitalize() for letter in word)
    return list(dict.fromkeys(names))


def _show_lines(run: str, lines: list[int]) -> str:
    count = run.count("\n") - 1
    lines.append(count)
    return f"\n⟨{count:,} blank lines⟩\n"


def _show_spaces(run: str, spaces: list[int]) -> str:
    spaces.append(len(run))
    return f"⟨{len(run):,} spaces⟩"


def fits(text: str, *, limit_chars: int, limit_lines: int) -> bool:
    """Whether a text is at most so many characters and lines long; every kind of line break counts."""
    return len(text) <= limit_chars and len((text + ".").splitlines()) <= limit_lines


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters with the final "…", never inside what a reader sees as one."""
    if len(text) <= limit:
        return text
    cut = max(limit - 1, 0)
    while cut and _inside_cluster(text, cut):
        cut -= 1
    return (text[:cut].rstrip() + "…")[: max(limit, 0)]


def _inside_cluster(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if before == "\u200d" or after == "\u200d" or (before, after) == ("\r", "\n"):
        return True
    if (
        unicodedata.category(after)[0] == "M"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or "\U000e0020" <= after <= "\U000e007f"
    ):
        return True
    if "\u1160" <= after <= "\u11ff" and "\u1100" <= before <= "\ud7a3":  # conjoining Hangul letters
        return True
    if not _is_flag_half(after):
        return False
    start = at
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
