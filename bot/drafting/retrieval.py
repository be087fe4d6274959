"""The passages and precedents nearest to a ticket: by words always, by meaning too where an embedder is there."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.domain.proposal import Conversation
from bot.drafting.ports import Library, LibraryAccess, Passage, Precedent, Shelf
from bot.drafting.vectors import Vectors
from bot.drafting.words import COMMON, excerpt, without_quotes, words

MOST_TERMS: Final = 32
_CANDIDATES: Final = 30
_FEW_WORDS: Final = 4
_WORDS_SHARE: Final = 0.3  # of the blend with meaning; between 0.15 and 0.5 it hardly matters
# In a library of three cases every word is rare or common by chance, so some everyday items are imagined beside them.
_IMAGINED: Final = 50
_CATCH_UP: Final = 64
_NOTHING: Final = 1e-9

Weigher = Callable[[str], float]


class Embeds(Protocol):
    """What turns texts into embeddings: hexadecimal texts of one length for each `name`."""

    @property
    def name(self) -> str:
        """What tells this embedder's vectors from another's."""

    async def embed(self, texts: Sequence[str]) -> list[str]:
        """One embedding for each text, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A precedent with how near it is, in [0, 1]."""

    precedent: Precedent
    nearness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPassage:
    """A passage of the knowledge folder with how near it is, in [0, 1]."""

    passage: Passage
    nearness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found for a ticket, nearest first; `by_meaning` says whether an embedder took part."""

    question: str
    precedents: tuple[Near, ...] = ()
    passages: tuple[NearPassage, ...] = ()
    corrected: tuple[Near, ...] = ()
    by_meaning: bool = False


class Retriever:
    """Looks up a ticket's neighbours in the library; keeps the embeddings in memory between tickets."""

    def __init__(self, access: LibraryAccess, embedder: Embeds | None = None) -> None:
        self._access = access
        self._embedder = embedder
        shelves: tuple[Shelf, ...] = ("passages", "precedents") if embedder else ()
        self._vectors: Mapping[Shelf, Vectors] = {shelf: Vectors(shelf, embedder.name) for shelf in shelves if embedder}

    async def find(
        self, conversation: Conversation, *, precedents: int = 10, passages: int = 4, corrected: int = 3
    ) -> Found:
        """The nearest precedents, passages and corrected precedents for the newest thing that the customer wrote."""
        asked = question(conversation)
        meaning = (await self._embedder.embed([asked]))[0] if self._embedder and asked.strip() else None

        def look(library: Library) -> Found:
            near = self._precedents(library, asked, meaning, precedents)
            return Found(
                question=asked,
                precedents=near,
                passages=self._passages(library, asked, meaning, passages),
                corrected=self._corrected(library, asked, near, corrected) if corrected else (),
                by_meaning=meaning is not None,
            )

        return await self._access.read(look)

    async def search(self, text: str, limit: int = 10) -> list[NearPassage]:
        """The passages nearest to a few words: what `sayso knowledge search` shows."""
        meaning = (await self._embedder.embed([text]))[0] if self._embedder and text.strip() else None
        return list(await self._access.read(lambda library: self._passages(library, text, meaning, limit)))

    async def catch_up(self) -> int:
        """Embed whatever has no embedding yet; returns how many that were. Call it at the start and after indexing."""
        done = 0
        embedder = self._embedder
        shelves: tuple[Shelf, ...] = ("passages", "precedents")
        for shelf in shelves if embedder else ():
            while embedder and (waiting := await self._access.read(_without_vector(shelf, embedder.name))):
                hexes = await embedder.embed([text for _, text in waiting])
                pairs = [(item, hex_) for (item, _), hex_ in zip(waiting, hexes, strict=True)]
                await self._access.write(_put_vectors(shelf, embedder.name, pairs))
                done += len(pairs)
        return done

    def _precedents(self, library: Library, asked: str, meaning: str | None, limit: int) -> tuple[Near, ...]:
        ids, cosines = self._candidates(library, "precedents", asked, meaning)
        found = library.precedents(ids)
        texts = [precedent.question for precedent in found]
        scores = _scores(library, "precedents", asked, texts, [cosines.get(one.id) for one in found], both=True)
        near = [Near(precedent=one, nearness=score) for one, score in zip(found, scores, strict=True)]
        return tuple(sorted(near, key=lambda one: -one.nearness)[:limit])

    def _corrected(self, library: Library, asked: str, near: Sequence[Near], limit: int) -> tuple[Near, ...]:
        kept = [one for one in near if one.precedent.corrected]
        known = {one.precedent.id for one in kept}
        hits = library.search("precedents", _terms(library, "precedents", asked), limit, corrected=True)
        more = library.precedents([hit.id for hit in hits if hit.id not in known])
        texts = [precedent.question for precedent in more]
        scores = _scores(library, "precedents", asked, texts, [None] * len(texts), both=True)
        return tuple([*kept, *(Near(precedent=one, nearness=s) for one, s in zip(more, scores, strict=True))][:limit])

    def _passages(self, library: Library, asked: str, meaning: str | None, limit: int) -> tuple[NearPassage, ...]:
        ids, cosines = self._candidates(library, "passages", asked, meaning)
        found = library.passages(ids)
        texts = [f"{passage.heading} {passage.text}" for passage in found]
        scores = _scores(library, "passages", asked, texts, [cosines.get(one.id) for one in found], both=False)
        near = [NearPassage(passage=one, nearness=score) for one, score in zip(found, scores, strict=True)]
        return tuple(sorted(near, key=lambda one: -one.nearness)[:limit])

    def _candidates(
        self, library: Library, shelf: Shelf, asked: str, meaning: str | None
    ) -> tuple[list[str], dict[str, float]]:
        hits = library.search(shelf, _terms(library, shelf, asked), _CANDIDATES)
        cosines: dict[str, float] = {}
        if meaning is not None:
            vectors = self._vectors[shelf]
            vectors.refresh(library)
            # More are looked at than kept, so that an item found by its words mostly has its cosine too.
            cosines = dict(vectors.nearest(meaning, 10 * _CANDIDATES))
        nearest = list(cosines)[:_CANDIDATES]
        return list(dict.fromkeys([*(hit.id for hit in hits), *nearest])), cosines


def question(conversation: Conversation) -> str:
    """What to look for: the customer's newest words, with the subject and earlier words where they are few."""
    said = [without_quotes(message.text) for message in conversation.messages if message.role == "customer"]
    asked = excerpt(said.pop()) if said else ""
    while said and len(set(words(asked))) < _FEW_WORDS:
        asked = f"{excerpt(said.pop())}\n{asked}"
    subject = conversation.subject or ""
    return f"{subject}\n{asked}" if subject and subject not in asked else asked


def _terms(library: Library, shelf: Shelf, asked: str) -> list[str]:
    """The rarest words of the question that occur in the shelf at all."""
    frequencies = library.frequencies(shelf, list(dict.fromkeys(words(asked))))
    return sorted(frequencies, key=lambda term: (frequencies[term], term))[:MOST_TERMS]


def _scores(
    library: Library,
    shelf: Shelf,
    asked: str,
    texts: Sequence[str],
    cosines: Sequence[float | None],
    *,
    both: bool,
) -> list[float]:
    wanted = frozenset(words(asked))
    sets = [frozenset(words(text)) for text in texts]
    weigh = _weigher(library, shelf, wanted.union(*sets))
    scores = []
    for found, cosine in zip(sets, cosines, strict=True):
        overlap = _overlap(wanted, found, weigh, both=both)
        by_meaning = any(one is not None for one in cosines)
        blend = (1 - _WORDS_SHARE) * max(cosine or 0.0, 0.0) + _WORDS_SHARE * overlap
        scores.append(min(blend if by_meaning else overlap, 1.0))
    return scores


def _weigher(library: Library, shelf: Shelf, terms: frozenset[str]) -> Weigher:
    """Inverse document frequency (Robertson and Zaragoza 2009, as in bm25), never negative."""
    total, frequencies = library.count(shelf) + _IMAGINED, library.frequencies(shelf, sorted(terms))

    def weigh(term: str) -> float:
        n = frequencies.get(term, 0) + (_IMAGINED // 2 if term in COMMON else 0)
        return math.log1p((total - n + 0.5) / (n + 0.5))

    return weigh


def _overlap(wanted: frozenset[str], found: frozenset[str], weigh: Weigher, *, both: bool) -> float:
    """The shared words' weight in the question's, and with `both` in the other text's too (their geometric mean)."""
    shared, all_wanted = sum(map(weigh, wanted & found)), sum(map(weigh, wanted))
    if shared < _NOTHING:
        return 0.0
    return shared / math.sqrt(all_wanted * sum(map(weigh, found))) if both else shared / all_wanted


def _without_vector(shelf: Shelf, model: str) -> Callable[[Library], list[tuple[str, str]]]:
    return lambda library: library.without_vector(shelf, model, _CATCH_UP)


def _put_vectors(shelf: Shelf, model: str, pairs: Sequence[tuple[str, str]]) -> Callable[[Library], None]:
    def put(library: Library) -> None:
        for item, hex_ in pairs:
            library.put_vector(shelf, model, item, hex_)

    return put
