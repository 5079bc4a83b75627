"""OSS's operations on buckets, but for listings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from alicloud_local.http_server import Reply, Request
from alicloud_local.oss import messages as xml
from alicloud_local.oss.store import STORAGE_CLASSES, Bucket, Store, StoredObject, content_md5
from alicloud_local.service import RefusedError

BUCKET_ACLS = ("private", "public-read", "public-read-write")

# The subresources whose documents are stored and given back, with the code of a document that was never put.
SETTINGS: Mapping[str, str] = {
    "cors": "NoSuchCORSConfiguration",
    "encryption": "NoSuchServerSideEncryptionRule",
    "lifecycle": "NoSuchLifecycle",
    "logging": "",
    "policy": "NoSuchBucketPolicy",
    "referer": "",
    "tagging": "",
    "website": "NoSuchWebsiteConfiguration",
}
_EMPTY_SETTINGS = {"logging": "BucketLoggingStatus", "referer": "RefererConfiguration", "tagging": "Tagging"}
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_MOST_DELETED = 1000
_CONTROLS = [code for code in range(32) if chr(code) not in "\t\n\r"]


@dataclass(frozen=True)
class Call:
    """A verified request: the store it is for, the server's time, and the bucket and the key, if it has them."""

    request: Request
    store: Store
    now: float
    bucket: Bucket
    key: str

    @property
    def stored(self) -> StoredObject:
        """The object of this key. Raises RefusedError when there is none."""
        found = self.bucket.objects.get(self.key)
        if found is None:
            details = {"Key": self.key, "EC": "0026-00000001"}
            raise RefusedError(404, "NoSuchKey", "The specified key does not exist.", details)
        return found


def put_bucket(store: Store, name: str, region: str, request: Request, now: float) -> Reply:
    """Make a bucket, or change the access control list of one that is there."""
    if not _BUCKET_NAME.fullmatch(name):
        raise RefusedError(400, "InvalidBucketName", "The specified bucket is not valid.", {"BucketName": name})
    wanted = xml.parse(request.body, "CreateBucketConfiguration") if request.body.strip() else None
    storage_class = wanted.findtext("StorageClass") if wanted is not None else None
    redundancy = wanted.findtext("DataRedundancyType") if wanted is not None else None
    acl = check_acl(request.headers.get("x-oss-acl", "private"))
    if storage_class not in (None, *STORAGE_CLASSES) or redundancy not in (None, "LRS", "ZRS"):
        raise RefusedError(400, "InvalidArgument", "The storage class or the redundancy type is not valid.")
    fresh = Bucket(name, region, now, storage_class=storage_class or "Standard", redundancy=redundancy or "LRS")
    bucket = store.buckets.setdefault(name, fresh)
    if bucket is fresh or "x-oss-acl" in request.headers:
        bucket.acl = acl
    return Reply(200, {"Location": f"/{name}"})


def delete_bucket(call: Call) -> Reply:
    """Remove a bucket that contains neither objects nor parts."""
    if call.bucket.objects or call.bucket.uploads:
        raise RefusedError(
            409, "BucketNotEmpty", "The bucket you tried to delete is not empty.", {"BucketName": call.bucket.name}
        )
    del call.store.buckets[call.bucket.name]
    return Reply(204)


def head_bucket(call: Call) -> Reply:
    """Answer with the region of a bucket."""
    return Reply(200, {"x-oss-bucket-region": call.bucket.region})


def get_bucket_info(call: Call) -> Reply:
    """Describe a bucket."""
    bucket = call.bucket
    encryption = bucket.settings.get("encryption")
    algorithm = xml.parse(encryption, "ServerSideEncryptionRule").findtext(".//SSEAlgorithm") if encryption else None
    return xml.document(
        "BucketInfo",
        xml.element(
            "Bucket",
            *xml.bucket_fields(bucket, call.request.headers.get("host", "")),
            xml.owner(),
            xml.element("AccessControlList", xml.text("Grant", bucket.acl)),
            xml.text("Comment", ""),
            xml.text("DataRedundancyType", bucket.redundancy),
            xml.element("ServerSideEncryptionRule", xml.text("SSEAlgorithm", algorithm or "None")),
            xml.text("Versioning", bucket.versioning) if bucket.versioning else "",
        ),
    )


def get_bucket_location(call: Call) -> Reply:
    """Answer with the location of a bucket."""
    return xml.document("LocationConstraint", f"oss-{call.bucket.region}")


def get_bucket_versioning(call: Call) -> Reply:
    """Answer with the versioning of a bucket; no Status for one that never had it."""
    status = call.bucket.versioning
    return xml.document("VersioningConfiguration", xml.text("Status", status) if status else "")


def get_bucket_stat(call: Call) -> Reply:
    """Count what is in a bucket."""
    objects = call.bucket.objects.values()
    names = {"Standard": "Standard", "IA": "InfrequentAccess"}
    by_class: list[str] = []
    for storage_class in STORAGE_CLASSES:
        name = names.get(storage_class, storage_class)
        sizes = [len(stored.data) for stored in objects if stored.storage_class == storage_class]
        by_class.append(xml.text(f"{name}Storage", sum(sizes)))
        by_class.append("" if storage_class == "Standard" else xml.text(f"{name}RealStorage", sum(sizes)))
        by_class.append(xml.text(f"{name}ObjectCount", len(sizes)))
    return xml.document(
        "BucketStat",
        xml.text("Storage", sum(len(stored.data) for stored in objects)),
        xml.text("ObjectCount", len(objects)),
        xml.text("MultipartUploadCount", len(call.bucket.uploads)),
        xml.text("MultipartPartCount", sum(len(upload.parts) for upload in call.bucket.uploads.values())),
        xml.text("LiveChannelCount", 0),
        xml.text("LastModifiedTime", int(call.now)),
        *by_class,
    )


def list_live_channels(_call: Call) -> Reply:
    """List the live channels: there are none."""
    fields = (xml.text("Prefix", ""), xml.text("Marker", ""), xml.text("MaxKeys", 100))
    return xml.document("ListLiveChannelResult", *fields, xml.flag("IsTruncated", value=False))


def get_bucket_acl(call: Call) -> Reply:
    """Answer with the access control list of a bucket."""
    return xml.access_control(call.bucket.acl)


def put_bucket_acl(call: Call) -> Reply:
    """Set the access control list of a bucket."""
    call.bucket.acl = check_acl(call.request.headers.get("x-oss-acl", ""))
    return Reply(200)


def put_setting(call: Call, name: str) -> Reply:
    """Store the document of a subresource, which has no effect."""
    if name != "policy":
        xml.parse(call.request.body)
    call.bucket.settings[name] = call.request.body
    return Reply(200)


def get_setting(call: Call, name: str) -> Reply:
    """Give the document of a subresource back."""
    found = call.bucket.settings.get(name)
    if found is not None:
        media_type = "application/json" if name == "policy" else "application/xml"
        return Reply(200, {"Content-Type": media_type}, found)
    if code := SETTINGS[name]:
        raise RefusedError(404, code, f"The bucket has no {name} configuration.", {"BucketName": call.bucket.name})
    return xml.document(_EMPTY_SETTINGS[name])


def delete_setting(call: Call, name: str) -> Reply:
    """Remove the document of a subresource."""
    call.bucket.settings.pop(name, None)
    return Reply(204)


def delete_objects(call: Call) -> Reply:
    """Remove many objects, up to 1,000; those that are not there count as removed."""
    parameters = call.request.parameters
    # A key may contain control characters, which no XML can: they take a detour through the private use area.
    text = checked_body(call.request).decode(errors="replace").translate({code: 0xE000 + code for code in _CONTROLS})
    wanted = xml.parse(text.encode(), "Delete")
    back = {0xE000 + code: code for code in _CONTROLS}
    keys = [(each.findtext("Key") or "").translate(back) for each in wanted.iter("Object")]
    if not 1 <= len(keys) <= _MOST_DELETED:
        raise RefusedError(400, "MalformedXML", f"The number of objects must be between 1 and {_MOST_DELETED}.")
    for key in keys:
        call.bucket.objects.pop(key, None)
    if (wanted.findtext("Quiet") or "").lower() == "true":
        return Reply(200)
    deleted = (xml.element("Deleted", xml.text("Key", xml.name_in(key, parameters))) for key in keys)
    return xml.document("DeleteResult", xml.encoding_type(parameters), *deleted)


def check_acl(acl: str, allowed: tuple[str, ...] = BUCKET_ACLS) -> str:
    """Return the access control list if OSS has it. Raises RefusedError."""
    if acl not in allowed:
        raise RefusedError(400, "InvalidArgument", "The access control list is not valid.", {"ArgumentName": "acl"})
    return acl


def checked_body(request: Request) -> bytes:
    """Return the body of a request. Raises RefusedError for a Content-MD5 that does not fit it."""
    if request.headers.get("content-md5", content_md5(request.body)) != content_md5(request.body):
        raise RefusedError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    return request.body
