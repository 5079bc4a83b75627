"""Tablestore's protocol, byte by byte: what the real SDK never sends, and what it does not show of a reply."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import http.client
import time
from collections.abc import Callable, Mapping

import pytest
import tablestore.protobuf.table_store_filter_pb2 as filters
import tablestore.protobuf.table_store_pb2 as pb
from tablestore import OTSClient
from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder

from alicloud_local import LocalCloud

OtsTable = Callable[..., OTSClient]


def time_off_by(minutes: int) -> float:
    return time.time() + minutes * 60


def test_a_clock_that_is_off_is_noticed() -> None:
    """14 minutes are fine, 16 are not."""
    for minutes, status in ((14, 200), (-14, 200), (16, 403), (-16, 403)):
        with LocalCloud(tablestore=True, clock=functools.partial(time_off_by, minutes)) as cloud:
            assert exchange(cloud, "/ListTable", b"")[0] == status


def exchange(
    cloud: LocalCloud, path: str, body: bytes, *, method: str = "POST", without: str = "", signature: str | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """(status, headers, body) of a request signed by hand."""
    key_id, secret = next(iter(cloud.credentials.items()))
    headers = {
        "x-ots-accesskeyid": key_id,
        "x-ots-apiversion": "2015-12-31",
        "x-ots-contentmd5": base64.b64encode(hashlib.md5(body).digest()).decode(),  # noqa: S324  the protocol's
        "x-ots-date": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "x-ots-instancename": "media-jobs",
    }
    canonical = "\n".join(f"{name}:{value}" for name, value in headers.items())
    mac = hmac.digest(secret.encode(), f"{path}\n{method}\n\n{canonical}\n".encode(), "sha1")
    headers["x-ots-signature"] = signature or base64.b64encode(mac).decode()
    headers.pop(without, None)
    connection = http.client.HTTPConnection(cloud.ots.endpoint.removeprefix("http://"), timeout=60)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    result = reply.status, dict(reply.getheaders()), reply.read()
    connection.close()
    return result


def error_of(body: bytes) -> tuple[str, str]:
    error = pb.Error.FromString(body)
    return error.code, error.message


def test_a_reply_is_signed_and_summed(ots_cloud: LocalCloud) -> None:
    """Also an error, as long as the key is known."""
    status, headers, body = exchange(ots_cloud, "/ListTable", b"")
    key_id, secret = next(iter(ots_cloud.credentials.items()))
    names = ("x-ots-contentmd5", "x-ots-contenttype", "x-ots-date", "x-ots-requestid")
    to_sign = "\n".join(f"{name}:{headers[name]}" for name in names) + "\n/ListTable"
    signature = base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()

    assert (status, body) == (200, b"")
    assert headers["Authorization"] == f"OTS {key_id}:{signature}"
    assert headers["x-ots-contentmd5"] == "1B2M2Y8AsgTpgAmY7PhCfg=="
    assert exchange(ots_cloud, "/Nothing", b"")[1]["Authorization"].startswith(f"OTS {key_id}:")
    unknown = exchange(ots_cloud, "/ListTable", b"", without="x-ots-accesskeyid")
    assert "Authorization" not in unknown[1]


def test_requests_that_are_no_calls(ots_cloud: LocalCloud) -> None:
    """Another method, an unknown operation, a body that is no message, rows that are no rows, a foreign signature."""
    broken = pb.PutRowRequest(table_name="t", row=b"row", condition=pb.Condition(row_existence=0))
    no_marker = pb.DeleteRowRequest(table_name="t", primary_key=b"", condition=pb.Condition(row_existence=0))
    garbage = ("OTSParameterInvalid", "Failed to parse the ProtoBuf message.")

    assert error_of(exchange(ots_cloud, "/ListTable", b"", method="PUT")[2])[0] == "OTSMethodNotAllowed"
    assert error_of(exchange(ots_cloud, "/Nothing", b"")[2])[1] == "Unsupported operation: 'Nothing'."
    assert error_of(exchange(ots_cloud, "/GetRow", b"\xff\xff")[2]) == garbage
    assert error_of(exchange(ots_cloud, "/PutRow", broken.SerializeToString())[2])[1].startswith("Invalid PlainBuffer")
    assert error_of(exchange(ots_cloud, "/DeleteRow", no_marker.SerializeToString())[2])[0] == "OTSParameterInvalid"
    assert error_of(exchange(ots_cloud, "/ListTable", b"", signature="é")[2]) == (
        "OTSAuthFailed",
        "Signature mismatch.",
    )
    for name in ("x-ots-date", "x-ots-signature", "x-ots-accesskeyid", "x-ots-instancename"):
        answer = exchange(ots_cloud, "/ListTable", b"", without=name)
        assert (answer[0], error_of(answer[2])[1]) == (400, f"Missing header: '{name}'.")


BUILDER = PlainBufferBuilder
KEY = [("k", "a")]
ANYWAY = pb.Condition(row_existence=pb.IGNORE)


def put_of(row: bytearray) -> pb.PutRowRequest:
    return pb.PutRowRequest(table_name="t", row=bytes(row), condition=ANYWAY)


def update_of(row: bytearray) -> pb.UpdateRowRequest:
    return pb.UpdateRowRequest(table_name="t", row_change=bytes(row), condition=ANYWAY)


def delete_of(row: bytearray) -> pb.DeleteRowRequest:
    return pb.DeleteRowRequest(table_name="t", primary_key=bytes(row), condition=ANYWAY)


def get_of(row: bytearray, **fields: object) -> pb.GetRowRequest:
    return pb.GetRowRequest(table_name="t", primary_key=bytes(row), max_versions=1, **fields)


def table_of(column_type: int, **fields: object) -> pb.CreateTableRequest:
    capacity = pb.ReservedThroughput(capacity_unit=pb.CapacityUnit(read=0, write=0))
    meta = pb.TableMeta(table_name="new", primary_key=[pb.PrimaryKeySchema(name="k", type=column_type)])
    options = pb.TableOptions(time_to_live=-1, max_versions=1)
    return pb.CreateTableRequest(table_meta=meta, reserved_throughput=capacity, table_options=options, **fields)


def filter_of(kind: int, message: filters.Filter) -> bytes:
    data: bytes = filters.Filter(type=kind, filter=message.SerializeToString()).SerializeToString()
    return data


def both_tables() -> pb.BatchWriteRowRequest:
    row = pb.RowInBatchWriteRowRequest(
        type=pb.PUT, row_change=bytes(BUILDER.serialize_for_put_row(KEY, [("c", 1)])), condition=ANYWAY
    )
    return pb.BatchWriteRowRequest(tables=[pb.TableInBatchWriteRowRequest(table_name="t", rows=[row])] * 2)


@pytest.mark.parametrize(
    ("operation", "request_message", "refused"),
    [
        ("DeleteRow", delete_of(BUILDER.serialize_primary_key(KEY)), "missing RowDeleteMarker in request."),
        ("PutRow", put_of(BUILDER.serialize_for_delete_row(KEY)), "unexpected RowDeleteMarker in request."),
        (
            "PutRow",
            put_of(BUILDER.serialize_for_update_row(KEY, {"DELETE_ALL": ["c"]})),
            "OpType cannot be given for column name: 'c' in PutRow.",
        ),
        (
            "UpdateRow",
            update_of(BUILDER.serialize_for_update_row(KEY, {"PUT": [("c", None)]})),
            "Invalid cell: 'c'. Reason: missing value.",
        ),
        ("BatchWriteRow", both_tables(), "Duplicated table name: 't'."),
        (
            "GetRow",
            get_of(
                BUILDER.serialize_primary_key(KEY),
                filter=filter_of(filters.FT_COLUMN_PAGINATION, filters.ColumnPaginationFilter(offset=0, limit=1)),
            ),
            "the local Tablestore has no column pagination.",
        ),
        ("GetRow", get_of(BUILDER.serialize_primary_key(KEY), filter=b"\xff"), "Failed to parse the column condition."),
        ("CreateTable", table_of(5), "Invalid column type, only STRING,INTEGER,BINARY is allowed."),
        (
            "CreateTable",
            table_of(2, stream_spec=pb.StreamSpecification(enable_stream=True)),
            "the local Tablestore has no indexes, streams and encryption.",
        ),
        (
            "UpdateTable",
            pb.UpdateTableRequest(table_name="t", stream_spec=pb.StreamSpecification(enable_stream=True)),
            "the local Tablestore has no streams.",
        ),
        (
            "PutRow",
            pb.PutRowRequest(
                table_name="t",
                row=b"",
                condition=ANYWAY,
                return_content=pb.ReturnContent(return_type=pb.RT_AFTER_MODIFY),
            ),
            "the local Tablestore has no return type RT_AFTER_MODIFY.",
        ),
    ],
)
def test_requests_that_this_sdk_does_not_make(
    ots_cloud: LocalCloud, ots_table: OtsTable, operation: str, request_message: pb.PutRowRequest, refused: str
) -> None:
    """But others may: refused, whether wrong everywhere or only not done here."""
    ots_table("t", [("k", "STRING")])

    status, _, body = exchange(ots_cloud, f"/{operation}", request_message.SerializeToString())

    assert (status, error_of(body)[0]) == (400, "OTSParameterInvalid")
    assert error_of(body)[1].endswith(refused)
