"""The bytes of output files in OSS, for their contents: one request for a small file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import IceResultError, NoSuchBucketError, NotFoundError, ServiceError
from ice_result.records.model import ContentNoteCode
from ice_result.sinks.object.oss import (
    AMBIGUOUS,
    ARCHIVED,
    OssClient,
    content_encoding,
    is_ambiguous,
    problem_of,
    without_request_id,
)

if TYPE_CHECKING:
    from ice_result.contents.model import Larger, NotRead
    from ice_result.sinks.object.oss import Bucket

_TOTAL = re.compile(r"bytes [0-9]+-[0-9]+/([0-9]+)")


@dataclass(frozen=True)
class OssContents:
    """ContentSource of the buckets of a region. The limit of the client is the largest file that is read."""

    client: OssClient

    def read(self, address: ObjectAddress, most_bytes: int) -> bytes | Larger | NotRead:
        """Ask for the first bytes. OSS returns the whole object when it has no more than these [documented]."""
        from ice_result.contents.model import Larger, NotRead  # noqa: PLC0415  only for a job that has contents

        operation = f"read {address.uri}"
        if is_ambiguous(address):
            return NotRead("not_read", f"{operation}: {AMBIGUOUS}")

        def first_bytes(bucket: Bucket) -> bytes | Larger | NotRead:
            reply = bucket.get_object(address.key, byte_range=(0, most_bytes - 1))
            encoding = content_encoding(reply)
            if encoding:
                detail = f"the object has the Content-Encoding {encoding}; only objects without one are read"
                return NotRead("not_read", f"{operation}: {detail}")
            total = _TOTAL.match(reply.headers.get("Content-Range") or "")
            data = reply.read()
            size = int(total[1]) if total else len(data)
            return data if size <= most_bytes else Larger(size)

        try:
            return self.client.call_bucket(operation, address.bucket, first_bytes)
        except IceResultError as error:
            return NotRead(_code(error), without_request_id(error))


def _code(error: IceResultError) -> ContentNoteCode:
    if isinstance(error, NotFoundError):
        return "not_found"
    if isinstance(error, NoSuchBucketError):
        return "no_such_bucket"
    if isinstance(error, ServiceError) and error.code == ARCHIVED:
        return "archived"
    problem = problem_of(error)
    return "not_read" if problem == "not_checked" else problem
