"""Parts of objects in OSS, each checked: a reply with other bytes than those that were asked for is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ice_result.errors import UnavailableError
from ice_result.sinks.object.errors import OSS

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket, Head

_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")
_PARTIAL = 206
_NO_ENCODING = "identity"


class ObjectPart(NamedTuple):
    """Bytes of an object, and the size of the whole object. An object with an `encoding` does not contain its bytes."""

    reply: Head
    data: bytes
    size_bytes: int
    encoding: str | None


def ranged_get(
    bucket: Bucket, key: str, span: tuple[int, int], operation: str, headers: Mapping[str, str] | None = None
) -> ObjectPart:
    """Read an object from the first offset up to the second one, or up to its end.

    OSS returns the whole object when it has no more than the first bytes that are asked for [documented]. Raises
    UnavailableError for a reply with another part.
    """
    start, end = span
    reply = bucket.get_object(key, byte_range=(start, end - 1), headers={**(headers or {})})
    data = reply.read()
    first, length, size = _stated_range(reply)
    if (first, length) != (start, len(data)) or start + len(data) != min(end, size):
        raise other_part(operation)
    return ObjectPart(reply, data, size, content_encoding(reply))


def _stated_range(reply: Head) -> tuple[int, int | None, int]:
    """Return the offset and the length of the bytes in a reply, and the size of the whole object, as it states them."""
    if reply.status != _PARTIAL:
        return 0, reply.content_length, reply.content_length or 0
    found = _RANGE.fullmatch(reply.headers.get("Content-Range") or "")
    if found is None:
        return 0, None, 0
    first, last, size = (int(number) for number in found.groups())
    return first, last - first + 1, size


def other_part(operation: str) -> UnavailableError:
    """Make the error of a reply with other bytes than those that were asked for."""
    return UnavailableError(operation, service=OSS, detail="the reply is not the part of the object that was asked for")


def content_encoding(reply: Head) -> str | None:
    """Return the Content-Encoding of an object; None without one."""
    encoding = (reply.headers.get("Content-Encoding") or _NO_ENCODING).strip()
    return None if encoding.lower() == _NO_ENCODING else encoding


def encoded(encoding: str) -> str:
    """Return the reason why an object with a Content-Encoding is not read."""
    return f"the object has the Content-Encoding {encoding}; only objects without one are read"
