"""Fragments of MP4: movies that are written in pieces, each with its own tables.

    moov   moof mdat   moof mdat   moof mdat   mfra
           └─ mfhd, traf ─ tfhd, tfdt, trun …

The defaults of a track are in the box `trex` of the movie. An index `sidx` before the fragments has their total
duration and size.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from ice_result.probe.model import MalformedError, PartialFile
from ice_result.probe.mp4_boxes import TOP_LEVEL, Box, box_at, boxes, child, number
from ice_result.probe.mp4_tracks import Movie, Track

_HAS_BASE, _HAS_DESCRIPTION, _HAS_DURATION = 0x01, 0x02, 0x08  # flags of tfhd
_HAS_OFFSET, _HAS_FIRST_FLAGS = 0x01, 0x04  # flags of trun
_DURATION_OF_SAMPLE = 0x100
_FIELDS_OF_SAMPLE = (0x100, 0x200, 0x400, 0x800)
_REFERENCE = struct.Struct(">II4x")
_SIZE_OF_REFERENCE = 0x7FFFFFFF
_MOST_CANDIDATES = 16
_ENOUGH_FRAGMENTS = 2


class Index(NamedTuple):
    """Content of a box `sidx`: the offset after the fragments that it lists, and their duration."""

    end: int
    seconds: float


def read_index(file: PartialFile, box: Box) -> Index | None:
    """Read a box `sidx`; None unless all of it is known."""
    version, scale = number(file, box.body, 1), number(file, box.body + 8, 4)
    width = 8 if version else 4
    offset = number(file, box.body + 12 + width, width)
    count = number(file, box.body + 14 + 2 * width, 2)
    if not scale or offset is None or not count:
        return None
    start, length = box.body + 16 + 2 * width, count * _REFERENCE.size
    table = file.get(start, length) if start + length <= box.end else None
    if table is None:
        return None
    size = ticks = 0
    for reference, duration in _REFERENCE.iter_unpack(table):
        size += reference & _SIZE_OF_REFERENCE
        ticks += duration
    return Index(box.end + offset + size, ticks / scale)


@dataclass
class _TrackTime:
    """Times of the samples of one track, in its own ticks. `start` and `end` are None before its first fragment.

    `shortest` and `longest`, and the `even` samples with their ticks, leave out those in the movie box, and the first,
    which FFmpeg makes longer when other tracks begin later.
    """

    scale: int
    default: int = 0
    samples: int = 0
    ticks: int = 0
    start: int | None = None
    end: int | None = None
    shortest: int | None = None
    longest: int = 0
    even: int = 0
    even_ticks: int = 0

    def add(self, count: int, duration: int) -> None:
        """Add samples of one duration."""
        even = count if self.samples else count - 1
        if even > 0:
            self.shortest = duration if self.shortest is None else min(duration, self.shortest)
            self.longest = max(duration, self.longest)
            self.even += even
            self.even_ticks += even * duration
        self.samples += count
        self.ticks += count * duration

    @property
    def is_steady(self) -> bool:
        """True when no two samples but the first differ by more than the rounding of their times."""
        return self.shortest is not None and self.longest - self.shortest <= 1


class Fragments:
    """Sums over fragments, which are added in the order of the file.

    `is_certain` is false after a fragment that is not known in full, or without its own time after a gap.
    """

    def __init__(self, file: PartialFile, box: Box, movie: Movie) -> None:
        self._file = file
        self._tracks = {track.identifier: _begun(track, track.scale) for track in movie.tracks if track.scale}
        self._gap_tracks = set[int | None]()
        self._after_gap = 0
        self.is_certain = True
        for extends in boxes(file, box):
            for defaults in boxes(file, extends) if extends.kind == b"mvex" else ():
                time = self._tracks.get(number(file, defaults.body + 4, 4))
                if defaults.kind == b"trex" and time:
                    time.default = number(file, defaults.body + 12, 4) or 0

    def leave_gap(self) -> None:
        """Begin anew after fragments that are not known: tracks must declare their times again.

        A track that is not in two fragments has ended before them.
        """
        self._gap_tracks = set(self._tracks)
        self.is_certain = True  # a fragment before the gap may be unknown in part
        for time in self._tracks.values():
            time.start = time.start or 0

    def add(self, fragment: Box) -> None:
        """Add the samples of a box `moof`."""
        self._after_gap += bool(self._gap_tracks)
        for part in boxes(self._file, fragment):
            header = child(self._file, part, b"tfhd") if part.kind == b"traf" else None
            identifier = number(self._file, header.body + 4, 4) if header else None
            time = self._tracks.get(identifier)
            if header and time:
                decode = child(self._file, part, b"tfdt")
                self.is_certain = self.is_certain and (decode is not None or identifier not in self._gap_tracks)
                self._gap_tracks.discard(identifier)
                self._add_track(part, header, decode, time)

    def _add_track(self, part: Box, header: Box, decode: Box | None, time: _TrackTime) -> None:
        flags = number(self._file, header.body + 1, 3) or 0
        default = time.default
        if flags & _HAS_DURATION:
            skipped = 8 * bool(flags & _HAS_BASE) + 4 * bool(flags & _HAS_DESCRIPTION)
            default = number(self._file, header.body + 8 + skipped, 4) or 0
        start = time.end or 0
        if decode:
            start = number(self._file, decode.body + 4, 8 if number(self._file, decode.body, 1) else 4) or 0
        time.start = start if time.start is None else min(time.start, start)
        before = time.ticks
        for run in boxes(self._file, part):
            if run.kind == b"trun":
                self._add_run(run, default, time)
        time.end = max(time.end or 0, start + time.ticks - before)

    def _add_run(self, run: Box, default: int, time: _TrackTime) -> None:
        flags, samples = number(self._file, run.body + 1, 3), number(self._file, run.body + 4, 4)
        if flags is None or samples is None:
            self.is_certain = False
            return
        if not flags & _DURATION_OF_SAMPLE:
            time.add(samples, default)
            return
        start = run.body + 8 + 4 * bool(flags & _HAS_OFFSET) + 4 * bool(flags & _HAS_FIRST_FLAGS)
        width = 4 * sum(1 for fields in _FIELDS_OF_SAMPLE if flags & fields)
        table = self._file.known(start, min(samples * width, max(run.end - start, 0)))
        self.is_certain = self.is_certain and len(table) == samples * width
        for position in range(0, len(table) - len(table) % width, width):
            time.add(1, int.from_bytes(table[position : position + 4], "big"))

    def seconds(self) -> float | None:
        """Return the time from the start of the first track to the end of the last; None if it is not certain."""
        times = [time for time in self._tracks.values() if time.start is not None and time.end is not None]
        if not times or not self.is_certain or (self._gap_tracks and self._after_gap < _ENOUGH_FRAGMENTS):
            return None
        first = min((time.start or 0) / time.scale for time in times)
        return max((time.end or 0) / time.scale for time in times) - first

    def fps(self, identifier: int | None, *, is_all: bool) -> float | None:
        """Return the frames per second of a track; None when not all are known and they differ."""
        time = self._tracks.get(identifier)
        if time is None:
            return None
        samples, ticks = time.samples, time.ticks
        if not is_all or not self.is_certain:
            samples, ticks = (time.even, time.even_ticks) if time.is_steady else (0, 0)
        return samples * time.scale / ticks if ticks else None


def _begun(track: Track, scale: int) -> _TrackTime:
    """Return the time of a track whose first samples may be in the movie box."""
    time, tables = _TrackTime(scale), track.tables
    if tables.timed_samples and tables.ticks:
        time.samples, time.ticks = tables.timed_samples, tables.ticks
        time.start, time.end = 0, tables.ticks
    return time


def fragments_at_the_end(file: PartialFile, start: int) -> int | None:
    """Return the offset of the first fragment after `start` from which boxes lead up to the end of the file.

    Only a box `moof` with a box `mdat` after it is taken as a fragment: the data may contain its name by chance.
    """
    tail = file.known(start, file.size - start)
    position = -1
    for _ in range(_MOST_CANDIDATES):
        position = tail.find(b"moof", position + 1)
        if position < 0:
            break
        if _leads_to_the_end(file, start + position - 4):
            return start + position - 4
    return None


def _leads_to_the_end(file: PartialFile, position: int) -> bool:
    expected = iter((b"moof", b"mdat"))
    try:
        while box := box_at(file, position, file.size):
            if box.kind not in TOP_LEVEL or box.kind != next(expected, box.kind):
                return False
            position = box.end
    except MalformedError:
        return False
    return position >= file.size and next(expected, None) is None
