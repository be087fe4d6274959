"""The knowledge folder: Markdown files, indexed again when their content changes."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.errors import BadInput, NotFound
from bot.domain.plural import plural
from bot.drafting.passages import passages
from bot.drafting.ports import Document, Library, LibraryAccess, Passage
from bot.drafting.words import words

SUFFIXES: Final = frozenset({".md", ".markdown"})
LARGEST: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What indexing changed, by document name, and one sentence for each file that could not be read."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    documents: int = 0

    def __str__(self) -> str:
        """The same in one line."""
        if not self.documents:
            return "The knowledge folder has no Markdown files, so drafts rest on earlier replies alone."
        counts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        moved = ", ".join(f"{len(names):,} {word}" for word, names in counts if names)
        return f"The knowledge folder has {plural(self.documents, 'document')} ({moved or 'nothing changed'})."


@dataclass(frozen=True, slots=True)
class _Read:
    document: Document
    passages: list[tuple[Passage, str]]


class Knowledge:
    """The folder and its index in step; `folder` need not exist yet."""

    def __init__(self, folder: Path, access: LibraryAccess) -> None:
        self._folder = folder
        self._access = access

    async def sync(self) -> Synced:
        """Index what is new or has changed, forget what is gone. Files are read in the calling thread's executor."""
        known = {document.name: document.hash for document in await self._access.read(lambda lib: lib.documents())}
        read, problems, present = await asyncio.to_thread(self._read, known)
        gone = tuple(sorted(known.keys() - present))

        def write(library: Library) -> None:
            for one in read:
                library.put_document(one.document, one.passages)
            for name in gone:
                library.remove_document(name)

        if read or gone:
            await self._access.write(write)
        names = [one.document.name for one in read]
        return Synced(
            added=tuple(name for name in names if name not in known),
            changed=tuple(name for name in names if name in known),
            removed=gone,
            problems=tuple(problems),
            documents=len(present),
        )

    async def documents(self) -> list[Document]:
        """The indexed documents by name."""
        return await self._access.read(lambda library: library.documents())

    async def add(self, source: Path) -> Synced:
        """Copy a Markdown file into the folder and index it; BadInput where it is not one."""
        await asyncio.to_thread(self._copy, source)
        return await self.sync()

    async def remove(self, name: str) -> Synced:
        """Delete a document from the folder and the index; NotFound where there is none of that name."""
        known = {document.name for document in await self.documents()}
        await asyncio.to_thread(self._delete, name, known)
        return await self.sync()

    def _copy(self, source: Path) -> None:
        if source.suffix.lower() not in SUFFIXES:
            raise BadInput(f"{source.name} is not Markdown: give a file that ends in .md.")
        try:
            content = source.read_bytes()
            _decoded(source.name, content)
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._folder / source.name
            if target.resolve() != source.resolve():
                target.write_bytes(content)
        except OSError as error:
            raise BadInput(f"{source} cannot be added: {error.strerror or error}.") from None

    def _delete(self, name: str, known: set[str]) -> None:
        if name not in known and name not in set(self._names()):
            raise NotFound(f"The knowledge folder has no document {name}; `sayso knowledge list` shows what it has.")
        path = self._folder / name
        if path.resolve().is_relative_to(self._folder.resolve()):
            path.unlink(missing_ok=True)

    def _names(self) -> Iterator[str]:
        """The Markdown files below the folder, by relative name, without hidden ones and links that lead outside."""
        root = self._folder.resolve()
        for place, folders, files in os.walk(root):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            for file in sorted(files):
                path = Path(place) / file
                if not file.startswith(".") and path.suffix.lower() in SUFFIXES and path.resolve().is_relative_to(root):
                    yield path.relative_to(root).as_posix()

    def _read(self, known: dict[str, str]) -> tuple[list[_Read], list[str], set[str]]:
        read: list[_Read] = []
        problems: list[str] = []
        present: set[str] = set()
        for name in self._names():
            present.add(name)
            try:
                content = (self._folder / name).read_bytes()
                hash_ = hashlib.sha256(content).hexdigest()
                if known.get(name) == hash_:
                    continue
                found = passages(name, _decoded(name, content))
            except (BadInput, OSError) as error:
                # What was indexed of it stays until the file can be read again or is gone.
                problems.append(str(error))
                continue
            document = Document(name=name, hash=hash_, passages=len(found))
            indexed = [(one, " ".join(words(f"{one.heading} {one.text}"))) for one in found]
            read.append(_Read(document, indexed))
        return read, problems, present


def _decoded(name: str, content: bytes) -> str:
    if len(content) > LARGEST:
        raise BadInput(f"{name} has {len(content):,} bytes and at most {LARGEST:,} are read: split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 (byte {error.start + 1:,}): save it as UTF-8.") from None
