"""ListObjects, versions 1 and 2: pages of keys, folded at a delimiter."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from alicloud_local import oss_xml as xml
from alicloud_local.oss_store import StoredObject
from alicloud_local.service import RefusedError

_DEFAULT_KEYS = 100
_MOST_KEYS = 1000


@dataclass(frozen=True)
class _Page:
    """What one listing shows; `last` is the last key or common prefix on it."""

    objects: list[tuple[str, StoredObject]]
    prefixes: list[str]
    truncated: bool
    last: str


def list_objects(bucket: str, entries: Iterable[tuple[str, StoredObject]], parameters: Mapping[str, str]) -> bytes:
    """The document ListObjects answers with; V2 when `list-type=2` is asked for. Raises RefusedError."""
    second_version = parameters.get("list-type") == "2"
    max_keys = _max_keys(parameters.get("max-keys", ""))
    after = _start_of_v2(parameters) if second_version else parameters.get("marker", "")
    page = _page(entries, parameters.get("prefix", ""), parameters.get("delimiter", ""), after, max_keys)
    encode = _percent_encoded if parameters.get("encoding-type") == "url" else str
    echoed = ("prefix", "delimiter", "start-after") if second_version else ("prefix", "delimiter", "marker")
    parts = [
        xml.text("Name", bucket),
        *(xml.text(_ECHO_NAMES[name], encode(parameters.get(name, ""))) for name in echoed),
        xml.text("MaxKeys", max_keys),
        xml.text("IsTruncated", "true" if page.truncated else "false"),
        *([xml.text("EncodingType", "url")] if encode is _percent_encoded else []),
        *(_object(encode(key), stored) for key, stored in page.objects),
        *(xml.element("CommonPrefixes", xml.text("Prefix", encode(prefix))) for prefix in page.prefixes),
    ]
    if second_version:
        parts.append(xml.text("KeyCount", len(page.objects) + len(page.prefixes)))
    if page.truncated:
        token = base64.b64encode(page.last.encode()).decode()
        parts.append(
            xml.text("NextContinuationToken", token) if second_version else xml.text("NextMarker", encode(page.last))
        )
    return xml.document("ListBucketResult", *parts)


_ECHO_NAMES = {"prefix": "Prefix", "delimiter": "Delimiter", "marker": "Marker", "start-after": "StartAfter"}


def _page(entries: Iterable[tuple[str, StoredObject]], prefix: str, delimiter: str, after: str, max_keys: int) -> _Page:
    objects: list[tuple[str, StoredObject]] = []
    prefixes: list[str] = []
    last = ""
    for key, stored in entries:
        if not key.startswith(prefix):
            continue
        folded = _common_prefix(key, prefix, delimiter)
        if (folded or key) <= after or (folded and folded == last):
            continue
        if len(objects) + len(prefixes) == max_keys:
            return _Page(objects, prefixes, truncated=True, last=last)
        if folded:
            prefixes.append(folded)
        else:
            objects.append((key, stored))
        last = folded or key
    return _Page(objects, prefixes, truncated=False, last=last)


def _common_prefix(key: str, prefix: str, delimiter: str) -> str:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return "" if end < 0 else key[: end + len(delimiter)]


def _object(encoded_key: str, stored: StoredObject) -> str:
    return xml.element(
        "Contents",
        xml.text("Key", encoded_key),
        xml.text("LastModified", xml.timestamp(stored.modified)),
        xml.text("ETag", stored.etag),
        xml.text("Type", "Normal"),
        xml.text("Size", len(stored.data)),
        xml.text("StorageClass", "Standard"),
    )


def _max_keys(text: str) -> int:
    if not text:
        return _DEFAULT_KEYS
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_KEYS:
        raise RefusedError(400, "InvalidArgument", "Argument max-keys must be an integer between 1 and 1000.")
    return int(text)


def _start_of_v2(parameters: Mapping[str, str]) -> str:
    token = parameters.get("continuation-token", "")
    if not token:
        return parameters.get("start-after", "")
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:  # not base64, or not UTF-8 inside
        raise RefusedError(400, "InvalidArgument", "The continuation token provided is incorrect.") from None


def _percent_encoded(value: str) -> str:
    return quote(value, safe="")
