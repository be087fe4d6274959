"""The faults of a policy file, gathered so that one reading reports them all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.errors import BadInput, PolicyProblem
from bot.policy_file.locator import Place, line_of


class PolicyProblems(BadInput):
    """A policy file that cannot be used; `problems` holds at least one fault, in the order of the lines."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        count = len(self.problems)
        first = problem_text("Line", self.problems[0]) if self.problems[0].line else str(self.problems[0])
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
        problem_text(f"{path}:", problem) if problem.line else f"{path}: {problem}" for problem in problems
    )


def problem_text(before: str, problem: PolicyProblem) -> str:
    """`before`, the line and the sentence."""
    gap = "" if before.endswith(":") else " "
    return f"{before}{gap}{problem.line}: {problem}"
