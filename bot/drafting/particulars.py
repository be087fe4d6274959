"""The particulars of a text: its links, addresses, amounts, dates, times, identifiers, numbers and names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bot.drafting.names import name_spans
from bot.drafting.numbers import CURRENCY, MONTHS, NUMBER, NUMBER_WORDS, WEEKDAYS, dates, minutes, values

Kind = Literal["link", "e-mail address", "amount", "date", "time", "number", "identifier", "name"]

_MONTH: Final = "(?:" + "|".join(f"{name}|{name[:3]}\\.?" for name in MONTHS) + "|sept\\.?)"
_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_TLD: Final = (
    r"(?:com|org|net|io|co|uk|de|eu|fr|app|dev|shop|store|info|ai|us|ca|au|nl|ch|es|at|ly|gg|biz|xyz|online|site"
    r"|help|support|cc|ru|cn|tk|link|click|top|page|tech|cloud|test|example)"
)
_SIGNS: Final = "".join(re.escape(sign) for sign in CURRENCY if len(sign) == 1 and sign != "%")
_UNITS: Final = "|".join(sorted((name for name in CURRENCY if name.isalpha() or " " in name), key=len, reverse=True))
_CODES: Final = "|".join(name.upper() for name in CURRENCY if len(name) == 3 and name.isalpha())
# Earlier patterns take their characters away from later ones.
_PATTERNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, flags))  # type: ignore[misc]  # mypy widens the literal in a tuple of tuples
    for kind, pattern, flags in (
        ("e-mail address", r"(?<![\w.+-])[\w.+-]{1,64}+@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", 0),
        (
            "link",
            r"\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"“”)\]}]+|\b(?:mailto|tel|javascript|data):[^\s<>\"]+",
            re.IGNORECASE,
        ),
        ("link", rf"(?<![\w@.-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}{_TLD}\b(?:/[^\s<>\"“”)\]}}]*)?", re.IGNORECASE),
        ("date", r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})\b", 0),
        (
            "date",
            rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}\b(?:,?\s+\d{{4}}\b)?|\b{_MONTH}\s+{_DAY}\b(?:,?\s+\d{{4}}\b)?",
            re.IGNORECASE,
        ),
        ("date", rf"\b{_MONTH}\s+\d{{4}}\b", re.IGNORECASE),
        ("date", rf"\b(?:{'|'.join(WEEKDAYS)})s?\b|\btomorrow\b", re.IGNORECASE),
        ("time", r"\b\d{1,2}:\d{2}(?:\s?[ap]\.?m\b\.?)?|\b\d{1,2}\s?[ap]\.?m\b\.?", re.IGNORECASE),
        ("amount", rf"(?:\bUS)?[{_SIGNS}]\s?(?:{NUMBER})k?|\b(?:{_CODES})\s?(?:{NUMBER})", 0),
        ("amount", rf"\b(?:{NUMBER})\s?(?:[{_SIGNS}%]|(?:{_UNITS})\b)", re.IGNORECASE),
        ("identifier", r"(?<![\w.,-])(?:\+|\(\d{1,4}\) ?)?\d(?:[ ().-]{0,2}\d){6,18}(?![\w-])", 0),
        (
            "identifier",
            r"(?<![\w-])#?(?=[\w/-]*\d)(?=[\w/-]*[a-z])[a-z0-9]+(?:[-_/][a-z0-9]+)*(?![\w-])",
            re.IGNORECASE,
        ),
        ("identifier", r"(?<!\w)#?\d{5,30}(?!\w)|#\d{1,30}(?!\w)", 0),
        ("number", rf"(?<![\w])(?:{NUMBER})", 0),
        ("number", rf"\b(?:{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})\b", re.IGNORECASE),
    )
)
_COUNTED: Final = re.compile(
    r"(\d+)(?:(?:st|nd|rd|th|h|d|x|k|m|hrs?|km|cm|mm|kg|g|gb|mb|tb|ml|l|min|s)|-[a-z-]+)", re.IGNORECASE
)
_LIST_MARK: Final = re.compile(r"^[ \t]*\d{1,2}[.)](?=\s)|\bstep \d{1,2}\b", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Particular:
    """One particular at `start:end` of its text; `keys` are the forms that it may mean, to be compared with others'."""

    kind: Kind
    text: str
    keys: frozenset[str]
    start: int
    end: int


def particulars(text: str) -> list[Particular]:
    """The particulars of a text in order; each character belongs to one at most."""
    taken = bytearray(len(text))
    for mark in _LIST_MARK.finditer(text):
        taken[mark.start() : mark.end()] = b"\1" * (mark.end() - mark.start())
    found = [
        particular
        for kind, pattern in _PATTERNS
        for match in pattern.finditer(text)
        if (particular := _free(kind, text, match.start(), match.end(), taken)) is not None
    ]
    for start, end in name_spans(text):
        if not any(taken[start:end]):
            found.append(_particular("name", text, start, end))
    return sorted(found, key=lambda particular: particular.start)


def offered(text: str) -> frozenset[str]:
    """Every key that a source gives: its particulars', dates without their year, and each run of digits."""
    keys: set[str] = set()
    for particular in particulars(text):
        keys |= particular.keys
        if particular.kind == "date":
            keys |= {form for key in particular.keys if len(key) == 10 for form in (key[5:], f"{key[:8]}??")}
    return frozenset(keys | {f"number {value}" for run in re.findall(r"\d{1,18}", text) for value in values(run)})


def _free(kind: Kind, text: str, start: int, end: int, taken: bytearray) -> Particular | None:
    if kind == "link":
        end = start + len(text[start:end].rstrip(".,;:!?'’*_"))
    if end <= start or any(taken[start:end]):
        return None
    taken[start:end] = b"\1" * (end - start)
    return _particular(kind, text, start, end)


def _particular(kind: Kind, text: str, start: int, end: int) -> Particular:
    shown = text[start:end]
    counted = _COUNTED.fullmatch(shown) if kind == "identifier" else None
    if counted:
        kind, keys = "number", frozenset(_keys("number", counted[1]))
    else:
        keys = frozenset(_keys(kind, shown))
    return Particular(kind=kind, text=shown, keys=keys, start=start, end=end)


def _keys(kind: Kind, text: str) -> Iterator[str]:
    folded = text.casefold()
    match kind:
        case "link":
            yield "link " + _address(text)
        case "e-mail address":
            yield f"e-mail {folded}"
        case "amount":
            yield from _amounts(folded)
        case "date":
            yield from dates(text) or {folded.removesuffix("s")}
        case "time":
            yield from minutes(text)
        case "identifier":
            yield "identifier " + "".join(sign for sign in folded if sign.isalnum())
        case "number":
            known = NUMBER_WORDS.get(folded)
            yield from (f"number {value}" for value in ([known] if known is not None else values(text)))
        case "name":
            yield f"name {folded}"


def _address(text: str) -> str:
    """A link without what does not matter: http or https, `www.`, a closing slash, capitals in the host."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text, flags=re.IGNORECASE)
    host, slash, path = bare.partition("/")
    return (host.casefold() + slash + path).rstrip("/")


def _amounts(folded: str) -> Iterator[str]:
    number = re.search(NUMBER, folded)
    unit = CURRENCY.get(re.sub(rf"(?:{NUMBER})k?|\s", "", folded).replace("percent", "%"), "?")
    if number is not None:
        thousands = 1000 if folded[number.end() :].strip() == "k" else 1
        yield from (f"{unit} {float(value) * thousands:g}" for value in values(number[0]))
