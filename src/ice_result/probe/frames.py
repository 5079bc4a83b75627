"""Audio as a run of frames, each with a header that gives its length: MPEG audio and AAC in ADTS.

A frame begins with eleven or twelve one bits. Other data can contain these too, so a frame counts if others follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ice_result.probe.model import PartialFile
from ice_result.probe.tags import end_of_audio
from ice_result.probe.zeros import is_gap, zeros_from
from ice_result.records.model import Defect

HEADER = 10
"""Bytes from which a header is parsed."""
_SEARCHED = 8192  # bytes in which a run of frames is looked for: twice the longest frame
_LAST_BYTES = 4
_NEEDED = 3  # frames that follow each other, where the file has so many
_SYNC = re.compile(rb"\xff[\xe0-\xff]")


class Frame(NamedTuple):
    """Header of a frame: `size` in bytes with the header, `samples` of each channel."""

    codec: str
    rate: int
    channels: int | None
    samples: int
    size: int
    bit_rate: int | None = None

    def goes_with(self, other: Frame) -> bool:
        """Return whether both can be of one run."""
        return (self.codec, self.rate) == (other.codec, other.rate)


Parse: TypeAlias = Callable[[bytes], Frame | None]
"""Parses the header of a frame; None for other bytes."""


class Run(NamedTuple):
    """Frames one after the other, from `start` to `end`, where no frame is known. `end` may be after the file."""

    start: int
    first: Frame
    frames: int
    samples: int
    end: int
    bit_rates: frozenset[int | None]


class Parts(NamedTuple):
    """Frames of the start, of the whole file if it is known, and of its end; `end` is the expected end of the audio.

    `is_ended` is true if only zeros follow the last frame.
    """

    run: Run
    whole: Run | None
    tail: Run | None
    end: int
    is_ended: bool

    @property
    def duration_seconds(self) -> float | None:
        """Duration of all frames, if they are known up to the end."""
        whole = self.whole
        return round(whole.samples / whole.first.rate, 6) if whole and whole.end >= self.end else None


def begins_with_frames(data: bytes, start: int, parse: Parse) -> bool:
    """Return whether two frames follow each other at `start`."""
    first = parse(data[start : start + HEADER])
    if first is None:
        return False
    second = parse(data[start + first.size : start + first.size + HEADER])
    return second is not None and second.goes_with(first)


def find_run(file: PartialFile, start: int, parse: Parse) -> Run | None:
    """Return the first run of frames from `start` on; at `start`, one frame followed by zeros is enough."""
    data, end = file.known(start, _SEARCHED), end_of_audio(file)
    for sync in _SYNC.finditer(data):
        run = _run(file, start + sync.start(), parse, _NEEDED)
        follows = run and (run.frames >= _NEEDED or run.end >= end > run.start)
        is_one = run and run.start == start and zeros_from(file, run.end + HEADER)  # zeros may begin within a header
        if run and (follows or is_one):
            return _run(file, run.start, parse)
    return None


def _ends_before_zeros(file: PartialFile, run: Run) -> bool:
    """Return whether only zeros follow a run, and the last bytes of it are none: the zeros begin where a frame ends."""
    end, behind = file.known(run.end - _LAST_BYTES, _LAST_BYTES), file.known(run.end, file.size)
    return bool(end.strip(b"\0") and behind) and behind.count(0) == len(behind) == file.size - run.end


def is_searched(file: PartialFile, start: int) -> bool:
    """Return whether all bytes are known in which a run of frames is looked for."""
    return len(file.known(start, _SEARCHED)) >= min(_SEARCHED, file.size - start)


def _whole_run(file: PartialFile, run: Run, parse: Parse) -> Run | None:
    """Return a run that was found in the first part as it is in the whole file, if all bytes after it are known."""
    is_known = len(file.known(run.start, file.size)) == file.size - run.start
    return find_run(file, run.start, parse) if is_known else None


def read_parts(file: PartialFile, run: Run, parse: Parse) -> Parts:
    """Read the end of a file with this run of frames at its start."""
    file.reach_end()
    whole = _whole_run(file, run, parse)
    tail = whole or find_run(file, file.known_end, parse)
    is_ended = tail is not None and _ends_before_zeros(file, tail)
    return Parts(run, whole, tail, tail.end if tail and is_ended else end_of_audio(file), is_ended)


def defect_of(file: PartialFile, parts: Parts, *, is_ended: bool) -> Defect | None:
    """Return the defect that the frames show: zeros in place of some, or a last frame that is truncated.

    If `is_ended`, zeros after the last frame are padding.
    """
    run, whole, tail, end, _ = parts
    last = whole or run
    if is_gap(file, last.end) and not (is_ended and tail and last.end == tail.end):
        return Defect("empty", f"the file has zeros instead of data from byte {last.end}")
    if tail and tail.first.goes_with(run.first) and tail.end > end:
        return Defect("truncated", f"the last frame ends at byte {tail.end}; the audio ends at byte {end}")
    return None


def _run(file: PartialFile, start: int, parse: Parse, most: int | None = None) -> Run | None:
    first = parse(file.known(start, HEADER))
    if first is None:
        return None
    frame: Frame | None = first
    count, samples, end, bit_rates = 0, 0, start, {first.bit_rate}
    while frame and frame.goes_with(first) and (most is None or count < most):
        count, samples, end = count + 1, samples + frame.samples, end + frame.size
        bit_rates.add(frame.bit_rate)
        frame = parse(file.known(end, HEADER))
    return Run(start, first, count, samples, end, frozenset(bit_rates))
