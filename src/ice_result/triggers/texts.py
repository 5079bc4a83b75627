"""Texts inside messages: JSON, base64 of JSON, and the XML of an MNS topic; and words about values for reasons."""

from __future__ import annotations

import base64
import re

from ice_result.core import json_text
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError, shorten

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")
_XML_ROOT = "Notification"
_AROUND_XML = " \t\r\n\ufeff"
_MOST_XML_MISTAKES = 4
_LONGEST_XML = 1 << 20  # a message of MNS has at most 64 KiB (documented)
_EXPECTED_XML = "expected JSON, or a <Notification> of an MNS topic with a <Message>"


def read_text(text: str) -> JsonValue:
    """Parse a text that is JSON, base64 of a JSON object or array, or an XML notification.

    MNS leaves it to sender and receiver to encode a body in base64, and both forms arrive (seen live). Base64 of a
    value smaller than an object is taken for a plain word. Raises NotJsonError with both reasons.
    """
    try:
        return _read_plain(text)
    except NotJsonError as not_json:
        decoded = from_base64(text)
        if decoded is None:
            raise
        try:
            value = _read_plain(decoded)
        except NotJsonError as error:
            raise NotJsonError(f"{not_json}; nor base64 of JSON: {error}") from error
        if not isinstance(value, (dict, list)):
            raise
        return value


def _read_plain(text: str | bytes) -> JsonValue:
    try:
        return json_text.load(text)
    except NotJsonError:
        decoded = json_text.decode(text) if isinstance(text, bytes) else text
        if not decoded.lstrip(_AROUND_XML).startswith("<"):
            raise
        return _load_xml(decoded)


def from_base64(text: str) -> bytes | None:
    """Decode base64, with white space anywhere in it; None for any other text."""
    if _NOT_BASE64.search(text):
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None


def json_lines(text: str) -> list[tuple[int, str]]:
    """Split a text with one JSON object per line into numbered lines. Any other text has none.

    The first line decides: it is JSON by itself. Otherwise the text is one JSON text with a mistake.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        first = json_text.load(lines[0][1]) if lines[1:] else None
    except NotJsonError:
        return []
    return lines if isinstance(first, (dict, list)) else []


def describe(value: JsonValue) -> str:
    """Describe the type and size of a value. Its content may be anything, and is left out."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"an object with the keys {shorten(', '.join(value))}" if value else "an object without keys"


def short_text(value: JsonValue) -> str | None:
    """Make an id or a type from a message fit for a log line; None for a blank text and any other value."""
    return shorten(value) or None if isinstance(value, str) else None


def _load_xml(text: str) -> JsonObject:
    """Read the XML format of MNS topics: the keys of the JSON format as elements. Raises NotJsonError for other XML.

        <Notification xmlns="http://mns.aliyuncs.com/doc/v1/">
          <TopicOwner>…</TopicOwner> <TopicName>…</TopicName> <MessageId>…</MessageId> <Message>…</Message> …
        </Notification>

    A document type is refused, and with it every entity but XML's own five. The published sample has a wrong closing
    tag: a closing tag therefore ends its element, whatever its name. Fields before any other mistake count.
    """
    if len(text) > _LONGEST_XML:
        raise NotJsonError(f"XML of {len(text)} characters: at most {_LONGEST_XML} are read")
    reader = _XmlReader()
    mistake = ""
    rest = json_text.valid_text(text).strip(_AROUND_XML).encode()
    for _ in range(_MOST_XML_MISTAKES):
        mistake, rest = _read_xml(reader, rest)
        if not rest:
            break
    if reader.root != _XML_ROOT or "Message" not in reader.fields:
        raise NotJsonError(f"the XML is not a notification{mistake}; {_EXPECTED_XML}")
    return {**reader.fields}


def _read_xml(reader: _XmlReader, document: bytes) -> tuple[str, bytes]:
    """Read `document`; return its mistake, if any, and the rest behind a mistake that is only a closing tag."""
    from xml.parsers import expat  # noqa: PLC0415  only XML needs it

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        mistake = f"; {expat.ErrorString(error.code)}"
        if error.code != expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]:
            return mistake, b""
        reader.end()
        _, _, behind = document[parser.ErrorByteIndex :].partition(b">")
        return mistake, f"<{_XML_ROOT}>".encode() + behind if behind.strip() else b""
    return "", b""


class _XmlReader:
    """Collector of the text of each element; the first element of a name counts."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.fields: dict[str, str] = {}
        self._open: str | None = None
        self._text: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        """Begin an element, and end one that was not closed."""
        self.end()
        name = name.rpartition(":")[2]
        if self.root is None:
            self.root = name
        elif name != self.root:
            self._open = name

    def end(self, _name: str = "") -> None:
        """End the element and keep its text."""
        if self._open is not None:
            self.fields.setdefault(self._open, "".join(self._text))
        self._open, self._text = None, []

    def characters(self, text: str) -> None:
        """Add to the text of the element."""
        if self._open is not None:
            self._text.append(text)

    def refuse(self, *_declaration: object) -> None:
        """Raise NotJsonError: a declaration can make a short text long, or name a file."""
        raise NotJsonError(f"the XML has a document type or its own entities; {_EXPECTED_XML}")
