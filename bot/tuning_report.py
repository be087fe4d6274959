"""The report of `sayso tune` as a table, as JSON, as what a picture shows, and as lines of a policy file."""

import re
import tomllib
from typing import Any, Final

from bot.domain.certificate import Certificate
from bot.domain.errors import BadInput
from bot.domain.offer import percent, promise, shown_threshold
from bot.domain.plural import plural
from bot.tuning import Outcome, Report, Tuned

NAME: Final = re.compile(r"[a-z0-9_.\-]+\Z")
HELD_OUT: Final = (
    "On rows held out (half of the tickets; each choice was made on the other half). "
    "! marks an error above the promise."
)
_HEADER: Final = re.compile(r"^\s*\[")


def as_text(report: Report) -> str:
    """For people, in a terminal."""
    head = ("category", "labels", "wrong", "threshold", "on its own", "error below", "missing labels")
    lines = [promise(report.risk, report.confidence), ""]
    lines += _aligned([head, *(_cells(tuned) for tuned in report.categories)])
    methods = tuple(report.categories[0].outcomes)
    lines += ["", HELD_OUT, ""]
    lines += _aligned(
        [
            ("category", "rows", *methods),
            *(
                (t.category, f"{t.held_out:,}", *(_outcome(t.outcomes[m], report.risk) for m in methods))
                for t in report.categories
            ),
        ]
    )
    notes = [f"{tuned.category}: {note}." for tuned in report.categories for note in tuned.notes]
    return "\n".join([*lines, *(["", *notes, *report.faults] if notes or report.faults else [])])


def _cells(tuned: Tuned) -> tuple[str, ...]:
    found = tuned.found
    start = (tuned.category, f"{tuned.labels:,}", f"{tuned.wrong:,}")
    if not isinstance(found, Certificate):
        return (*start, "none", "–", "–", f"{found.needed:,} at best")
    return (*start, f"{shown_threshold(found.bin):g}", percent(found.share), percent(found.bound), "")


def _outcome(outcome: Outcome, risk: float) -> str:
    if outcome.error is None:
        return "nothing runs"
    mark = " !" if outcome.error > risk else ""
    return f"{percent(outcome.share)} alone, {percent(outcome.error)} wrong{mark}"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def as_json(report: Report) -> dict[str, Any]:
    """For programs."""
    return {
        "risk": report.risk,
        "confidence": report.confidence,
        "rows": report.rows,
        "categories": [_document(tuned) for tuned in report.categories],
        "left_out": list(report.faults),
    }


def _document(tuned: Tuned) -> dict[str, Any]:
    found = tuned.found
    certificate = None
    if isinstance(found, Certificate):
        certificate = {
            "threshold": found.threshold,
            "covered": found.covered,
            "wrong": found.wrong,
            "share": found.share,
            "bound": found.bound,
        }
    return {
        "category": tuned.category,
        "labels": tuned.labels,
        "wrong": tuned.wrong,
        "certificate": certificate,
        "missing": 0 if isinstance(found, Certificate) else found.needed,
        "held_out": {
            "rows": tuned.held_out,
            **{
                name: {"threshold": o.threshold, "share": o.share, "error": o.error}
                for name, o in tuned.outcomes.items()
            },
        },
        "notes": list(tuned.notes),
    }


def as_curves(report: Report) -> dict[str, Any]:
    """For `bot.charts`: error against share, for each category."""
    return {"kind": "curves", "risk": report.risk, "categories": [_curve(tuned) for tuned in report.categories]}


def _curve(tuned: Tuned) -> dict[str, Any]:
    shares, errors, covered, wrong = [], [], 0, 0
    for labels, bad in zip(tuned.counts.n, tuned.counts.k, strict=True):
        covered, wrong = covered + labels, wrong + bad
        if labels:
            shares.append(covered / tuned.labels)
            errors.append(wrong / covered)
    found, chosen, why = tuned.found, None, ""
    if isinstance(found, Certificate):
        chosen = {"threshold": found.threshold, "share": found.share, "error": found.error}
    else:
        why = f"no threshold yet: {plural(found.needed, 'more label')} at best"
    start = {"name": tuned.category, "labels": tuned.labels}
    return {**start, "shares": shares, "errors": errors, "chosen": chosen, "why": why}


def into_policy(text: str, report: Report) -> tuple[str, list[str]]:
    """A policy file's text with the thresholds written in, and a line on each category that was left alone."""
    lines, left = text.split("\n"), []
    try:
        tables = tomllib.loads(text).get("categories", {})
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The policy file cannot be read: {error}.") from None
    for tuned in report.categories:
        found, name = tuned.found, tuned.category
        if not isinstance(found, Certificate):
            left.append(f"{name} was left alone: no threshold is certified.")
        elif not NAME.match(name):
            left.append(f"{name!r} was left alone: a policy's categories have lower-case letters, digits and _ - .")
        elif "risk" in tables.get(name, {}):
            left.append(f"{name} was left alone: with risk it earns its threshold by itself.")
        else:
            _write(lines, name, f"threshold = {shown_threshold(found.bin):g}  # {evidence(found)}")
    return "\n".join(lines), left


def evidence(found: Certificate) -> str:
    """What stands behind a threshold, in one line."""
    return (
        f"sayso tune: {found.wrong:,} wrong of {found.covered:,} at or above it, of {plural(found.sample, 'label')}; "
        f"at most {percent(found.risk)} wrong with {percent(found.confidence)} confidence"
    )


def _write(lines: list[str], name: str, line: str) -> None:
    """Put a threshold into a category's table, which is added where there is none."""
    headers = {f"[categories.{name}]", f'[categories."{name}"]', f"[categories.'{name}']"}
    start = next((i for i, text in enumerate(lines) if text.split("#")[0].strip() in headers), None)
    if start is None:
        header = f"[categories.{name}]" if "." not in name else f'[categories."{name}"]'
        lines += [header, line, ""] if not lines[-1].strip() else ["", header, line, ""]
        return
    behind = next((i for i in range(start + 1, len(lines)) if _HEADER.match(lines[i])), len(lines))
    for place in range(start + 1, behind):
        if re.match(r"\s*threshold\s*=", lines[place]):
            lines[place] = line
            return
    lines.insert(start + 1, line)
