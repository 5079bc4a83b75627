"""The XML that MNS speaks: messages in, what became of them and errors out."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from xml.etree import ElementTree as ET  # nosec B405 # see where it is used

from alicloud_local.service import RefusedError

_NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

Fields: TypeAlias = Mapping[str, str]


def bodies(document: bytes, root: str) -> list[str]:
    """The bodies of the messages in a `Message` or in `Messages`, as they were sent. Raises RefusedError."""
    try:
        found = ET.fromstring(document)  # noqa: S314  # nosec B314 # over loopback, from the program under test
    except ET.ParseError:
        raise RefusedError(400, "MalformedXML", "The XML you provided was not well-formed.") from None
    messages = [found] if root == "Message" else found.findall(_named("Message"))
    texts = [message.findtext(_named("MessageBody")) for message in messages]
    if found.tag != _named(root) or not texts or not all(texts):
        raise RefusedError(
            400, "InvalidArgument", "The XML you provided did not validate against our published schema."
        )
    return [text for text in texts if text]


def message(fields: Fields) -> bytes:
    """One message."""
    return _document("Message", _elements(fields))


def messages(each: Iterable[Fields]) -> bytes:
    """What became of each message of a batch, in its order."""
    return _document("Messages", "".join(f"<Message>{_elements(fields)}</Message>" for fields in each))


def error(fields: Fields) -> bytes:
    """An error: Code, Message, RequestId and HostId."""
    return _document("Error", _elements(fields))


def _named(tag: str) -> str:
    return f"{{{_NAMESPACE}}}{tag}"


def _document(name: str, content: str) -> bytes:
    return f'{_DECLARATION}<{name} xmlns="{_NAMESPACE}">{content}</{name}>'.encode()


def _elements(fields: Fields) -> str:
    return "".join(f"<{name}>{html.escape(value, quote=False)}</{name}>" for name, value in fields.items())
