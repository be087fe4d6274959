"""JSON as the database keeps it."""

import pytest

from bot.domain.canonical import Json
from storage.rows import json_of, text_of_json


def _nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [{"b": 1, "a": ["é😀\u2028", None, True, 0.1]}, 2**70, -0.0, 1e300, _nested(400)])
def test_it_reads_back_as_it_was(value: Json) -> None:
    assert json_of(text_of_json(value)) == value


def test_names_stay_in_their_order_and_nothing_is_blank() -> None:
    assert text_of_json({"b": 1, "a": {"é": 2}}) == '{"b":1,"a":{"é":2}}'


def test_half_of_a_surrogate_pair_has_no_text_that_a_database_takes() -> None:
    with pytest.raises(UnicodeEncodeError):
        text_of_json({"name": "\ud800"}).encode()
