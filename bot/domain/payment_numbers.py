"""Where the card numbers and IBANs of a text are: only numbers whose own check digits agree count."""

import re
import string
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

_GAP: Final = r"[ \xa0\u2009\u202f\u200b-\u200d\u2060\-\u2010-\u2015\u2212]"
_DIGIT_RUN: Final = re.compile(rf"(?<![\w+])\d(?:{_GAP}{{0,3}}+\d)*+(?!\w)")
_DIGITS: Final = re.compile(r"\d+")
_IBAN_START: Final = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})\d\d(?=[ \xa0\-]?[A-Za-z0-9])")
_IBAN_TAILS: Final = {n: re.compile(rf"(?:[ \xa0\-]?[A-Za-z0-9]){{{n}}}+(?![A-Za-z0-9])") for n in range(11, 30)}
# Length of a whole IBAN by country: the SWIFT IBAN registry.
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
_IBAN_DIGITS: Final = str.maketrans(
    {letter: str(int(letter, 36)) for letter in string.ascii_uppercase} | {" ": "", "\xa0": "", "-": ""}
)
_LUHN_PLAIN: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_LUHN_DOUBLE: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


class Span(NamedTuple):
    """A number's place in a text, and its last four characters."""

    start: int
    end: int
    last_four: str


def ibans(text: str) -> Iterator[Span]:
    """The IBANs of a text, in order, written solid or in groups (ISO 13616; check by ISO 7064 mod 97-10)."""
    at = 0
    for start in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(start[1].upper())
        if length is None or start.start() < at:
            continue
        tail = _IBAN_TAILS[length - 4].match(text, start.end())
        if tail is not None and _mod_97(start[0] + tail[0]):
            at = tail.end()
            yield Span(start.start(), at, re.sub(r"[^A-Za-z0-9]", "", tail[0])[-4:].upper())


def cards(text: str) -> Iterator[Span]:
    """The card numbers of a text, in order: 13 to 19 digits that a scheme issues and that pass Luhn's check.

    A card begins and ends where a group of digits does, so nothing is found inside a longer number.
    """
    for match in _DIGIT_RUN.finditer(text):
        run = match[0]
        if len(run) >= 13:
            yield from _Run(run).cards(match.start())


class _Run:
    """Digits with gaps: where the groups stand, and the digits alone, plain and doubled for Luhn's check."""

    def __init__(self, run: str) -> None:
        self.groups = [match.span() for match in _DIGITS.finditer(run)]
        self.solid = "".join(run[start:end] for start, end in self.groups)
        if not self.solid.isascii():
            self.solid = "".join(str(int(digit)) for digit in self.solid)
        self.ends = list(accumulate(end - start for start, end in self.groups))
        self.plain = self.solid.encode().translate(_LUHN_PLAIN)
        self.double = self.solid.encode().translate(_LUHN_DOUBLE)

    def cards(self, offset: int) -> Iterator[Span]:
        group = begin = 0
        while group < len(self.groups):
            last = None
            if self.solid[begin] in "23456" and (group == 0 or self.ends[group] - begin > 3):
                last = self._card_from(group, begin)
            if last is not None:
                four = self.solid[self.ends[last] - 4 : self.ends[last]]
                yield Span(offset + self.groups[group][0], offset + self.groups[last][1], four)
                group = last
            begin = self.ends[group]
            group += 1

    def _card_from(self, first: int, begin: int) -> int | None:
        """The group that ends a card which begins with the first group; sixteen digits are the likeliest.

        Every group of a printed card but the last has four digits or more; smaller ones count only as a
        whole run.
        """
        found = None
        start = begin
        for last in range(first, min(first + 19, len(self.ends))):
            end = self.ends[last]
            size, small, start = end - begin, end - start < 4, end
            if size > 19:
                break
            if size >= 13 and self._is_card(begin, end):
                whole_run = first == 0 and last == len(self.ends) - 1
                if not small or whole_run or (found is None and size == 19):
                    found = last
                if size == 16:
                    break
            if small and first > 0:
                break
        return found

    def _is_card(self, begin: int, end: int) -> bool:
        return _is_issued(self.solid[begin:end]) and self._passes_luhn(begin, end)

    def _passes_luhn(self, begin: int, end: int) -> bool:
        odd = (end - begin) % 2
        return (sum(self.plain[begin + 1 - odd : end : 2]) + sum(self.double[begin + odd : end : 2])) % 10 == 0


def _mod_97(iban: str) -> bool:
    return int((iban[4:] + iban[:4]).upper().translate(_IBAN_DIGITS)) % 97 == 1


def _is_issued(number: str) -> bool:
    """Whether a card scheme issues numbers with this beginning in this length (ISO/IEC 7812 ranges)."""
    size, two, three, four = len(number), number[:2], number[:3], number[:4]
    match number[0]:
        case "2":
            return size >= 16 and ("2200" <= four <= "2205" or "2221" <= four <= "2720")
        case "3":
            diners = "300" <= three <= "305" or three == "309" or two in ("36", "38", "39")
            return (size == 15 and two in ("34", "37")) or (size >= 14 and diners) or (size >= 16 and two == "35")
        case "4":
            return size in (13, 16, 19)
        case "5":
            return size == 16 or two in ("50", "56", "57", "58")
        case _:
            return number[0] == "6"
