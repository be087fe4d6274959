"""Reads a policy file: TOML, then each table against its form, then what the tables say about each other."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from bot.domain.errors import BadInput, PolicyProblem
from bot.domain.policy import Policy
from bot.policy_file.build import build
from bot.policy_file.checks import check
from bot.policy_file.connectors import BUILT_IN, OPTIONS, ConnectorTable
from bot.policy_file.form import (
    ActionTable,
    CallbacksTable,
    CategoryTable,
    ChannelsTable,
    DefaultsTable,
    LimitsTable,
    PeopleTable,
    SlackTable,
)
from bot.policy_file.intake import read_intake
from bot.policy_file.locator import Place, locate
from bot.policy_file.problems import Faults, PolicyProblems
from bot.policy_file.sentences import dotted, faults_of, suggestion, unknown_key
from bot.policy_file.table import Table
from bot.policy_file.tables import Tables
from bot.policy_file.words import shown

T = TypeVar("T", bound=Table)
Document = dict[str, Any]

SECTIONS: Final = (
    "slack", "channels", "people", "defaults", "limits", "callbacks", "categories", "actions", "connectors",
    "intake", "knowledge", "drafting",
)  # fmt: skip
NAMES: Final = {
    "categories": (
        re.compile(r"[a-z0-9_.-]{1,80}"),
        "80 lower-case letters, digits, underscores, hyphens and dots",
    ),
    "actions": (re.compile(r"[A-Za-z0-9_.-]{1,80}"), "80 letters, digits, underscores, hyphens and dots"),
    "connectors": (re.compile(r"[a-z0-9_-]{1,40}"), "40 lower-case letters, digits, underscores and hyphens"),
}


def read_policy(path: Path) -> Policy:
    """The policy in a file; raises PolicyProblems with all its faults, or BadInput if it cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"There is no policy file at {path}; write one, or name another with SAYSO_POLICY.") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"The policy file {path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"The policy file {path} cannot be read: {error.strerror}.") from None
    try:
        return load_policy(text)
    except PolicyProblems as faulty:
        raise PolicyProblems(faulty.problems, path=path) from None


def load_policy(text: str) -> Policy:
    """The policy that a text states; raises PolicyProblems, which holds every fault with its line."""
    document = _parse(text)
    faults = Faults(lines=locate(text))
    for key in document.keys() - set(SECTIONS):
        faults.add((key,), unknown_key((key,), SECTIONS))
    tables = _tables(document, faults)
    check(tables, faults)
    if faults.found:
        raise PolicyProblems(list(faults.found.values()))
    return build(tables, digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def _parse(text: str) -> Document:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise PolicyProblems([PolicyProblem("The file nests brackets far too deeply; write it flat.")]) from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyProblems([_syntax_problem(text, str(error))]) from None
    except ValueError:
        raise PolicyProblems([PolicyProblem("The file has a number or date that no computer can hold.")]) from None


def _syntax_problem(text: str, message: str) -> PolicyProblem:
    """What tomllib says, which ends in "(at line 3, column 7)" or "(at end of document)"."""
    where = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    what = message[: where.start()] if where else message
    line = 0
    if where:
        line = int(where[1]) if where[1] else text.rstrip("\n").count("\n") + 1
    if re.match(r"Cannot (overwrite|declare|mutate)", what):
        return PolicyProblem("This key or table stands further up already; keep one of the two.", line=line)
    return PolicyProblem(f"This is not valid TOML: {what[:1].lower()}{what[1:]}.", line=line)


def _tables(document: Document, faults: Faults) -> Tables:
    return Tables(
        document=document,
        slack=_one(document, "slack", SlackTable, faults),
        channels=_one(document, "channels", ChannelsTable, faults),
        people=_one(document, "people", PeopleTable, faults),
        defaults=_one(document, "defaults", DefaultsTable, faults),
        limits=_one(document, "limits", LimitsTable, faults),
        callbacks=_one(document, "callbacks", CallbacksTable, faults),
        categories=_named(document, "categories", CategoryTable, faults),
        actions=_named(document, "actions", ActionTable, faults),
        connectors=_connectors(document, faults),
        intake=read_intake(document, lambda name: bool(NAMES["connectors"][0].fullmatch(name)), _table, faults),
    )


def _one(document: Document, section: str, model: type[T], faults: Faults) -> T | None:
    return _table(document.get(section, {}), model, (section,), faults)


def _table(raw: object, model: type[T], place: Place, faults: Faults) -> T | None:
    if not isinstance(raw, dict):
        faults.add(place, f"{dotted(place)} must be a table, [{dotted(place)}], not {shown(raw)}.")
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for where, sentence in faults_of(error, model, place):
            faults.add(where, sentence)
        return None


def _entries(document: Document, section: str, faults: Faults) -> Document:
    """The tables below a section whose keys are the team's own names, without the badly named ones."""
    raw = document.get(section, {})
    if not isinstance(raw, dict):
        faults.add((section,), f"{section} must be tables, [{section}.NAME], not {shown(raw)}.")
        return {}
    pattern, form = NAMES[section]
    for name in raw:
        if not pattern.fullmatch(name):
            faults.add((section, name), f"{shown(name)} cannot be a name here; use 1 to {form}.")
    return {name: table for name, table in raw.items() if pattern.fullmatch(name)}


def _named(document: Document, section: str, model: type[T], faults: Faults) -> dict[str, T]:
    entries = _entries(document, section, faults)
    read = {name: _table(raw, model, (section, name), faults) for name, raw in entries.items()}
    return {name: table for name, table in read.items() if table is not None}


def _connectors(document: Document, faults: Faults) -> dict[str, ConnectorTable]:
    read: dict[str, ConnectorTable] = {}
    for name, raw in _entries(document, "connectors", faults).items():
        model = _connector_model(name, raw, faults)
        if model and (table := _table(raw, model, ("connectors", name), faults)):
            read[name] = table
    return read


def _connector_model(name: str, raw: object, faults: Faults) -> type[ConnectorTable] | None:
    """The form for the table's type; None, with a fault added, where there is no such type."""
    place: Place = ("connectors", name)
    if not isinstance(raw, dict):
        return ConnectorTable
    match raw.get("type"):
        case None:
            others = ", ".join(list(OPTIONS)[1:])
            faults.add(place, f'[{dotted(place)}] has no type; add type = "{next(iter(OPTIONS))}" (or {others}).')
        case str() as type_ if type_ not in OPTIONS:
            faults.add((*place, "type"), f'There is no connector type "{type_}"; {suggestion(type_, list(OPTIONS))}')
        case str() as type_ if type_ in BUILT_IN and type_ != name:
            faults.add(place, f"There is one {type_} only; write [connectors.{type_}], or no table at all.")
        case str() as type_:
            return OPTIONS[type_]
        case other:
            faults.add((*place, "type"), f"{dotted((*place, 'type'))} must be a text in quotes, not {shown(other)}.")
    return None
