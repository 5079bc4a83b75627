"""The bytes of an output file → its content, or a note that says why it has none."""

from __future__ import annotations

import hashlib

from ice_result.contents.items import UnreadableError
from ice_result.contents.model import Content, ContentFile, ContentItem
from ice_result.core.redaction import clean, redact
from ice_result.core.text_encoding import NotTextError, decode_text
from ice_result.records.model import LARGEST_CONTENT, Note, Record


def read_content(record: Record, file: ContentFile, data: bytes) -> Content | Note:
    """Read the content of a file. Returns a note for a file that is too large, or not what its role says."""
    try:
        return _content(record, file, data)
    except UnreadableError as error:
        return Note(code=error.code, message=str(error), uri=file.uri)
    except NotTextError as error:
        return Note(code="unreadable", message=str(error), uri=file.uri)


def _content(record: Record, file: ContentFile, data: bytes) -> Content:
    if len(data) > LARGEST_CONTENT:
        raise UnreadableError(f"{len(data)} bytes, at most {LARGEST_CONTENT} are read", "too_large")
    text, encoding, replaced = decode_text(data)
    unit, other = None, None
    if file.kind == "captions":
        from ice_result.contents.srt import read_cues  # noqa: PLC0415  its expressions take milliseconds to compile

        items = read_cues(text)
    else:
        from ice_result.contents.beats import read_times  # noqa: PLC0415  as above

        items, unit, other = read_times(text, file.kind, _known_end(record))
    return Content(
        job_id=record.job_id,
        function_name=record.function_name,
        number=file.number,
        uri=file.uri,
        kind=file.kind,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        encoding=encoding,
        inferred=file.kind != "captions",
        unit=unit,
        in_order=items.is_sorted,
        empty_count=items.empty,
        overlap_count=items.overlaps,
        reversed_count=items.reversed,
        skipped_count=items.skipped,
        replaced_count=replaced,
        items=tuple(map(_without_secrets, items.items)),
        other=clean(other),
    )


def _without_secrets(item: ContentItem) -> ContentItem:
    if not item.text or (text := redact(item.text)) == item.text:
        return item
    return item.model_copy(update={"text": text})


def _known_end(record: Record) -> float | None:
    """Return the latest time of the input that the result names: the end of its last segment."""
    ends = (getattr(item, "end_seconds", None) for item in record.result.items())
    return max((end for end in ends if isinstance(end, float)), default=None)
