"""Ogg (RFC 3533): the first packet of each stream, and the last page, which has the duration and the end mark."""

from __future__ import annotations

import re
import struct
from collections import deque
from typing import NamedTuple

from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.ogg_codecs import OggStream, parse_first_packet
from ice_result.probe.zeros import is_gap, zeros_at_end
from ice_result.records.model import Defect, Media

_PAGE = struct.Struct("<4sBBqIIIB")
_BEGINS, _ENDS = 2, 4
_MOST_STREAMS = 16
_SIGNATURE = re.compile(rb"OggS\0[\0-\7]")
_LONGEST_HEADER = _PAGE.size + 255
_STARTS = {b"O", b"Og", b"Ogg", b"OggS"}  # of a page whose header is not whole
_MOST_PAGES = 128  # at the end of a file; with a page for each packet there are hundreds, which would take memory
_LATEST_START = 60  # seconds of the first page; a later one belongs to a recording that was joined late


class _Page(NamedTuple):
    """Page with its data from `body` up to `end`. Its `granule` is the time at its end, as the codec counts."""

    start: int
    flags: int
    granule: int
    serial: int
    body: int
    end: int


def read(file: PartialFile) -> Probed:
    """Read the codec and its facts, and the duration from the last page."""
    if file.size < _LONGEST_HEADER and file.known(4, 1) in {b"", b"\0"} and _page(file, 0) is None:
        return Probed(Media(container="ogg"), Defect("truncated", "the file ends within the header of its first page"))
    streams, first = _streams(file)
    if not streams:
        raise MalformedError("the content has no first page of an Ogg stream")
    file.reach_end()
    pages = _last_pages(file, streams)
    known = [stream for stream in streams.values() if stream.media]
    media = Media(container="ogg")
    for stream in known:
        found = {name: value for name, value in stream.media.items() if getattr(media, name) is None}
        media = media.model_copy(update=found)
    ends = [stream.seconds(page.granule) for page in pages if (stream := streams[page.serial]).media]
    chained = _last_chained(file, pages[-1].end) if pages else None
    is_joined = chained is not None or any(page.flags & _BEGINS and page.start > first.start for page in pages)
    if any(ends) and not is_joined and not _starts_late(first, streams):
        media = media.model_copy(update={"duration_seconds": round(max(ends), 6)})
    is_ended = {page.serial for page in pages if page.flags & _ENDS} == set(streams)
    if chained:
        pages, is_ended = [*pages, chained], chained.flags & _ENDS != 0
    is_ended = is_ended and not zeros_at_end(file, pages[-1].end)
    return Probed(media, _defect(file, pages, is_ended=is_ended), is_ended=is_ended)


def _defect(file: PartialFile, pages: list[_Page], *, is_ended: bool) -> Defect | None:
    last = pages[-1] if pages else None
    for page in pages:
        starts = [page.body] if page.granule > 0 else []  # a page of comments may have padding
        starts += [] if is_ended and page is last else [page.end]
        if start := next((start for start in starts if is_gap(file, start)), 0):
            return Defect("empty", f"the file has zeros instead of data from byte {start}")
    if last is None:
        return None
    if last.end > file.size:
        return Defect("truncated", f"the last page ends at byte {last.end}; the file has {file.size} bytes")
    if file.known(last.end, 4) in _STARTS:
        return Defect("truncated", f"the file ends within the header of the page at byte {last.end}")
    if not is_ended and file.is_whole and all(page.granule <= 0 for page in pages):
        return Defect("truncated", "no page with data follows the headers")
    return None


def _streams(file: PartialFile) -> tuple[dict[int, OggStream], _Page]:
    """Return the streams by their serial numbers, and the page after their first pages, or the last of these."""
    streams: dict[int, OggStream] = {}
    page = _page(file, 0)
    if page is None:
        raise MalformedError("the content has no Ogg page at its start")
    while page.flags & _BEGINS and len(streams) < _MOST_STREAMS:
        streams[page.serial] = parse_first_packet(file.known(page.body, page.end - page.body))
        following = _page(file, page.end)
        if following is None:
            break
        page = following
    return streams, page


def _starts_late(page: _Page, streams: dict[int, OggStream]) -> bool:
    """Return whether the audio begins late on its clock, by the page after the headers."""
    stream = streams.get(page.serial)
    return stream is not None and page.granule > 0 and stream.seconds(page.granule) > _LATEST_START


def _last_pages(file: PartialFile, streams: dict[int, OggStream]) -> list[_Page]:
    """Return the pages of these streams in the last part of the file, which may be its only part."""
    start = file.known_end
    data = file.known(start, file.size)
    pages = (_page(file, start + found.start()) for found in _SIGNATURE.finditer(data))
    return [*deque((page for page in pages if page and page.serial in streams), maxlen=_MOST_PAGES)]


def _last_chained(file: PartialFile, position: int) -> _Page | None:
    """Return the last page of other streams, which follow the pages of the first ones up to `position`."""
    last = None
    while page := _page(file, position):
        last, position = page, page.end
    return last


def _page(file: PartialFile, start: int) -> _Page | None:
    head = file.get(start, _PAGE.size)
    if head is None:
        return None
    name, version, flags, granule, serial, _, _, count = _PAGE.unpack(head)
    body = start + _PAGE.size + count
    lengths = file.known(start + _PAGE.size, count)
    if name != b"OggS" or version or (len(lengths) < count and body <= file.size):
        return None
    return _Page(start, flags, granule, serial, body, max(body + sum(lengths), body))
