"""MP4, M4A and QuickTime: facts from the movie box, at either end of the file, and from fragments.

    ftyp moov mdat            read: the first part, and the last chunk of data
    ftyp mdat moov            read: the first part, and the movie box, whose offset follows from the size of mdat
    ftyp moov moof mdat …     read: the first part, and the last fragment

The movie box of a long video is larger than one read. If the movie box is at the start, the second read goes to the
data after it: the size of mdat shows whether the file is whole. The rest of the movie box is read with it if possible.

(ISO/IEC 14496-12 and -14; Apple, QuickTime File Format.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ice_result.probe.model import SECOND_BYTES, MalformedError, PartialFile, Probed
from ice_result.probe.mp4_boxes import LONGEST_HEADER, MOST_BOXES, TOP_LEVEL, Box, box_at, ends_in_padding
from ice_result.probe.mp4_fragments import Fragments, Index, fragments_at_the_end, read_index
from ice_result.probe.mp4_tracks import Movie, Track, read_movie
from ice_result.probe.zeros import ENOUGH, ZerosError, is_gap, is_zeros, zeros_from
from ice_result.records.model import Defect, Media

_PRINTABLE = re.compile(rb"[ -~]{4}")
_QUICKTIME = b"qt  "
_AFTER_MOVIE = 4096
"""Bytes that are read after the movie box: the headers of the boxes that follow, and the first data."""
_OF_DATA, _OF_TAIL = 16_384, 4096
_VIDEO, _AUDIO = b"vide", b"soun"


@dataclass
class _Layout:
    """The boxes of a file. `unknown` is the offset of the first header that is not known, `cut` a box beyond the end.

    `zeros` is an offset where zeros are in place of a box. `is_ended` is true after the last box of fragments.
    """

    is_quicktime: bool = True
    is_ended: bool = False
    movie: Box | None = None
    index: Index | None = None
    fragment: Box | None = None
    cut: Box | None = None
    zeros: int | None = None
    unknown: int | None = None


class _Timing(NamedTuple):
    seconds: float | None
    fps: float | None


def read(file: PartialFile) -> Probed:
    """Read the facts, and find truncated and empty content."""
    try:
        return _read(file)
    except ZerosError as error:
        return Probed(_media(_layout(file), None, _Timing(None, None)), Defect("empty", str(error)))


def _read(file: PartialFile) -> Probed:
    layout = _layout(file)
    if layout.movie is None and layout.unknown is not None:
        file.reach(layout.unknown)
        layout = _layout(file)
    if layout.movie is None:
        return Probed(_media(layout, None, _Timing(None, None)), _without_movie(file, layout))
    box = layout.movie
    movie = read_movie(file, box)
    if not movie.is_fragmented and (layout.unknown is not None or file.get(box.end - 1, 1) is None):
        start = box.end + _AFTER_MOVIE - SECOND_BYTES
        if movie.unknown is None or movie.unknown >= start:
            file.reach(start)
        else:
            file.reach(box.end, _AFTER_MOVIE)
        layout, movie = _layout(file), read_movie(file, box)
    if movie.is_fragmented and (layout.fragment or layout.unknown is not None or not movie.has_samples):
        return _read_fragmented(file, layout, box, movie)
    last = max((track.tables.end or 0 for track in movie.tracks if track.is_compressed), default=0)
    if last:  # silence is no fault; it is detected in the middle
        file.reach(last - _OF_DATA, _OF_DATA)
    video = movie.first(_VIDEO)
    timing = _Timing(movie.duration_seconds, _fps(video) if video else None)
    defect, pixel_aspect = _cut(file, layout, movie) or _empty(file, movie), video.pixel_aspect if video else None
    return Probed(_media(layout, movie, timing), defect, _silent(file, movie), movie.kinds, pixel_aspect)


def _top_level(file: PartialFile, position: int = 0) -> Iterator[Box]:
    """Yield the boxes of a file from a position, up to an unknown header or content that is no box."""
    for _ in range(MOST_BOXES):
        box = box_at(file, position, file.size)
        if box is None:
            return
        if box.kind not in TOP_LEVEL and not (_PRINTABLE.fullmatch(box.kind) and box.end <= file.size):
            return
        yield box
        position = box.end


def _layout(file: PartialFile) -> _Layout:
    layout, position = _Layout(), 0
    try:
        for count, box in enumerate(_top_level(file), start=1):
            position = box.end
            _place(file, layout, box)
            if count == MOST_BOXES:
                layout.unknown = position
                return layout
    except MalformedError:
        if layout.movie is None:
            raise
    if position >= file.size:
        return layout
    rest = file.get(position, min(LONGEST_HEADER, file.size - position))
    if rest is None:
        layout.unknown = position
    elif is_zeros(rest):
        if layout.movie is None or zeros_from(file, position) or is_gap(file, position):
            layout.zeros = position  # fewer of them after a video are padding
    elif layout.movie is None and len(rest) == LONGEST_HEADER:
        raise MalformedError(f"the content has no box at byte {position}")
    return layout


def _place(file: PartialFile, layout: _Layout, box: Box) -> None:
    if box.kind == b"ftyp":
        layout.is_quicktime = file.get(box.body, len(_QUICKTIME)) == _QUICKTIME
    elif box.kind == b"moov":
        layout.movie = layout.movie or box
    elif box.kind == b"moof":
        layout.fragment = layout.fragment or box
    elif box.kind == b"mfra":
        layout.is_ended = True
    elif box.kind == b"sidx" and layout.fragment is None:
        layout.index = max(filter(None, (layout.index, read_index(file, box))), default=None)
    if box.end > file.size:
        layout.cut = box


def _without_movie(file: PartialFile, layout: _Layout) -> Defect | None:
    if layout.zeros is not None:
        return Defect("empty", f"the file has zeros instead of data from byte {layout.zeros}")
    if layout.cut:
        return _cut_box(file, layout.cut)
    if layout.unknown is None and layout.fragment is None:
        return Defect("truncated", f"the file ends at byte {file.size} without a moov box")
    return None


def _cut_box(file: PartialFile, box: Box) -> Defect:
    return Defect("truncated", f"the box {box.name} ends at byte {box.end}; the file has {file.size} bytes")


def _cut(file: PartialFile, layout: _Layout, movie: Movie) -> Defect | None:
    """Find what is missing at the end: a part of a box, unless no track has a sample in it, or of the samples."""
    ends = [track.tables.end for track in movie.tracks]
    is_certain = movie.unknown is None and None not in ends
    if layout.cut and not (is_certain and layout.cut.kind == b"mdat"):
        return _cut_box(file, layout.cut)
    end = max((track.tables.end or track.tables.last or 0 for track in movie.tracks), default=0)
    if end > file.size:
        return Defect("truncated", f"the samples end at byte {end}; the file has {file.size} bytes")
    return None


def _empty(file: PartialFile, movie: Movie) -> Defect | None:
    if movie.unknown is None and not movie.tracks:
        return Defect("empty", "the file has no track")
    if movie.unknown is None and not any(track.tables.samples != 0 for track in movie.tracks):
        return Defect("empty", "the tracks have no samples")
    for track in movie.tracks:
        if track.tables.last == 0:
            return Defect("empty", "the offset of the last data is zero")
        for offset, data in _data(file, track) if track.is_compressed else ():
            if is_zeros(data):
                return Defect("empty", f"the file has zeros instead of data from byte {offset}")
    return None


def _data(file: PartialFile, track: Track) -> Iterator[tuple[int, bytes]]:
    """Yield the known data of the first sample, of the last chunk and of the last sample, each with its offset."""
    tables = track.tables
    if tables.first is not None and tables.first_size:
        yield tables.first, file.known(tables.first, min(tables.first_size, _OF_DATA))
    if tables.last is not None and tables.end is not None:
        start = max(tables.last, tables.end - _OF_DATA)  # within a chunk, a few zeros may be data
        known = file.known(start, tables.end - start)
        yield start, known if start == tables.last or len(known) == _OF_DATA else b""
    if tables.last_sample is not None and tables.last_size:
        yield tables.last_sample, file.known(tables.last_sample, min(tables.last_size, _OF_DATA))


def _silent(file: PartialFile, movie: Movie) -> bool | None:
    """Return True when all samples that are known are zero; None for audio with video, or that is compressed."""
    audio = movie.tracks[0] if len(movie.tracks) == 1 else Track()
    start, end = audio.tables.first, audio.tables.end
    if start is None or end is None or not audio.is_pcm or audio.codec == "pcm_u8":
        return None
    first = file.known(start, max(end - start, 0))
    file.reach((start + end) // 2)
    known = (first, file.known((start + end) // 2, max(end - start, 0) // 2))
    return all(data.count(0) == len(data) for data in known) if any(known) else None


def _fps(video: Track) -> float | None:
    tables = video.tables
    if not video.scale or not tables.timed_samples or not tables.ticks:
        return None
    return tables.timed_samples * video.scale / tables.ticks


def _read_fragmented(file: PartialFile, layout: _Layout, box: Box, movie: Movie) -> Probed:
    is_listed = layout.index is not None and layout.index.end == file.size
    if layout.unknown is not None:
        file.reach_end(_OF_TAIL if is_listed else SECOND_BYTES)
        layout = _layout(file)
    fragments = Fragments(file, box, movie)
    for part in _top_level(file):
        if part.kind == b"moof":
            fragments.add(part)
    video = movie.first(_VIDEO)
    fps = fragments.fps(video.identifier, is_all=layout.unknown is None) if video else None
    if layout.unknown is not None:
        _add_tail(file, layout, layout.unknown, fragments)
    seconds = fragments.seconds()
    if seconds is None and layout.index and (is_listed or _is_after_all(file, layout.index.end)):
        seconds = layout.index.seconds
    if seconds is None:  # the box mvhd may have the duration of all fragments, or of the other samples
        seconds = movie.fragments_seconds or (None if movie.has_samples else movie.duration_seconds)
    timing = _Timing(seconds, fps)
    defect, pixel_aspect = _fault_of_fragments(file, layout, movie), video.pixel_aspect if video else None
    return Probed(_media(layout, movie, timing), defect, kinds=movie.kinds, pixel_aspect=pixel_aspect)


def _add_tail(file: PartialFile, layout: _Layout, unknown: int, fragments: Fragments) -> None:
    """Add the fragments at the end of the file, after those that are not known."""
    fragments.leave_gap()
    start = fragments_at_the_end(file, max(unknown, file.size - SECOND_BYTES))
    for part in _top_level(file, start) if start is not None else ():
        if part.kind == b"moof":
            fragments.add(part)
        if part.end > file.size:
            layout.cut = part
    if start is None and is_zeros(file.known(file.size - _OF_TAIL, _OF_TAIL)) and not ends_in_padding(file):
        layout.zeros = file.size - _OF_TAIL


def _is_after_all(file: PartialFile, end: int) -> bool:
    """Return True when the list of fragments for players that seek, which is the last box, begins here."""
    return file.get(end + 4, 4) == b"mfra"


def _ends_before_zeros(file: PartialFile, layout: _Layout) -> bool:
    """Return whether the zeros begin where the index of fragments ends, after data."""
    end = layout.index.end if layout.index else -1
    return end == layout.zeros and not is_zeros(file.known(end - ENOUGH, ENOUGH))


def _fault_of_fragments(file: PartialFile, layout: _Layout, movie: Movie) -> Defect | None:
    if layout.cut:
        return _cut_box(file, layout.cut)
    if layout.index and layout.index.end > file.size:
        return Defect(
            "truncated", f"the index lists fragments up to byte {layout.index.end}; the file has {file.size} bytes"
        )
    if layout.fragment is None:
        return Defect("empty", "the file has no fragment") if layout.unknown is None else None
    zeros = None if layout.is_ended or _ends_before_zeros(file, layout) else layout.zeros
    if movie.tracks and all(track.is_compressed for track in movie.tracks):
        data = next((box for box in _top_level(file, layout.fragment.end) if box.kind == b"mdat"), None)
        if data and is_zeros(file.known(data.body, min(data.end - data.body, _OF_DATA))):
            zeros = data.body
    return None if zeros is None else Defect("empty", f"the file has zeros instead of data from byte {zeros}")


def _media(layout: _Layout, movie: Movie | None, timing: _Timing) -> Media:
    video = (movie.first(_VIDEO) if movie else None) or Track()
    track = (movie.first(_AUDIO) if movie else None) or Track()
    return Media(
        container="mov" if layout.is_quicktime else "mp4",
        duration_seconds=None if timing.seconds is None else round(timing.seconds, 3),
        width=video.width,
        height=video.height,
        fps=None if timing.fps is None else round(timing.fps, 3),
        video_codec=video.codec,
        has_alpha=video.has_alpha,
        audio_codec=track.codec,
        sample_rate_hz=track.audio.sample_rate_hz,
        channels=track.audio.channels,
        bits=track.audio.bits,
    )
