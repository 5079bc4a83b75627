"""OSS addresses: the many ways ICE writes a bucket and a key, read into one."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from ice_result.redaction import without_query

_SCHEME = re.compile(r"(oss|https?)://([^/?#]*)/?(.*)", re.IGNORECASE | re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_OSS_HOST = re.compile(
    r"(?P<bucket>[a-z0-9-]+)\.(?:s3\.)?(?:oss-(?P<region>[a-z0-9-]+?)(?:-internal)?|(?P<dual_stack>[a-z0-9-]+)\.oss)\.aliyuncs\.com(?::\d+)?",
    re.IGNORECASE,
)
_NOT_SAVED = "oss fail to save the image in the given bucket"
_NOT_REGIONS = {"accelerate", "accelerate-overseas"}


class ObjectAddress(NamedTuple):
    """An object in OSS. `key` is as OSS stores it, never percent-encoded; `region` is known from some hosts only."""

    bucket: str
    key: str
    region: str | None = None

    @property
    def uri(self) -> str:
        """`oss://bucket/key`, the one form records and manifests use."""
        return f"oss://{self.bucket}/{self.key}"


def parse_address(text: str) -> ObjectAddress | None:
    """Bucket and key of `oss://bucket/key`, `oss://bucket.oss-<region>.aliyuncs.com/key` or an http(s) OSS URL.

    The query and fragment of an http(s) URL are dropped and its path is percent-decoded; an `oss:` key is taken
    literally. None for what is not an OSS address: other hosts, user:password@host, names no bucket can have.
    """
    match = _SCHEME.fullmatch(text.strip())
    if match is None:
        return None
    scheme, host, key = match.group(1).lower(), match.group(2), match.group(3)
    if scheme != "oss":
        key = unquote(without_query(key), errors="replace")
    on_host = _OSS_HOST.fullmatch(host)
    if on_host is None:
        return ObjectAddress(host, key) if scheme == "oss" and _BUCKET.fullmatch(host) else None
    if not _BUCKET.fullmatch(on_host["bucket"].lower()):
        return None
    region = on_host["region"] or on_host["dual_stack"]
    return ObjectAddress(on_host["bucket"].lower(), key, None if region in _NOT_REGIONS else region)


def is_not_saved(text: str) -> bool:
    """Whether `text` is what ICE writes in place of a path when it could not write the file at all.

    The job still says Success. [measured: the output bucket was in another region than the job]
    """
    return text.strip().lower() == _NOT_SAVED
