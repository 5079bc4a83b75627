"""A stand-in for Tablestore (OTS): tables in memory behind its real protocol and signatures V2 and V4.

It does the operations on tables and rows. What it does not do (indexes, search, streams, SQL, several versions,
transactions, counters, …) it refuses with OTSParameterInvalid. It needs the `tablestore` package, for its messages.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from alicloud_local import ots_messages as messages
from alicloud_local.faults import RefusalKind
from alicloud_local.ots_model import WriteKind, invalid, unsupported
from alicloud_local.ots_plainbuffer import Infinite, Value
from alicloud_local.ots_read import get_batch, get_range, get_row
from alicloud_local.ots_sign import OtsVerifier, content_md5, date_header
from alicloud_local.ots_store import Instance, Table
from alicloud_local.ots_write import check_name, write_batch, write_row
from alicloud_local.service import Conditions, Keyring, LocalService, Refusal, RefusedError
from alicloud_local.wire import Reply, Request

_MOST_KEY_COLUMNS = 4
_SHORTEST_LIFE_SECONDS = 86_400
_TABLE_OPERATIONS = {"CreateTable", "UpdateTable", "DescribeTable", "DeleteTable", "ListTable"}
_BUSY = Refusal(503, "OTSServerBusy", "Server is busy.")


class OtsServer(LocalService):
    """The Tablestore of one region; an instance is there as soon as it is named, and has no tables.

    The operation of a call is its own (`PutRow`), its target the table, or the tables separated by commas.
    """

    name: ClassVar[str] = "Tablestore"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": _BUSY,
        "error_500": Refusal(500, "OTSInternalServerError", "Internal server error."),
        "forbidden": Refusal(
            403,
            "OTSNoPermissionAccess",
            "You have no permission to access the requested resource, please contact the resource owner",
        ),
        "expired_keys": Refusal(403, "OTSAuthFailed", "The security token has expired."),  # wording inferred
        "clock_skew": Refusal(
            403, "OTSAuthFailed", "Mismatch between system time and x-ots-date: 2026-03-02T08:15:30.000Z."
        ),
    }

    def __init__(self, keyring: Keyring, conditions: Conditions, *, region: str, port: int = 0) -> None:
        super().__init__(keyring, conditions, is_fault_target=_is_among, port=port)
        self._verifier = OtsVerifier(keyring, conditions.clock, region)
        self._lock = threading.Lock()
        self._instances: defaultdict[str, Instance] = defaultdict(Instance)

    def tables(self, instance: str) -> list[str]:
        """The names of an instance's tables, sorted."""
        return sorted(self._instance(instance).tables)

    def rows(self, instance: str, table: str) -> list[dict[str, Value]]:
        """What a table holds: every row in order, as values by column name. Raises KeyError for an unknown table."""
        found = self._instance(instance)
        with found.lock:
            held = found.tables[table]
            rows = [held.rows[place] for place in held.order]
        return [
            {
                **row.key,
                **{
                    name: cell.value
                    for name, cell in row.cells.items()
                    if cell.value is not None and not isinstance(cell.value, Infinite)
                },
            }
            for row in rows
        ]

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        operation = request.path.strip("/")
        return operation, messages.table_names(operation, request.body)

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        operation = _OPERATIONS.get(request.path.removeprefix("/"))
        if operation is None:
            raise invalid(f"Unsupported operation: '{request.path.removeprefix('/')}'.")
        body = operation(self, self._instance(request.headers["x-ots-instancename"]), request.body)
        return self._reply_of(request, 200, body)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        code, message, status = refusal.code, refusal.message, refusal.status
        if code == _BUSY.code and request.path.strip("/") in _TABLE_OPERATIONS:
            status, code, message = 403, "OTSQuotaExhausted", "Too frequent table operations."
        return self._reply_of(request, status, messages.error_reply(code, message))

    def create_table(self, instance: Instance, body: bytes) -> bytes:
        """CreateTable; the table is ready at once."""
        table = messages.read_new_table(body, self.clock())
        _check_table(table)
        with instance.lock:
            instance.create(table)
        return messages.empty_reply("CreateTable")

    def list_table(self, instance: Instance, _body: bytes) -> bytes:
        """ListTable."""
        with instance.lock:
            return messages.list_reply(sorted(instance.tables))

    def describe_table(self, instance: Instance, body: bytes) -> bytes:
        """DescribeTable."""
        with instance.lock:
            table = instance.table(messages.read_table_name("DescribeTable", body))
            return messages.table_reply("DescribeTable", table)

    def update_table(self, instance: Instance, body: bytes) -> bytes:
        """UpdateTable: options and throughput."""
        name, change = messages.read_table_change(body)
        with instance.lock:
            table = replace(instance.table(name))
            change(table)
            _check_options(table)
            instance.tables[name] = table
        return messages.table_reply("UpdateTable", table)

    def delete_table(self, instance: Instance, body: bytes) -> bytes:
        """DeleteTable."""
        with instance.lock:
            del instance.tables[instance.table(messages.read_table_name("DeleteTable", body)).name]
        return messages.empty_reply("DeleteTable")

    def put_row(self, instance: Instance, body: bytes) -> bytes:
        """PutRow."""
        return self._write("PutRow", instance, body)

    def update_row(self, instance: Instance, body: bytes) -> bytes:
        """UpdateRow."""
        return self._write("UpdateRow", instance, body)

    def delete_row(self, instance: Instance, body: bytes) -> bytes:
        """DeleteRow."""
        return self._write("DeleteRow", instance, body)

    def batch_write_row(self, instance: Instance, body: bytes) -> bytes:
        """BatchWriteRow."""
        return messages.batch_reply(
            "BatchWriteRow", write_batch(instance, messages.read_batch_write(body), self._now_ms())
        )

    def get_row(self, instance: Instance, body: bytes) -> bytes:
        """GetRow."""
        return messages.row_reply("GetRow", get_row(instance, *messages.read_get_row(body)))

    def batch_get_row(self, instance: Instance, body: bytes) -> bytes:
        """BatchGetRow."""
        return messages.batch_reply("BatchGetRow", get_batch(instance, messages.read_batch_get(body)))

    def get_range(self, instance: Instance, body: bytes) -> bytes:
        """GetRange."""
        return messages.range_reply(*get_range(instance, *messages.read_range(body)))

    def _write(self, operation: WriteKind, instance: Instance, body: bytes) -> bytes:
        name, write = messages.read_write(operation, body)
        return messages.row_reply(operation, write_row(instance, name, write, self._now_ms()))

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)

    def _instance(self, name: str) -> Instance:
        with self._lock:
            return self._instances[name]

    def _reply_of(self, request: Request, status: int, body: bytes) -> Reply:
        headers = {
            "x-ots-contentmd5": content_md5(body),
            "x-ots-contenttype": "protocol buffer",
            "x-ots-date": date_header(self.clock()),
            "x-ots-requestid": str(uuid.uuid4()),
        }
        authorization = self._verifier.sign_reply(request, headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        return Reply(status, headers, body)


_OPERATIONS: dict[str, Callable[[OtsServer, Instance, bytes], bytes]] = {
    "CreateTable": OtsServer.create_table,
    "ListTable": OtsServer.list_table,
    "DescribeTable": OtsServer.describe_table,
    "UpdateTable": OtsServer.update_table,
    "DeleteTable": OtsServer.delete_table,
    "PutRow": OtsServer.put_row,
    "UpdateRow": OtsServer.update_row,
    "DeleteRow": OtsServer.delete_row,
    "BatchWriteRow": OtsServer.batch_write_row,
    "GetRow": OtsServer.get_row,
    "BatchGetRow": OtsServer.batch_get_row,
    "GetRange": OtsServer.get_range,
}


def _is_among(targets: str, wanted: str) -> bool:
    return wanted in targets.split(",")


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
    if options.max_versions > 1:
        raise unsupported("tables with several versions of a value")
