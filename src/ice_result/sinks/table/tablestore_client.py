"""Rows in one instance of Tablestore, through its SDK, which is imported when Tablestore is first called."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.http import trusting
from ice_result.core.lazy_imports import deferred
from ice_result.errors import RejectedError, SettingsError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.table.rows import Row, Value, size
from ice_result.sinks.table.schema import Table
from ice_result.sinks.table.tablestore_errors import ALREADY_THERE, CONDITION_FAILED, SERVICE, of_row, translate

if TYPE_CHECKING:
    import tablestore

MOST_ROWS_READ = 100
"""Rows one BatchGetRow may ask for."""
_NEVER_CALLED = ("numpy", "aiohttp", "asyncio")  # time series, and the asynchronous client
_CONNECT_SECONDS = 3.0
_BYTES_PER_ROW, _BYTES_PER_CELL = 256, 32  # around the values: more than it is in the protocol
_KEY_TYPES = {"text": "STRING", "integer": "INTEGER"}


class Edge(Enum):
    """Beyond all values of a key column."""

    LOWEST = "INF_MIN"
    HIGHEST = "INF_MAX"


Key: TypeAlias = Sequence[Value | Edge]
_SdkKey: TypeAlias = "list[tuple[str, object]]"
_SdkFollowing: TypeAlias = "list[tuple[str, Value]]"


class Change(NamedTuple):
    """A row to put, or to delete. One with a `generation` is left alone when a later one is there."""

    table: Table
    row: Row
    delete: bool = False


class _SdkRow(Protocol):
    primary_key: list[tuple[str, Value]]
    attribute_columns: list[tuple[str, Value, int]]


class _SdkItem(Protocol):
    is_ok: bool
    error_code: str
    error_message: str
    row: _SdkRow | None


class _SdkBatchRead(Protocol):
    def get_result_by_table(self, table: str) -> list[_SdkItem] | None: ...


class _SdkBatchWritten(Protocol):
    def get_failed_of_put(self) -> list[_SdkItem]: ...
    def get_failed_of_delete(self) -> list[_SdkItem]: ...


class _SdkMeta(Protocol):
    schema_of_primary_key: list[tuple[str, str]]


class _SdkDescription(Protocol):
    table_meta: _SdkMeta


class Client(Protocol):
    """What we use of the SDK's client."""

    def put_row(self, table: str, row: object, condition: object) -> object: ...
    def batch_write_row(self, request: object) -> _SdkBatchWritten: ...
    def batch_get_row(self, request: object) -> _SdkBatchRead: ...
    def get_range(  # noqa: PLR0917  the SDK's own signature
        self, table: str, direction: str, start: _SdkKey, end: _SdkKey, columns: list[str], limit: int
    ) -> tuple[object, _SdkFollowing | None, list[_SdkRow], object]: ...
    def list_table(self) -> Iterable[str]: ...
    def describe_table(self, table: str) -> _SdkDescription: ...
    def create_table(self, meta: object, options: object, throughput: object) -> None: ...


def open_client(endpoint: str, instance: str, context: SinkContext, *, seconds: float) -> Client:
    """The SDK's client of one instance. `seconds` bound each wait for the network; we alone retry."""
    logging.getLogger("tablestore").setLevel(logging.ERROR)  # it warns when its C parts are not for this Python
    logging.getLogger("tablestore-client").setLevel(logging.CRITICAL)  # else it formats each request, token and all
    warnings.filterwarnings("ignore", module=r"tablestore\b")
    with deferred(*_NEVER_CALLED):
        import tablestore  # noqa: PLC0415  as above
    import urllib3  # noqa: PLC0415  loaded with the SDK

    from ice_result.core.http import ending_with_calls  # noqa: PLC0415  as above

    client = tablestore.OTSClient(
        endpoint,
        instance_name=instance,
        credentials_provider=_Signer(context.credentials),
        region=context.region,
        socket_timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=seconds),
        max_connection=context.concurrency,
        retry_policy=tablestore.retry.NoRetryPolicy(),
        enable_native=False,  # the same code on every Python
    )
    pools = client.connection.pool
    pools.pool_classes_by_scheme = ending_with_calls(pools.pool_classes_by_scheme)
    options = pools.connection_pool_kw
    options.update(retries=False, block=False)  # no tries of its own, and a call that hangs holds up no other
    if endpoint.startswith("https:"):
        options.update(ssl_context=trusting(context.ca_bundle), ca_certs=None)
    typed: Client = client
    return typed


class _Signer:
    """Our keys as the SDK asks for them: before every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get_credentials(self) -> tablestore.credentials.Credentials:
        import tablestore  # noqa: PLC0415  as above

        keys = self._credentials.keys()
        return tablestore.credentials.Credentials(
            keys.access_key_id, keys.access_key_secret, keys.security_token or None
        )


def put_row(client: Client, table: Table, row: Row) -> None:
    """Put one row, on its condition."""
    client.put_row(table.name, _sdk_row(table, row), _condition(row))


def batches(changes: Iterable[Change], *, most_rows: int = 200, most_bytes: int = 3_500_000) -> Iterator[list[Change]]:
    """The changes in groups that one BatchWriteRow may have, in their order; it may have 4 MB."""
    batch: list[Change] = []
    total = 0
    for change in changes:
        bytes_of_row = size(change.row) + _BYTES_PER_ROW + _BYTES_PER_CELL * len(change.row)
        if batch and (len(batch) == most_rows or total + bytes_of_row > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(change)
        total += bytes_of_row
    if batch:
        yield batch


def write_rows(client: Client, *, batch: Sequence[Change], operation: str) -> None:
    """Write a batch. A row whose condition fails is left as it is; raises for the first that fails otherwise."""
    import tablestore  # noqa: PLC0415  as above

    by_table: dict[str, list[object]] = {}
    for table, row, delete in batch:
        item = tablestore.DeleteRowItem if delete else tablestore.PutRowItem
        by_table.setdefault(table.name, []).append(item(_sdk_row(table, row, key_only=delete), _condition(row)))
    request = tablestore.BatchWriteRowRequest()
    for name, items in by_table.items():
        request.add(tablestore.TableInBatchWriteRowItem(name, items))
    written = client.batch_write_row(request)
    for failed in [*written.get_failed_of_put(), *written.get_failed_of_delete()]:
        if failed.error_code != CONDITION_FAILED:
            raise of_row(failed.error_code, failed.error_message, operation)


def read_rows(
    client: Client, *, table: Table, keys: Sequence[Key], columns: Sequence[str], operation: str
) -> list[Row]:
    """Those of the rows that are there."""
    import tablestore  # noqa: PLC0415  as above

    request = tablestore.BatchGetRowRequest()
    asked = [_sdk_key(table, key) for key in keys]
    request.add(tablestore.TableInBatchGetRowItem(table.name, asked, [*columns], max_version=1))
    items = client.batch_get_row(request).get_result_by_table(table.name) or []
    for item in items:
        if not item.is_ok:
            raise of_row(item.error_code, item.error_message, operation)
    return [_row(item.row) for item in items if item.row is not None and item.row.primary_key]


def read_page(
    client: Client, *, table: Table, first: Key, end: Key, columns: Sequence[str], backwards: bool, most_rows: int
) -> tuple[Key | None, list[Row]]:
    """A page of at most `most_rows` from `first` on, and the key the next one begins at."""
    direction = "BACKWARD" if backwards else "FORWARD"
    _, following, rows, _ = client.get_range(
        table.name, direction, _sdk_key(table, first), _sdk_key(table, end), [*columns], most_rows
    )
    return [value for _, value, *_ in following] if following else None, [_row(row) for row in rows]


def creation(table: Table) -> tuple[object, object, object]:
    """What CreateTable is given: no reserved throughput, no expiry, one version."""
    import tablestore  # noqa: PLC0415  as above

    return (
        tablestore.TableMeta(table.name, key_schema(table)),
        tablestore.TableOptions(time_to_live=-1, max_version=1),
        tablestore.ReservedThroughput(tablestore.CapacityUnit(0, 0)),
    )


def key_schema(table: Table) -> list[tuple[str, str]]:
    """Name and Tablestore's type of each column of the key."""
    return [(column.name, _KEY_TYPES[column.type]) for column in table.key]


def _condition(row: Row) -> object:
    """Nothing later is there: no row, or one of the same or an earlier generation.

    A condition on a column that is missing can be made to hold [documented]; that it holds as well for a row that is
    not there at all is inferred.
    """
    import tablestore  # noqa: PLC0415  as above

    if "generation" not in row:
        return tablestore.Condition("IGNORE")
    nothing_later = tablestore.SingleColumnCondition(
        "generation", row["generation"], tablestore.ComparatorType.LESS_EQUAL, pass_if_missing=True
    )
    return tablestore.Condition("IGNORE", nothing_later)


def _sdk_row(table: Table, row: Row, *, key_only: bool = False) -> object:
    import tablestore  # noqa: PLC0415  as above

    key_names = {column.name for column in table.key}
    cells = [(name, value) for name, value in row.items() if name not in key_names and value is not None]
    return tablestore.Row([(column.name, row[column.name]) for column in table.key], [] if key_only else cells)


def _sdk_key(table: Table, key: Key) -> _SdkKey:
    import tablestore  # noqa: PLC0415  as above

    edges = {Edge.LOWEST: tablestore.INF_MIN, Edge.HIGHEST: tablestore.INF_MAX}
    return [
        (column.name, edges[value] if isinstance(value, Edge) else value)
        for column, value in zip(table.key, key, strict=True)
    ]


def _row(row: _SdkRow) -> Row:
    key: dict[str, Value] = {name: value for name, value, *_ in row.primary_key}
    return {**key, **{name: value for name, value, *_ in row.attribute_columns}}


T = TypeVar("T")


class Tablestore:
    """Calls to one instance: one pool of connections and one pace, the keys asked for at every request.

    `rows_a_page` is how many rows are read at once: at most those that one BatchGetRow may ask for.
    """

    def __init__(self, instance: str, context: SinkContext, *, rows_a_page: int = MOST_ROWS_READ) -> None:
        self._rows_a_page = rows_a_page
        self._instance = instance
        self._context = context
        self._caller = context.new_caller(SERVICE)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def endpoint(self) -> Endpoint:
        """Endpoint of the instance. Raises SettingsError without a region, which signatures name."""
        region = self._context.region
        if not region:
            raise SettingsError(
                [("ICE_RESULT_REGION", "not set: signatures for Tablestore name the instance's region")]
            )
        return self._context.ots_endpoint or Endpoint("https", f"{self._instance}.{region}.ots.aliyuncs.com")

    def load(self) -> None:
        """Import the SDK and make its client."""
        self._shared_client()

    def put(self, table: Table, row: Row) -> bool:
        """Put a row; False when a later generation is there, which stays."""
        try:
            self._call(f"write {table.name}/{row['job_id']}", lambda client: put_row(client, table, row))
        except RejectedError as error:
            if error.code == CONDITION_FAILED:
                return False
            raise
        return True

    def write(self, changes: Iterable[Change]) -> None:
        """Put and delete rows, in as few calls as they fit in."""
        for batch in batches(changes):
            operation = f"write {len(batch)} rows of job {batch[0].row['job_id']}"
            self._call(operation, partial(write_rows, batch=batch, operation=operation))

    def get(self, table: Table, keys: Sequence[Key], columns: Sequence[str]) -> list[Row]:
        """The rows that are there of at most MOST_ROWS_READ, in any order."""
        operation = f"read {len(keys)} rows of {table.name}"
        read = partial(read_rows, table=table, keys=keys, columns=columns, operation=operation)
        return self._call(operation, read)

    def scan(
        self,
        table: Table,
        first: Key,
        end: Key,
        columns: Sequence[str],
        *,
        backwards: bool = False,
    ) -> Iterator[list[Row]]:
        """The rows from `first` to `end`, which is left out, page by page; `backwards`, `first` is the greater."""
        start: Key | None = first
        while start:
            read = partial(
                read_page,
                table=table,
                first=start,
                end=end,
                columns=columns,
                backwards=backwards,
                most_rows=self._rows_a_page,
            )
            start, rows = self._call(f"read {table.name}", read)
            yield rows

    def names(self) -> set[str]:
        """The tables of the instance."""
        return self._call("list tables", lambda client: set(client.list_table()))

    def key_of(self, table: str) -> list[tuple[str, str]]:
        """Name and type of each column of a table's key."""

        def describe(client: Client) -> list[tuple[str, str]]:
            return [(name, kind) for name, kind, *_ in client.describe_table(table).table_meta.schema_of_primary_key]

        return self._call(f"describe table {table}", describe)

    def create(self, table: Table) -> None:
        """Make a table: no reserved throughput, no expiry, one version. One that is there already is left alone."""
        try:
            self._call(f"create table {table.name}", lambda client: client.create_table(*creation(table)))
        except RejectedError as error:
            if error.code != ALREADY_THERE:
                raise

    def _call(self, operation: str, use: Callable[[Client], T]) -> T:
        client = self._shared_client()  # loads the SDK, before the attempts are timed
        operation = f"{operation} in ots://{self._instance}"

        def attempt() -> T:
            with self._context.credentials.renewed_once_expired():
                try:
                    return use(client)
                except Exception as error:  # noqa: BLE001  the SDK lets errors of every layer below it through
                    # From None: the SDK's exceptions may hold what was signed, and with it the security token.
                    raise translate(error, operation) from None

        return self._caller.call(operation, attempt)

    def _shared_client(self) -> Client:
        with self._lock:
            if self._client is None:
                context = self._context
                self._client = open_client(
                    str(self.endpoint()),
                    self._instance,
                    context,
                    seconds=self._caller.attempt_seconds,
                )
            return self._client
