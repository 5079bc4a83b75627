"""OSS's operations on objects, but for multipart uploads."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, unquote

from alicloud_local.http_server import Reply, Request, http_date
from alicloud_local.oss import messages as xml
from alicloud_local.oss.operations import BUCKET_ACLS, Call, check_acl, checked_body
from alicloud_local.oss.store import STORAGE_CLASSES, Restoration, StoredObject, with_data
from alicloud_local.service import RefusedError

OBJECT_ACLS = ("default", *BUCKET_ACLS)

_KEPT_HEADERS = {"cache-control", "content-disposition", "content-encoding", "content-language", "expires"}
_ENCRYPTION = "x-oss-server-side-encryption"
_ENCRYPTION_KEY = f"{_ENCRYPTION}-key-id"
_KEPT_PREFIXES = ("x-oss-meta-", _ENCRYPTION)
_COMPRESSED_TYPES = ("text/", "application/javascript", "application/x-javascript", "application/json")
_SHORTEST_COMPRESSED = 1024
_LONGEST_KEY_BYTES = 1023
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
# How long it takes until an archived object can be read, in seconds.
_RESTORE_SECONDS = {"Archive": 60, "ColdArchive": 5 * 3600, "DeepColdArchive": 48 * 3600}
_PRIORITIES = ("Expedited", "Standard", "Bulk")


def put_object(call: Call) -> Reply:
    """Put an object, or a copy of one. OSS has no condition on the object that is there, but for forbid-overwrite."""
    headers = call.request.headers
    if "x-oss-copy-source" in headers:
        return copy_object(call)
    if "if-match" in headers or "if-none-match" in headers:
        raise not_implemented()
    stored = with_data(object_model(call), checked_body(call.request))
    store_object(call, stored)
    if "x-oss-callback" in headers or "callback" in call.request.parameters:
        # OSS answers so where it cannot reach the address, and keeps the object. It is never tried from here.
        raise RefusedError(203, "CallbackFailed", "Private address is forbidden to callback.")
    encryption = {name: value for name, value in stored.headers.items() if name.startswith(_ENCRYPTION)}
    return Reply(200, {"ETag": stored.etag, "x-oss-hash-crc64ecma": stored.crc64, **encryption, **_version(call)})


def _version(call: Call) -> dict[str, str]:
    """Return the header that every write into a bucket with versions has; after a suspension, it says null."""
    if call.bucket.versioning is None:
        return {}
    return {"x-oss-version-id": "null" if call.bucket.versioning == "Suspended" else uuid.uuid4().hex}


def copy_object(call: Call) -> Reply:
    """Put a copy of an object; conditions are about the source."""
    source = copy_source(call)
    headers = call.request.headers
    model = object_model(call)
    if headers.get("x-oss-metadata-directive", "COPY").upper() == "REPLACE":
        copied = model
    else:
        encryption = {name: value for name, value in model.headers.items() if name.startswith(_ENCRYPTION)}
        copied = replace(model, content_type=source.content_type, headers={**source.headers, **encryption})
    if headers.get("x-oss-tagging-directive", "COPY").upper() == "COPY":
        copied = replace(copied, tags=source.tags)
    copied = replace(copied, data=source.data, etag=source.etag, crc64=source.crc64)
    store_object(call, copied)
    reply = xml.document(
        "CopyObjectResult", xml.text("LastModified", xml.timestamp(call.now)), xml.text("ETag", copied.etag)
    )
    return reply._replace(headers={**reply.headers, "ETag": copied.etag, "x-oss-hash-crc64ecma": copied.crc64})


def append_object(call: Call) -> Reply:
    """Append to an object, or make one that can be appended to."""
    data = checked_body(call.request)
    before = call.bucket.objects.get(call.key)
    position = call.request.parameters.get("position", "")
    if before is not None and before.type != "Appendable":
        raise RefusedError(409, "ObjectNotAppendable", "The object is not appendable")
    length = len(before.data) if before else 0
    if not position.isdecimal() or int(position) != length:
        raise RefusedError(
            409,
            "PositionNotEqualToLength",
            "Position is not equal to file length",
            headers={"x-oss-next-append-position": str(length)},
        )
    model = replace(before, modified=call.now) if before else replace(object_model(call), type="Appendable")
    stored = with_data(model, model.data + data)
    call.bucket.objects[call.key] = stored
    return Reply(
        200,
        {
            "ETag": stored.etag,
            "x-oss-hash-crc64ecma": stored.crc64,
            "x-oss-next-append-position": str(len(stored.data)),
        },
    )


def get_object(call: Call) -> Reply:
    """Answer GET and HEAD alike, with an object or a range of it; a symlink leads to its target."""
    link, stored = call.stored, call.stored
    if link.type == "Symlink":
        target = call.bucket.objects.get(link.target)
        if target is None:
            raise RefusedError(404, "SymlinkTargetNotExist", "The symlink target object does not exist")
        stored = replace(target, headers=link.headers, modified=link.modified)
    unchanged = _check_conditions(call.request.headers, stored)
    if call.request.method == "GET" and stored.headers.get(_ENCRYPTION_KEY) in call.store.denied_keys:
        raise RefusedError(403, "AccessDenied", "This request is forbidden by kms")
    archived = stored.storage_class in _RESTORE_SECONDS
    readable = stored.restoration is not None and stored.restoration.begins <= call.now < stored.restoration.ends
    if call.request.method == "GET" and archived and not readable:
        raise RefusedError(
            403, "InvalidObjectState", "The operation is not valid for the object's state.", {"Key": call.key}
        )
    headers = {
        "Content-Type": stored.content_type,
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Last-Modified": http_date(int(stored.modified)),
        "x-oss-object-type": link.type,
        "x-oss-hash-crc64ecma": stored.crc64,
        "x-oss-storage-class": stored.storage_class,
        **stored.headers,
        **({"x-oss-tagging-count": str(len(stored.tags))} if stored.tags else {}),
        **({"x-oss-next-append-position": str(len(stored.data))} if stored.type == "Appendable" else {}),
        **({"x-oss-restore": stored.restoration.info(call.now)} if stored.restoration else {}),
    }
    headers |= {
        name.removeprefix("response-").title(): value
        for name, value in call.request.parameters.items()
        if name.startswith("response-")
    }
    if unchanged:
        return Reply(304, headers)
    wanted = wanted_range(call.request, "range", len(stored.data))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(stored.data)}"
        return Reply(206, headers, stored.data[wanted.start : wanted.stop])
    if (
        "gzip" in call.request.headers.get("accept-encoding", "")
        and "content-encoding" not in stored.headers
        and len(stored.data) >= _SHORTEST_COMPRESSED
        and stored.content_type.startswith(_COMPRESSED_TYPES)
    ):
        headers["Content-Encoding"] = "gzip"
        return Reply(200, headers, gzip.compress(stored.data), chunked=True)
    return Reply(200, headers, stored.data)


def get_object_meta(call: Call) -> Reply:
    """Answer with length, ETag and time alone."""
    stored = call.stored
    headers = {"ETag": stored.etag, "Last-Modified": http_date(int(stored.modified))}
    return Reply(200, {**headers, "x-oss-hash-crc64ecma": stored.crc64}, stored.data)


def delete_object(call: Call) -> Reply:
    """Remove an object. A missing object is not an error."""
    call.bucket.objects.pop(call.key, None)
    return Reply(204)


def restore_object(call: Call) -> Reply:
    """Begin to make an archived object readable."""
    stored = call.stored
    seconds = _RESTORE_SECONDS.get(stored.storage_class)
    if seconds is None:
        raise RefusedError(
            400, "OperationNotSupported", "The operation is not supported for this resource", {"ResourceType": "Object"}
        )
    if stored.restoration and call.now < stored.restoration.begins:
        raise RefusedError(409, "RestoreAlreadyInProgress", "The restore operation is in progress.")
    days, priority = "1", None
    if call.request.body.strip():
        wanted = xml.parse(call.request.body, "RestoreRequest")
        days = wanted.findtext("Days") or ""
        priority = wanted.findtext("JobParameters/Tier")
        if priority is not None and stored.storage_class == "Archive":
            raise RefusedError(400, "MalformedXML", "Archive objects take no JobParameters.")
        if not days.isdecimal() or priority not in (None, *_PRIORITIES):
            raise RefusedError(400, "InvalidArgument", "Days or Tier is not valid.")
    status = 200 if stored.restoration else 202
    begins = call.now + seconds
    call.bucket.objects[call.key] = replace(stored, restoration=Restoration(begins, begins + int(days) * 86_400))
    shown = {} if stored.storage_class == "Archive" else {"x-oss-object-restore-priority": priority or "Standard"}
    return Reply(status, shown)


def get_object_acl(call: Call) -> Reply:
    """Answer with the access control list of an object."""
    return xml.access_control(call.stored.acl)


def put_object_acl(call: Call) -> Reply:
    """Set the access control list of an object."""
    acl = check_acl(call.request.headers.get("x-oss-object-acl", ""), OBJECT_ACLS)
    call.bucket.objects[call.key] = replace(call.stored, acl=acl)
    return Reply(200)


def get_object_tagging(call: Call) -> Reply:
    """Answer with the tags of an object."""
    return xml.tagging(call.stored.tags)


def put_object_tagging(call: Call) -> Reply:
    """Replace the tags of an object."""
    found = xml.parse(call.request.body, "Tagging").iter("Tag")
    tags = xml.tags_of((tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in found)
    call.bucket.objects[call.key] = replace(call.stored, tags=tags)
    return Reply(200)


def delete_object_tagging(call: Call) -> Reply:
    """Remove the tags of an object."""
    call.bucket.objects[call.key] = replace(call.stored, tags={})
    return Reply(204)


def get_symlink(call: Call) -> Reply:
    """Answer with the target of a symlink."""
    stored = call.stored
    if stored.type != "Symlink":
        raise RefusedError(400, "NotSymlink", "The object is not symlink")
    return Reply(200, {**stored.headers, "ETag": stored.etag, "x-oss-symlink-target": quote(stored.target, safe="")})


def put_symlink(call: Call) -> Reply:
    """Put a symlink; its target need not be there."""
    target = unquote(call.request.headers.get("x-oss-symlink-target", ""))
    if not target:
        raise RefusedError(400, "InvalidArgument", "The symlink target is missing.")
    stored = replace(with_data(object_model(call), target.encode()), type="Symlink", target=target, data=b"")
    store_object(call, stored)
    return Reply(200, {"ETag": stored.etag})


def object_model(call: Call) -> StoredObject:
    """Return the object that a request's headers describe, without data. Raises RefusedError."""
    headers = call.request.headers
    storage_class = headers.get("x-oss-storage-class") or call.bucket.storage_class
    if storage_class not in STORAGE_CLASSES:
        raise RefusedError(400, "InvalidArgument", "The storage class is not valid.")
    pairs = parse_qsl(headers.get("x-oss-tagging", ""), keep_blank_values=True)
    return StoredObject(
        call.now,
        headers.get("content-type", "application/octet-stream"),
        headers={
            name: value for name, value in headers.items() if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
        },
        storage_class=storage_class,
        acl=check_acl(headers.get("x-oss-object-acl", "default"), OBJECT_ACLS),
        tags=xml.tags_of(pairs),
    )


def store_object(call: Call, stored: StoredObject) -> None:
    """Put an object where the key may be overwritten. Raises RefusedError."""
    if call.key.startswith("\\") or len(call.key.encode()) > _LONGEST_KEY_BYTES:
        raise RefusedError(400, "InvalidObjectName", "The specified object is not valid.", {"ObjectName": call.key})
    # Where versioning is or was enabled, OSS ignores forbid-overwrite without a word (documented).
    forbids = call.request.headers.get("x-oss-forbid-overwrite", "").lower() == "true"
    if forbids and call.bucket.versioning is None and call.key in call.bucket.objects:
        raise RefusedError(
            409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."
        )
    call.bucket.objects[call.key] = stored


def not_implemented() -> RefusedError:
    """Return the refusal of an operation that OSS has and the local one has not."""
    return RefusedError(501, "NotImplemented", "A header you provided implies functionality that is not implemented.")


def copy_source(call: Call) -> StoredObject:
    """Return the object of x-oss-copy-source, if its conditions hold. Raises RefusedError."""
    headers = call.request.headers
    path, _, query = headers["x-oss-copy-source"].partition("?")
    name, _, key = unquote(path).lstrip("/").partition("/")
    bucket = call.store.buckets.get(name)
    if query:
        raise not_implemented()
    if bucket is None:
        raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.", {"BucketName": name})
    source = replace(call, bucket=bucket, key=key).stored
    prefix = "x-oss-copy-source-"
    conditions = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
    if _check_conditions(conditions, source):
        raise RefusedError(304, "NotModified", "The source object is not modified.")
    return source


def _check_conditions(headers: Mapping[str, str], stored: StoredObject) -> bool:
    """Tell if the client's copy is still good. Raises RefusedError for a condition that fails."""
    matches = headers.get("if-match")
    since = _time(headers.get("if-unmodified-since"))
    modified = int(stored.modified)
    if (matches is not None and not _fits(matches, stored)) or (since is not None and modified > since):
        raise RefusedError(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold.",
            {"Condition": "If-Match" if matches is not None else "If-Unmodified-Since"},
        )
    other = headers.get("if-none-match")
    if other is not None:
        return _fits(other, stored)
    since = _time(headers.get("if-modified-since"))
    return since is not None and modified <= since


def _fits(etags: str, stored: StoredObject) -> bool:
    return etags == "*" or stored.etag.strip('"') in (each.strip().strip('"') for each in etags.split(","))


def _time(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def wanted_range(request: Request, header: str, size: int) -> range | None:
    """Return the range of bytes that a header asks for, or None for all.

    OSS ignores a range that does not lie within the object, unless `x-oss-range-behavior: standard` asks for the rule
    of HTTP: cut at the end, and 416 when it begins behind it (documented).
    """
    match = _RANGE.fullmatch(request.headers.get(header, ""))
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
