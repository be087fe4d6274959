"""What a team's past tickets support, before anything runs: thresholds, and what other choices would have done.

One strict look with all of 1 - confidence, over all rows. Other choices are compared on rows held out: half of the
tickets, by a hash of their ids; every choice is made on the other half.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from bot.domain.bins import COUNT, THRESHOLDS, bin_of
from bot.domain.certificate import Certificate, NotEnough, certify_counts
from bot.domain.errors import BadInput
from bot.domain.label import alike
from bot.domain.proposal import Reply

FIXED: Final = (0.8, 0.9)
RIGHT: Final = frozenset({"approved"})
WRONG: Final = frozenset({"edited", "rejected", "escalated", "taken_over"})
NO_LABEL: Final = frozenset({"expired", "withdrawn", "automatic"})
REPORT_EVERY: Final = 4096
_GZIP: Final = b"\x1f\x8b"
Progress = Callable[[int], None]


@dataclass(kw_only=True)
class Counts:
    """Labels, and wrong ones, in each of the 162 bins."""

    n: list[int] = field(default_factory=lambda: [0] * (COUNT + 1))
    k: list[int] = field(default_factory=lambda: [0] * (COUNT + 1))

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            n=[a + b for a, b in zip(self.n, other.n, strict=True)],
            k=[a + b for a, b in zip(self.k, other.k, strict=True)],
        )


@dataclass(kw_only=True)
class Pile:
    """One category's rows: the half that choices are made on, the half held out, and what fixed thresholds did there.

    `fixed` holds (covered, wrong) of the held-out rows; `lowest` and `highest` are the confidences' range.
    """

    chosen_on: Counts = field(default_factory=Counts)
    held_out: Counts = field(default_factory=Counts)
    fixed: dict[float, list[int]] = field(default_factory=lambda: {threshold: [0, 0] for threshold in FIXED})
    lowest: float = 1.0
    highest: float = 0.0

    def add(self, confidence: float, *, wrong: bool, held_out: bool) -> None:
        """One more label."""
        half, b = self.held_out if held_out else self.chosen_on, bin_of(confidence)
        half.n[b] += 1
        half.k[b] += wrong
        self.lowest, self.highest = min(self.lowest, confidence), max(self.highest, confidence)
        if held_out:
            for threshold, counts in self.fixed.items():
                if confidence >= threshold:
                    counts[0] += 1
                    counts[1] += wrong


@dataclass(kw_only=True)
class Faults:
    """Rows that were left out: for each reason how many, and where the first was."""

    seen: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        """One more row left out for this reason."""
        self.seen.setdefault(reason, [0, line])[0] += 1

    def sentences(self) -> list[str]:
        """One clear line for each reason."""
        return [
            f"{count:,} row{' was' if count == 1 else 's were'} left out: {reason} (first in line {line:,})."
            for reason, (count, line) in self.seen.items()
        ]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a choice would have done on the held-out rows: `share` alone, `error` wrong of those; None: nothing ran."""

    threshold: float | None
    share: float
    error: float | None


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """One category: what all its labels support, and what each choice would have done on rows held out."""

    category: str
    labels: int
    wrong: int
    found: Certificate | NotEnough
    held_out: int
    outcomes: Mapping[str, Outcome]
    notes: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Report:
    """Every category, the largest first, and what was left out."""

    risk: float
    confidence: float
    rows: int
    categories: tuple[Tuned, ...]
    faults: tuple[str, ...]


def tune(path: Path, *, risk: float, confidence: float, progress: Progress = lambda _: None) -> Report:
    """The report on a history file; `progress` is told how many bytes of the file were read."""
    piles, faults, rows = read(path, progress)
    if not piles:
        why = " ".join(faults.sentences()) or "it has no rows."
        raise BadInput(f"{path} has no row that can be used: {why}")
    names = sorted(piles, key=lambda name: (-_size(piles[name]), name))
    found = tuple(_tuned(name, piles[name], risk, confidence) for name in names)
    return Report(risk=risk, confidence=confidence, rows=rows, categories=found, faults=tuple(faults.sentences()))


def read(path: Path, progress: Progress = lambda _: None) -> tuple[dict[str, Pile], Faults, int]:
    """(piles by category, what was left out, number of rows) of a history, plain or gzip."""
    piles: dict[str, Pile] = {}
    faults, seen, number = Faults(), set[int](), 0
    for number, text in _lines(path, progress):
        try:
            category, ticket, confidence, wrong = _row(text)
        except ValueError as error:
            faults.add(str(error), number)
            continue
        if ticket is not None:
            # The built-in hash of 64 bits: an id would be mistaken for another once in 10^7 histories of a million.
            key = hash((category, ticket))
            if key in seen:
                faults.add("its ticket_id was there before in this category", number)
                continue
            seen.add(key)
        held_out = bool(zlib.crc32((ticket or str(number)).encode()) & 1)
        piles.setdefault(category, Pile()).add(confidence, wrong=wrong, held_out=held_out)
    return piles, faults, number


def _lines(path: Path, progress: Progress) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
            number = 0
            for number, text in enumerate(stream, start=1):
                if text.strip():
                    yield number, text
                if number % REPORT_EVERY == 0:
                    progress(raw.tell())
            progress(raw.tell())
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _row(text: bytes) -> tuple[str, str | None, float, bool]:
    """(category, ticket id, confidence, wrong); ValueError with the reason where a row cannot be used."""
    try:
        row = json.loads(text)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - read as a reason, like the others
    category, confidence, ticket = row.get("category"), row.get("confidence"), row.get("ticket_id")
    if not isinstance(category, str) or not category:
        raise ValueError("its category is missing")
    if confidence is None:
        raise ValueError("its confidence is missing")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
        raise ValueError("its confidence is not a number from 0 to 1")
    if row.get("sampled") is False:
        raise ValueError("it is not part of the fair sample of the traffic (sampled is false)")
    return category, None if ticket is None else str(ticket), float(confidence), _wrong(row)


def _wrong(row: Mapping[str, Any]) -> bool:
    correct, decision = row.get("correct"), row.get("human_decision")
    if isinstance(correct, bool) or correct in (0, 1):
        return not correct
    if correct is not None:
        raise ValueError("its correct is neither true nor false")
    if decision in RIGHT:
        return False
    if decision == "edited":
        first, last = row.get("proposal"), row.get("human_final")
        cosmetic = isinstance(first, str) and isinstance(last, str) and alike(Reply(text=first), Reply(text=last))
        return not cosmetic
    if decision in WRONG:
        return True
    if decision in NO_LABEL:
        raise ValueError("nobody decided it, so it has no label (human_decision is expired, withdrawn or automatic)")
    raise ValueError("it has neither correct nor a human_decision that says whether it was right")


def _size(pile: Pile) -> int:
    return sum(pile.chosen_on.n) + sum(pile.held_out.n)


def _tuned(name: str, pile: Pile, risk: float, confidence: float) -> Tuned:
    counts, half = pile.chosen_on.plus(pile.held_out), pile.chosen_on
    found = certify_counts(counts.n, counts.k, risk=risk, confidence=confidence)
    ours = certify_counts(half.n, half.k, risk=risk, confidence=confidence)
    held = sum(pile.held_out.n)
    outcomes = {
        "this method": _outcome(pile, ours.bin if isinstance(ours, Certificate) else None),
        "naive": _outcome(pile, naive(half, risk)),
    }
    for threshold, (covered, wrong) in pile.fixed.items():
        share, error = (covered / held if held else 0.0), (wrong / covered if covered else None)
        outcomes[f"fixed {threshold:g}"] = Outcome(threshold=threshold, share=share, error=error)
    return Tuned(
        category=name,
        labels=sum(counts.n),
        wrong=sum(counts.k),
        found=found,
        held_out=held,
        outcomes=outcomes,
        notes=_notes(pile, counts),
        counts=counts,
    )


def naive(counts: Counts, risk: float) -> int | None:
    """The loosest bin whose observed error is within the risk: what a spreadsheet would choose."""
    covered, wrong, best = 0, 0, None
    for b in range(COUNT):
        covered += counts.n[b]
        wrong += counts.k[b]
        if counts.n[b] and wrong <= risk * covered:
            best = b
    return best


def _outcome(pile: Pile, b: int | None) -> Outcome:
    if b is None:
        return Outcome(threshold=None, share=0.0, error=None)
    covered, wrong = sum(pile.held_out.n[: b + 1]), sum(pile.held_out.k[: b + 1])
    held = sum(pile.held_out.n)
    return Outcome(
        threshold=THRESHOLDS[b],
        share=covered / held if held else 0.0,
        error=wrong / covered if covered else None,
    )


def _notes(pile: Pile, counts: Counts) -> tuple[str, ...]:
    found = []
    if _size(pile) > 1 and pile.lowest == pile.highest:
        found.append(
            f"every confidence is {pile.lowest:g}, so it can only run as a whole or not at all; "
            "a confidence that tells cases apart would help"
        )
    if sum(counts.k) == sum(counts.n):
        found.append("every label is wrong; look at how the history was made before anything else")
    return tuple(found)
