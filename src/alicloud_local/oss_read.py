"""GetObject and HeadObject: an object's headers, and all of it or a range."""

from __future__ import annotations

import re
from email.utils import formatdate

from alicloud_local.oss_store import Bucket
from alicloud_local.service import RefusedError
from alicloud_local.wire import Reply, Request

_ARCHIVES = ("Archive", "ColdArchive", "DeepColdArchive")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def get_object(request: Request, bucket: Bucket, key: str) -> Reply:
    """What OSS answers to GET and HEAD alike. Raises RefusedError."""
    stored = bucket.objects.get(key)
    if stored is None:
        raise RefusedError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})
    if request.method == "GET" and stored.headers.get("x-oss-storage-class") in _ARCHIVES:
        raise RefusedError(
            403, "InvalidObjectState", "The operation is not valid for the object's state.", {"Key": key}
        )
    headers = {
        "Content-Type": stored.content_type,
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "x-oss-object-type": "Normal",
        "x-oss-hash-crc64ecma": stored.crc64,
        "x-oss-storage-class": "Standard",
        **stored.headers,
    }
    wanted = _wanted_range(request, len(stored.data))
    if wanted is None:
        return Reply(200, headers, stored.data)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(stored.data)}"
    return Reply(206, headers, stored.data[wanted.start : wanted.stop])


def _wanted_range(request: Request, size: int) -> range | None:
    """The bytes asked for, or None for all.

    A range that does not lie within the object is ignored, unless `x-oss-range-behavior: standard` asks for
    what HTTP says: cut at the end, and 416 when it begins behind it (documented).
    """
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    start = int(first) if first else size - int(last)
    stop = int(last) + 1 if first and last else size
    if 0 <= start < stop <= size:
        return range(start, stop)
    if request.headers.get("x-oss-range-behavior") != "standard":
        return None
    if start >= size or start >= stop:
        raise RefusedError(416, "InvalidRange", "The requested range cannot be satisfied.")
    return range(max(start, 0), min(stop, size))
