"""Conditions on columns, as conditional writes and filters have them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tablestore.protobuf.table_store_filter_pb2 as pb
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from alicloud_local.tablestore.plainbuffer import PlainBufferError, decode_value
from alicloud_local.tablestore.store import Columns, invalid, unsupported

Predicate: TypeAlias = Callable[[Columns], bool]

_MOST_CONDITIONS = 32
_COMPARISONS: Mapping[int, Callable[[Any, Any], bool]] = {
    1: operator.eq,
    2: operator.ne,
    3: operator.gt,
    4: operator.ge,
    5: operator.lt,
    6: operator.le,
}


def read_condition(data: bytes) -> Predicate:
    """Return the test that a serialized Filter describes; without bytes, there is no condition. Raises RefusedError.

    A value of another type than the condition's never fits, but for `not equal` [inferred].
    """
    if not data:
        return _always
    try:
        message = pb.Filter.FromString(data)
        if _count(message) > _MOST_CONDITIONS:
            raise invalid(f"The number of column conditions exceeds the limit: {_MOST_CONDITIONS}.")
        return _condition(message)
    except (DecodeError, PlainBufferError):
        raise invalid("Failed to parse the column condition.") from None


def _always(_columns: Columns) -> bool:
    return True


def _count(message: Any) -> int:  # noqa: ANN401  the SDK's message classes have no types
    if message.type != pb.FT_COMPOSITE_COLUMN_VALUE:
        return 1
    return 1 + sum(map(_count, pb.CompositeColumnValueFilter.FromString(message.filter).sub_filters))


def _condition(message: Any) -> Predicate:  # noqa: ANN401  see _count
    if message.type == pb.FT_SINGLE_COLUMN_VALUE:
        return _single(pb.SingleColumnValueFilter.FromString(message.filter))
    if message.type == pb.FT_COMPOSITE_COLUMN_VALUE:
        return _composite(pb.CompositeColumnValueFilter.FromString(message.filter))
    raise unsupported("column pagination")


def _composite(message: Any) -> Predicate:  # noqa: ANN401  see _count
    parts = [_condition(part) for part in message.sub_filters]
    if message.combinator == pb.LO_NOT:
        if len(parts) != 1:
            raise invalid("NOT takes exactly one condition.")
        return lambda columns: not parts[0](columns)
    if not parts:
        raise invalid("AND and OR take at least one condition.")
    combine = all if message.combinator == pb.LO_AND else any
    return lambda columns: combine(part(columns) for part in parts)


def _single(message: Any) -> Predicate:  # noqa: ANN401  see _count
    if message.HasField("value_trans_rule"):
        raise unsupported("regular expressions in conditions")
    name: str = message.column_name
    if message.comparator in (pb.CT_EXIST, pb.CT_NOT_EXIST):
        return lambda columns: (name in columns) == (message.comparator == pb.CT_EXIST)
    expected = decode_value(message.column_value)
    compare = _COMPARISONS[message.comparator]
    passes_if_missing, latest_only = not message.filter_if_missing, message.latest_version_only

    def fits(value: object) -> bool:
        return compare(value, expected) if type(value) is type(expected) else compare is operator.ne

    def test(columns: Columns) -> bool:
        if name not in columns:
            return passes_if_missing
        versions = columns[name][:1] if latest_only else columns[name]
        return any(fits(cell.value) for cell in versions)

    return test
