"""The knowledge folder and its index stay in step."""

from pathlib import Path

import pytest

from bot.domain.errors import BadInput, NotFound
from bot.drafting.knowledge import LARGEST, Knowledge
from bot.drafting.retrieval import Retriever
from tests.drafting.shelves import Shelves


async def test_an_empty_or_missing_folder_is_said_in_one_clear_line(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        said = str(await Knowledge(folder, Shelves()).sync())
        assert said == "The knowledge folder has no Markdown files, so drafts rest on earlier replies alone."


async def test_only_what_changed_is_indexed_again(tmp_path: Path) -> None:
    shelves = Shelves()
    knowledge = Knowledge(tmp_path, shelves)
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.md").write_text("# A\nReturns are free.")
    (tmp_path / "deep" / "b.md").write_text("Shipping is slow.")
    assert (await knowledge.sync()).added == ("a.md", "deep/b.md")
    assert (await knowledge.sync()) == await knowledge.sync()
    (tmp_path / "a.md").write_text("# A\nReturns cost money.")
    (tmp_path / "deep" / "b.md").unlink()
    synced = await knowledge.sync()
    assert (synced.added, synced.changed, synced.removed) == ((), ("a.md",), ("deep/b.md",))
    retriever = Retriever(shelves)
    assert [near.passage.text for near in await retriever.search("is returning free")] == ["Returns cost money."]
    assert await retriever.search("slow shipping") == []


async def test_a_file_that_cannot_be_read_is_named_and_what_was_known_of_it_stays(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, Shelves())
    (tmp_path / "a.md").write_text("Returns are free.")
    await knowledge.sync()
    (tmp_path / "a.md").write_bytes(b"\xff\xfe bad")
    (tmp_path / "b.md").write_bytes(b"x" * (LARGEST + 1))
    synced = await knowledge.sync()
    assert [problem.split(":")[0] for problem in synced.problems] == [
        "a.md is not UTF-8 (byte 1)",
        "b.md has 2,000,001 bytes and at most 2,000,000 are read",
    ]
    assert [document.name for document in await knowledge.documents()] == ["a.md"]


async def test_hidden_files_and_links_that_lead_outside_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "x.md").write_text("secret")
    (folder / "notes.txt").write_text("not Markdown")
    (tmp_path / "outside.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    assert (await Knowledge(folder, Shelves()).sync()).documents == 0


async def test_a_document_is_added_and_removed_by_name(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path / "knowledge", Shelves())
    (tmp_path / "a.md").write_text("Returns are free.")
    assert (await knowledge.add(tmp_path / "a.md")).added == ("a.md",)
    assert (tmp_path / "knowledge" / "a.md").exists()
    assert (await knowledge.remove("a.md")).removed == ("a.md",)
    assert not (tmp_path / "knowledge" / "a.md").exists()
    assert (tmp_path / "a.md").exists()


async def test_what_cannot_be_added_or_removed_is_refused_in_a_sentence(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path / "knowledge", Shelves())
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "bad.md").write_bytes(b"\xff")
    with pytest.raises(BadInput, match=r"a\.pdf is not Markdown"):
        await knowledge.add(tmp_path / "a.pdf")
    with pytest.raises(BadInput, match="not UTF-8"):
        await knowledge.add(tmp_path / "bad.md")
    with pytest.raises(BadInput, match="cannot be added"):
        await knowledge.add(tmp_path / "missing.md")
    with pytest.raises(NotFound, match="has no document"):
        await knowledge.remove("../a.pdf")
