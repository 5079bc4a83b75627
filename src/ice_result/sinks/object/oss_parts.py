"""The first bytes of files in OSS, which come with the facts of each, and one further part of a file.

GET, first bytes ──► facts, in place of HEAD; bytes ──► GET, if they still have the same ETag: the further part
  │ archived, or encrypted with a key that may not be used: refused
  └► HEAD: facts alone
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import ForbiddenError, RejectedError, ServiceError, UnavailableError
from ice_result.records.model import ObjectFacts
from ice_result.sinks.object.errors import OSS
from ice_result.sinks.object.oss import ARCHIVED, OssInspector, content_encoding, facts_of

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket

_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")
_PARTIAL = 206
_CHANGED = "PreconditionFailed"


class FirstPart(NamedTuple):
    """Facts of an object, and its first bytes; None if OSS does not give them out, or with a Content-Encoding."""

    facts: ObjectFacts
    data: bytes | None


class ChangedError(UnavailableError):
    """Error for an object that was overwritten between two requests."""


@dataclass(frozen=True)
class OssParts:
    """Parts of objects in the buckets of a region. `inspector` looks up those that cannot be read."""

    inspector: OssInspector

    def load(self) -> None:
        """Import the SDK and make its client."""
        self.inspector.load()

    def first(self, address: ObjectAddress, most_bytes: int) -> FirstPart:
        """Read the first bytes. OSS returns the whole object when it has no more than these [documented]."""
        operation = f"look up {address.uri}"

        def read(bucket: Bucket) -> FirstPart:
            reply = bucket.get_object(address.key, byte_range=(0, most_bytes - 1))
            data = reply.read()
            size = reply.content_length
            if reply.status == _PARTIAL:
                begin, size = _range(reply.headers.get("Content-Range"), data, operation)
                if begin:
                    raise UnavailableError(operation, service=OSS, detail=_OTHER_RANGE)
            return FirstPart(facts_of(reply, size, operation), None if content_encoding(reply) else data)

        try:
            return self.inspector.client.call_bucket(operation, address.bucket, read)
        except ServiceError as error:
            if not _is_about_content(error):
                raise
            return FirstPart(self.inspector.look_up(address), None)

    def read(self, address: ObjectAddress, etag: str, start: int, end: int) -> bytes:
        """Read the bytes from one offset up to another. Raises ChangedError for an object with another ETag."""
        operation = f"look up {address.uri}"

        def read(bucket: Bucket) -> bytes:
            reply = bucket.get_object(address.key, byte_range=(start, end - 1), headers={"If-Match": f'"{etag}"'})
            data = reply.read()
            begin, _ = _range(reply.headers.get("Content-Range"), data, operation)
            if (begin, len(data)) != (start, end - start):
                raise UnavailableError(operation, service=OSS, detail=_OTHER_RANGE)
            return data

        try:
            return self.inspector.client.call_bucket(operation, address.bucket, read)
        except RejectedError as error:
            if error.code != _CHANGED:
                raise
            raise ChangedError(operation, service=OSS, detail="the object was overwritten while it was read") from error


def _is_about_content(error: ServiceError) -> bool:
    """Return True for an object that is archived, or encrypted with a key of KMS that may not be used.

    The sentence about KMS is documented. That HEAD needs no key is inferred.
    """
    return error.code == ARCHIVED or (isinstance(error, ForbiddenError) and _KMS in str(error))


_KMS = "forbidden by kms"
_OTHER_RANGE = "the reply is not the part of the object that was asked for"


def _range(header: str | None, data: bytes, operation: str) -> tuple[int, int]:
    """Return the offset of a part, and the size of its object. Raises UnavailableError for a reply that is no part."""
    found = _RANGE.fullmatch(header or "")
    if found is None or int(found[2]) - int(found[1]) + 1 != len(data):
        raise UnavailableError(operation, service=OSS, detail=_OTHER_RANGE)
    return int(found[1]), int(found[3])
