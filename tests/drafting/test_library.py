"""The library in SQLite: what is written is found, what is removed is gone."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.domain.decision import Actor, Decision, DecisionKind
from bot.drafting.ports import Library
from bot.drafting.precedents import precedent_of
from bot.drafting.retrieval import Retriever
from bot.drafting.vectors import Vectors
from storage.library import migrate_library
from tests.drafting.proposals import proposal
from tests.drafting.shelves import Shelves
from tests.drafting.tickets import add, orders, precedent


def test_the_migration_stays_inside_its_transaction() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    migrate_library(Database(connection))
    assert connection.in_transaction
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_precedent_comes_back_as_it_was_and_is_replaced_by_its_id() -> None:
    shelves = orders()
    changed = precedent(6, "Which banks?", "Ours.", draft="None.")
    add(shelves, changed)
    assert shelves.now(lambda library: library.precedents(["p6", "none"])) == [changed]
    assert shelves.now(lambda library: library.count("precedents")) == 6
    assert shelves.now(lambda library: library.search("precedents", ["card"], 5)) == []
    assert shelves.now(
        lambda library: [hit.id for hit in library.search("precedents", ["bank"], 5, corrected=True)]
    ) == ["p6"]
    assert shelves.now(lambda library: (library.remove_precedent("p6"), library.remove_precedent("p6"))) == (
        True,
        False,
    )
    assert shelves.now(lambda library: library.search("precedents", ["bank"], 5)) == []


def test_a_library_outlives_its_process(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path / "library.db")
    add(shelves, precedent(1, "where is my order", "Here."))
    shelves.close()
    connection = sqlite3.connect(tmp_path / "library.db")
    assert connection.execute("SELECT count(*) FROM precedents").fetchone() == (1,)


def test_spending_adds_up_by_day() -> None:
    shelves = Shelves()

    def spend(library: Library) -> tuple[float, int, int]:
        library.spend("2025-03-12", cost=0.25, tokens=100)
        library.spend("2025-03-12", cost=0.5, tokens=50)
        library.spend("2025-03-13", cost=1, tokens=1)
        spent = library.spent("2025-03-12")
        return spent.cost, spent.tokens, library.spent("2025-03-14").tokens

    assert shelves.now(spend) == (0.75, 150, 0)


def test_a_draft_is_settled_once() -> None:
    shelves = Shelves()

    def settle(library: Library) -> list[bool]:
        library.put_draft("d1", category="orders", features={"nearness": 0.5}, confidence=0.7, at="2025-03-12")
        return [
            library.settle("d1", right=True, at="2025-03-13"),
            library.settle("d1", right=False, at="2025-03-14"),
            library.settle("d2", right=True, at="2025-03-14"),
        ]

    assert shelves.now(settle) == [True, False, False]
    outcome = shelves.now(lambda library: library.outcomes(10, category="orders"))[0]
    assert (outcome.id, outcome.right, outcome.features, outcome.confidence) == ("d1", True, {"nearness": 0.5}, 0.7)
    assert shelves.now(lambda library: library.outcomes(10, category="other")) == []


class ByLetters:
    """An embedder that needs nothing: how often each letter occurs."""

    name = "letters"

    async def embed(self, texts: Sequence[str]) -> list[str]:
        return ["".join(f"{min(text.lower().count(chr(97 + n)), 120):02x}" for n in range(26)) for text in texts]


async def test_vectors_follow_what_is_added_replaced_and_removed() -> None:
    pytest.importorskip("numpy")
    shelves = orders()
    retriever = Retriever(shelves, ByLetters())
    assert (await retriever.catch_up(), await retriever.catch_up()) == (6, 0)
    vectors = Vectors("precedents", "letters")
    shelves.now(vectors.refresh)
    query = (await ByLetters().embed(["How do I reset my password?"]))[0]
    assert vectors.nearest(query, 1)[0][0] == "p4"
    shelves.now(lambda library: library.remove_precedent("p4"))
    add(shelves, precedent(7, "reset password my I do How?", "Again."), precedent(5, "zzz", "Other."))
    shelves.now(vectors.refresh)
    assert "p4" not in dict(vectors.nearest(query, 10))
    assert "p5" not in dict(vectors.nearest(query, 10))
    assert await retriever.catch_up() == 2
    shelves.now(vectors.refresh)
    ((nearest, cosine),) = vectors.nearest(query, 1)
    assert nearest == "p7"
    assert cosine == pytest.approx(1.0, abs=1e-3)


def test_only_what_a_person_let_out_becomes_a_precedent() -> None:
    person, rule = Actor(kind="person", id="U1", name="Ada"), Actor(kind="rule", id="r", name="a rule")
    kinds = {kind: precedent_of(proposal(kind, person), None) is not None for kind in DecisionKind}
    assert [kind for kind, kept in kinds.items() if kept] == [DecisionKind.APPROVED, DecisionKind.EDITED]
    assert precedent_of(proposal(DecisionKind.APPROVED, rule), None) is None
    assert isinstance(proposal(DecisionKind.APPROVED, person).decision, Decision)


def test_an_empty_first_revision_is_no_draft() -> None:
    from bot.domain.proposal import Reply

    person = Actor(kind="person", id="U1", name="Ada")
    kept = precedent_of(proposal(DecisionKind.EDITED, person), Reply(text=" "))
    changed = precedent_of(proposal(DecisionKind.EDITED, person), Reply(text="Draft."))
    assert kept is not None
    assert kept.draft is None
    assert not kept.corrected
    assert changed is not None
    assert changed.corrected
