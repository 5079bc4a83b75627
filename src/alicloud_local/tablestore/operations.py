"""Tablestore's operations: tables here, rows by `reads` and `writes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from alicloud_local.tablestore import messages
from alicloud_local.tablestore.messages import WriteKind
from alicloud_local.tablestore.reads import get_batch, get_range, get_row
from alicloud_local.tablestore.store import Instance, Table, invalid
from alicloud_local.tablestore.writes import check_name, write_batch, write_row

Operation: TypeAlias = Callable[[Instance, bytes, float], bytes]
"""Carries a request out, at a time in seconds since 1970, and returns the reply's body."""

_MOST_KEY_COLUMNS = 4
_SHORTEST_LIFE_SECONDS = 86_400


def create_table(instance: Instance, body: bytes, now: float) -> bytes:
    """Make a table, which is ready at once."""
    table = messages.read_new_table(body, now)
    _check_table(table)
    with instance.lock:
        instance.create(table)
    return messages.empty_reply("CreateTable")


def list_table(instance: Instance, _body: bytes, _now: float) -> bytes:
    """List the names of the tables."""
    with instance.lock:
        return messages.list_reply(sorted(instance.tables))


def list_search_index(_instance: Instance, _body: bytes, _now: float) -> bytes:
    """List the search indexes: there are none, which is an empty message."""
    return b""


def describe_table(instance: Instance, body: bytes, _now: float) -> bytes:
    """Describe a table."""
    with instance.lock:
        table = instance.table(messages.read_table_name("DescribeTable", body))
        return messages.table_reply("DescribeTable", table)


def update_table(instance: Instance, body: bytes, _now: float) -> bytes:
    """Change the options and the throughput of a table."""
    name, change = messages.read_table_change(body)
    with instance.lock:
        table = replace(instance.table(name))
        change(table)
        _check_options(table)
        instance.tables[name] = table
    return messages.table_reply("UpdateTable", table)


def delete_table(instance: Instance, body: bytes, _now: float) -> bytes:
    """Remove a table."""
    with instance.lock:
        del instance.tables[instance.table(messages.read_table_name("DeleteTable", body)).name]
    return messages.empty_reply("DeleteTable")


def _write(kind: WriteKind) -> Operation:
    """Return the operation that writes one row."""

    def write(instance: Instance, body: bytes, now: float) -> bytes:
        name, row = messages.read_write(kind, body)
        return messages.row_reply(kind, write_row(instance, name, row, int(now * 1000)))

    return write


def batch_write_row(instance: Instance, body: bytes, now: float) -> bytes:
    """Write many rows, each by itself."""
    outcomes = write_batch(instance, messages.read_batch_write(body), int(now * 1000))
    return messages.batch_reply("BatchWriteRow", outcomes)


OPERATIONS: Mapping[str, Operation] = {
    "CreateTable": create_table,
    "ListTable": list_table,
    "ListSearchIndex": list_search_index,
    "DescribeTable": describe_table,
    "UpdateTable": update_table,
    "DeleteTable": delete_table,
    "PutRow": _write("PutRow"),
    "UpdateRow": _write("UpdateRow"),
    "DeleteRow": _write("DeleteRow"),
    "BatchWriteRow": batch_write_row,
    "GetRow": lambda instance, body, _: messages.row_reply("GetRow", get_row(instance, *messages.read_get_row(body))),
    "BatchGetRow": lambda instance, body, _: messages.batch_reply(
        "BatchGetRow", get_batch(instance, messages.read_batch_get(body))
    ),
    "GetRange": lambda instance, body, _: messages.range_reply(*get_range(instance, *messages.read_range(body))),
}


def _check_table(table: Table) -> None:
    check_name("table", table.name)
    names = [column.name for column in table.key]
    if not 1 <= len(names) <= _MOST_KEY_COLUMNS:
        raise invalid(f"The number of primary key columns must be in range: [1, {_MOST_KEY_COLUMNS}].")
    for column in table.key:
        check_name("column", column.name)
        if names.count(column.name) > 1:
            raise invalid(f"Duplicated primary key name: '{column.name}'.")
        if column.type not in (1, 2, 3):
            raise invalid("Invalid column type, only STRING,INTEGER,BINARY is allowed.")
    _check_options(table)


def _check_options(table: Table) -> None:
    options = table.options
    if options.time_to_live == 0 or options.time_to_live < -1:
        raise invalid("TimeToLive cannot be 0 or less than -1.")
    if 0 < options.time_to_live < _SHORTEST_LIFE_SECONDS:  # documented; the words are ours
        raise invalid(f"TimeToLive must be -1, or at least {_SHORTEST_LIFE_SECONDS}.")
    if options.max_versions < 1:
        raise invalid("The maximum versions cannot be less than or equal to 0.")
