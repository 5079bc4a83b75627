"""The blocks of WebM and Matroska: the frames of all tracks, with their times, in clusters.

Cluster  │ Timestamp │ SimpleBlock │ SimpleBlock │ BlockGroup [ Block, BlockDuration ] …
                       └─ track, 1 to 8 bytes │ time, 2 bytes │ flags │ frame …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ice_result.probe import webm_elements as ebml
from ice_result.probe.model import MalformedError, PartialFile
from ice_result.probe.webm_elements import Element, element_at, unsigned
from ice_result.probe.webm_tracks import Track
from ice_result.probe.zeros import is_zeros

_BLOCKS = {ebml.BLOCK, ebml.SIMPLE_BLOCK}
_LONGEST_HEAD = 11
_MOST_CANDIDATES = 16
_MOST_TO_THE_END = 4000  # elements; a part of 64,000 bytes has fewer, unless they are nearly empty
_OF_FRAME = 4096
_MARK = ebml.CLUSTER.to_bytes(4, "big")


def flat(file: PartialFile, position: int, end: int) -> Iterator[tuple[Element, int]]:
    """Yield the elements of a segment from a position on, and where the next begins.

    After a cluster or a group of blocks, the next element is the first one in it. The size of a cluster is not needed.
    Raises MalformedError for content that is no element.
    """
    while element := element_at(file, position, end):
        if element.identifier in {ebml.CLUSTER, ebml.BLOCK_GROUP}:
            position = element.body
        else:
            position = end if element.end is None else element.end
        yield element, position


class Block(NamedTuple):
    """A block: the number of its track, its time after that of the cluster, and the offset of its frame."""

    track: int
    ticks: int
    frame: int


def read_block(file: PartialFile, element: Element) -> Block | None:
    """Read the head of a block, if it is known."""
    head = file.known(element.body, _LONGEST_HEAD)
    width = 9 - head[0].bit_length() if head else 0
    if not head or len(head) < width + 3 or width > _LONGEST_HEAD - 3:
        return None
    track = int.from_bytes(head[:width], "big") ^ (1 << 7 * width)
    return Block(track, int.from_bytes(head[width : width + 2], "big", signed=True), element.body + width + 3)


@dataclass
class _Times:
    """Times of the frames of a track, in ticks."""

    count: int = 0
    first: int = 0
    last: int = 0

    def add(self, ticks: int) -> None:
        self.first = min(self.first, ticks) if self.count else ticks
        self.last = max(self.last, ticks) if self.count else ticks
        self.count += 1


class Blocks:
    """Times of all blocks that are known, by track."""

    def __init__(self, file: PartialFile, tracks: tuple[Track, ...], tick_seconds: float) -> None:
        self._file = file
        self._tick_seconds = tick_seconds
        self._cluster = 0
        self._times = {track.number: _Times() for track in tracks}
        self._tracks = {track.number: track for track in tracks}
        self.zeros: int | None = None
        """Offset of a frame that is only zeros."""
        self.has_additions = False
        """True when a block has additions, which are its alpha channel."""

    def of_others(self) -> Blocks:
        """Return the same without blocks, for those after a gap."""
        return Blocks(self._file, (*self._tracks.values(),), self._tick_seconds)

    def add(self, element: Element) -> None:
        """Add an element of a cluster."""
        if element.identifier == ebml.TIMESTAMP:
            self._cluster = unsigned(self._file, element) or 0
        self.has_additions = self.has_additions or element.identifier == ebml.BLOCK_ADDITIONS
        block = read_block(self._file, element) if element.identifier in _BLOCKS else None
        if block and block.track in self._times:
            self._times[block.track].add(self._cluster + block.ticks)
            if self.zeros is None and self._tracks[block.track].is_compressed and element.end is not None:
                frame = self._file.known(block.frame, min(max(element.end - block.frame, 0), _OF_FRAME))
                self.zeros = block.frame if is_zeros(frame) else None

    def lacks_alpha(self, number: int | None) -> bool:
        """Return whether the track has a known block, and another after it, and no block has an alpha channel."""
        times = self._times.get(number)
        return times is not None and times.count > 1 and not self.has_additions

    def fps(self, number: int | None) -> float | None:
        """Return the frames per second of a track, of which all blocks have been added."""
        times = self._times.get(number)
        if times is None or times.last == times.first:
            return None
        return (times.count - 1) / (times.last - times.first) / self._tick_seconds

    def seconds(self) -> float | None:
        """Return the end of the last frame."""
        ends = []
        for number, times in self._times.items():
            if times.count:
                fps = self.fps(number)
                frame = self._tracks[number].frame_seconds or (1 / fps if fps else 0)
                ends.append(times.last * self._tick_seconds + frame)
        return max(ends, default=None)


def clusters_at_the_end(file: PartialFile, start: int) -> int | None:
    """Return the offset of the first cluster after `start` from which elements lead up to the end of the file."""
    tail = file.known(start, file.size - start)
    position = -1
    for _ in range(_MOST_CANDIDATES):
        position = tail.find(_MARK, position + 1)
        if position < 0:
            break
        if _leads_to_the_end(file, start + position):
            return start + position
    return None


def ends_in_padding(file: PartialFile, end: int) -> bool:
    """Return whether zeros up to `end` are the content of an element for padding, as far as they are known."""
    found = file.known(file.known_end, end - file.known_end)
    header = found.rfind(ebml.VOID, 0, len(found.rstrip(b"\0")))
    try:
        padding = element_at(file, file.known_end + header, end) if header >= 0 else None
    except MalformedError:
        return False
    return padding is not None and padding.end == end


def _leads_to_the_end(file: PartialFile, position: int) -> bool:
    has_time = has_block = False
    try:
        for element, following in islice(flat(file, position, file.size), _MOST_TO_THE_END):
            if element.identifier not in ebml.IN_SEGMENT | ebml.IN_CLUSTER:
                return False
            has_time = has_time or element.identifier == ebml.TIMESTAMP
            has_block = has_block or (has_time and element.identifier in _BLOCKS)
            position = following
    except MalformedError:
        return False
    return has_block and position >= file.size
