"""Conditions on columns: the tests that conditional writes and filters put a row's columns to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tablestore.protobuf.table_store_filter_pb2 as pb
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from alicloud_local.ots_model import invalid, unsupported
from alicloud_local.ots_plainbuffer import Cell, PlainBufferError, decode_value

Predicate: TypeAlias = Callable[[Mapping[str, Cell]], bool]

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
    """The test in a serialized Filter; no bytes are no condition. Raises RefusedError.

    `latest_version_only` says nothing here: there is one version of every value. That a value of another type than
    the condition's never fits, but for `not equal`, is inferred.
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


def _always(_cells: Mapping[str, Cell]) -> bool:
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
        return lambda cells: not parts[0](cells)
    if not parts:
        raise invalid("AND and OR take at least one condition.")
    combine = all if message.combinator == pb.LO_AND else any
    return lambda cells: combine(part(cells) for part in parts)


def _single(message: Any) -> Predicate:  # noqa: ANN401  see _count
    if message.HasField("value_trans_rule"):
        raise unsupported("regular expressions in conditions")
    name: str = message.column_name
    if message.comparator in (pb.CT_EXIST, pb.CT_NOT_EXIST):
        return lambda cells: (name in cells) == (message.comparator == pb.CT_EXIST)
    expected = decode_value(message.column_value)
    compare = _COMPARISONS[message.comparator]
    passes_if_missing = not message.filter_if_missing

    def test(cells: Mapping[str, Cell]) -> bool:
        if name not in cells:
            return passes_if_missing
        value = cells[name].value
        if type(value) is not type(expected):
            return compare is operator.ne
        return compare(value, expected)

    return test
