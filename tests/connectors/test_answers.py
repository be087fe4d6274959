from datetime import timedelta

import pytest

from bot.connectors.answers import excerpt, result_of, retry_after, said
from tests.connectors.cases import NOW


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 1),
        ("1", 1),
        (" 30 ", 30),
        ("3600", 3600),
        ("86400", 3600),
        ("9" * 5_000, 3600),
        ("Sat, 14 Mar 2026 09:27:23 GMT", 30),
        ("Sat, 14 Mar 2026 09:27:23", 30),
        ("Sat, 14 Mar 2020 09:27:23 GMT", 1),
        ("Sat, 14 Mar 2099 09:27:23 GMT", 3600),
    ],
)
def test_a_wait_is_kept_within_a_second_and_an_hour(header: str, seconds: int) -> None:
    assert retry_after(header, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "1e9", "٣", "nan", "Sat, 99 Foo", "\x00"])
def test_a_wait_that_makes_no_sense_is_none(header: str | None) -> None:
    assert retry_after(header, now=NOW) is None


def test_an_excerpt_is_one_short_line_with_nothing_hidden() -> None:
    shown = excerpt("no\r\nsuch\x00 order\u202e " + "x" * 5_000)
    assert shown.startswith("no such<U+0000> order<U+202E> xxx")
    assert len(shown) <= 160


def test_an_empty_answer_leaves_no_dangling_colon() -> None:
    assert said("payments", 500, " \n") == "payments answered 500"
    assert said("payments", 500, "oops") == "payments answered 500: oops"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"refund": "re_1"}', {"refund": "re_1"}),
        ("[1, 2.5, null, true]", [1, 2.5, None, True]),
        ("done", "done"),
        ("", None),
        ('{"x": NaN}', '{"x": NaN}'),
        ('{"x": 9007199254740993}', '{"x": 9007199254740993}'),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 9_000 + "]" * 900, None),
    ],
)
def test_a_result_is_json_that_can_be_stored_or_else_text(text: str, kept: object) -> None:
    found = result_of(text)
    if kept is None and text:
        assert isinstance(found, str)
        assert len(found) <= 2_000
    else:
        assert found == kept


def test_a_long_result_is_cut() -> None:
    assert result_of('{"x": "' + "y" * 20_000 + '"}') == '{"x": "' + "y" * 1_992 + "…"


@pytest.mark.parametrize("at", range(138, 160))
def test_an_excerpt_shows_no_beginning_of_a_secret(at: int) -> None:
    text = f"{'x' * (at - 1)} 4242 4242 4242 4242 is refused, says the bank of whoever holds it"
    assert "4242 4" not in excerpt(text), excerpt(text)
