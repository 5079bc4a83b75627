"""Zeros in place of data, as an upload leaves them that allocated the space of a file and did not fill it."""

from __future__ import annotations

from ice_result.probe.model import MalformedError, PartialFile

ENOUGH = 16
"""Number of zeros at the start of data that cannot be data: no codec begins with so many."""
_FEWEST = 64
_MANY = 4096  # at the end of a file; fewer are padding
_GAP = 1024


class ZerosError(MalformedError):
    """Error for zeros in place of a part of a file's structure."""


def is_zeros(data: bytes) -> bool:
    """Return True for enough zeros and nothing else."""
    return len(data) >= ENOUGH and data.count(0) == len(data)


def zeros_from(file: PartialFile, start: int) -> int:
    """Return the number of known bytes from `start` if there are enough and all of them are zero, else 0."""
    found = file.known(start, file.size)
    return len(found) if len(found) >= _FEWEST and found.count(0) == len(found) else 0


def zeros_at_end(file: PartialFile, size: int | None = None) -> int:
    """Return the number of zeros in the known end, if they are many or half of the file, else 0.

    With `size`, it is the end of the first `size` bytes.
    """
    size = file.size if size is None else min(size, file.size)
    end, first = size, file.known_end
    while first < end:
        start = max(end - _MANY, first)
        if found := file.known(start, end - start).rstrip(b"\0"):
            end = start + len(found)
            break
        end = start
    zeros = size - end
    return zeros if zeros >= min(_MANY, max(size // 2, _FEWEST)) else 0


def is_gap(file: PartialFile, start: int) -> bool:
    """Return whether many zeros begin at `start`, and something follows them."""
    found = file.known(start, _GAP)
    return len(found) == _GAP and found.count(0) == _GAP
