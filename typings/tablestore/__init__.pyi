# Read in tablestore 6.4.8.
from collections.abc import Sequence
from typing import Literal, TypeAlias

from _typeshed import Incomplete
from urllib3 import PoolManager

from . import credentials as credentials
from . import retry as retry

_Value: TypeAlias = str | int | float | bool | None

class INF_MIN: ...
class INF_MAX: ...

class ComparatorType:
    EQUAL: Literal[0]
    NOT_EQUAL: Literal[1]
    GREATER_THAN: Literal[2]
    GREATER_EQUAL: Literal[3]
    LESS_THAN: Literal[4]
    LESS_EQUAL: Literal[5]
    EXIST: Literal[6]
    NOT_EXIST: Literal[7]

class SingleColumnCondition:
    def __init__(
        self,
        column_name: str,
        column_value: object,
        comparator: int,
        pass_if_missing: bool = True,
        latest_version_only: bool = True,
    ) -> None: ...

class Condition:
    def __init__(
        self,
        row_existence_expectation: Literal["IGNORE", "EXPECT_EXIST", "EXPECT_NOT_EXIST"],
        column_condition: object = None,
    ) -> None: ...

class Row:
    primary_key: list[tuple[str, Incomplete]]
    attribute_columns: list[tuple[str, _Value, int]]
    def __init__(self, primary_key: object, attribute_columns: object = None) -> None: ...

class PutRowItem:
    def __init__(self, row: Row, condition: Condition, return_type: object = None) -> None: ...

class DeleteRowItem:
    def __init__(self, row: Row, condition: Condition) -> None: ...

class TableInBatchWriteRowItem:
    def __init__(self, table_name: str, row_items: Sequence[PutRowItem | DeleteRowItem]) -> None: ...

class BatchWriteRowRequest:
    def add(self, table_item: TableInBatchWriteRowItem) -> None: ...

class _WrittenRow:
    error_code: str
    error_message: str

class BatchWriteRowResponse:
    def get_failed_of_put(self) -> list[_WrittenRow]: ...
    def get_failed_of_delete(self) -> list[_WrittenRow]: ...
    def __getattr__(self, name: str) -> Incomplete: ...

class TableInBatchGetRowItem:
    def __init__(
        self,
        table_name: str,
        primary_keys: Incomplete,
        columns_to_get: list[str] | None = None,
        *options: Incomplete,
        **named: Incomplete,
    ) -> None: ...

class BatchGetRowRequest:
    def add(self, table_item: TableInBatchGetRowItem) -> None: ...

class _ReadRow:
    is_ok: bool
    error_code: str
    error_message: str
    row: Row | Incomplete  # None where there is none
    def __getattr__(self, name: str) -> Incomplete: ...

class BatchGetRowResponse:
    def get_result_by_table(self, table_name: str) -> list[_ReadRow] | Incomplete: ...  # None without any

class CapacityUnit:
    def __init__(self, read: int = 0, write: int = 0) -> None: ...

class ReservedThroughput:
    def __init__(self, capacity_unit: CapacityUnit) -> None: ...

class TableOptions:
    def __init__(self, time_to_live: int = -1, max_version: int | None = 1, **options: Incomplete) -> None: ...

class TableMeta:
    schema_of_primary_key: list[tuple[str, str]]
    def __init__(
        self, table_name: str, schema_of_primary_key: list[tuple[str, str]], defined_columns: Incomplete = None
    ) -> None: ...
    def __getattr__(self, name: str) -> Incomplete: ...

class DescribeTableResponse:
    table_meta: TableMeta
    def __getattr__(self, name: str) -> Incomplete: ...

class _Connection:
    pool: PoolManager

class OTSClient:
    connection: _Connection
    def __init__(self, end_point: Incomplete, *keys: Incomplete, **options: Incomplete) -> None: ...
    def update_row(
        self, table_name: str, row: Row, condition: Condition | None = None, **options: Incomplete
    ) -> Incomplete: ...
    def batch_write_row(self, request: BatchWriteRowRequest) -> BatchWriteRowResponse: ...
    def batch_get_row(self, request: BatchGetRowRequest) -> BatchGetRowResponse: ...
    def get_range(
        self,
        table_name: str,
        direction: str,
        inclusive_start_primary_key: Incomplete,
        exclusive_end_primary_key: Incomplete,
        columns_to_get: Incomplete = None,
        limit: Incomplete = None,
        **options: Incomplete,
    ) -> tuple[Incomplete, list[tuple[str, Incomplete]] | None, list[Row], Incomplete]: ...
    def list_table(self) -> tuple[str, ...]: ...
    def describe_table(self, table_name: str) -> DescribeTableResponse: ...
    def create_table(
        self, table_meta: TableMeta, table_options: TableOptions, reserved_throughput: ReservedThroughput
    ) -> None: ...
    def __getattr__(self, name: str) -> Incomplete: ...

def __getattr__(name: str) -> Incomplete: ...
