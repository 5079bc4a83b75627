"""PlainBuffer, against the SDK's own reader and writer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tablestore import INF_MAX, INF_MIN
from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder
from tablestore.plainbuffer.plain_buffer_coded_stream import PlainBufferCodedInputStream
from tablestore.plainbuffer.plain_buffer_stream import PlainBufferInputStream

from alicloud_local.tablestore.plainbuffer import (
    Cell,
    CellOperation,
    Infinite,
    PlainBufferError,
    Value,
    decode_row,
    decode_value,
    encode_rows,
)
from alicloud_local.tablestore.store import KeyColumn, Table, TableOptions

NAMES = st.text("abcXYZ_019", min_size=1, max_size=9)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.dictionaries(NAMES, INTEGERS | TEXTS | st.binary(max_size=20), min_size=1, max_size=4)
VALUES = INTEGERS | TEXTS | st.binary(max_size=20) | st.booleans() | st.floats(allow_nan=False)
COLUMNS = st.dictionaries(NAMES, VALUES, max_size=5)


def for_sdk(value: Value) -> object:
    return bytearray(value) if isinstance(value, bytes) else value


@given(key=KEYS, columns=COLUMNS)
@settings(max_examples=50)
def test_the_sdk_reads_what_is_written(key: dict[str, Value], columns: dict[str, Value]) -> None:
    """Names, values and timestamps, with checksums that fit."""
    data = encode_rows([(key, [Cell(name, value, None, 7) for name, value in columns.items()])])

    read_key, read_columns = PlainBufferCodedInputStream(PlainBufferInputStream(data)).read_row()

    assert read_key == [(name, for_sdk(value)) for name, value in key.items()]
    assert read_columns == [(name, for_sdk(value), 7) for name, value in columns.items()]


@given(key=KEYS, columns=COLUMNS)
@settings(max_examples=50)
def test_what_the_sdk_writes_is_read(key: dict[str, Value], columns: dict[str, Value]) -> None:
    """A row to put."""
    data = PlainBufferBuilder.serialize_for_put_row(
        [(name, for_sdk(value)) for name, value in key.items()],
        [(name, for_sdk(value), 7) for name, value in columns.items()],
    )

    row = decode_row(bytes(data))

    assert row.key == tuple(Cell(name, value) for name, value in key.items())
    assert row.cells == tuple(Cell(name, value, None, 7) for name, value in columns.items())
    assert not row.deleted


def test_what_the_sdk_reader_lacks_is_read() -> None:
    """Infinite values, marks of deletion, and operations on columns."""
    bounds = decode_row(bytes(PlainBufferBuilder.serialize_primary_key([("a", INF_MIN), ("b", INF_MAX)])))
    deleted = decode_row(bytes(PlainBufferBuilder.serialize_for_delete_row([("a", 1)])))
    changes = {"PUT": [("p", 1)], "DELETE": [("d", None, 9)], "DELETE_ALL": ["x"]}
    updated = decode_row(bytes(PlainBufferBuilder.serialize_for_update_row([("a", 1)], changes)))

    assert [cell.value for cell in bounds.key] == [Infinite.MIN, Infinite.MAX]
    assert deleted.deleted
    assert updated.cells == (
        Cell("p", 1),
        Cell("d", None, CellOperation.DELETE_ONE_VERSION, 9),
        Cell("x", None, CellOperation.DELETE_ALL_VERSIONS),
    )


@given(cut=st.integers(0, 60), place=st.integers(0, 200), flip=st.integers(0, 255))
def test_damage_is_noticed(cut: int, place: int, flip: int) -> None:
    """A row that is cut or changed is never read as another one."""
    whole = encode_rows([({"key": "value"}, [Cell("name", b"\x00\x01", None, 7), Cell("other", 1.5)])])
    damaged = bytearray(whole[: len(whole) - cut])
    if damaged:
        damaged[place % len(damaged)] ^= flip

    if bytes(damaged) == whole:
        assert decode_row(bytes(damaged)).key == (Cell("key", "value"),)
    else:
        with pytest.raises(PlainBufferError):
            decode_row(bytes(damaged))


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"\x03\x05\x00\x00\x00ab", b"\x09", b"\x42", b"\x03\x01\x00\x00\x00\xff"]
)
def test_values_that_cannot_be(data: bytes) -> None:
    """Empty, cut, of a wrong length, infinite, of no known type, not UTF-8."""
    with pytest.raises(PlainBufferError):
        decode_value(data)


def test_a_row_ends_with_its_checksum() -> None:
    """It must fit; what lies behind it, as the Node SDK leaves it, is not looked at."""
    row = encode_rows([({"k": 1}, ())])

    assert decode_row(row + b"\x00\xff") == decode_row(row)
    with pytest.raises(PlainBufferError, match="row's checksum"):
        decode_row(row[:-1] + bytes([row[-1] ^ 1]))


PAIRS = st.tuples(INTEGERS, TEXTS, st.binary(max_size=5))


@given(rows=st.lists(PAIRS, max_size=8))
def test_rows_lie_in_the_order_of_their_keys(rows: list[tuple[int, str, bytes]]) -> None:
    """Numbers by value, texts by their UTF-8 bytes, binaries by their bytes, column by column."""
    table = Table("t", (KeyColumn("i", 1), KeyColumn("s", 2), KeyColumn("b", 3)), b"", TableOptions(), 0)

    places = {table.place([Cell("i", i), Cell("s", s), Cell("b", b)]): (i, s.encode(), b) for i, s, b in rows}

    assert [places[place] for place in sorted(places)] == sorted({(i, s.encode(), b) for i, s, b in rows})
