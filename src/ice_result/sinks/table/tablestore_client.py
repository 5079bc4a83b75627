"""Rows in one instance of Tablestore, through its SDK, which is imported when Tablestore is first called."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.http import trusting
from ice_result.errors import RejectedError, SettingsError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.table.rows import Row, Value, size
from ice_result.sinks.table.schema import Table
from ice_result.sinks.table.tablestore_errors import ALREADY_THERE, CONDITION_FAILED, SERVICE, of_row, translate

if TYPE_CHECKING:
    import tablestore

    Client: TypeAlias = tablestore.OTSClient

MOST_ROWS_READ = 100
"""Most rows that one BatchGetRow may ask for."""
_CONNECT_SECONDS = 3.0
_BYTES_PER_ROW, _BYTES_PER_CELL = 256, 32  # around the values: more than it is in the protocol
_KEY_TYPES = {"text": "STRING", "integer": "INTEGER"}


class Edge(Enum):
    """Bound beyond all values of a key column."""

    LOWEST = "INF_MIN"
    HIGHEST = "INF_MAX"


Key: TypeAlias = Sequence[Value | Edge]


class Change(NamedTuple):
    """Row to put, or to delete. A row with a `generation` is left alone when a later generation is there."""

    table: Table
    row: Row
    delete: bool = False


def open_client(endpoint: str, instance: str, context: SinkContext, *, seconds: float) -> Client:
    """Open the SDK's client of one instance. `seconds` bound each wait for the network; only our code retries."""
    logging.getLogger("tablestore").setLevel(logging.ERROR)  # it warns when its C parts are not for this Python
    logging.getLogger("tablestore-client").setLevel(logging.CRITICAL)  # else it formats each request, token and all
    warnings.filterwarnings("ignore", module=r"tablestore\b")
    from ice_result.core.sdk_internals import (  # noqa: PLC0415  loaded with the SDK
        end_tablestore_connections_with_calls,
        imported_lean,
    )

    with imported_lean("Tablestore"):
        import tablestore  # noqa: PLC0415  as above
    import urllib3  # noqa: PLC0415  as above

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
    tls = trusting(context.ca_bundle) if endpoint.startswith("https:") else None
    end_tablestore_connections_with_calls(client, tls)
    return client


class _Signer:
    """Provider of our keys, which the SDK asks before every request."""

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
    """Group the changes, in their order, as one BatchWriteRow may have them: at most 4 MB."""
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
    """Write a batch. A row whose condition fails is left as it is; any other failure is raised, the first of them."""
    import tablestore  # noqa: PLC0415  as above

    by_table: dict[str, list[tablestore.PutRowItem | tablestore.DeleteRowItem]] = {}
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
    """Read the rows that exist among these keys."""
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
    """Read a page of at most `most_rows` from `first` on; return the key at which the next begins, and the rows."""
    direction: Literal["BACKWARD", "FORWARD"] = "BACKWARD" if backwards else "FORWARD"
    _, following, rows, _ = client.get_range(
        table.name, direction, _sdk_key(table, first), _sdk_key(table, end), [*columns], most_rows
    )
    return [value for _, value, *_ in following] if following else None, [_row(row) for row in rows]


def creation(table: Table) -> tuple[tablestore.TableMeta, tablestore.TableOptions, tablestore.ReservedThroughput]:
    """Return the arguments of CreateTable: no reserved throughput, no expiry, one version."""
    import tablestore  # noqa: PLC0415  as above

    return (
        tablestore.TableMeta(table.name, key_schema(table)),
        tablestore.TableOptions(time_to_live=-1, max_version=1),
        tablestore.ReservedThroughput(tablestore.CapacityUnit(0, 0)),
    )


def key_schema(table: Table) -> list[tuple[str, str]]:
    """Return the name and Tablestore's type of each column of the key."""
    return [(column.name, _KEY_TYPES[column.type]) for column in table.key]


def _condition(row: Row) -> tablestore.Condition:
    """Return the condition that no later generation is there: no row, or a row of the same or an earlier one.

    A condition on a missing column can be made to hold [documented]. It also holds for a missing row [inferred].
    """
    import tablestore  # noqa: PLC0415  as above

    if "generation" not in row:
        return tablestore.Condition("IGNORE")
    nothing_later = tablestore.SingleColumnCondition(
        "generation", row["generation"], tablestore.ComparatorType.LESS_EQUAL, pass_if_missing=True
    )
    return tablestore.Condition("IGNORE", nothing_later)


def _sdk_row(table: Table, row: Row, *, key_only: bool = False) -> tablestore.Row:
    import tablestore  # noqa: PLC0415  as above

    key_names = {column.name for column in table.key}
    cells = [(name, value) for name, value in row.items() if name not in key_names and value is not None]
    return tablestore.Row([(column.name, row[column.name]) for column in table.key], [] if key_only else cells)


def _sdk_key(table: Table, key: Key) -> list[tuple[str, object]]:
    import tablestore  # noqa: PLC0415  as above

    edges = {Edge.LOWEST: tablestore.INF_MIN, Edge.HIGHEST: tablestore.INF_MAX}
    return [
        (column.name, edges[value] if isinstance(value, Edge) else value)
        for column, value in zip(table.key, key, strict=True)
    ]


def _row(row: tablestore.Row) -> Row:
    key: dict[str, Value] = {name: value for name, value, *_ in row.primary_key}
    return {**key, **{name: value for name, value, *_ in row.attribute_columns}}


T = TypeVar("T")


class Tablestore:
    """Calls to one instance: one pool of connections and one pace, the keys asked for at every request.

    `rows_a_page` is the number of rows read at once, at most MOST_ROWS_READ.
    """

    def __init__(self, instance: str, context: SinkContext, *, rows_a_page: int = MOST_ROWS_READ) -> None:
        self._rows_a_page = rows_a_page
        self._instance = instance
        self._context = context
        self._caller = context.new_caller(SERVICE)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def endpoint(self) -> Endpoint:
        """Return the endpoint of the instance. Raises SettingsError without a region, which signatures name."""
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
        """Read the rows that exist of at most MOST_ROWS_READ keys, in any order."""
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
        """Read the rows from `first` to `end`, which is left out, page by page; `backwards`, `first` is the greater."""
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
        """List the tables of the instance."""
        return self._call("list tables", lambda client: set(client.list_table()))

    def key_of(self, table: str) -> list[tuple[str, str]]:
        """Read the name and type of each column of a table's key."""

        def describe(client: Client) -> list[tuple[str, str]]:
            return [(name, kind) for name, kind, *_ in client.describe_table(table).table_meta.schema_of_primary_key]

        return self._call(f"describe table {table}", describe)

    def create(self, table: Table) -> None:
        """Make a table: no reserved throughput, no expiry, one version. An existing table is left alone."""
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
