"""The knowledge folder: indexed at the start, again whenever a file changes, and said to be empty where it is."""

from pathlib import Path

from bot.drafting.retrieval import Retriever
from storage import library_of
from tests.journeys.props import MovableClock, until_stored
from tests.journeys.tickets import INTAKE
from tests.world import World, running_world


async def found(world: World, words: str) -> list[str]:
    near = await Retriever(library_of(world.sayso.store)).search(words, 3)
    return [one.passage.text for one in near]


async def test_a_changed_file_is_indexed_again_while_the_bot_runs(tmp_path: Path, clock: MovableClock) -> None:
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nRefunds take three days.\n")
    policy = INTAKE.replace("no-such-folder", str(folder))
    async with running_world(tmp_path / "sayso.db", policy, clock=clock) as world:
        assert await found(world, "refunds") == ["Refunds take three days."]
        library = library_of(world.sayso.store)
        (before,) = await library.read(lambda lib: lib.documents())
        (folder / "returns.md").write_text("# Returns\n\nRefunds take nine days.\n")
        (folder / "broken.md").write_bytes(b"\xff\xfe\x00")
        await world.message("C0OPS", "A document cannot be read.", seconds=20)
        (after,) = await library.read(lambda lib: lib.documents())
        assert after.hash != before.hash
        assert await found(world, "refunds") == ["Refunds take nine days."]


async def test_an_empty_folder_is_a_line_in_the_ops_channel(tmp_path: Path, clock: MovableClock) -> None:
    async with running_world(tmp_path / "sayso.db", INTAKE, clock=clock) as world:
        await world.message("C0OPS", "The knowledge folder has no Markdown files")
        await until_stored(world, lambda tx: not tx.outbox_size())
