"""Conditions that compile yet decide nothing: constant, neither true nor false, or calling the unknown."""

import re
from typing import Final

from bot.domain.canonical import Json
from bot.domain.condition import Condition

FUNCTIONS: Final = frozenset(
    {
        *("size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"),
        *("string", "int", "uint", "double", "bytes", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
_ERRORS: Final = (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError)
_ARGUMENT: Final = re.compile(r"\b(args|customer)\.([A-Za-z_]\w*)")
_TRIALS: Final[tuple[Json, ...]] = (True, 1, 1.5, "text", [1], ["text"], {})


def why_dead(condition: Condition) -> str | None:
    """The end of a sentence that says why a condition is of no use; None where it may be of use."""
    called = {name for name in condition.program.functions() if name[0].isalpha()}
    if unknown := sorted(called - FUNCTIONS):
        return f"calls {unknown[0]}, which does not exist"
    # CEL answers without looking at a variable only where no variable can change the answer.
    if _answer(condition, {}) is not None:
        return "is the same for every case; make it depend on args, or remove it"
    answers = [_answer(condition, _bindings(condition.source, trial)) for trial in _TRIALS]
    seen = [answer for answer in answers if answer is not None]
    if seen and not any(isinstance(answer, bool) for answer in seen):
        return "is neither true nor false; compare it with something, as in args.amount <= 50"
    return None


def _answer(condition: Condition, bindings: dict[str, Json]) -> object:
    try:
        return condition.program.execute(bindings)
    except _ERRORS:
        return None


def _bindings(source: str, trial: Json) -> dict[str, Json]:
    """Every argument that the condition names, all with the same trial value."""
    bound: dict[str, dict[str, Json]] = {"args": {}, "customer": {}}
    for table, name in _ARGUMENT.findall(source):
        bound[table][name] = trial
    return {**bound, "category": "text"}
