"""The embeddings of a shelf in memory, kept in step with the library, and the nearest of them to a question."""

from typing import Any

from bot.drafting.ports import Library, Shelf


class Vectors:
    """A matrix of unit rows; loaded on first use, then only what is new. numpy comes with the extra `embed`."""

    def __init__(self, shelf: Shelf, model: str) -> None:
        self._shelf = shelf
        self._model = model
        self._ids: list[str] = []
        self._rows: Any = None
        self._seq = 0
        self._changes = -1

    def refresh(self, library: Library) -> None:
        """Take in what was added or removed since the last time."""
        count, changes = library.vector_state(self._shelf, self._model)
        if changes == self._changes:
            return
        new = library.vectors(self._shelf, self._model, after=self._seq)
        known = set(self._ids)
        if len(known) + len(new) != count or any(vector.id in known for vector in new):
            self._ids, self._rows = [], None
            new = library.vectors(self._shelf, self._model, after=0)
        self._changes = changes
        if new:
            self._append([vector.id for vector in new], "".join(vector.hex for vector in new))
            self._seq = new[-1].seq

    def nearest(self, question: str, limit: int) -> list[tuple[str, float]]:
        """The ids with the highest cosine to the embedding `question` (hexadecimal), nearest first."""
        if self._rows is None:
            return []
        import numpy as np

        cosines = self._rows @ _unit_rows(question, 1)[0]
        count = min(limit, len(self._ids))
        top = np.argpartition(-cosines, count - 1)[:count]
        ordered = top[np.lexsort((top, -cosines[top]))]
        return [(self._ids[index], float(cosines[index])) for index in ordered]

    def _append(self, ids: list[str], hexes: str) -> None:
        import numpy as np

        rows = _unit_rows(hexes, len(ids))
        self._ids = [*self._ids, *ids]
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])


def _unit_rows(hexes: str, count: int) -> Any:
    import numpy as np

    rows = np.frombuffer(bytes.fromhex(hexes), dtype=np.int8).reshape(count, -1).astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
