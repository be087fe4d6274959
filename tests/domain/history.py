"""The real ticket histories that tests and benchmarks read where they are; nothing of them is kept here."""

import gzip
import json
import os
from pathlib import Path
from typing import NamedTuple

CLINC150 = "history_clinc150.jsonl.gz"
TAU_AIRLINE = "history_tau_airline_actions.jsonl.gz"


class Row(NamedTuple):
    """One ticket: its category, the AI's confidence in its proposal, and whether the proposal was wrong."""

    category: str
    confidence: float
    wrong: bool


def folder() -> Path:
    """Where the histories are: `SAYSO_DATA`, or `shared/data` beside the project."""
    return Path(os.environ.get("SAYSO_DATA") or Path(__file__).parents[3] / "shared" / "data")


def read(name: str) -> list[Row] | None:
    """The rows of one history, in its order; None where the file is absent."""
    path = folder() / name
    if not path.exists():
        return None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        tickets = [json.loads(line) for line in lines]
    return [Row(t["category"], t["confidence"], not t["correct"]) for t in tickets]
