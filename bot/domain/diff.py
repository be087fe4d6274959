"""What changed between two wordings or two sets of arguments, short enough for a card."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from bot.domain.text import shorten

Kind = Literal["same", "removed", "added"]

_CONTEXT: Final = 40
_SHORTEST_CHANGE: Final = 60
# Steps of difflib's inner loop: about a quarter of a second on a slow core.
_BUDGET: Final = 1_500_000
_EXTENDERS: Final = r"\u0300-\u036f\u200d\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_IDEOGRAPHS: Final = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
# One token: a word (numbers keep their decimals), an ideograph or a sign, with its marks and blanks; or a line end.
_TOKEN: Final = re.compile(
    rf"(?:[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]++(?:[.,'’_-][^\W{_IDEOGRAPHS}]++)*+"
    rf"|[\U0001f1e6-\U0001f1ff]{{2}}|[^\w\s])(?:\u200d[^\s]|[{_EXTENDERS}])*+[^\S\n]*+|\n|[^\S\n]++"
)


class Absent(Enum):
    """Stands where an argument did not exist before or does not exist any more."""

    ABSENT = "—"

    def __str__(self) -> str:
        return self.value


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of text that stayed, went or came."""

    kind: Kind
    text: str


class ArgChange(NamedTuple):
    """One argument that differs: its name, its value before and after, ABSENT where there was none."""

    name: str
    old: object
    new: object


def word_diff(before: str, after: str, *, limit: int | None = 600) -> tuple[Segment, ...]:
    """The words that went and came, in order, with a little of what stayed around them.

    All segments together have at most `limit` characters; left-out stretches are "…". With `limit=None`
    nothing is left out: same and removed spell `before`, same and added spell `after`. Equal texts give an
    empty tuple. Past a fixed amount of work the rest counts as rewritten whole, so 40,000 characters take
    well under a second.
    """
    if before == after:
        return ()
    segments = tuple(_merged(_changes(_TOKEN.findall(before), _TOKEN.findall(after))))
    if limit is None:
        return segments
    collapsed = tuple(_collapsed(segments))
    return collapsed if _length(collapsed) <= limit else _squeezed(collapsed, limit)


def args_diff(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[ArgChange, ...]:
    """The arguments that differ as JSON values (`1` is `1.0`, but not `true` or `"1"`), new ones last."""
    names = dict.fromkeys([*before, *after])
    changes = (ArgChange(name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in names)
    return tuple(change for change in changes if not _same_json(change.old, change.new))


def _same_json(old: object, new: object) -> bool:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same_json(old[name], new[name]) for name in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same_json, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and old == new


def _changes(before: list[str], after: list[str]) -> Iterator[Segment]:
    blocks = [*_blocks(before, after), (len(before), len(after), 0)]
    at_before = at_after = 0
    for start_before, start_after, size in blocks:
        yield Segment(kind="removed", text="".join(before[at_before:start_before]))
        yield Segment(kind="added", text="".join(after[at_after:start_after]))
        at_before, at_after = start_before + size, start_after + size
        yield Segment(kind="same", text="".join(before[start_before:at_before]))


def _blocks(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    """The common stretches as (start before, start after, tokens): difflib's way with a bound on its work."""
    head = _common(before, after)
    shorter = min(len(before), len(after)) - head
    tail = min(shorter, _common(reversed(before), reversed(after)))
    end_before, end_after = len(before) - tail, len(after) - tail
    blocks = [(0, 0, head), (end_before, end_after, tail)]
    # Matching only the changed middle keeps the count of popular tokens honest.
    old, new = before[head:end_before], after[head:end_after]
    middle = SequenceMatcher(None, old, new)
    work = list(accumulate(_steps(old, new), initial=0))
    budget = _BUDGET
    pending = [(0, len(old), 0, len(new))]
    while pending:
        low_a, high_a, low_b, high_b = pending.pop()
        budget -= work[high_a] - work[low_a]
        if low_a == high_a or low_b == high_b or budget < 0:
            continue
        found = middle.find_longest_match(low_a, high_a, low_b, high_b)
        if found.size:
            blocks.append((head + found.a, head + found.b, found.size))
            pending.append((low_a, found.a, low_b, found.b))
            pending.append((found.a + found.size, high_a, found.b + found.size, high_b))
    return sorted(block for block in blocks if block[2])


def _steps(old: list[str], new: list[str]) -> Iterator[int]:
    """What each old token costs difflib in one pass: its places in `new`, none if it is a popular one."""
    places = Counter(new)
    popular = len(new) // 100 + 1 if len(new) >= 200 else len(new)
    return (places[token] + 1 if places[token] <= popular else 1 for token in old)


def _common(before: Iterable[str], after: Iterable[str]) -> int:
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _merged(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Join neighbours of one kind; a lone blank or sign between two changes joins both: it reads better."""
    removed = added = same = ""
    for segment in segments:
        if segment.kind == "same":
            same += segment.text
            continue
        if not segment.text:
            continue
        if same and (removed or added) and not any(character.isalnum() for character in same):
            removed, added, same = removed + same, added + same, ""
        elif same:
            yield from _filled(removed, added, same)
            removed = added = same = ""
        if segment.kind == "removed":
            removed += segment.text
        else:
            added += segment.text
    yield from _filled(removed, added, same)


def _filled(removed: str, added: str, same: str) -> Iterator[Segment]:
    kinds: tuple[tuple[Kind, str], ...] = (("removed", removed), ("added", added), ("same", same))
    yield from (Segment(kind=kind, text=text) for kind, text in kinds if text)


def _collapsed(segments: tuple[Segment, ...]) -> Iterator[Segment]:
    last = len(segments) - 1
    for index, segment in enumerate(segments):
        if segment.kind != "same" or len(segment.text) <= 2 * _CONTEXT + 1:
            yield segment
            continue
        before = "" if index == 0 else shorten(segment.text, _CONTEXT).removesuffix("…")
        after = "" if index == last else _ending(segment.text)
        yield Segment(kind="same", text=f"{before}…{after}")


def _ending(text: str) -> str:
    """The last words of a text, at most the context long, from a word's beginning where there is one."""
    tokens: list[str] = []
    for token in reversed(_TOKEN.findall(text[-4 * _CONTEXT :])):
        if sum(map(len, tokens)) + len(token) > _CONTEXT:
            break
        tokens.append(token)
    return "".join(reversed(tokens))


def _length(segments: Iterable[Segment]) -> int:
    return sum(len(segment.text) for segment in segments)


def _squeezed(segments: tuple[Segment, ...], limit: int) -> tuple[Segment, ...]:
    """Shorten the changes evenly, and leave out the last of them when even that is too long."""
    changes = sum(segment.kind != "same" for segment in segments)
    kept = _length(segment for segment in segments if segment.kind == "same")
    share = max((limit - kept) // max(changes, 1), _SHORTEST_CHANGE)
    squeezed: list[Segment] = []
    room = limit
    for segment in segments:
        text = segment.text if segment.kind == "same" else shorten(segment.text, share)
        if len(text) >= room:
            text = shorten(text, room) if len(text) > room or len(squeezed) < len(segments) - 1 else text
            return (*squeezed, Segment(kind=segment.kind, text=text)) if text else tuple(squeezed)
        squeezed.append(Segment(kind=segment.kind, text=text))
        room -= len(text)
    return tuple(squeezed)
