"""The XML that OSS speaks: errors, listings and descriptions of buckets."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime, timezone

from alicloud_local.oss_store import Bucket

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, *parts: str) -> str:
    """An element around parts that are XML already."""
    return f"<{name}>{''.join(parts)}</{name}>"


def text(name: str, value: str | float) -> str:
    """An element around a text."""
    return element(name, html.escape(str(value), quote=False))


def document(name: str, *parts: str) -> bytes:
    """A whole document."""
    return (_DECLARATION + element(name, *parts)).encode()


def error(fields: Mapping[str, str]) -> bytes:
    """An error's document: Code, Message, RequestId, HostId and what else a code carries."""
    return document("Error", *(text(name, value) for name, value in fields.items()))


def timestamp(seconds: float) -> str:
    """OSS's form of a moment: UTC, with milliseconds that are always zero."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def versioning(bucket: Bucket) -> bytes:
    """GetBucketVersioning; no Status for a bucket that never had versioning."""
    return document("VersioningConfiguration", *([text("Status", bucket.versioning)] if bucket.versioning else []))


def bucket_info(bucket: Bucket) -> bytes:
    """GetBucketInfo."""
    return document(
        "BucketInfo",
        element(
            "Bucket",
            text("Name", bucket.name),
            text("Location", f"oss-{bucket.region}"),
            text("CreationDate", timestamp(bucket.created)),
            text("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
            text("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
            text("StorageClass", "Standard"),
            element("Owner", text("ID", "0"), text("DisplayName", "0")),
            element("AccessControlList", text("Grant", "private")),
            *([text("Versioning", bucket.versioning)] if bucket.versioning else []),
        ),
    )
