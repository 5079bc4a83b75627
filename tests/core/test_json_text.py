from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.core import json_text
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError

json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_is_dumped_is_loaded_again(value: JsonValue) -> None:
    """GIVEN any JSON value WHEN it is dumped and loaded THEN it is the same value and the same text."""
    text = json_text.dump(value)
    loaded = json_text.load(text)
    assert loaded == value
    assert json_text.dump(loaded) == text
    assert json_text.load(text.encode()) == value


@given(st.binary(max_size=200) | st.text(st.characters(), max_size=200))
def test_any_input_is_a_value_or_not_json(data: bytes | str) -> None:
    """Whatever comes in, load returns a value that can be written as UTF-8, or raises NotJsonError."""
    try:
        value = json_text.load(data)
    except NotJsonError:
        return
    json_text.dump(value).encode()


@given(st.text('[]{}",:\\ud8e19.-+naNIifty 0', max_size=60))
def test_almost_json_never_raises_anything_else(text: str) -> None:
    """Texts made of JSON's own characters are the ones that find the gaps of a parser."""
    try:
        value = json_text.load(text)
    except NotJsonError:
        return
    again = json_text.load(json_text.dump(value))
    assert again == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("[Infinity, -Infinity]", [None, None]),
        ("1e999", None),
        ("-1e999", None),
        ("9" * 300, int("9" * 300)),
        ("9" * 301, None),
        ("9" * 100_000, None),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("\ufeff[1]", [1]),
        ('"\\ud83d\\ude00"', "😀"),
    ],
)
def test_numbers_and_texts_at_the_edge(text: str, value: JsonValue) -> None:
    """What no JSON number can hold becomes null; a byte order mark is passed over; pairs of surrogates are one."""
    assert json_text.load(text) == value
    assert json_text.load(text.encode()) == value


def test_lone_surrogates_are_replaced_everywhere() -> None:
    """Keys and texts, escaped or not, come out as something UTF-8 can hold."""
    text = '{"\\ud800": ["\\udfff", 1, null], "raw": "' + "\ud800" + '"}'
    assert json_text.load(text) == {"\ufffd": ["\ufffd", 1, None], "raw": "\ufffd"}
    assert json_text.valid_text("a\udc80b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[1] [2]", "not JSON"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        ("[".encode("utf-16"), "not JSON"),
        ("[]".encode("utf-16-le"), "not JSON"),
        (b"\xfe\xff[", "not UTF-16 at byte 2"),
        (b"[" * 100_000, "nested deeper"),
    ],
)
def test_what_is_not_json_says_why(data: bytes, reason: str) -> None:
    """The reason is in the message, with the place where there is one."""
    with pytest.raises(NotJsonError, match=reason):
        json_text.load(data)


@pytest.mark.parametrize("shape", ["[]", '{"a":}'])
def test_depth_is_limited_exactly(shape: str) -> None:
    """As many levels as the limit are read, one more is not."""
    opening, closing = shape[:-1], shape[-1]

    def nested(levels: int) -> str:
        return opening * levels + ("1" if opening != "[" else "") + closing * levels

    assert json_text.load(nested(64))
    assert json_text.load(nested(3), max_depth=3)
    for levels, limit in ((65, 64), (4, 3), (900, 64)):
        with pytest.raises(NotJsonError, match=f"deeper than {limit} levels"):
            json_text.load(nested(levels), max_depth=limit)


def test_size_is_limited_before_anything_is_read() -> None:
    """One byte too many is refused, whatever it holds."""
    assert json_text.load(b" 1", max_bytes=2) == 1
    with pytest.raises(NotJsonError, match="3 bytes: at most 2"):
        json_text.load(b"\xff\xff\xff", max_bytes=2)


def test_dump_is_compact_sorted_and_not_escaped() -> None:
    """The same value is always the same text: sorted keys, no blanks, Chinese as it is."""
    assert json_text.dump({"b": [1, 2.5], "a": "副歌"}) == '{"a":"副歌","b":[1,2.5]}'


def test_dump_writes_no_nan() -> None:
    """NaN is not JSON: a program error, found where it is made."""
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text.dump(float("nan"))


def test_load_reads_what_the_standard_library_writes() -> None:
    """Escapes of every kind are the standard's."""
    value = {"t": 'a"\\/\b\f\n\r\t\u2028é', "n": [0, -0.0, 1e-7]}
    assert json_text.load(json.dumps(value)) == value
