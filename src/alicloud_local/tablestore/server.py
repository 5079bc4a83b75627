"""A stand-in for Tablestore (OTS). It needs the `tablestore` package, for its messages."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.service import Keyring, LocalService, Refusal, RefusedError, ServerOptions
from alicloud_local.tablestore import messages
from alicloud_local.tablestore.operations import OPERATIONS
from alicloud_local.tablestore.plainbuffer import Infinite, Value
from alicloud_local.tablestore.signature import OtsVerifier, content_md5, date_header
from alicloud_local.tablestore.store import Instance, invalid

_TABLE_OPERATIONS = {"CreateTable", "UpdateTable", "DescribeTable", "DeleteTable", "ListTable"}
_BUSY = Refusal(503, "OTSServerBusy", "Server is busy.")


class OtsServer(LocalService):
    """The Tablestore of one region: tables and rows, with conditions, filters, versions and atomic counters.

    An instance is there as soon as it is named, and has no tables. Requests are signed with V2 or V4. Requests about
    indexes, search, streams, SQL, transactions and time series get OTSParameterInvalid.

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

    def __init__(self, keyring: Keyring, options: ServerOptions) -> None:
        super().__init__(keyring, options, is_fault_target=_is_among)
        self._verifier = OtsVerifier(keyring, options.clock, self.region)
        self._lock = threading.Lock()
        self._instances: defaultdict[str, Instance] = defaultdict(Instance)

    def tables(self, instance: str) -> list[str]:
        """Return the names of an instance's tables, sorted."""
        return sorted(self._instance(instance).tables)

    def rows(self, instance: str, table: str) -> list[dict[str, Value]]:
        """Return the rows of a table in order, as values by column name. Raises KeyError for an unknown table."""
        found = self._instance(instance)
        with found.lock:
            held = found.tables[table]
            rows = [held.rows[place] for place in held.order]
        newest = ((row, {name: versions[0].value for name, versions in row.columns.items()}) for row in rows)
        return [
            {
                **row.key,
                **{
                    name: value
                    for name, value in values.items()
                    if value is not None and not isinstance(value, Infinite)
                },
            }
            for row, values in newest
        ]

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        operation = request.path.strip("/")
        return operation, messages.table_names(operation, request.body)

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        operation = OPERATIONS.get(request.path.removeprefix("/"))
        if operation is None:
            raise invalid(f"Unsupported operation: '{request.path.removeprefix('/')}'.")
        body = operation(self._instance(request.headers["x-ots-instancename"]), request.body, self.clock())
        return self._reply_of(request, 200, body)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        code, message, status = refusal.code, refusal.message, refusal.status
        if code == _BUSY.code and request.path.strip("/") in _TABLE_OPERATIONS:
            status, code, message = 403, "OTSQuotaExhausted", "Too frequent table operations."
        return self._reply_of(request, status, messages.error_reply(code, message))

    def _instance(self, name: str) -> Instance:
        with self._lock:
            return self._instances[name]

    def _reply_of(self, request: Request, status: int, body: bytes) -> Reply:
        headers = {
            "x-ots-contentmd5": content_md5(body),
            "x-ots-contenttype": "protocol buffer",
            "x-ots-date": date_header(int(self.clock())),
            "x-ots-requestid": str(uuid.uuid4()),
        }
        authorization = self._verifier.sign_reply(request, headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        return Reply(status, headers, body)


def _is_among(targets: str, wanted: str) -> bool:
    return wanted in targets.split(",")
