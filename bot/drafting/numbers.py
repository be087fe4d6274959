"""Numbers, amounts, dates and times as people write them, brought to forms that can be compared."""

import re
from decimal import Decimal
from typing import Final

_MONTHS: Final = "january february march april may june july august september october november december"
MONTHS: Final = _MONTHS.split()
WEEKDAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NUMBER: Final = r"\d{1,3}(?:[,.'’\xa0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,18}(?:[.,]\d{1,6})?"
CURRENCY: Final = {
    **dict.fromkeys(["$", "us$", "usd", "dollar", "dollars", "buck", "bucks"], "USD"),
    **dict.fromkeys(["€", "eur", "euro", "euros"], "EUR"),
    **dict.fromkeys(["£", "gbp", "pound", "pounds", "quid"], "GBP"),
    **dict.fromkeys(["¥", "jpy", "yen"], "JPY"),
    **dict.fromkeys(["₹", "inr", "rupee", "rupees", "rs"], "INR"),
    **dict.fromkeys(["%", "percent", "per cent"], "%"),
    **{code: code.upper() for code in ("chf", "cad", "aud", "sek", "nok", "dkk", "pln", "czk", "brl", "cny", "mxn")},
}
_SMALL_NUMBERS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_SMALL: Final = _SMALL_NUMBERS.split()
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# "One" is mostly a pronoun, so it claims nothing.
NUMBER_WORDS: Final = {
    **{word: value for value, word in enumerate(_SMALL) if value > 1},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
    **{f"{ten}-{_SMALL[unit]}": 10 * value + unit for value, ten in enumerate(_TENS, 2) for unit in range(1, 10)},
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 1_000_000,
}


def values(text: str) -> frozenset[str]:
    """What a written number may mean, as plain decimals: "1,500" is 1500 in one country and 1.5 in another."""
    digits = re.sub(r"['’\xa0\u202f ]", "", text)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return frozenset({_plain(digits)})
    whole, part = re.sub(r"[.,]", "", digits[:last]), digits[last + 1 :]
    decimal, grouped = _plain(f"{whole}.{part}"), _plain(whole + part)
    if len(part) != 3:
        return frozenset({decimal})
    separators = {sign for sign in digits if sign in ".,"}
    if len(separators) == 2:
        return frozenset({decimal})
    return frozenset({grouped}) if digits.count(digits[last]) > 1 else frozenset({decimal, grouped})


def dates(text: str) -> frozenset[str]:
    """What a written date may mean, as `2025-03-12`, or `03-12` where it names no year; empty for no real date."""
    folded = text.casefold()
    month = next((number for number, name in enumerate(MONTHS, 1) if re.search(rf"\b{name[:3]}", folded)), None)
    numbers = [int(run) for run in re.findall(r"\d+", folded)]
    if month is not None:
        day = next((n for n in numbers if n <= 31), None)
        year = next((n for n in numbers if n > 31), None)
        return frozenset({_date(year, month, day)})
    if len(numbers) != 3:
        return frozenset()
    if numbers[0] > 31:
        return frozenset({_date(numbers[0], numbers[1], numbers[2])})
    first, second, year = numbers
    year += 2000 if year < 100 else 0
    return frozenset(
        _date(year, month, day) for month, day in ((first, second), (second, first)) if month <= 12 and day <= 31
    )


def minutes(text: str) -> frozenset[str]:
    """What a written time of day may mean, in minutes after midnight."""
    found = re.match(r"(\d{1,2})(?:[:.](\d{2}))?\s?(?:([ap])\.?m)?", text.casefold())
    if found is None:
        return frozenset()
    hour, minute = int(found[1]), int(found[2] or 0)
    halves = {"a": (hour % 12,), "p": (hour % 12 + 12,)}.get(found[3] or "", (hour,))
    return frozenset(f"{60 * half + minute} minutes" for half in halves)


def _date(year: int | None, month: int, day: int | None) -> str:
    parts = [f"{year:04d}"] if year is not None else []
    return "-".join([*parts, f"{month:02d}", f"{day:02d}" if day is not None else "??"])


def _plain(digits: str) -> str:
    return f"{Decimal(digits).normalize():f}"
