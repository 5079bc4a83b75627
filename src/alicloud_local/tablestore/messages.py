"""Tablestore's protobuf messages, read into plain values and written from them.

The message classes are those of the `tablestore` SDK, and only this module and `conditions` touch them. Requests about
indexes, streams and transactions are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import tablestore.protobuf.table_store_pb2 as pb
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from alicloud_local.service import RefusedError
from alicloud_local.tablestore.store import KeyColumn, Table, TableOptions, invalid, unsupported

WriteKind: TypeAlias = Literal["PutRow", "UpdateRow", "DeleteRow"]

# Field 4, table_status: ACTIVE. The Node SDK requires it, the Python SDK's message class no longer has it.
_ACTIVE = b"\x20\x01"
_FOREVER = (0, 1 << 63)  # milliseconds
_ALL_VERSIONS = 1 << 31
_WRITE_KINDS: dict[int, WriteKind] = {1: "PutRow", 2: "UpdateRow", 3: "DeleteRow"}
_ROW_FIELDS: dict[WriteKind, str] = {"PutRow": "row", "UpdateRow": "row_change", "DeleteRow": "primary_key"}


class Write(NamedTuple):
    """A row to write. `existence` is 0 (either), 1 (must exist) or 2 (must not); `filter` is the column condition."""

    kind: WriteKind
    row: bytes
    existence: int
    filter: bytes
    returns_key: bool


class Projection(NamedTuple):
    """The part of a row that is read: these columns (none: all), from `start_column` up to before `end_column`.

    Of each column, up to `max_versions` that were written within `period` (milliseconds, without its end). Rows that
    do not pass `filter` are not read.
    """

    columns: frozenset[str]
    start_column: str
    end_column: str
    period: tuple[int, int]
    max_versions: int
    filter: bytes


class Range(NamedTuple):
    """A range of rows, without its end."""

    start: bytes
    end: bytes
    forward: bool
    limit: int | None


class Outcome(NamedTuple):
    """The outcome for one row: capacity units of 4 KB read and written, and the row to return, if any."""

    read: int
    written: int
    row: bytes = b""


def table_names(operation: str, body: bytes) -> str:
    """Return the tables of a request, separated by commas; "" for a malformed request. Never fails."""
    try:
        message = _parse(operation, body)
    except RefusedError:
        return ""
    if hasattr(message, "table_meta"):
        return str(message.table_meta.table_name)
    if hasattr(message, "tables"):
        return ",".join(table.table_name for table in message.tables)
    return str(getattr(message, "table_name", ""))


def read_new_table(body: bytes, now: float) -> Table:
    """Read CreateTable."""
    message = _parse("CreateTable", body)
    if message.index_metas or message.stream_spec.enable_stream or message.sse_spec.enable:
        raise unsupported("indexes, streams and encryption")
    for name in ("time_to_live", "max_versions"):
        if not message.table_options.HasField(name):
            label = "Time-to-live" if name == "time_to_live" else "MaxVersions"
            raise invalid(f"{label} is missing while creating table.")
    if any(column.HasField("option") for column in message.table_meta.primary_key):
        raise unsupported("auto-increment columns")
    capacity = message.reserved_throughput.capacity_unit
    return Table(
        name=message.table_meta.table_name,
        key=tuple(KeyColumn(column.name, column.type) for column in message.table_meta.primary_key),
        meta=message.table_meta.SerializeToString(),
        options=_options(message.table_options, TableOptions()),
        created=now,
        throughput=(capacity.read, capacity.write),
    )


def read_table_name(operation: str, body: bytes) -> str:
    """Read DescribeTable and DeleteTable."""
    return str(_parse(operation, body).table_name)


def read_table_change(body: bytes) -> tuple[str, Callable[[Table], None]]:
    """Read UpdateTable: the name of the table, and the change of it."""
    message = _parse("UpdateTable", body)
    if message.stream_spec.enable_stream:
        raise unsupported("streams")

    def change(table: Table) -> None:
        table.options = _options(message.table_options, table.options)
        if message.HasField("reserved_throughput"):
            capacity = message.reserved_throughput.capacity_unit
            table.throughput = (capacity.read, capacity.write)

    return message.table_name, change


def read_write(operation: WriteKind, body: bytes) -> tuple[str, Write]:
    """Read PutRow, UpdateRow and DeleteRow: the name of the table, and the row to write."""
    message = _parse(operation, body)
    return message.table_name, _write(operation, getattr(message, _ROW_FIELDS[operation]), message)


def read_batch_write(body: bytes) -> list[tuple[str, list[Write]]]:
    """Read BatchWriteRow: the rows to write by table."""
    message = _parse("BatchWriteRow", body)
    return [
        (table.table_name, [_write(_WRITE_KINDS[row.type], row.row_change, row) for row in table.rows])
        for table in message.tables
    ]


def read_get_row(body: bytes) -> tuple[str, bytes, Projection]:
    """Read GetRow: the name of the table, the primary key, and the part of the row to read."""
    message = _parse("GetRow", body)
    return message.table_name, message.primary_key, _projection(message)


def read_batch_get(body: bytes) -> list[tuple[str, list[bytes], Projection]]:
    """Read BatchGetRow: primary keys and the part of the rows to read, by table."""
    message = _parse("BatchGetRow", body)
    return [(table.table_name, list(table.primary_key), _projection(table)) for table in message.tables]


def read_range(body: bytes) -> tuple[str, Range, Projection]:
    """Read GetRange: the name of the table, the range, and the part of the rows to read."""
    message = _parse("GetRange", body)
    limit = message.limit if message.HasField("limit") else None
    wanted = Range(
        message.inclusive_start_primary_key, message.exclusive_end_primary_key, message.direction == pb.FORWARD, limit
    )
    return message.table_name, wanted, _projection(message)


def empty_reply(operation: str) -> bytes:
    """Write the reply to CreateTable and DeleteTable."""
    return _bytes(getattr(pb, f"{operation}Response")())


def list_reply(names: Iterable[str]) -> bytes:
    return _bytes(pb.ListTableResponse(table_names=names))


def table_reply(operation: str, table: Table) -> bytes:
    """Write the reply to DescribeTable and UpdateTable."""
    message = getattr(pb, f"{operation}Response")()
    if operation == "DescribeTable":
        message.table_meta.ParseFromString(table.meta)
    details = message.reserved_throughput_details
    details.capacity_unit.read, details.capacity_unit.write = table.throughput
    details.last_increase_time = int(table.created)
    options = table.options
    message.table_options.time_to_live = options.time_to_live
    message.table_options.max_versions = options.max_versions
    message.table_options.deviation_cell_version_in_sec = options.deviation_seconds
    message.table_options.allow_update = options.allow_update
    return _bytes(message) + (_ACTIVE if operation == "DescribeTable" else b"")


def row_reply(operation: str, outcome: Outcome) -> bytes:
    """Write the reply to GetRow, PutRow, UpdateRow and DeleteRow."""
    message = getattr(pb, f"{operation}Response")(consumed=_consumed(outcome))
    if outcome.row or operation == "GetRow":
        message.row = outcome.row
    return _bytes(message)


def batch_reply(operation: str, tables: Iterable[tuple[str, Sequence[Outcome | RefusedError]]]) -> bytes:
    """Write the reply to BatchGetRow and BatchWriteRow: the outcome of every row, in the order of the request."""
    message = getattr(pb, f"{operation}Response")()
    for name, outcomes in tables:
        table = message.tables.add(table_name=name)
        for outcome in outcomes:
            if isinstance(outcome, RefusedError):
                table.rows.add(is_ok=False, error=pb.Error(code=outcome.code, message=outcome.message))
            else:
                table.rows.add(is_ok=True, consumed=_consumed(outcome), row=outcome.row)
    return _bytes(message)


def range_reply(outcome: Outcome, next_start: bytes) -> bytes:
    """Write the reply to GetRange; `next_start` is the primary key to go on from, empty at the end."""
    message = pb.GetRangeResponse(consumed=_consumed(outcome), rows=outcome.row)
    if next_start:
        message.next_start_primary_key = next_start
    return _bytes(message)


def error_reply(code: str, message: str) -> bytes:
    return _bytes(pb.Error(code=code, message=message))


def _parse(operation: str, body: bytes) -> Any:  # noqa: ANN401  the SDK's message classes have no types
    try:
        return getattr(pb, f"{operation}Request").FromString(body)
    except (AttributeError, DecodeError):
        raise invalid("Failed to parse the ProtoBuf message.") from None


def _bytes(message: Any) -> bytes:  # noqa: ANN401  see _parse
    data: bytes = message.SerializeToString()
    return data


def _write(kind: WriteKind, row: bytes, message: Any) -> Write:  # noqa: ANN401  see _parse
    if getattr(message, "transaction_id", ""):
        raise unsupported("transactions")
    if message.return_content.return_type == pb.RT_AFTER_MODIFY:
        raise unsupported("return type RT_AFTER_MODIFY")
    condition = message.condition
    returns_key = message.return_content.return_type == pb.RT_PK
    return Write(kind, row, condition.row_existence, condition.column_condition, returns_key)


def _projection(message: Any) -> Projection:  # noqa: ANN401  see _parse
    if message.token or getattr(message, "transaction_id", ""):
        raise unsupported("wide-column tokens and transactions")
    if not message.HasField("max_versions") and not message.HasField("time_range"):
        raise invalid("No version condition is specified while querying row.")
    if message.HasField("max_versions") and message.max_versions < 1:
        raise invalid("The maximum versions cannot be less than or equal to 0.")
    times = message.time_range
    period = (times.start_time, times.end_time) if message.HasField("time_range") else _FOREVER
    if times.HasField("specific_time"):
        period = (times.specific_time, times.specific_time + 1)
    return Projection(
        frozenset(message.columns_to_get),
        message.start_column,
        message.end_column,
        period,
        message.max_versions if message.HasField("max_versions") else _ALL_VERSIONS,
        message.filter,
    )


def _options(message: Any, before: TableOptions) -> TableOptions:  # noqa: ANN401  see _parse
    fields = {
        "time_to_live": "time_to_live",
        "max_versions": "max_versions",
        "deviation_seconds": "deviation_cell_version_in_sec",
        "allow_update": "allow_update",
    }
    return before._replace(
        **{ours: getattr(message, theirs) for ours, theirs in fields.items() if message.HasField(theirs)}
    )


def _consumed(outcome: Outcome) -> Any:  # noqa: ANN401  see _parse
    return pb.ConsumedCapacity(capacity_unit=pb.CapacityUnit(read=outcome.read, write=outcome.written))
