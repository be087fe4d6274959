"""What drafting needs from storage: a library of knowledge and precedents, as a Protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from bot.domain.proposal import Action, Content

T = TypeVar("T")
Shelf = Literal["passages", "precedents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A Markdown file of the knowledge folder as it was indexed; `hash` is the SHA-256 of its bytes."""

    name: str
    hash: str
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of a document under one heading; `id` is `document#number`."""

    id: str
    document: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A case that a person settled: what was asked, what the AI drafted (None: nothing), and what went out.

    `customer` holds the particulars of that customer (names, order numbers), so that they never reach another one.
    """

    id: str
    category: str
    question: str
    final: Content
    draft: Content | None = None
    customer: str = ""
    at: str = ""

    @property
    def corrected(self) -> bool:
        """Whether a person changed the AI's words."""
        return self.draft is not None and self.draft != self.final

    @property
    def answer(self) -> str:
        """The answer as text: the reply's words, or the action's name."""
        return self.final.name if isinstance(self.final, Action) else self.final.text


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage or precedent found by words; `score` is bm25, higher is nearer."""

    id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """An embedding as text: 8-bit integers in hexadecimal, of unit length before rounding."""

    id: str
    seq: int
    hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decided draft: the features it had, its confidence, and whether a person approved it unedited."""

    id: str
    category: str
    features: Mapping[str, float]
    confidence: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a day has cost so far, in US dollars and tokens."""

    cost: float
    tokens: int


class Library(Protocol):
    """Knowledge, precedents, vectors, spending and decided drafts; synchronous, inside one transaction.

    Words (`words`, `terms`) are the tokens of `bot.drafting.words`, so any engine's plain full-text search will do.
    """

    def put_document(self, document: Document, passages: Sequence[tuple[Passage, str]]) -> None: ...
    def remove_document(self, name: str) -> bool: ...
    def documents(self) -> list[Document]: ...
    def passages(self, ids: Sequence[str]) -> list[Passage]: ...
    def put_precedent(self, precedent: Precedent, words: str) -> None: ...
    def remove_precedent(self, precedent_id: str) -> bool: ...
    def precedents(self, ids: Sequence[str]) -> list[Precedent]: ...
    def count(self, shelf: Shelf) -> int: ...
    def frequencies(self, shelf: Shelf, terms: Sequence[str]) -> dict[str, int]: ...
    def search(self, shelf: Shelf, terms: Sequence[str], limit: int, *, corrected: bool = False) -> list[Hit]: ...
    def without_vector(self, shelf: Shelf, model: str, limit: int) -> list[tuple[str, str]]: ...
    def put_vector(self, shelf: Shelf, model: str, item: str, hex_: str) -> None: ...
    def vectors(self, shelf: Shelf, model: str, *, after: int) -> list[Vector]: ...
    def vector_state(self, shelf: Shelf, model: str) -> tuple[int, int]: ...
    def spent(self, day: str) -> Spent: ...
    def spend(self, day: str, *, cost: float, tokens: int) -> None: ...
    def put_draft(
        self, draft_id: str, *, category: str, features: Mapping[str, float], confidence: float, at: str
    ) -> None: ...
    def settle(self, draft_id: str, *, right: bool, at: str) -> bool: ...
    def outcomes(self, limit: int, *, category: str | None = None) -> list[Outcome]: ...


class LibraryAccess(Protocol):
    """The way to the library from the event loop: a function handed to the write thread, or to a reader thread."""

    async def read(self, work: Callable[[Library], T]) -> T: ...
    async def write(self, work: Callable[[Library], T]) -> T: ...
