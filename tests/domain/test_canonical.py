"""Canonical JSON: byte for byte what `rfc8785` writes, whichever way it was written."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.canonical import Json, canonical_json

TEXT = st.text() | st.text(alphabet='\x00\x1f\x7f"\\/é€\u2028\ud7ff\ue000\uffff😀', max_size=8)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)


@given(value=DOCUMENTS)
@example(value={"\ue000": 1, "😀": 2})
@example(value=[0.0, -0.0, 1.0, -1.5, 1e-4, 9.999e-5, 1e-6, 1e-7, 123456789012345.6, 1e15, 1e16, 1e21, 1.5e300, 5e-324])
@example(value=[2**53 - 1, -(2**53) + 1, True, False, None, [], {}, ""])
def test_it_is_what_the_reference_writes(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("depth", [400, 700])
def test_what_nests_deep_is_written_all_the_same(depth: int) -> None:
    value: Json = 1
    for _ in range(depth):
        value = [{"in": value}] if depth < 500 else [value]
    assert canonical_json(value) == rfc8785.dumps(value)


@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e-5, 1e17))
def test_every_number_is_written_as_the_reference_does(value: float) -> None:
    assert canonical_json([value]) == rfc8785.dumps([value])


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {"\udfff": 1}, {1: "one"}, {"a": {None: 1}}, [object()]],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused_as_the_reference_does(value: Any) -> None:
    deep: Any = {"deep": [value]}
    for one in (value, deep):
        with pytest.raises(ValueError) as reference:
            rfc8785.dumps(one)
        with pytest.raises(type(reference.value), match=r".+"):
            canonical_json(one)


def test_the_usual_document_never_meets_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(value: Json) -> bytes:
        raise AssertionError(f"{value} was left to the reference")

    monkeypatch.setattr(rfc8785, "dumps", fail)
    usual: dict[str, Json] = {
        "seq": 7,
        "at": "2026-03-12T09:00:00.000000Z",
        "name": "José 😀",
        "sure": 0.93,
        "on": True,
    }
    assert json.loads(canonical_json({"payload": [usual, None], **usual})) == {"payload": [usual, None], **usual}
