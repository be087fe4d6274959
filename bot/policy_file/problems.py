"""The faults of a policy file, gathered so that one reading reports them all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.errors import BadInput, PolicyProblem
from bot.policy_file.locator import Place, line_of


class PolicyProblems(BadInput):
    """A policy file that cannot be used; `problems` holds at least one fault, in the order of the lines.

    Its sentence names the first of them, and the file where there is one: `policy.toml:12: …`.
    """

    def __init__(self, problems: Sequence[PolicyProblem], *, path: Path | None = None) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        count = len(self.problems)
        first = problems_text(path, self.problems[:1]) if path else _in_a_text(self.problems[0])
        super().__init__(first if count == 1 else f"The policy has {count} problems; the first: {first}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What was found so far, with the lines of the file to place it on."""

    lines: dict[Place, int]
    found: dict[tuple[Place, str], PolicyProblem] = field(default_factory=dict)

    def add(self, place: Place, sentence: str) -> None:
        """Note a fault at a place such as `("categories", "refunds", "floor")`; repeated, it counts once."""
        self.found.setdefault((place, sentence), PolicyProblem(sentence, line=line_of(self.lines, place)))


def problems_text(path: Path | str, problems: Sequence[PolicyProblem]) -> str:
    """One line for each fault, as editors and terminals make clickable: `policy.toml:12: …`."""
    return "\n".join(
        f"{path}:{problem.line}: {problem}" if problem.line else f"{path}: {problem}" for problem in problems
    )


def _in_a_text(problem: PolicyProblem) -> str:
    return f"Line {problem.line}: {problem}" if problem.line else str(problem)
