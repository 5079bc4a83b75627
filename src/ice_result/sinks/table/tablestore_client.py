"""Rows in one instance of Tablestore, through its SDK, which is imported when Tablestore is first called."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from typing_extensions import override

from ice_result import errors
from ice_result.core.endpoints import Endpoint
from ice_result.core.http import trusting
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, attribute, class_names, classify
from ice_result.sinks.base import SinkContext
from ice_result.sinks.sdk_client import CONNECT_SECONDS, KeyProvider, SdkClient
from ice_result.sinks.table.rows import Row, Value, size
from ice_result.sinks.table.schema import Table

if TYPE_CHECKING:
    import tablestore

    Client: TypeAlias = tablestore.OTSClient

T = TypeVar("T")
MOST_ROWS_READ = 100
"""Most rows that one BatchGetRow may ask for."""
_BYTES_PER_ROW, _BYTES_PER_CELL = 256, 32  # around the values: more than it is in the protocol
_KEY_TYPES = {"text": "STRING", "integer": "INTEGER"}

SERVICE = "Tablestore"
CONDITION_FAILED = "OTSConditionCheckFail"
ALREADY_THERE = "OTSObjectAlreadyExist"


class Edge(Enum):
    """Bound beyond all values of a key column."""

    LOWEST = "INF_MIN"
    HIGHEST = "INF_MAX"


Key: TypeAlias = Sequence[Value | Edge]


class Change(NamedTuple):
    """Row to put, or to delete. A row with a `generation` is not written if a later generation exists."""

    table: Table
    row: Row
    delete: bool = False


class Tablestore(SdkClient["Client"]):
    """Calls to one instance. `rows_a_page` is the number of rows read at once, at most MOST_ROWS_READ."""

    service = SERVICE

    def __init__(self, instance: str, context: SinkContext, *, rows_a_page: int = MOST_ROWS_READ) -> None:
        super().__init__(context)
        self._instance = instance
        self._rows_a_page = rows_a_page

    def endpoint(self) -> Endpoint:
        """Return the endpoint of the instance. Raises SettingsError without a region, which signatures name."""
        region = self._context.region
        if not region:
            raise errors.SettingsError(
                [("ICE_RESULT_REGION", "not set: signatures for Tablestore name the instance's region")]
            )
        return self._context.ots_endpoint or Endpoint("https", f"{self._instance}.{region}.ots.aliyuncs.com")

    @override
    def _translate(self, error: Exception, operation: str) -> Exception:
        return translate(error, operation)

    @override
    def _open(self) -> Client:
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

        context, endpoint = self._context, self.endpoint()
        client = tablestore.OTSClient(
            str(endpoint),
            instance_name=self._instance,
            credentials_provider=KeyProvider(context.credentials, tablestore.credentials.Credentials),
            region=context.region,
            socket_timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._caller.attempt_seconds),
            max_connection=context.concurrency,
            retry_policy=tablestore.retry.NoRetryPolicy(),  # the ServiceCaller retries
            enable_native=False,  # the same code on every Python
        )
        tls = trusting(context.ca_bundle) if endpoint.scheme == "https" else None
        end_tablestore_connections_with_calls(client, tls)
        return client

    def put(self, table: Table, row: Row) -> bool:
        """Put all columns of a row that it has; False when a later generation is there, which stays.

        A column with null is deleted. Other columns of the row, such as those that are apart, stay as they are.
        """
        return self._update(table, row, _condition(row))

    def set_columns(self, table: Table, row: Row) -> bool:
        """Set columns of a row that is there; False when there is no such row."""
        import tablestore  # noqa: PLC0415  as above

        return self._update(table, row, tablestore.Condition("EXPECT_EXIST"))

    def _update(self, table: Table, row: Row, condition: tablestore.Condition) -> bool:
        """Update a row; False when the condition does not hold."""
        import tablestore  # noqa: PLC0415  as above

        changed = _sdk_row(table, row)
        key_names = {column.name for column in table.key}
        nulls = [name for name, value in row.items() if value is None and name not in key_names]
        changes = {"PUT": changed.attribute_columns, **({"DELETE_ALL": nulls} if nulls else {})}
        update = tablestore.Row(changed.primary_key, changes)
        try:
            self._call(
                f"write {table.name}/{row['job_id']}", lambda client: client.update_row(table.name, update, condition)
            )
        except errors.RejectedError as error:
            if error.code == CONDITION_FAILED:
                return False
            raise
        return True

    def write(self, changes: Iterable[Change]) -> None:
        """Put and delete rows, in as few calls as they fit in.

        A row whose condition fails is left as it is. Any other failure is raised, the first of them.
        """
        for batch in batches(changes):
            self._write(batch)

    def _write(self, batch: Sequence[Change]) -> None:
        operation = f"write {len(batch)} rows of job {batch[0].row['job_id']}"

        def write_rows(client: Client) -> None:
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

        self._call(operation, write_rows)

    def get(self, table: Table, keys: Sequence[Key], columns: Sequence[str]) -> list[Row]:
        """Read the rows that exist of at most MOST_ROWS_READ keys, in any order."""
        operation = f"read {len(keys)} rows of {table.name}"

        def read_rows(client: Client) -> list[Row]:
            import tablestore  # noqa: PLC0415  as above

            request = tablestore.BatchGetRowRequest()
            asked = [_sdk_key(table, key) for key in keys]
            request.add(tablestore.TableInBatchGetRowItem(table.name, asked, [*columns], max_version=1))
            items = client.batch_get_row(request).get_result_by_table(table.name) or []
            for item in items:
                if not item.is_ok:
                    raise of_row(item.error_code, item.error_message, operation)
            return [_row(item.row) for item in items if item.row is not None and item.row.primary_key]

        return self._call(operation, read_rows)

    def scan(
        self, table: Table, first: Key, end: Key, columns: Sequence[str], *, backwards: bool = False
    ) -> Iterator[list[Row]]:
        """Read the rows from `first` to `end`, which is left out, page by page; `backwards`, `first` is the greater."""
        start: Key | None = first
        while start:
            start, rows = self._page(table, start, end, columns, "BACKWARD" if backwards else "FORWARD")
            yield rows

    def _page(
        self, table: Table, start: Key, end: Key, columns: Sequence[str], direction: Literal["BACKWARD", "FORWARD"]
    ) -> tuple[Key | None, list[Row]]:
        """Read a page from `start` on; return the key at which the next begins, and the rows."""

        def read_range(client: Client) -> tuple[Key | None, list[Row]]:
            _, following, rows, _ = client.get_range(
                table.name, direction, _sdk_key(table, start), _sdk_key(table, end), [*columns], self._rows_a_page
            )
            return [value for _, value, *_ in following] if following else None, [_row(row) for row in rows]

        return self._call(f"read {table.name}", read_range)

    def names(self) -> set[str]:
        """List the tables of the instance."""
        return self._call("list tables", lambda client: set(client.list_table()))

    def key_of(self, table: str) -> list[tuple[str, str]]:
        """Read the name and type of each column of a table's key."""

        def describe(client: Client) -> list[tuple[str, str]]:
            return [(name, kind) for name, kind, *_ in client.describe_table(table).table_meta.schema_of_primary_key]

        return self._call(f"describe table {table}", describe)

    def create(self, table: Table) -> None:
        """Make a table: no reserved throughput, no expiry, one version. An existing table does not change."""

        def create_table(client: Client) -> None:
            import tablestore  # noqa: PLC0415  as above

            client.create_table(
                tablestore.TableMeta(table.name, key_schema(table)),
                tablestore.TableOptions(time_to_live=-1, max_version=1),
                tablestore.ReservedThroughput(tablestore.CapacityUnit(0, 0)),
            )

        try:
            self._call(f"create table {table.name}", create_table)
        except errors.RejectedError as error:
            if error.code != ALREADY_THERE:
                raise

    def _call(self, operation: str, use: Callable[[Client], T]) -> T:
        return self.call(f"{operation} in ots://{self._instance}", use)


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


_ERRORS = ErrorTable(
    SERVICE,
    rules=(
        Rule("OTSAuthFailed", errors.ClockSkewError, words="^Mismatch between system time"),  # documented
        Rule("OTSAuthFailed", errors.KeysExpiredError, words="(?i)expired"),  # inferred
        Rule("OTSAuthFailed", errors.KeysRefusedError),
        Rule("OTSNoPermissionAccess", errors.ForbiddenError),
        Rule("OTSRequestTimeTooSkewed", errors.ClockSkewError),
        Rule("OTSObjectNotExist", errors.NoSuchTableError, "no such table: run `ice-result setup --tables --yes`"),
        Rule("OTSQuotaExhausted|OTSServerBusy|OTSNotEnoughCapacityUnit|OTSOperationThrottled", errors.ThrottledError),
        Rule("OTSCapacityUnitExhausted|OTSTooFrequentReservedThroughputAdjustment", errors.ThrottledError),
        Rule("OTSInternalServerError|OTSServerUnavailable|OTSPartitionUnavailable", errors.UnavailableError),
        Rule("OTSTableNotReady|OTSRowOperationConflict|OTSOperationConflict", errors.UnavailableError),
        Rule("OTSTimeout|OTSRequestTimeout", errors.TimedOutError),
        Rule(f"{CONDITION_FAILED}|{ALREADY_THERE}|OTSMethodNotAllowed|OTSParameterInvalid", errors.RejectedError),
        Rule("OTSRequestBodyTooLarge|OTSUnsupportOperation|OTSOutOf|OTSInvalid", errors.RejectedError),
        Rule("", errors.NotFoundError, statuses=(404,)),
        Rule("", errors.TimedOutError, statuses=(408,)),
        Rule("", errors.RejectedError, statuses=(None,)),  # not sent; or a row of a batch
    ),
    classes=(Rule("SSLError", errors.UnavailableError, "SSLError: {message}"),),  # also for a certificate: tried again
)


def translate(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through the SDK raised; one of ours, or a defect, comes out unchanged.

    The SDK's exceptions are known by attributes [read in the source of tablestore 6.4]. An answer of the service has
    `code`; what the SDK itself finds fault with has `http_status`, None when nothing was sent yet. What the connection
    raised comes bare, from urllib3. The codes are those of Tablestore's documentation.
    """
    failure = None if isinstance(error, errors.IceResultError) else _failure(error)
    return classify(failure, _ERRORS, operation) if failure else error


def of_row(code: str, message: str, operation: str) -> errors.ServiceError:
    """Return the error of one row in a batch that was accepted as a whole."""
    return classify(SdkFailure(code=code, message=message), _ERRORS, operation)


def _failure(error: Exception) -> SdkFailure | None:
    names = class_names(error)
    if "HTTPError" in names:  # the root of urllib3's
        return SdkFailure(cause=error)
    if isinstance(getattr(error, "code", None), str) or hasattr(error, "http_status"):
        return SdkFailure(
            code=attribute(error, "code", ""),
            status=attribute(error, "http_status", 0) or None,
            message=attribute(error, "message", ""),
            request_id=attribute(error, "request_id", ""),
        )
    if names & {"DecodeError", "ValueError", "LookupError"}:  # from the SDK's parsing
        return SdkFailure(cause=error, unreadable=True)
    return None
