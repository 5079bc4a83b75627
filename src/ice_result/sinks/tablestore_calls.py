"""Calls to one instance of Tablestore: timed, paced and retried, in terms of our tables and rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from ice_result.calls import Deadline
from ice_result.endpoints import parse_endpoint
from ice_result.errors import RejectedError, SettingsError
from ice_result.sinks.model import SinkContext
from ice_result.sinks.rows import Row
from ice_result.sinks.tables import Table
from ice_result.sinks.tablestore import (
    MOST_ROWS_READ,
    Change,
    Client,
    Key,
    batches,
    creation,
    open_client,
    put_row,
    read_page,
    read_rows,
    write_rows,
)
from ice_result.sinks.tablestore_errors import ALREADY_THERE, CONDITION_FAILED, SERVICE, translate

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

    def endpoint(self) -> str:
        """Where the instance is called. Raises SettingsError without a region, which signatures name."""
        region = self._context.region
        if not region:
            raise SettingsError(
                [("ICE_RESULT_REGION", "not set: signatures for Tablestore name the instance's region")]
            )
        try:
            return parse_endpoint(self._context.ots_endpoint or f"{self._instance}.{region}.ots.aliyuncs.com")
        except ValueError as error:
            raise SettingsError([("ICE_RESULT_OTS_ENDPOINT", str(error))]) from error

    def load(self) -> None:
        """Import the SDK and make its client."""
        self._shared_client()

    def put(self, table: Table, row: Row, deadline: Deadline) -> bool:
        """Put a row; False when a later generation is there, which stays."""
        try:
            self._call(f"write {table.name}/{row['job_id']}", lambda client: put_row(client, table, row), deadline)
        except RejectedError as error:
            if error.code == CONDITION_FAILED:
                return False
            raise
        return True

    def write(self, changes: Iterable[Change], deadline: Deadline) -> None:
        """Put and delete rows, in as few calls as they fit in."""
        for batch in batches(changes):
            tried = f"write {len(batch)} rows of job {batch[0].row['job_id']}"
            self._call(tried, partial(write_rows, batch=batch, tried=tried), deadline)

    def get(self, table: Table, keys: Sequence[Key], columns: Sequence[str], deadline: Deadline) -> list[Row]:
        """The rows that are there of at most MOST_ROWS_READ, in any order."""
        tried = f"read {len(keys)} rows of {table.name}"
        read = partial(read_rows, table=table, keys=keys, columns=columns, tried=tried)
        return self._call(tried, read, deadline)

    def scan(
        self,
        table: Table,
        first: Key,
        end: Key,
        columns: Sequence[str],
        deadline: Deadline,
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
            start, rows = self._call(f"read {table.name}", read, deadline)
            yield rows

    def names(self, deadline: Deadline) -> set[str]:
        """The tables of the instance."""
        return self._call("list tables", lambda client: set(client.list_table()), deadline)

    def key_of(self, table: str, deadline: Deadline) -> list[tuple[str, str]]:
        """Name and type of each column of a table's key."""

        def describe(client: Client) -> list[tuple[str, str]]:
            return [(name, kind) for name, kind, *_ in client.describe_table(table).table_meta.schema_of_primary_key]

        return self._call(f"describe table {table}", describe, deadline)

    def create(self, table: Table, deadline: Deadline) -> None:
        """Make a table: no reserved throughput, no expiry, one version. One that is there already is left alone."""
        try:
            self._call(f"create table {table.name}", lambda client: client.create_table(*creation(table)), deadline)
        except RejectedError as error:
            if error.code != ALREADY_THERE:
                raise

    def _call(self, tried: str, use: Callable[[Client], T], deadline: Deadline) -> T:
        client = self._shared_client()  # loads the SDK, before the attempts are timed
        tried = f"{tried} in ots://{self._instance}"

        def attempt() -> T:
            with self._context.credentials.renewed_once_expired():
                try:
                    return use(client)
                except Exception as error:  # noqa: BLE001  the SDK lets errors of every layer below it through
                    # From None: the SDK's exceptions may hold what was signed, and with it the security token.
                    raise translate(error, tried) from None

        return self._caller.call(tried, attempt, deadline)

    def _shared_client(self) -> Client:
        with self._lock:
            if self._client is None:
                context = self._context
                self._client = open_client(
                    self.endpoint(),
                    self._instance,
                    context,
                    seconds=self._caller.attempt_seconds,
                )
            return self._client
