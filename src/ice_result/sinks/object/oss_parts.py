"""The first bytes of files in OSS, which come with the facts of each, and one further part of a file.

GET, first bytes ──► facts, in place of HEAD; bytes ──► GET, if they still have the same ETag: the further part
  │ archived, or encrypted with a key that may not be used: refused
  └► HEAD: facts alone
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import ForbiddenError, RejectedError, ServiceError, UnavailableError
from ice_result.records.model import ObjectFacts
from ice_result.sinks.object.errors import OSS
from ice_result.sinks.object.oss import ARCHIVED, OssInspector, facts_of
from ice_result.sinks.object.oss_ranges import other_part, ranged_get

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket

_CHANGED = "PreconditionFailed"
_KMS = "forbidden by kms"  # in the message of a refusal [documented]


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
            part = ranged_get(bucket, address.key, (0, most_bytes), operation)
            facts = facts_of(part.reply, part.size_bytes, operation)
            return FirstPart(facts, None if part.encoding else part.data)

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
            part = ranged_get(bucket, address.key, (start, end), operation, {"If-Match": f'"{etag}"'})
            if len(part.data) != end - start:
                raise other_part(operation)
            return part.data

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
