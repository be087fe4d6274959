"""One tokeniser for what is indexed and what is asked."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from bot.drafting.passages import LONGEST, passages
from bot.drafting.words import excerpt, without_quotes, words
from tests.drafting.shelves import Shelves


def test_forms_of_a_word_meet() -> None:
    assert words("charges charged charging charge") == ["charg"] * 4
    assert words("Studies study, shipped shipping ships") == ["study", "study", "ship", "ship", "ship"]
    assert words("Café CAFE naïve") == ["caf", "caf", "naiv"] == words("cafe cafe naive")


def test_scripts_without_spaces_give_pairs() -> None:
    assert words("返品したい") == ["返品", "品し", "した", "たい"]
    assert words("ok 返") == ["ok", "返"]


def test_two_megabytes_count_by_their_beginning_and_end() -> None:
    found = words("first " + "middle " * 300_000 + "last")
    assert found[0] == "first"
    assert found[-1] == "last"
    assert len(found) < 3_000
    assert "characters left out" in excerpt("a" * 20_000)
    assert len(excerpt("a" * 20_000)) < 16_100


def test_quoted_lines_are_left_out_unless_there_is_nothing_else() -> None:
    assert without_quotes("New words\n> old words\nOn Monday, 3 May, Eva wrote:\n> more").strip() == "New words"
    assert without_quotes("> only this") == "> only this"


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for(text: str) -> None:
    shelves = _shared()
    shelves.now(lambda library: library.search("precedents", words(text), 5))
    shelves.now(lambda library: library.frequencies("precedents", words(text)))


@given(st.lists(st.text(max_size=20), max_size=5))
def test_even_raw_text_cannot_break_the_query(terms: list[str]) -> None:
    clean = [term.encode(errors="replace").decode() for term in terms]
    try:
        _shared().now(lambda library: library.search("precedents", clean, 5))
    except sqlite3.OperationalError as error:  # pragma: no cover - the assertion is the message
        raise AssertionError(f"{clean!r}: {error}") from None


_CACHE: list[Shelves] = []


def _shared() -> Shelves:
    if not _CACHE:
        _CACHE.append(Shelves())
    return _CACHE[0]


def test_passages_stand_under_their_headings() -> None:
    text = (
        "---\ntitle: x\n---\nIntro.\n\n# Returns\nWithin 30 days.\n\nRefunds\n-------\nFive days.\n"
        "```\n# no heading\n```\n## Deep\nEnd.\n"
    )
    found = [(one.heading, one.text) for one in passages("a.md", text)]
    assert found == [
        ("", "Intro."),
        ("Returns", "Within 30 days."),
        ("Returns › Refunds", "Five days.\n```\n# no heading\n```"),
        ("Returns › Deep", "End."),
    ]


def test_a_long_section_is_cut_at_paragraphs_and_nothing_is_lost() -> None:
    text = "# H\n" + "\n\n".join(f"Paragraph {n}. " + "word " * 100 for n in range(9)) + "\n\n" + "x" * 5_000
    found = passages("a.md", text)
    assert all(len(one.text) <= LONGEST + 2 for one in found)
    assert len({one.id for one in found}) == len(found)
    assert sum(one.text.count("word") for one in found) == 900
    assert sum(one.text.count("x") for one in found) == 5_000


def test_an_empty_document_has_no_passages() -> None:
    assert passages("a.md", "") == passages("a.md", "\n\n# Only a heading\n") == []
