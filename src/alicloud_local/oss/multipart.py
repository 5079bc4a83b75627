"""OSS's multipart uploads: parts that become an object when the upload is completed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from xml.etree import ElementTree as ET  # nosec B405 # only its type

from alicloud_local.http_server import Reply
from alicloud_local.oss import listings
from alicloud_local.oss import messages as xml
from alicloud_local.oss.objects import copy_source, object_model, store_object, wanted_range
from alicloud_local.oss.operations import Call, checked_body
from alicloud_local.oss.store import Part, Upload, content_md5, crc64_of, etag_of, md5
from alicloud_local.service import RefusedError

_MOST_PARTS = 10_000
_SMALLEST_PART_BYTES = 100 * 1024


def initiate(call: Call) -> Reply:
    """Begin an upload."""
    sequential = "sequential" in call.request.parameters
    upload = Upload(secrets.token_hex(16).upper(), call.key, object_model(call), call.now, sequential)
    call.bucket.uploads[upload.id] = upload
    return xml.document(
        "InitiateMultipartUploadResult",
        xml.encoding_type(call.request.parameters),
        xml.text("Bucket", call.bucket.name),
        xml.text("Key", xml.name_in(call.key, call.request.parameters)),
        xml.text("UploadId", upload.id),
    )


def upload_part(call: Call) -> Reply:
    """Put a part, from the body or from a range of another object."""
    upload = _upload(call)
    number = call.request.parameters.get("partNumber", "")
    if not number.isdecimal() or not 1 <= int(number) <= _MOST_PARTS:
        raise RefusedError(
            400, "InvalidArgument", f"Part number must be an integer between 1 and {_MOST_PARTS}, inclusive."
        )
    if upload.sequential and int(number) != len(upload.parts) + 1:
        raise RefusedError(400, "PartNotSequential", "The parts of a sequential upload come one after the other.")
    copied = "x-oss-copy-source" in call.request.headers
    if copied:
        source = copy_source(call).data
        wanted = wanted_range(call.request, "x-oss-copy-source-range", len(source))
        data = source if wanted is None else source[wanted.start : wanted.stop]
    else:
        data = checked_body(call.request)
    part = Part(data, etag_of(data), crc64_of(data), call.now)
    upload.parts[int(number)] = part
    headers = {"ETag": part.etag, "x-oss-hash-crc64ecma": part.crc64}
    if not copied:
        return Reply(200, headers)
    reply = xml.document(
        "CopyPartResult", xml.text("LastModified", xml.timestamp(call.now)), xml.text("ETag", part.etag)
    )
    return reply._replace(headers={**reply.headers, **headers})


def complete(call: Call) -> Reply:
    """Make the object of the parts that the body lists, or of all."""
    upload = _upload(call)
    if call.request.headers.get("x-oss-complete-all", "").lower() == "yes":
        numbers = sorted(upload.parts)
    else:
        listed = [
            _number_and_etag(part) for part in xml.parse(call.request.body, "CompleteMultipartUpload").iter("Part")
        ]
        numbers = [number for number, _ in listed]
        if numbers != sorted(set(numbers)):
            raise RefusedError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        for number, etag in listed:
            if number not in upload.parts or upload.parts[number].etag.strip('"') != etag:
                raise RefusedError(
                    400,
                    "InvalidPart",
                    "One or more of the specified parts could not be found or the specified entity tag might not have "
                    "matched the part's entity tag.",
                    {"PartNumber": str(number), "UploadId": upload.id},
                )
    if not numbers:
        raise RefusedError(400, "MalformedXML", "The list of parts is empty.")
    parts = [upload.parts[number] for number in numbers]
    if any(len(part.data) < _SMALLEST_PART_BYTES for part in parts[:-1]):
        raise RefusedError(
            400,
            "EntityTooSmall",
            "Your proposed upload smaller than the minimum allowed size.",
            {"MinSizeAllowed": str(_SMALLEST_PART_BYTES)},
        )
    data = b"".join(part.data for part in parts)
    digest = md5(b"".join(md5(part.data) for part in parts)).hex().upper()
    acl = call.request.headers.get("x-oss-object-acl", upload.model.acl)
    model = replace(upload.model, type="Multipart", acl=acl, modified=call.now)
    if upload.sequential:  # only then the object has an MD5 (from the SDK's own tests)
        model = replace(model, headers={**model.headers, "Content-MD5": content_md5(data)})
    stored = replace(model, data=data, etag=f'"{digest}-{len(parts)}"', crc64=crc64_of(data))
    store_object(call, stored)
    del call.bucket.uploads[upload.id]
    reply = xml.document(
        "CompleteMultipartUploadResult",
        xml.encoding_type(call.request.parameters),
        xml.text("Location", f"http://{call.request.headers.get('host', '')}{call.request.path}"),
        xml.text("Bucket", call.bucket.name),
        xml.text("Key", xml.name_in(call.key, call.request.parameters)),
        xml.text("ETag", stored.etag),
    )
    return reply._replace(headers={**reply.headers, "ETag": stored.etag, "x-oss-hash-crc64ecma": stored.crc64})


def abort(call: Call) -> Reply:
    """End an upload and drop its parts."""
    del call.bucket.uploads[_upload(call).id]
    return Reply(204)


def list_parts(call: Call) -> Reply:
    """List the parts of an upload."""
    return listings.list_parts(call.bucket, _upload(call), call.request.parameters)


def _upload(call: Call) -> Upload:
    upload = call.bucket.uploads.get(call.request.parameters["uploadId"])
    if upload is None or upload.key != call.key:
        raise RefusedError(
            404,
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed.",
            {"UploadId": call.request.parameters["uploadId"]},
        )
    return upload


def _number_and_etag(part: ET.Element) -> tuple[int, str]:
    number = part.findtext("PartNumber") or ""
    return int(number) if number.isdecimal() else 0, (part.findtext("ETag") or "").strip('"')
