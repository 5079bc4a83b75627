"""Reading whole objects from OSS, of at most a number of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import RejectedError, TooLargeError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.errors import OSS
from ice_result.sinks.object.oss import AMBIGUOUS, OssClient, content_encoding, is_ambiguous

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket, Head


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
            _refuse_encoding(head, operation)
            if not size:
                return b""  # a range of nothing is not a range
            reply = bucket.get_object(address.key, byte_range=(0, size - 1))
            _refuse_encoding(reply, operation)
            return reply.read()

        return self.client.call_bucket(operation, address.bucket, read)


def open_reader(context: SinkContext, most_bytes: int) -> OssReader:
    """Open a reader of the buckets of the context's region. Raises SettingsError without a region."""
    client = OssClient(context, most_bytes)
    client.endpoint()
    return OssReader(client, most_bytes)


def _refuse_encoding(reply: Head, operation: str) -> None:
    """Raise RejectedError for an object with a Content-Encoding."""
    if encoding := content_encoding(reply):
        detail = f"the object has the Content-Encoding {encoding}; only objects without one are read"
        raise RejectedError(operation, service=OSS, detail=detail)
