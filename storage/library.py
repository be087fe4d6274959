"""The library in SQLite: knowledge, precedents, vectors, spending and decided drafts; full-text search is FTS5."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlite_utils import Database
from sqlite_utils.db import Table

from bot.domain.canonical import Json, canonical_json
from bot.domain.proposal import Action, Content, Reply
from bot.drafting.ports import Document, Hit, Outcome, Passage, Precedent, Shelf, Spent, Vector
from storage.named import load

QUERIES: Final[Mapping[str, str]] = load("library.sql")
# sqlite-utils' own enable_fts runs a script, which would commit the migration's transaction midway.
_SEARCH: Final = ("search", "search_adds", "search_removes", "search_replaces", "vocabulary")


def migrate_library(db: Database) -> None:
    """Create the library's tables: once, on a database that has none of them."""
    documents = {"name": str, "hash": str, "passages": int}
    _create(db, "documents", documents, pk="name")
    passages = _create(db, "passages", dict.fromkeys(("id", "document", "heading", "text", "words"), str), pk="id")
    passages.create_index(["document"])
    columns = ("id", "category", "question", "final", "draft", "customer", "at", "words")
    _create(db, "precedents", {**dict.fromkeys(columns, str), "corrected": int}, pk="id")
    for shelf in ("passages", "precedents"):
        for part in _SEARCH:
            db.execute(QUERIES[f"{shelf}_{part}"])
    vectors = {"shelf": str, "item": str, "model": str, "seq": int, "hex": str}
    _create(db, "vectors", vectors, pk=("shelf", "item", "model")).create_index(["shelf", "model", "seq"])
    _create(db, "counters", {"name": str, "value": int}, pk="name")
    _create(db, "spending", {"day": str, "cost": float, "tokens": int}, pk="day")
    drafts = {"id": str, "category": str, "features": str, "confidence": float, "at": str, "was_right": int}
    _create(db, "drafts", {**drafts, "settled_at": str}, pk="id").create_index(["category", "settled_at"])


def _create(db: Database, name: str, columns: Mapping[str, type], *, pk: str | tuple[str, ...]) -> Table:
    return cast(Table, db[name]).create(dict(columns), pk=pk, strict=True)


class SqliteLibrary:
    """Implements `bot.drafting.ports.Library` on a connection that the caller has opened and begun a transaction on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _run(self, query: str, /, **parameters: Any) -> sqlite3.Cursor:
        return self._connection.execute(QUERIES[query], parameters)

    # knowledge

    def put_document(self, document: Document, passages: Sequence[tuple[Passage, str]]) -> None:
        """Index a document in place of what was there under its name; each passage comes with its words."""
        self._clear(document.name)
        self._run("put_document", name=document.name, hash=document.hash, passages=document.passages)
        for passage, words in passages:
            self._run(
                "add_passage",
                id=passage.id,
                document=passage.document,
                heading=passage.heading,
                text=passage.text,
                words=words,
            )

    def remove_document(self, name: str) -> bool:
        """Forget a document; False where there was none."""
        self._clear(name)
        return self._run("remove_document", name=name).rowcount > 0

    def _clear(self, name: str) -> None:
        self._run("remove_vectors_of_document", document=name)
        self._run("remove_passages", document=name)
        self._run("tick", name="vectors")

    def documents(self) -> list[Document]:
        """What is indexed, by name."""
        return [Document(name=name, hash=hash_, passages=count) for name, hash_, count in self._run("documents")]

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages of these ids that still exist, in the order asked for."""
        rows = self._run("passages", ids=json.dumps(list(ids)))
        found = {row[0]: Passage(id=row[0], document=row[1], heading=row[2], text=row[3]) for row in rows}
        return [found[item] for item in ids if item in found]

    # precedents

    def put_precedent(self, precedent: Precedent, words: str) -> None:
        """Add a precedent, or replace the one of its id."""
        self._forget_vectors("precedents", precedent.id)
        self._run(
            "put_precedent",
            id=precedent.id,
            category=precedent.category,
            question=precedent.question,
            final=_text(precedent.final),
            draft=None if precedent.draft is None else _text(precedent.draft),
            customer=precedent.customer,
            corrected=int(precedent.corrected),
            at=precedent.at,
            words=words,
        )

    def remove_precedent(self, precedent_id: str) -> bool:
        """Forget a precedent; False where there was none."""
        self._forget_vectors("precedents", precedent_id)
        return self._run("remove_precedent", id=precedent_id).rowcount > 0

    def precedents(self, ids: Sequence[str]) -> list[Precedent]:
        """The precedents of these ids that still exist, in the order asked for."""
        found = {row[0]: _precedent(row) for row in self._run("precedents", ids=json.dumps(list(ids)))}
        return [found[item] for item in ids if item in found]

    # search

    def count(self, shelf: Shelf) -> int:
        """How many passages or precedents there are."""
        return int(self._run(f"count_{shelf}").fetchone()[0])

    def frequencies(self, shelf: Shelf, terms: Sequence[str]) -> dict[str, int]:
        """In how many items each of these words occurs; words that occur in none are left out."""
        return {row[0]: row[1] for row in self._run(f"frequencies_{shelf}", terms=json.dumps(list(terms)))}

    def search(self, shelf: Shelf, terms: Sequence[str], limit: int, *, corrected: bool = False) -> list[Hit]:
        """The items that contain any of these words, nearest by bm25 first; `corrected` is for precedents alone."""
        match = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms if "\x00" not in term)
        if not match:
            return []
        only = {"corrected": int(corrected)} if shelf == "precedents" else {}
        return [Hit(row[0], row[1]) for row in self._run(f"search_{shelf}", match=match, limit=limit, **only)]

    # vectors

    def without_vector(self, shelf: Shelf, model: str, limit: int) -> list[tuple[str, str]]:
        """Ids and texts of items that this embedder has not seen yet."""
        return [(row[0], row[1]) for row in self._run(f"{shelf}_without_vector", model=model, limit=limit)]

    def put_vector(self, shelf: Shelf, model: str, item: str, hex_: str) -> None:
        """Keep an item's embedding."""
        self._run("tick", name="vectors")
        self._run("put_vector", shelf=shelf, model=model, item=item, hex=hex_)

    def vectors(self, shelf: Shelf, model: str, *, after: int) -> list[Vector]:
        """The embeddings that were written after that place in the sequence, in order."""
        rows = self._run("vectors", shelf=shelf, model=model, after=after)
        return [Vector(id=item, seq=seq, hex=hex_) for item, seq, hex_ in rows]

    def vector_state(self, shelf: Shelf, model: str) -> tuple[int, int]:
        """How many embeddings there are, and a number that grows whenever one is added or removed."""
        count, changes = self._run("vector_state", shelf=shelf, model=model).fetchone()
        return int(count), int(changes)

    def _forget_vectors(self, shelf: Shelf, item: str) -> None:
        if self._run("remove_vectors_of_item", shelf=shelf, item=item).rowcount:
            self._run("tick", name="vectors")

    # spending

    def spent(self, day: str) -> Spent:
        """What that day (`2025-03-12`) has cost so far."""
        row = self._run("spent", day=day).fetchone()
        return Spent(cost=row[0], tokens=row[1]) if row else Spent(cost=0.0, tokens=0)

    def spend(self, day: str, *, cost: float, tokens: int) -> None:
        """Add to what that day has cost."""
        self._run("spend", day=day, cost=float(cost), tokens=tokens)

    # decided drafts

    def put_draft(
        self, draft_id: str, *, category: str, features: Mapping[str, float], confidence: float, at: str
    ) -> None:
        """Keep what a draft's confidence was computed from, until a person has decided; `at` is UTC ISO text."""
        document: dict[str, Json] = {name: float(value) for name, value in features.items()}
        kept = canonical_json(document).decode()
        self._run("put_draft", id=draft_id, category=category, features=kept, confidence=confidence, at=at)

    def settle(self, draft_id: str, *, right: bool, at: str) -> bool:
        """Note whether a draft was approved unedited; False where it is unknown or was settled before."""
        return self._run("settle", id=draft_id, was_right=int(right), at=at).rowcount > 0

    def outcomes(self, limit: int, *, category: str | None = None) -> list[Outcome]:
        """The drafts that were decided on, latest first."""
        rows = self._run("outcomes", limit=limit, category=category)
        return [
            Outcome(id=row[0], category=row[1], features=json.loads(row[2]), confidence=row[3], right=bool(row[4]))
            for row in rows
        ]


def _text(content: Content) -> str:
    return canonical_json(content.canonical()).decode()


def _content(text: str) -> Content:
    document = json.loads(text)
    return Reply(text=document["text"]) if "text" in document else Action(name=document["name"], args=document["args"])


def _precedent(row: Sequence[Any]) -> Precedent:
    return Precedent(
        id=row[0],
        category=row[1],
        question=row[2],
        final=_content(row[3]),
        draft=None if row[4] is None else _content(row[4]),
        customer=row[5],
        at=row[6],
    )
