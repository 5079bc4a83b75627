"""PlainBuffer, the form of rows in Tablestore's messages, read and written with its checksums (documented).

    header 0x75 ‖ row*       row   = 0x01 key cell* [0x02 cell*] [0x08 deleted] 0x09 checksum
    cell = 0x03 0x04 name [0x05 value] [0x06 operation] [0x07 timestamp] 0x0A checksum

Numbers are little-endian; a checksum is a CRC-8 over the contents, without tags and without the lengths of values.
The SDK's own reader knows neither infinite values nor deletions nor operations on columns, and a row that the SDK both
wrote and read would show nothing; so this codec is independent of it.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

_HEADER = struct.pack("<i", 0x75)
_CRC8_POLYNOMIAL = 0x107

Value: TypeAlias = "int | float | bool | str | bytes"


class Infinite(enum.Enum):
    """The two values before and behind every value of a primary key column."""

    MIN = 0x09
    MAX = 0x0A


class Tag(enum.IntEnum):
    """Tags, each before a part of a row."""

    END = 0x00
    KEY = 0x01
    DATA = 0x02
    CELL = 0x03
    NAME = 0x04
    VALUE = 0x05
    OPERATION = 0x06
    TIMESTAMP = 0x07
    DELETED = 0x08
    ROW_CHECKSUM = 0x09
    CELL_CHECKSUM = 0x0A


class CellOperation(enum.IntEnum):
    """Operations of UpdateRow on a column; a cell without one is put."""

    DELETE_ALL_VERSIONS = 0x01
    DELETE_ONE_VERSION = 0x03
    INCREMENT = 0x04


class Cell(NamedTuple):
    """A column of a row; `timestamp` is in milliseconds since 1970."""

    name: str
    value: Value | Infinite | None
    operation: int | None = None
    timestamp: int | None = None


class PlainRow(NamedTuple):
    """A row as it was sent: its primary key, its other cells, and the mark of a deletion."""

    key: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    deleted: bool


class PlainBufferError(ValueError):
    """Bytes that are not PlainBuffer, or with a wrong checksum."""


def decode_row(data: bytes) -> PlainRow:
    """Read the first row in `data`. Raises PlainBufferError.

    Further bytes are ignored: the Node SDK leaves one there for every infinite value.
    """
    try:
        return _Reader(data).row()
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise PlainBufferError(f"not a PlainBuffer row: {error}") from error


def encode_rows(rows: Iterable[tuple[Mapping[str, Value], Iterable[Cell]]]) -> bytes:
    """Write rows, each a primary key and its cells; without rows, there are no bytes."""
    parts = [_encode_row(key, cells) for key, cells in rows]
    return _HEADER + b"".join(parts) if parts else b""


def decode_value(data: bytes) -> Value:
    """Read a value as it stands in a condition: its type and its content. Raises PlainBufferError."""
    try:
        value = _decode_variant(data)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise PlainBufferError(f"not a PlainBuffer value: {error}") from error
    if isinstance(value, Infinite):
        raise PlainBufferError("an infinite value is for ranges only")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._row_checksum = 0

    def row(self) -> PlainRow:
        if self._take(4) != _HEADER:
            raise PlainBufferError("the header is missing")
        self._expect(Tag.KEY)
        key = self._cells()
        cells = self._cells() if self._has(Tag.DATA) else ()
        deleted = self._has(Tag.DELETED)
        self._expect(Tag.ROW_CHECKSUM)
        if self._take(1)[0] != crc8(bytes([deleted]), self._row_checksum):
            raise PlainBufferError("the row's checksum is wrong")
        return PlainRow(key, cells, deleted)

    def _cells(self) -> tuple[Cell, ...]:
        cells: list[Cell] = []
        while self._has(Tag.CELL):
            cells.append(self._cell())
        return tuple(cells)

    def _cell(self) -> Cell:
        self._expect(Tag.NAME)
        name = self._take(self._int32())
        variant = self._take(self._int32()) if self._has(Tag.VALUE) else b""
        operation = self._take(1) if self._has(Tag.OPERATION) else b""
        timestamp = self._take(8) if self._has(Tag.TIMESTAMP) else b""
        self._expect(Tag.CELL_CHECKSUM)
        checksum = crc8(name + variant + timestamp + operation)
        if self._take(1)[0] != checksum:
            raise PlainBufferError("a cell's checksum is wrong")
        self._row_checksum = crc8(bytes([checksum]), self._row_checksum)
        return Cell(
            name.decode(),
            _decode_variant(variant) if variant else None,
            operation[0] if operation else None,
            struct.unpack("<q", timestamp)[0] if timestamp else None,
        )

    def _has(self, tag: Tag) -> bool:
        """Step over the tag if it comes next."""
        found = self._data[self._at : self._at + 1] == bytes([tag])
        self._at += found
        return found

    def _expect(self, tag: Tag) -> None:
        if not self._has(tag):
            raise PlainBufferError(f"no {tag.name} where it should be")

    def _int32(self) -> int:
        (number,) = struct.unpack("<i", self._take(4))
        return int(number)

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if size < 0 or len(taken) != size:
            raise PlainBufferError("the bytes end too soon")
        self._at += size
        return taken


def _decode_variant(data: bytes) -> Value | Infinite:
    kind, content = data[0], data[1:]
    match kind:
        case 0x00:
            return int(struct.unpack("<q", content)[0])
        case 0x01:
            return float(struct.unpack("<d", content)[0])
        case 0x02:
            return content != b"\x00"
        case 0x03:
            return _sized(content).decode()
        case 0x07:
            return _sized(content)
        case 0x09 | 0x0A:
            return Infinite(kind)
        case _:
            raise PlainBufferError(f"no type {kind:#x} is known here")


def _sized(content: bytes) -> bytes:
    if struct.unpack("<i", content[:4])[0] != len(content) - 4:
        raise PlainBufferError("a value's length is wrong")
    return content[4:]


def _encode_variant(value: Value) -> bytes:
    match value:
        case bool():
            return b"\x02" + bytes([value])
        case int():
            return b"\x00" + struct.pack("<q", value)
        case float():
            return b"\x01" + struct.pack("<d", value)
        case str():
            text = value.encode()
            return b"\x03" + struct.pack("<i", len(text)) + text
        case bytes():
            return b"\x07" + struct.pack("<i", len(value)) + value


def _encode_row(key: Mapping[str, Value], cells: Iterable[Cell]) -> bytes:
    checksums = bytearray()
    parts = [bytes([Tag.KEY])]
    parts += [_encode_cell(name, value, None, checksums) for name, value in key.items()]
    data = [
        _encode_cell(cell.name, cell.value, cell.timestamp, checksums)
        for cell in cells
        if cell.value is not None and not isinstance(cell.value, Infinite)
    ]
    if data:
        parts += [bytes([Tag.DATA]), *data]
    checksums.append(0)  # not deleted
    return b"".join((*parts, bytes([Tag.ROW_CHECKSUM, crc8(bytes(checksums))])))


def _encode_cell(name: str, value: Value, timestamp: int | None, checksums: bytearray) -> bytes:
    """Write a cell, and add its checksum to those of the row."""
    raw_name, variant = name.encode(), _encode_variant(value)
    moment = b"" if timestamp is None else struct.pack("<q", timestamp)
    checksum = crc8(raw_name + variant + moment)
    checksums.append(checksum)
    return b"".join(
        (
            bytes([Tag.CELL, Tag.NAME]) + struct.pack("<i", len(raw_name)) + raw_name,
            bytes([Tag.VALUE]) + struct.pack("<i", len(variant)) + variant,
            bytes([Tag.TIMESTAMP]) + moment if moment else b"",
            bytes([Tag.CELL_CHECKSUM, checksum]),
        )
    )


def crc8(data: bytes, start: int = 0) -> int:
    """Compute the CRC-8 of `data`, going on from `start`."""
    return _crc8_function()(data, start)


@cache
def _crc8_function() -> Callable[[bytes, int], int]:
    from crcmod import mkCrcFun  # type: ignore[import-untyped]  # noqa: PLC0415  comes with oss2; only rows need it

    function: Callable[[bytes, int], int] = mkCrcFun(_CRC8_POLYNOMIAL, initCrc=0, rev=False, xorOut=0)
    return function
