"""MNS's messages: XML documents, and the headers of every reply."""

from __future__ import annotations

import html
import uuid
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from xml.etree import ElementTree as ET  # nosec B405 # see where it is used

from alicloud_local.http_server import Reply
from alicloud_local.mns.signature import API_VERSION
from alicloud_local.service import RefusedError

_NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

Fields: TypeAlias = Mapping[str, str]


def bodies(document: bytes, root: str) -> list[str]:
    """Return the bodies in a `Message` or in `Messages`, as they were sent. Raises RefusedError."""
    try:
        found = ET.fromstring(document)  # noqa: S314  # nosec B314 # over loopback, from the program under test
    except ET.ParseError:
        raise RefusedError(400, "MalformedXML", "The XML you provided was not well-formed.") from None
    named = f"{{{_NAMESPACE}}}"
    sent = [found] if root == "Message" else found.findall(f"{named}Message")
    texts = [each.findtext(f"{named}MessageBody") for each in sent]
    if found.tag != f"{named}{root}" or not texts or not all(texts):
        raise RefusedError(
            400, "InvalidArgument", "The XML you provided did not validate against our published schema."
        )
    return [text for text in texts if text]


def tag(document: bytes) -> str:
    """Return the tag of a `Message` whose form has been checked; empty without one."""
    found = ET.fromstring(document)  # noqa: S314  # nosec B314 # as above
    return found.findtext(f"{{{_NAMESPACE}}}MessageTag") or ""


def attributes(root: str, fields: Fields) -> bytes:
    """Write the attributes of a `Queue` or a `Topic`."""
    return _document(root, _elements(fields))


def message(fields: Fields) -> bytes:
    """Write one message."""
    return _document("Message", _elements(fields))


def messages(each: Iterable[Fields]) -> bytes:
    """Write the outcome of each message of a batch, in its order."""
    return _document("Messages", "".join(f"<Message>{_elements(fields)}</Message>" for fields in each))


def error(fields: Fields) -> bytes:
    """Write an error: Code, Message, RequestId and HostId."""
    return _document("Error", _elements(fields))


def reply(status: int, body: bytes, identifier: str = "") -> Reply:
    """Return a reply with a request id, a new one unless it is given."""
    headers = {
        "Content-Type": "text/xml;charset=UTF-8",
        "x-mns-request-id": identifier or request_id(),
        "x-mns-version": API_VERSION,
    }
    return Reply(status, headers, body)


def request_id() -> str:
    """Return a new request id."""
    return uuid.uuid4().hex.upper()


def _document(name: str, content: str) -> bytes:
    return f'{_DECLARATION}<{name} xmlns="{_NAMESPACE}">{content}</{name}>'.encode()


def _elements(fields: Fields) -> str:
    return "".join(f"<{name}>{html.escape(value, quote=False)}</{name}>" for name, value in fields.items())
