"""A condition on an action's arguments, in CEL (the Common Expression Language)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import cel

from bot.domain.errors import BadInput
from bot.domain.proposal import Json

KNOWN: Final = frozenset({"args", "customer", "category"})
# `variables()` lists the variables that CEL's macros bind as well, as `item` in `args.items.all(item, item < 3)`.
_BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition such as `args.amount <= 50`; equal when its source is equal."""

    source: str
    program: cel.Program = field(compare=False, repr=False)

    def holds(self, *, args: Mapping[str, Json], customer: Mapping[str, Json], category: str) -> bool | None:
        """True or False; None where it cannot be told (an argument is missing or has another type)."""
        try:
            answer = self.program.execute({"args": dict(args), "customer": dict(customer), "category": category})
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError):
            return None
        return answer if isinstance(answer, bool) else None


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
    return Condition(source, program)
