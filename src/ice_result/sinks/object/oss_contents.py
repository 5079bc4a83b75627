"""The bytes of output files in OSS, for their contents: one request for a small file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import IceResultError, NoSuchBucketError, NotFoundError, ServiceError
from ice_result.records.model import ContentNoteCode
from ice_result.sinks.object.oss import (
    AMBIGUOUS,
    ARCHIVED,
    OssClient,
    is_ambiguous,
    problem_of,
    without_request_id,
)
from ice_result.sinks.object.oss_ranges import encoded, ranged_get

if TYPE_CHECKING:
    from ice_result.contents.model import Larger, NotRead
    from ice_result.sinks.object.oss import Bucket


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
            part = ranged_get(bucket, address.key, (0, most_bytes), operation)
            if part.encoding:
                return NotRead("not_read", f"{operation}: {encoded(part.encoding)}")
            return part.data if part.size_bytes <= most_bytes else Larger(part.size_bytes)

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
