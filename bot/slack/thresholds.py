"""Thresholds for the eye: the table, one category in detail, and a what-if."""

from collections.abc import Sequence
from typing import Final

from bot.domain.certificate import Certificate
from bot.domain.errors import BadInput
from bot.domain.estimate import Estimate
from bot.domain.offer import percent, promise, shown_threshold
from bot.domain.plural import plural
from bot.domain.policy import Mode, number
from bot.evidence import LAST_WEEKS
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, context, line, rich, section, shown, table, words
from bot.slack.moments import moment
from bot.threshold_words import NOT_EARNED, described, unsampled
from bot.thresholds import Basis, Shown, Tuned, Wish

HEAD: Final = ("Category", "Mode", "Threshold", "Set by", "On its own", "Audited error", "Labels", "Needed")
MEANINGS: Final = (
    f"On its own: share of all its replies and writes of the last {LAST_WEEKS} weeks; the others were held for a "
    "person, by the threshold or by a rule. Audited error: share wrong among what may run on its own, and the range "
    "that 90 % of such estimates hold. Needed: more labels, at best, until a looser threshold can be offered."
)
MARKS: Final = "Only what is wrong is ever marked, so marks are no part of an audited error."
NONE: Final = "–"


def threshold_table(rows: Sequence[Shown]) -> list[Block]:
    """Every category: what applies, who or what set it, what it came to, and what the evidence still needs."""
    if not rows:
        return [section("The policy names no category yet; add a table such as `[categories.refunds]`.")]
    return [table([HEAD, *(_cells(row) for row in rows)][:100]), context(MEANINGS)]


def _cells(row: Shown) -> tuple[str, ...]:
    return (
        row.rule.name,
        row.setting.mode.value,
        _threshold(row),
        shown(row.set_by.removeprefix("the "), 100),  # short enough to stay on one line
        NONE if row.share is None else percent(row.share),
        NONE if row.error is None or not _runs(row) else _error(row.error),
        f"{row.labels:,}",
        NONE if row.needed is None else f"{row.needed:,}",
    )


def _runs(row: Shown) -> bool:
    """Whether replies may run on their own now."""
    return row.setting.mode is Mode.AUTONOMOUS and row.setting.threshold is not None


def _threshold(row: Shown) -> str:
    threshold = row.setting.threshold
    match row.setting.mode:
        case Mode.AUTONOMOUS:
            return NOT_EARNED if threshold is None else number(threshold)
        case Mode.SUGGEST if row.frees and threshold is not None:
            return f"{number(threshold)}, freed writes"
        case _:
            return NONE  # nothing runs on its own there, whatever the number


def _error(error: Estimate) -> str:
    return f"{percent(error.rate)} ({percent(error.low)} to {percent(error.high)})"


def threshold_detail(row: Shown) -> list[Block]:
    """One category with its evidence and its last changes."""
    sections: list[Element] = [
        line(words(row.rule.name, bold=True), words(f": {described(row.setting, frees=row.frees)}."))
    ]
    sections += [line(words(text)) for text in _evidence(row)]
    for change in row.history:
        what = change.mode.value if change.mode else "mode of the file"
        unset = "threshold of the file" if row.rule.risk is None else "threshold as earned"
        value = unset if change.threshold is None else number(change.threshold)
        reason = f" because {shown(change.reason, 200)}" if change.reason else ""
        said = f": {what}, {value}, by {shown(change.by.name, 60)}{reason}"
        sections.append(line(words("• "), moment(change.at), words(said)))
    if not row.history:
        sections.append(line(words("Nobody has changed it since the policy file.", italic=True)))
    return [rich(*sections), context("A picture of its last weeks follows in a direct message.")]


def _evidence(row: Shown) -> list[str]:
    said = [_set_by(row)]
    if row.share is not None:
        ran = f"{percent(row.share)} of its cases of the last {LAST_WEEKS} weeks ran on their own"
        said.append(f"{ran}; the others were held for a person, by the threshold or by a rule.")
    if row.error is not None:
        among = "may run on its own" if _runs(row) else "its threshold would let run"
        checked = f"{row.error.audits:,} audited, {row.error.wrong:,} of them wrong"
        said.append(f"Error among what {among}: {_error(row.error)}, from {checked}.")
    if row.marked:
        where = plural(row.marked, "conversation")
        said.append(f"Marked as wrong in the last {LAST_WEEKS} weeks: {where}. {MARKS}")
    return [*said, _labels(row)]


def _set_by(row: Shown) -> str:
    if row.set_by == NOT_EARNED:
        return "It has not earned a threshold yet."
    return f"Set by {shown(row.set_by, 120)}."


def _labels(row: Shown) -> str:
    so_far = f"{plural(row.labels, 'label')} so far"
    if not row.samples:
        return f"{so_far}. {unsampled(row.rule.name, row.setting)}"
    if row.needed is None:
        return f"{so_far}; its threshold is fixed, not earned."
    return f"{so_far}; {row.needed:,} more, at best, until a looser threshold is offered."


def tuning(tuned: Tuned, *, apply: bool) -> list[Block]:
    """What the labels so far would support; with `apply`, a button that sets it."""
    found, name = tuned.found, tuned.rule.name
    so_far = plural(found.sample, "label")
    if not isinstance(found, Certificate):
        more = f"At best {plural(found.needed, 'more label')} would do, all of them right and very confident."
        why = more if tuned.samples else unsampled(name, tuned.setting)
        text = f"{so_far}, {found.wrong:,} wrong: no threshold keeps that promise yet. {why}"
        return [rich(line(words(f"{name} at {percent(found.risk)}: ", bold=True), words(text))), context(tuned.caution)]
    threshold = shown_threshold(found.bin)
    said = [
        f"{so_far}; {found.wrong:,} wrong of the {found.covered:,} at or above {number(threshold)}.",
        f"{percent(found.share)} would run on its own, and these labels put its error below {percent(found.bound)}.",
        promise(found.risk, found.confidence),
        tuned.what_if.sentence() if tuned.what_if else "",
        f"Now: {described(tuned.setting, frees=tuned.frees)}.",
    ]
    title = f"{name} could run on its own from {number(threshold)}. "
    lines = [line(words(text)) for text in said if text]
    blocks = [rich(line(words(title, bold=True)), *lines), context(tuned.caution)]
    if apply:
        apply_it = button(
            f"Apply {number(threshold)}",
            ids.APPLY,
            f"{name}|{found.threshold!r}|{tuned.basis.regime}|{tuned.basis.version}",
        )
        blocks.append(actions(f"tune:{name}"[:255], [apply_it]))
    return blocks


def applied(value: str) -> Wish:
    """What an Apply button asks for; raises BadInput for one that we did not write."""
    try:
        category, threshold, regime, version = value.rsplit("|", 3)
        basis = Basis(int(regime), int(version))
        return Wish(category=category, threshold=float(threshold), reason="applied from a what-if", basis=basis)
    except ValueError:
        raise BadInput("This button is not one of Sayso's; ask again with /threshold.") from None
