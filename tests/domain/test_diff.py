"""What an edit changed is seen at a glance, and costs little however long the text."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.diff import ABSENT, Segment, args_diff, word_diff

texts = st.text(st.sampled_from("ab ,.\n€5é日本👍🏽\u200d"), max_size=60)


def parts(segments: tuple[Segment, ...]) -> list[tuple[str, str]]:
    return [(segment.kind, segment.text) for segment in segments]


def test_only_the_changed_words_are_marked() -> None:
    assert parts(word_diff("Hi Ann, we refund €50.00 today.", "Hi Ann, we refund €45.50 today.")) == [
        ("same", "Hi Ann, we refund €"),
        ("removed", "50.00 "),
        ("added", "45.50 "),
        ("same", "today."),
    ]


def test_a_long_unchanged_stretch_is_left_out() -> None:
    story = "This went on for quite a while. " * 30
    segments = word_diff(f"{story}Pay 50. {story}", f"{story}Pay 45. {story}")
    assert [segment.kind for segment in segments] == ["same", "removed", "added", "same"]
    assert segments[0].text.startswith("…")
    assert segments[0].text.endswith("Pay ")
    assert segments[3].text.endswith("…")
    assert sum(len(segment.text) for segment in segments) < 120


def test_equal_texts_have_no_segments() -> None:
    assert word_diff("same", "same") == ()


def test_words_without_spaces_between_them_are_compared_too() -> None:
    kinds = [segment.kind for segment in word_diff("日本語のテキスト", "日本文のテキスト")]
    assert kinds == ["same", "removed", "added", "same"]


def test_a_full_rewrite_is_one_removal_and_one_addition() -> None:
    assert parts(word_diff("The quick fox", "A slow dog")) == [
        ("removed", "The quick fox"),
        ("added", "A slow dog"),
    ]


@given(texts, texts)
def test_nothing_is_lost_without_a_limit(before: str, after: str) -> None:
    segments = word_diff(before, after, limit=None)
    if before != after:
        assert "".join(s.text for s in segments if s.kind != "added") == before
        assert "".join(s.text for s in segments if s.kind != "removed") == after
    assert all(segment.text for segment in segments)


@given(texts, texts, st.integers(20, 100))
def test_the_limit_holds(before: str, after: str, limit: int) -> None:
    segments = word_diff(before * 5, after * 5, limit=limit)
    assert sum(len(segment.text) for segment in segments) <= limit
    assert bool(segments) == (before != after)


def test_what_the_limit_cuts_off_ends_in_dots() -> None:
    segments = word_diff("x " * 2_000, "y " * 2_000)
    assert [segment.kind for segment in segments] == ["removed", "added"]
    assert all(segment.text.endswith("…") for segment in segments)


@pytest.mark.parametrize("vocabulary", [2, 100, 500, 20_000])
def test_forty_thousand_characters_are_compared_in_bounded_time(vocabulary: int) -> None:
    dice = random.Random(vocabulary)
    before, after = (" ".join(str(dice.randrange(vocabulary)) for _ in range(10_000))[:40_000] for _ in range(2))
    started = time.process_time()
    segments = word_diff(before, after, limit=None)
    assert time.process_time() - started < 3
    assert "".join(s.text for s in segments if s.kind != "added") == before


def test_arguments_are_compared_as_json_values() -> None:
    before = {"amount": 50, "same": 1, "flag": True, "nested": {"a": [1]}, "gone": "x", "none": None}
    after = {"amount": 45.5, "same": 1.0, "flag": 1, "nested": {"a": [2]}, "new": None, "none": None}
    assert args_diff(before, after) == (
        ("amount", 50, 45.5),
        ("flag", True, 1),
        ("nested", {"a": [1]}, {"a": [2]}),
        ("gone", "x", ABSENT),
        ("new", ABSENT, None),
    )
    assert str(ABSENT) == "—"


def test_a_line_that_is_added_below_changes_no_word_above() -> None:
    assert word_diff("Kind regards,\nEmber", "Kind regards,\nEmber\nMaria") == (
        Segment(kind="same", text="Kind regards,\nEmber"),
        Segment(kind="added", text="\nMaria"),
    )
