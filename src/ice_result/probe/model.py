"""The parts of a file that are read, what a reader of a container returns, and its error.

0 ────── 65,536 ───────────── start ─────── start + 64,000 ───── size
│ first part   │  not known   │ second part │     not known        │
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ice_result.records.model import Defect, Media, MediaKind

FIRST_BYTES = 65_536
"""Bytes of the first part."""
SECOND_BYTES = 64_000
"""Bytes of the second part, at most: together, no file takes more than 130,000 bytes."""

ReadPart: TypeAlias = Callable[[int, int], bytes]
"""Reads the bytes from one offset up to another; returns fewer, or none, if they cannot be read."""


class PartialFile:
    """The known bytes of a file of `size` bytes. Offsets and lengths from the file never raise an error."""

    def __init__(self, size: int, first: bytes, read_part: ReadPart) -> None:
        self.size = size
        self._first = first[:size]
        self._read_part = read_part
        self._second = b""
        self._start = 0
        self._may_read = True

    @property
    def is_whole(self) -> bool:
        """True when every byte is known."""
        return len(self._first) >= self.size or (
            self._start == len(self._first) and self._start + len(self._second) >= self.size
        )

    def get(self, start: int, length: int) -> bytes | None:
        """Return the bytes of a range; None unless all of them are known."""
        if start < 0 or length < 0:
            return None
        found = self.known(start, length)
        return found if len(found) == length else None

    def known(self, start: int, length: int) -> bytes:
        """Return the known bytes from `start`, at most `length`, without a gap; empty when the first is not known."""
        split, end = len(self._first), start + length
        if start < 0 or end <= start:
            return b""
        if start < split:
            found = self._first[start:end]
            return found + self._second[: end - split] if end > split == self._start else found
        return self._second[start - self._start : end - self._start] if self._start <= start else b""

    @property
    def known_end(self) -> int:
        """Offset from which all bytes up to the end are known: the size of the file when its last byte is not."""
        if self.is_whole:
            return 0
        return self._start if self._second and self._start + len(self._second) >= self.size else self.size

    def reach(self, start: int, length: int = SECOND_BYTES) -> None:
        """Read the second part, which begins at `start`. Nothing is read twice, and nothing a second time."""
        start = max(start, len(self._first))
        end = min(start + min(length, SECOND_BYTES), self.size)
        if self._may_read and start < end:
            self._may_read = False
            self._second, self._start = self._read_part(start, end)[: end - start], start

    def reach_end(self, length: int = SECOND_BYTES) -> None:
        """Read the last bytes of the file as its second part."""
        length = min(length, SECOND_BYTES)
        self.reach(self.size - length, length)


class Probed(NamedTuple):
    """Facts of a file. `media` is None if the format is not known; `is_silent` is None if samples cannot be read.

    `kinds` are the kinds of content in the file; None unless all of them are known. `pixel_aspect` is the width of a
    pixel divided by its height; None if the file has none, as for square pixels. `is_ended` is true if the reader
    found the end that the format requires: bytes after it do not count.
    """

    media: Media | None = None
    defect: Defect | None = None
    is_silent: bool | None = None
    kinds: frozenset[MediaKind] | None = None
    pixel_aspect: float | None = None
    is_ended: bool = False


class MalformedError(Exception):
    """Error of a reader for content that begins like its container but is not valid. The message is a clause."""
