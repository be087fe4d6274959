"""A condition on an action's arguments, in CEL (the Common Expression Language).

The interpreter knows no bound and stops for nobody, so the work that it could have is estimated before it is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import cel

from bot.domain.canonical import Json
from bot.domain.errors import BadInput

KNOWN: Final = frozenset({"args", "customer", "category"})
# `variables()` lists the variables that CEL's macros bind as well, as `item` in `args.items.all(item, item < 3)`.
_BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")

MOST_STEPS: Final = 250_000
"""What a condition may take: a step is 0.05 to 0.4 microseconds, in which nothing else moves."""
_PER_ITEM: Final = 20
"""How many steps it takes to hand one element over to the interpreter."""
_CHARACTERS: Final = 100
"""How many characters one step looks through."""
_MOST_ITEMS: Final = MOST_STEPS // _PER_ITEM
# A string, the beginning of a macro, or a bracket.
_TOKEN: Final = re.compile(
    r"""
    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
    | (?P<macro> \.\s*(?:all|exists|exists_one|map|filter)\s*\( ) | (?P<open> \( ) | (?P<close> \) )
    """,
    re.VERBOSE,
)


_ARGUMENT: Final = re.compile(r"""\bargs(?:\.([A-Za-z_]\w*)|\[\s*["']([^"'\\]+)["'])""")
_JOINT: Final = re.compile(r"(&&|\|\|)")
_COMPARISON: Final = re.compile(
    r"""args\.([A-Za-z_]\w*)\s*([<>]=?|[=!]=)\s*(-?\d+(?:\.\d+)?|"[^"\\]*"|'[^'\\]*'|true|false)"""
)
_COMPARED: Final = {"<": "below ", "<=": "at most ", ">": "above ", ">=": "at least ", "==": "", "!=": "not "}
_SAMPLES: Final[Mapping[str, tuple[Json, ...]]] = {
    "a number": (0, 0.0), "text": ("",), "a truth value": (True, False), "a list": ([],), "an object": ({},),
    "empty": (None,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition such as `args.amount <= 50`; equal when its source is equal.

    `depth` is how many of its macros stand inside each other: 2 in `args.a.all(x, args.b.exists(y, x == y))`.
    """

    source: str
    program: cel.Program = field(compare=False, repr=False)
    depth: int = field(compare=False, default=0)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that it names, in their order."""
        return tuple(dict.fromkeys(plain or bracketed for plain, bracketed in _ARGUMENT.findall(self.source)))

    @property
    def in_words(self) -> str:
        """`amount is above 500`, where it does nothing but compare arguments with values; else its source."""
        parts = _JOINT.split(self.source)
        found = [_COMPARISON.fullmatch(part.strip()) for part in parts[::2]]
        said = [f"{match[1]} is {_COMPARED[match[2]]}{match[3]}" for match in found if match]
        if len(said) < len(found):
            return self.source
        joints = [" and " if joint == "&&" else " or " for joint in parts[1::2]]
        return "".join(map("".join, zip(said, [*joints, ""], strict=True)))

    def too_much(self, *, args: Mapping[str, Json], customer: Mapping[str, Json]) -> bool:
        """Whether looking through values of this size could take too long, so that it is never begun."""
        size = _size(args, customer)
        if size is None:
            return True
        items, characters = size
        # A macro walks a list for each step of the one around it; each step may look through everything once.
        steps: int = items**self.depth * (items + characters // _CHARACTERS) + _PER_ITEM * items
        return steps > MOST_STEPS

    def holds(self, *, args: Mapping[str, Json], customer: Mapping[str, Json], category: str) -> bool | None:
        """True or False; None where it cannot be told: an argument is missing, has another type, or is too large."""
        if self.too_much(args=args, customer=customer):
            return None
        try:
            answer = self.program.execute({"args": dict(args), "customer": dict(customer), "category": category})
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError):
            return None
        return answer if isinstance(answer, bool) else None

    def at_fault(self, *, args: Mapping[str, Json], customer: Mapping[str, Json], category: str) -> str | None:
        """Why it cannot be told, as `amount is text and not a number`, by trying; None where that is not clear."""
        items, characters = _size(args, customer) or (_MOST_ITEMS, 0)
        if self.depth or items > 100 or characters > 10_000:  # each try costs as much as the first
            return None

        def told(name: str, kind: str) -> bool:
            tries = ({**args, name: sample} for sample in _SAMPLES[kind])
            return any(self.holds(args=one, customer=customer, category=category) is not None for one in tries)

        for name in self.arguments:
            found = _kind(args[name]) if name in args else ""
            if told(name, found) if found else f"has(args.{name})" in self.source:
                continue  # another value of the same kind would do, or none at all
            if kind := next((kind for kind in ("a number", "text") if told(name, kind)), None):
                return f"{name} is {found} and not {kind}" if found else f"{name} is missing"
        return None


def compile_condition(source: str) -> Condition:
    """Compile `source`; raises BadInput where it does not parse, names the unknown, or can never vary."""
    try:
        program = cel.compile(source)
    except ValueError as error:
        reason = str(error).splitlines()[0].removeprefix(f"Failed to parse expression '{source}': ")
        raise BadInput(f'The condition "{source}" is not valid CEL: {reason}') from None
    names = set(program.variables()) - (set(_BOUND.findall(source)) - KNOWN)
    if unknown := sorted(names - KNOWN):
        raise BadInput(f'The condition "{source}" names {unknown[0]}; it can use args, customer and category.')
    if not names:
        raise BadInput(f'The condition "{source}" is the same for every case; make it depend on args, or remove it.')
    return Condition(source, program, _depth(source))


def _depth(source: str) -> int:
    """How deep the macros of a condition are nested."""
    brackets: list[bool] = []
    deepest = 0
    for token in _TOKEN.finditer(source):
        if token["macro"] or token["open"]:
            brackets.append(bool(token["macro"]))
            deepest = max(deepest, sum(brackets))
        elif token["close"] and brackets:
            brackets.pop()
    return deepest


def _kind(value: Json) -> str:
    return next((kind for kind, samples in _SAMPLES.items() if type(value) in map(type, samples)), "an object")


def _size(*values: Json | Mapping[str, Json]) -> tuple[int, int] | None:
    """(elements, characters) of all of this together; None where there is more than any condition may look through."""
    items = characters = 0
    rest: list[Json | Mapping[str, Json]] = [*values]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, list | Mapping):
            items += len(value)
            if items > _MOST_ITEMS:
                return None
            rest += value.values() if isinstance(value, Mapping) else value
            characters += sum(map(len, value)) if isinstance(value, Mapping) else 0
    return items, characters
