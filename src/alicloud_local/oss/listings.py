"""ListBuckets, ListObjects, ListMultipartUploads and ListParts: pages of names, folded at a delimiter."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from alicloud_local.http_server import Reply
from alicloud_local.oss import messages as xml
from alicloud_local.oss.store import Bucket, StoredObject, Upload
from alicloud_local.service import RefusedError

_DEFAULT_KEYS = 100
_MOST = 1000
_LAST_ID = "\x7f"  # sorts after every upload id

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class _Page(Generic[_Item]):
    """A page of a listing; `last` is the last key or common prefix on it."""

    items: list[tuple[str, _Item]]
    prefixes: list[str]
    truncated: bool
    last: str


def list_buckets(buckets: Iterable[Bucket], host: str, parameters: Mapping[str, str]) -> Reply:
    """List the buckets with a prefix, or with a tag."""
    prefix, marker = parameters.get("prefix", ""), parameters.get("marker", "")
    entries = [(bucket.name, bucket) for bucket in buckets if _has_tag(bucket, parameters)]
    page = _page(
        sorted(entries, key=lambda entry: entry[0]), prefix, "", marker, _limit(parameters, "max-keys", _DEFAULT_KEYS)
    )
    found = (xml.element("Bucket", *xml.bucket_fields(bucket, host)) for _, bucket in page.items)
    return xml.document(
        "ListAllMyBucketsResult",
        xml.owner(),
        xml.text("Prefix", prefix),
        xml.text("Marker", marker),
        xml.flag("IsTruncated", value=page.truncated),
        xml.text("NextMarker", page.last) if page.truncated else "",
        xml.element("Buckets", *found),
    )


def list_objects(bucket: Bucket, parameters: Mapping[str, str], now: float) -> Reply:
    """List objects; in version 2 of the operation where `list-type=2` is asked for."""
    second_version = parameters.get("list-type") == "2"
    limit = _limit(parameters, "max-keys", _DEFAULT_KEYS)
    after = _start_of_v2(parameters) if second_version else parameters.get("marker", "")
    page = _page(
        sorted(bucket.objects.items()), parameters.get("prefix", ""), parameters.get("delimiter", ""), after, limit
    )
    echoed = {"prefix": "Prefix", "delimiter": "Delimiter"}
    echoed |= {"start-after": "StartAfter"} if second_version else {"marker": "Marker"}
    with_owner = not second_version or parameters.get("fetch-owner") == "true"
    parts = [
        xml.text("Name", bucket.name),
        *(xml.text(title, xml.name_in(parameters.get(name, ""), parameters)) for name, title in echoed.items()),
        xml.text("MaxKeys", limit),
        xml.flag("IsTruncated", value=page.truncated),
        xml.encoding_type(parameters),
        *(_object(xml.name_in(key, parameters), stored, now, with_owner=with_owner) for key, stored in page.items),
        *_prefixes(page, parameters),
    ]
    if second_version:
        token = base64.b64encode(page.last.encode()).decode()
        parts.append(xml.text("KeyCount", len(page.items) + len(page.prefixes)))
        parts.append(xml.text("NextContinuationToken", token) if page.truncated else "")
    elif page.truncated:
        parts.append(xml.text("NextMarker", xml.name_in(page.last, parameters)))
    return xml.document("ListBucketResult", *parts)


def list_uploads(bucket: Bucket, parameters: Mapping[str, str]) -> Reply:
    """List the multipart uploads that are under way, by key and then by upload id."""
    prefix, delimiter = parameters.get("prefix", ""), parameters.get("delimiter", "")
    key_marker, id_marker = parameters.get("key-marker", ""), parameters.get("upload-id-marker", "")
    limit = _limit(parameters, "max-uploads", _MOST)
    # NUL sorts before every character of a key, so that (key, id) sorts as one text.
    entries = sorted((f"{upload.key}\0{upload.id}", upload) for upload in bucket.uploads.values())
    after = key_marker and f"{key_marker}\0{id_marker or _LAST_ID}"
    page = _page(entries, prefix, delimiter, after, limit)
    return xml.document(
        "ListMultipartUploadsResult",
        xml.text("Bucket", bucket.name),
        xml.encoding_type(parameters),
        *(
            xml.text(title, xml.name_in(value, parameters))
            for title, value in (("KeyMarker", key_marker), ("Prefix", prefix), ("Delimiter", delimiter))
        ),
        xml.text("UploadIdMarker", id_marker),
        xml.text("NextKeyMarker", xml.name_in(page.last.partition("\0")[0], parameters)),
        xml.text("NextUploadIdMarker", page.last.partition("\0")[2]),
        xml.text("MaxUploads", limit),
        xml.flag("IsTruncated", value=page.truncated),
        *(
            xml.element(
                "Upload",
                xml.text("Key", xml.name_in(upload.key, parameters)),
                xml.text("UploadId", upload.id),
                xml.text("StorageClass", upload.model.storage_class),
                xml.text("Initiated", xml.timestamp(upload.initiated)),
            )
            for _, upload in page.items
        ),
        *_prefixes(page, parameters),
    )


def list_parts(bucket: Bucket, upload: Upload, parameters: Mapping[str, str]) -> Reply:
    """List the parts of a multipart upload by number."""
    limit = _limit(parameters, "max-parts", _MOST)
    marker = parameters.get("part-number-marker", "0")
    after = int(marker) if marker.isdecimal() else 0
    parts = sorted((number, part) for number, part in upload.parts.items() if number > after)
    shown = parts[:limit]
    return xml.document(
        "ListPartsResult",
        xml.text("Bucket", bucket.name),
        xml.encoding_type(parameters),
        xml.text("Key", xml.name_in(upload.key, parameters)),
        xml.text("UploadId", upload.id),
        xml.text("StorageClass", upload.model.storage_class),
        xml.text("PartNumberMarker", after),
        xml.text("NextPartNumberMarker", shown[-1][0] if shown else 0),
        xml.text("MaxParts", limit),
        xml.flag("IsTruncated", value=len(shown) < len(parts)),
        *(
            xml.element(
                "Part",
                xml.text("PartNumber", number),
                xml.text("LastModified", xml.timestamp(part.modified)),
                xml.text("ETag", part.etag),
                xml.text("HashCrc64ecma", part.crc64),
                xml.text("Size", len(part.data)),
            )
            for number, part in shown
        ),
    )


def _page(entries: Iterable[tuple[str, _Item]], prefix: str, delimiter: str, after: str, limit: int) -> _Page[_Item]:
    """Take the entries behind `after`; those that share a text up to the delimiter become one prefix."""
    items: list[tuple[str, _Item]] = []
    prefixes: list[str] = []
    last = ""
    for name, item in entries:
        if not name.startswith(prefix):
            continue
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        folded = name[: end + len(delimiter)] if end >= 0 else ""
        if (folded or name) <= after or (folded and folded == last):
            continue
        if len(items) + len(prefixes) == limit:
            return _Page(items, prefixes, truncated=True, last=last)
        if folded:
            prefixes.append(folded)
        else:
            items.append((name, item))
        last = folded or name
    return _Page(items, prefixes, truncated=False, last=last)


def _object(name: str, stored: StoredObject, now: float, *, with_owner: bool) -> str:
    return xml.element(
        "Contents",
        xml.text("Key", name),
        xml.text("LastModified", xml.timestamp(stored.modified)),
        xml.text("ETag", stored.etag),
        xml.text("Type", stored.type),
        xml.text("Size", len(stored.data)),
        xml.text("StorageClass", stored.storage_class),
        xml.owner() if with_owner else "",
        xml.text("RestoreInfo", stored.restoration.info(now)) if stored.restoration else "",
    )


def _prefixes(page: _Page[_Item], parameters: Mapping[str, str]) -> Iterable[str]:
    return (
        xml.element("CommonPrefixes", xml.text("Prefix", xml.name_in(prefix, parameters))) for prefix in page.prefixes
    )


def _limit(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise RefusedError(400, "InvalidArgument", f"Argument {name} must be an integer between 1 and {_MOST}.")
    return int(text)


def _start_of_v2(parameters: Mapping[str, str]) -> str:
    token = parameters.get("continuation-token", "")
    if not token:
        return parameters.get("start-after", "")
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:  # not base64, or not UTF-8 inside
        raise RefusedError(400, "InvalidArgument", "The continuation token provided is incorrect.") from None


def _has_tag(bucket: Bucket, parameters: Mapping[str, str]) -> bool:
    wanted, value = parameters.get("tag-key"), parameters.get("tag-value")
    if wanted is None:
        return True
    tags = xml.parse(bucket.settings["tagging"], "Tagging").iter("Tag") if "tagging" in bucket.settings else ()
    return any(tag.findtext("Key") == wanted and value in (None, tag.findtext("Value")) for tag in tags)
