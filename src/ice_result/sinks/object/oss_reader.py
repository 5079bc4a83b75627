"""Reading whole objects from OSS, of at most a number of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import RejectedError, TooLargeError, UnavailableError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.errors import OSS
from ice_result.sinks.object.oss import AMBIGUOUS, OssClient, is_ambiguous
from ice_result.sinks.object.oss_ranges import content_encoding, encoded, ranged_get

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket


@dataclass(frozen=True)
class OssReader:
    """Reader of objects of at most `most_bytes`, in any bucket. The first of two requests asks for the size."""

    client: OssClient
    most_bytes: int

    def read(self, address: ObjectAddress) -> bytes:
        """Read a whole object. Raises TooLargeError for a larger one, and our other errors.

        An object with a Content-Encoding is refused: its bytes are not what it contains.
        """
        operation = f"read {address.uri}"
        if is_ambiguous(address):
            raise RejectedError(operation, service=OSS, detail=AMBIGUOUS)

        def read(bucket: Bucket) -> bytes:
            head = bucket.head_object(address.key)
            size = head.content_length
            if size is None or size > self.most_bytes:
                raise TooLargeError(address.uri, size, self.most_bytes, "bytes")
            _refuse(content_encoding(head), operation)
            if not size:
                return b""  # a range of nothing is not a range
            part = ranged_get(bucket, address.key, (0, size), operation)
            _refuse(part.encoding, operation)
            if part.size_bytes != size:
                raise UnavailableError(operation, service=OSS, detail="the object was overwritten while it was read")
            return part.data

        return self.client.call_bucket(operation, address.bucket, read)


def open_reader(context: SinkContext, most_bytes: int) -> OssReader:
    """Open a reader of the buckets of the context's region. Raises SettingsError without a region."""
    client = OssClient(context, most_bytes)
    client.endpoint()
    return OssReader(client, most_bytes)


def _refuse(encoding: str | None, operation: str) -> None:
    """Raise RejectedError for an object with a Content-Encoding."""
    if encoding:
        raise RejectedError(operation, service=OSS, detail=encoded(encoding))
