"""Every body has one reading or none, and the sentence says what to change."""

import json
import time

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.strict_json import MAX_INTEGER, BadJson, JsonValue, parse

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), inner)
    ),
    max_leaves=12,
)


def read(raw: bytes) -> JsonValue:
    return parse(raw, max_bytes=1_000_000)


@given(json_values, st.booleans())
def test_honest_json_is_read_as_it_was_written(value: JsonValue, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(json_values)
def test_whatever_is_read_can_be_made_canonical(value: JsonValue) -> None:
    assert rfc8785.dumps(read(json.dumps(value).encode())) == rfc8785.dumps(value)


@given(st.binary(max_size=40) | st.text(st.sampled_from('[]{}",:\\u0dD8e1- '), max_size=40).map(str.encode))
def test_any_bytes_are_read_as_python_reads_them_or_refused(raw: bytes) -> None:
    try:
        value = read(raw)
    except BadJson:
        return
    assert value == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{} {}", "extra data, line 1, column 4"),
        (b'{"a":}', "line 1, column 6"),
        (b"[1,]", "not JSON"),
        (b"{'a': 1}", "double quotes"),
        (b'{"amount": 1, "amount": 9}', "'amount' stands twice"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "'b' stands twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e400]", "too large"),
        (b"[-1e400]", "too large"),
        (b"[9007199254740992]", "send a string"),
        (b"[9223372036854775808]", "send a string"),
        (b"[-9007199254740992]", "send a string"),
        (b"9" * 5_000, "send a string"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        ("{}".encode("utf-16-be"), "UTF-16"),
        ("{}".encode("utf-32"), "UTF-32"),
        (b'"\xff"', "Byte 2"),
        (b'"\xed\xa0\x80"', "Byte 2"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b'["\\ude00\\ud83d"]', "half of a surrogate pair"),
        (b'["a\\u0000b"]', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'"a\x00b"', "control character"),
        (b'"a\nb"', "control character"),
        (b"[" * 10_000, "deeper than 64"),
        (b'{"a":' * 10_000, "deeper than 64"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b'["]]]", ' * 65 + b"1" + b"]" * 65, "deeper than 64"),
    ],
)
def test_what_cannot_be_read_one_way_is_refused_in_one_sentence(raw: bytes, words: str) -> None:
    with pytest.raises(BadJson) as refusal:
        read(raw)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_borders_are_inside() -> None:
    assert read(b"[9007199254740991, -9007199254740991]") == [MAX_INTEGER, -MAX_INTEGER]
    assert read(b'"\\ud83d\\ude00"') == "😀"
    deep = read(b"[" * 64 + b"]" * 64)
    for _ in range(63):
        assert isinstance(deep, list)
        deep = deep[0]
    assert deep == []


def test_brackets_inside_strings_do_not_nest() -> None:
    assert read(json.dumps(["[" * 500, '\\"[[' * 100]).encode()) == ["[" * 500, '\\"[[' * 100]


def test_a_body_beyond_the_limit_is_refused_before_it_is_looked_at() -> None:
    assert parse(b"[1]", max_bytes=3) == [1]
    with pytest.raises(BadJson, match="4 bytes and at most 3"):
        parse(b"\xff\xff\xff\xff", max_bytes=3)


@pytest.mark.parametrize("piece", [b'"', b'\\"', b"[]", b"{", b'"[', b"\\", b"\\u0000"])
def test_a_megabyte_of_brackets_or_quotes_takes_linear_time(piece: bytes) -> None:
    raw = b'["' + piece * (999_000 // len(piece))
    started = time.process_time()
    with pytest.raises(BadJson):
        read(raw)
    assert time.process_time() - started < 3
