"""What tables of a policy file must not say together: contradictions, dead words, and names of nothing."""

from datetime import timedelta
from itertools import combinations
from typing import Final

from bot.domain.near import near_word
from bot.domain.policy import Mode, number
from bot.policy_file.build import THRESHOLD, earned_or_fixed
from bot.policy_file.connectors import OPTIONS
from bot.policy_file.form import ActionTable, CategoryTable, DefaultsTable
from bot.policy_file.intake import check_intake
from bot.policy_file.locator import Place
from bot.policy_file.problems import Faults
from bot.policy_file.sentences import dotted, suggestion
from bot.policy_file.tables import Tables

SHORTEST_UNDO: Final = timedelta(seconds=3)
"""The card has to be repainted, and a click right behind the approval counts as half of a double click."""
AUTONOMOUS = Mode.AUTONOMOUS.value
DEFAULTS: Place = ("defaults",)


def check(tables: Tables, faults: Faults) -> None:
    """Add every fault that shows only where tables, or keys of one table, are held against each other."""
    _connectors_exist(tables, faults)
    for name, category in tables.categories.items():
        _not_both(("categories", name), category, faults)
        if tables.defaults:
            _category(("categories", name), category, tables.defaults, faults)
    if tables.defaults:
        _defaults(tables.defaults, faults)
    _time_to_undo(tables, faults)
    for name, action in tables.actions.items():
        place: Place = ("actions", name)
        _reading_is_free(place, action, faults)
        _conditions_differ(place, action, faults)
        _enough_approvers(place, action, tables, faults)
    check_intake(tables.intake, tables.channels, tables.connectors, tables.connector_names(), faults)


def _connectors_exist(tables: Tables, faults: Faults) -> None:
    used: list[tuple[Place, str | None]] = [
        (("defaults", "connector"), tables.defaults.connector if tables.defaults else None)
    ]
    used += [(("categories", name, "connector"), table.connector) for name, table in tables.categories.items()]
    used += [(("actions", name, "connector"), table.connector) for name, table in tables.actions.items()]
    known = tables.connector_names()
    for place, connector in used:
        if connector is not None and connector not in known:
            faults.add(place, f'There is no connector "{connector}"; {_what_instead(connector, known)}')


def _what_instead(connector: str, known: list[str]) -> str:
    if same := [name for name in known if name.endswith(f":{connector}")]:
        return f'write its type too: "{same[0]}".'
    type_, colon, name = connector.partition(":")
    if colon and type_ in OPTIONS and name and not near_word(connector, known):
        return f'add the table [connectors.{name}] with type = "{type_}".'
    return suggestion(connector, known)


def _defaults(defaults: DefaultsTable, faults: Faults) -> None:
    _not_both(DEFAULTS, defaults, faults)
    if defaults.mode == AUTONOMOUS and defaults.threshold is None and defaults.risk is None:
        faults.add((*DEFAULTS, "mode"), _needs_a_number("[defaults]"))
    threshold = _fixed(CategoryTable(), defaults)
    if threshold is not None and threshold < defaults.floor:
        key = "floor" if defaults.threshold is None else "threshold"
        faults.add((*DEFAULTS, key), _dead_threshold("defaults", defaults.floor, threshold))


def _category(place: Place, category: CategoryTable, defaults: DefaultsTable, faults: Faults) -> None:
    numbers = (category.threshold, category.risk, defaults.threshold, defaults.risk)
    if category.mode == AUTONOMOUS and all(number is None for number in numbers):
        faults.add((*place, "mode"), _needs_a_number(f"[{dotted(place)}] or [defaults]"))
    threshold = _fixed(category, defaults)
    floor = defaults.floor if category.floor is None else category.floor
    own = next((key for key in ("threshold", "floor") if getattr(category, key) is not None), None)
    if own and threshold is not None and threshold < floor:
        faults.add((*place, own), _dead_threshold(dotted(place), floor, threshold))


def _fixed(category: CategoryTable, defaults: DefaultsTable) -> float | None:
    threshold, _ = earned_or_fixed(category, defaults)
    return threshold


def _not_both(place: Place, table: CategoryTable | DefaultsTable, faults: Faults) -> None:
    if table.threshold is not None and table.risk is not None:
        faults.add(
            (*place, "risk"),
            f"{dotted(place)} has both threshold and risk; keep threshold to fix the number yourself, "
            "or risk to let the category earn it.",
        )


def _time_to_undo(tables: Tables, faults: Faults) -> None:
    named: list[tuple[Place, CategoryTable | DefaultsTable | None]] = [(DEFAULTS, tables.defaults)]
    named += [(("categories", name), table) for name, table in tables.categories.items()]
    for place, table in named:
        window = table.undo_window if table else None
        if window is not None and timedelta(0) < window < SHORTEST_UNDO:
            faults.add(
                (*place, "undo_window"),
                f"{dotted(place)}.undo_window is too short for anybody to undo anything; write at least "
                f'"{SHORTEST_UNDO.seconds}s", or "0s" for none.',
            )


def _needs_a_number(where: str) -> str:
    numbers = f"threshold = {THRESHOLD} or risk = 0.02"
    return f"Autonomous needs a number that the team chose: add {numbers} in {where}."


def _dead_threshold(name: str, floor: float, threshold: float) -> str:
    return (
        f"{name} has the floor {number(floor)} above the threshold {number(threshold)}, "
        "so the threshold never decides anything; lower the floor or raise the threshold."
    )


def _reading_is_free(place: Place, action: ActionTable, faults: Faults) -> None:
    if action.effect != "read":
        return
    for key in ("free_when", "escalate_when", "approvals", "approvers"):
        if key in action.model_fields_set:
            faults.add(
                (*place, key),
                f"{dotted(place)} only reads, and reading is free, so {key} never applies; "
                f'remove it, or write effect = "write".',
            )


def _conditions_differ(place: Place, action: ActionTable, faults: Faults) -> None:
    # The first of the two decides always, so the second is dead.
    for first, second in combinations(("refuse_when", "escalate_when", "free_when"), 2):
        if getattr(action, first) is not None and getattr(action, first) == getattr(action, second):
            faults.add(
                (*place, second),
                f"{dotted(place)} has the same condition in {first} and {second}, and {first} comes first; "
                "remove one of them.",
            )


def _enough_approvers(place: Place, action: ActionTable, tables: Tables, faults: Faults) -> None:
    """Some list must be long enough; a group counts as any number, and an empty list is a warning."""
    if tables.people is None:
        return
    lists = [action.approvers] if action.approvers is not None else [tables.people.approvers]
    if action.approvers is None:
        lists += [table.approvers for table in tables.categories.values() if table.approvers is not None]
    longest = max(lists, key=len)
    has_group = any(who.startswith("S") for people in lists for who in people)
    if longest and not has_group and len(longest) < action.approvals:
        faults.add(
            (*place, "approvals"),
            f"{dotted(place)} needs {action.approvals} approvals, but only {people_count(len(longest))} "
            "may approve it; add approvers or lower approvals.",
        )


def people_count(count: int) -> str:
    """`1 person` or `3 people`."""
    return "1 person" if count == 1 else f"{count} people"
