"""`sayso knowledge`: what drafts rest on, from the command line."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer

from bot.config import Config
from bot.domain.intake import KnowledgeRule
from bot.domain.plural import plural
from bot.domain.text import shorten
from bot.drafting.knowledge import Knowledge, Synced
from bot.drafting.ports import Document
from bot.drafting.retrieval import NearPassage, Retriever
from bot.ports import Store
from storage import library_of

T = TypeVar("T")


class WithStore(Protocol):
    """Runs a function with the open store, and closes it."""

    def __call__(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """What the function gives."""
        ...


def commands(with_store: WithStore) -> typer.Typer:
    """The command group."""
    app = typer.Typer(no_args_is_help=True, help="The Markdown files that drafts rest on.")

    @app.command()
    def add(file: Path) -> None:
        """Copy a Markdown file into the knowledge folder and index it."""
        typer.echo(with_store(lambda store: _knowledge(store).add(file)))

    @app.command("list")
    def show() -> None:
        """Every document with the number of its passages; the folder is read again first."""
        _list(*with_store(_read))

    @app.command()
    def remove(name: str) -> None:
        """Delete a document from the folder and the index."""
        typer.echo(with_store(lambda store: _knowledge(store).remove(name)))

    @app.command()
    def search(
        words: list[str], limit: Annotated[int, typer.Option(min=1, max=50, help="How many passages.")] = 5
    ) -> None:
        """The passages nearest to these words, with how near they are."""
        _show(with_store(lambda store: Retriever(library_of(store)).search(" ".join(words), limit)))

    return app


def _knowledge(store: Store) -> Knowledge:
    return Knowledge(folder(), library_of(store))


async def _read(store: Store) -> tuple[Synced, list[Document]]:
    knowledge = _knowledge(store)
    return await knowledge.sync(), await knowledge.documents()


def _list(synced: Synced, documents: list[Document]) -> None:
    for document in documents:
        typer.echo(f"{document.name}\t{plural(document.passages, 'passage')}")
    for problem in synced.problems:
        typer.echo(f"Note: {problem}", err=True)
    if not documents:
        typer.echo(str(synced), err=True)


def _show(found: list[NearPassage]) -> None:
    for near in found:
        passage = near.passage
        place = f"{passage.document} › {passage.heading}" if passage.heading else passage.document
        typer.echo(f"{near.nearness:.2f}\t{place}\t{shorten(' '.join(passage.text.split()), 160)}")


def folder() -> Path:
    """The knowledge folder of the policy file, or the usual one where there is no such file."""
    from bot.policy_file import read_policy

    path = Config.of(os.environ).policy_path
    return Path(read_policy(path).knowledge.folder if path.exists() else KnowledgeRule().folder)
