"""The XML format of MNS topics: `<Notification>` with the keys of the JSON format as elements.

    <Notification xmlns="http://mns.aliyuncs.com/doc/v1/">
      <TopicOwner>…</TopicOwner> <TopicName>…</TopicName> <MessageId>…</MessageId> <Message>…</Message> …
    </Notification>

A document type is refused, and with it every entity but XML's own five. The published sample has a wrong closing tag:
a closing tag therefore ends its element, whatever its name. Fields before any other mistake count.
"""

from __future__ import annotations

from ice_result.core.json_text import valid_text
from ice_result.core.types import JsonObject
from ice_result.errors import NotJsonError

_ROOT = "Notification"
_AROUND = " \t\r\n\ufeff"
_MOST_MISTAKES = 4
_LONGEST = 1 << 20  # a message of MNS has at most 64 KiB (documented)
_EXPECTED = "expected JSON, or a <Notification> of an MNS topic with a <Message>"


def is_xml(text: str) -> bool:
    """Recognise a text that looks like XML."""
    return text.lstrip(_AROUND).startswith("<")


def load(text: str) -> JsonObject:
    """Read the elements of a notification into an object of texts. Raises NotJsonError for any other XML."""
    if len(text) > _LONGEST:
        raise NotJsonError(f"XML of {len(text)} characters: at most {_LONGEST} are read")
    reader = _Reader()
    mistake = ""
    rest = valid_text(text).strip(_AROUND).encode()
    for _ in range(_MOST_MISTAKES):
        mistake, rest = _read(reader, rest)
        if not rest:
            break
    if reader.root != _ROOT or "Message" not in reader.fields:
        raise NotJsonError(f"XML that is no notification{mistake}; {_EXPECTED}")
    return {**reader.fields}


def _read(reader: _Reader, document: bytes) -> tuple[str, bytes]:
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
        return mistake, f"<{_ROOT}>".encode() + behind if behind.strip() else b""
    return "", b""


class _Reader:
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
        raise NotJsonError(f"XML with a document type or an entity of its own; {_EXPECTED}")
