"""Takes README.md apart: its blocks, its inline code, its tables and its links."""

import re
from functools import cache

from tests.rules.sources import ROOT

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@cache
def text() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [body for found, body in _BLOCK.findall(text()) if found == language]


def section(heading: str) -> str:
    """What stands below a heading of the second level."""
    return text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def inline(within: str | None = None) -> list[str]:
    """Everything between single backticks, outside the blocks."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", within or text()))


def table(first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, each as its cells, the heading row first."""
    lines = text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [rows[0], *rows[2:]]


def links() -> list[str]:
    """The files of ours that it points to."""
    return [target for target in _LINK.findall(text()) if "://" not in target]


def commands() -> list[list[str]]:
    """Every `sayso …` that it names, as words without comments."""
    shell = "\n".join(blocks("bash")).replace("$(", "\n").replace(")", "\n")
    lines = [line.split("#")[0].strip() for line in shell.splitlines()]
    found = [line for line in [*lines, *inline()] if re.match(r"sayso(\s|$)", line)]
    return [line.split()[1:] for line in found if len(line.split()) > 1]
