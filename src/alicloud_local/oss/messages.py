"""OSS's messages: XML documents."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from urllib.parse import quote
from xml.etree import ElementTree as ET  # nosec B405 # see where it is used

from alicloud_local.http_server import Reply
from alicloud_local.oss.store import Bucket
from alicloud_local.service import RefusedError

OWNER_ID = "1234567890123456"

_LONGEST_TAG_KEY, _LONGEST_TAG_VALUE, _MOST_TAGS = 128, 256, 10
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, *parts: str) -> str:
    """Return an element around parts that are XML already."""
    return f"<{name}>{''.join(parts)}</{name}>"


def text(name: str, value: str | float) -> str:
    """Return an element around a text."""
    return element(name, html.escape(str(value), quote=False))


def flag(name: str, *, value: bool) -> str:
    """Return an element that says true or false."""
    return text(name, "true" if value else "false")


def document(name: str, *parts: str) -> Reply:
    """Return a reply with an XML document."""
    return Reply(200, {"Content-Type": "application/xml"}, (_DECLARATION + element(name, *parts)).encode())


def owner() -> str:
    """Return the Owner of every bucket and object."""
    return element("Owner", text("ID", OWNER_ID), text("DisplayName", OWNER_ID))


def access_control(acl: str) -> Reply:
    """Return the access control list of a bucket or an object."""
    return document("AccessControlPolicy", owner(), element("AccessControlList", text("Grant", acl)))


def tagging(tags: Mapping[str, str]) -> Reply:
    """Return the tags of an object."""
    pairs = (element("Tag", text("Key", key), text("Value", value)) for key, value in tags.items())
    return document("Tagging", element("TagSet", *pairs))


def error(fields: Mapping[str, str]) -> bytes:
    """Return an error's document: Code, Message, RequestId, HostId and what else a code carries."""
    return (_DECLARATION + element("Error", *(text(name, value) for name, value in fields.items()))).encode()


def timestamp(seconds: float) -> str:
    """Return a time in OSS's form: UTC, with milliseconds that are always zero."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def bucket_fields(bucket: Bucket, host: str) -> list[str]:
    """Return the elements that describe a bucket in ListBuckets and GetBucketInfo.

    The endpoints are those of this server: a client that follows them comes back.
    """
    return [
        text("Name", bucket.name),
        text("Location", f"oss-{bucket.region}"),
        text("Region", bucket.region),
        text("CreationDate", timestamp(bucket.created)),
        text("ExtranetEndpoint", host),
        text("IntranetEndpoint", host),
        text("StorageClass", bucket.storage_class),
    ]


def url_encoded(parameters: Mapping[str, str]) -> bool:
    """Tell if the names in a reply are to be percent-encoded."""
    return parameters.get("encoding-type") == "url"


def name_in(value: str, parameters: Mapping[str, str]) -> str:
    """Return a key or prefix as the client wants it."""
    return quote(value, safe="") if url_encoded(parameters) else value


def encoding_type(parameters: Mapping[str, str]) -> str:
    """Return the element EncodingType, or "" for names as they are."""
    return text("EncodingType", "url") if url_encoded(parameters) else ""


def parse(body: bytes, root: str = "") -> ET.Element:
    """Read a document whose root has this name, if one is given. Raises RefusedError."""
    try:
        found = ET.fromstring(body)  # noqa: S314  # nosec B314 # over loopback, from the program under test
    except ET.ParseError:
        found = None
    if found is None or (root and found.tag.rpartition("}")[2] != root):
        raise RefusedError(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema.",
        )
    return found


def tags_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Check the tags of an object. Raises RefusedError."""
    found = list(pairs)
    allowed = set(" +-=._:/")
    valid = (
        1 <= len(key) <= _LONGEST_TAG_KEY
        and len(value) <= _LONGEST_TAG_VALUE
        and all(letter.isalnum() or letter in allowed for letter in key + value)
        for key, value in found
    )
    if len(found) > _MOST_TAGS or len(dict(found)) < len(found) or not all(valid):
        raise RefusedError(400, "InvalidTag", "The tagging you provided is invalid.")
    return dict(found)


def request_id() -> str:
    """Return a new request id."""
    return secrets.token_hex(12).upper()
