"""Sample tables of an MP4 track: how many samples it has, how long they last, and where their data begin and end.

    stts  runs of samples of one duration          stsz  size of each sample, or one size of all
    stsc  runs of chunks of as many samples        stco  offset of each chunk in the file, or co64

Tables of a long video are larger than the parts that are read. Facts outside their known parts are None.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ice_result.probe.model import PartialFile
from ice_result.probe.mp4_boxes import Box, boxes, number

_HEAD = 8  # version, flags and the number of entries
_TABLES = {b"stsd", b"stts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"}
_OF_TIMES = struct.Struct(">II")
_OF_CHUNKS = struct.Struct(">III")
_OF_SIZES = struct.Struct(">I")


class _Packet(NamedTuple):
    """Packet of compressed audio: its samples of PCM, and its size in bytes for all channels."""

    samples: int
    size: int


class Tables(NamedTuple):
    """Sums of the tables. `first` and `last` are the offsets of the first and the last chunk.

    `first_size` and `last_size` are the sizes of the first and the last sample, and `end` is the offset after the data
    of the last chunk.
    """

    samples: int | None = None
    timed_samples: int | None = None
    ticks: int | None = None
    first: int | None = None
    first_size: int | None = None
    last: int | None = None
    last_size: int | None = None
    end: int | None = None

    @property
    def last_sample(self) -> int | None:
        """Offset of the last sample, if it is known."""
        return None if self.end is None or self.last_size is None else self.end - self.last_size


def read_tables(file: PartialFile, table: Box, *, is_audio: bool) -> Tables:
    """Read the tables in a box `stbl`."""
    found = {box.kind: box for box in boxes(file, table) if box.kind in _TABLES}
    times = _entries(file, found.get(b"stts"), _OF_TIMES)
    timed = ticks = None
    if times is not None:
        timed = ticks = 0
        for count, ticks_each in times:
            timed += count
            ticks += count * ticks_each
    large = b"co64" in found
    offsets = found.get(b"co64") or found.get(b"stco")
    chunks = number(file, offsets.body + 4, 4) if offsets else None
    first = last = None
    if offsets and chunks:
        width = 8 if large else 4
        first = number(file, offsets.body + _HEAD, width)
        last = number(file, offsets.body + _HEAD + (chunks - 1) * width, width)
    sizes = found.get(b"stsz")
    samples, first_size, last_size = _sizes(file, sizes or found.get(b"stz2"))
    end = None
    if sizes and samples and chunks and last is not None:
        in_last = _in_last_chunk(file, found.get(b"stsc"), samples, chunks)
        if in_last == 0:
            last = None
        elif in_last:
            packet = _packet(file, found.get(b"stsd")) if is_audio and ticks == timed else None  # samples of PCM
            end = (
                last + packet.size * (in_last // packet.samples)
                if packet
                else _end(file, sizes, samples, last, in_last)
            )
    return Tables(samples, timed, ticks, first, first_size, last, last_size, end)


def _entries(file: PartialFile, box: Box | None, form: struct.Struct) -> Iterator[tuple[int, ...]] | None:
    """Return the entries of a table; None unless all of them are known."""
    count = number(file, box.body + 4, 4) if box else None
    if box is None or count is None or box.body + _HEAD + count * form.size > box.end:
        return None
    data = file.get(box.body + _HEAD, count * form.size)
    return None if data is None else form.iter_unpack(data)


def _sizes(file: PartialFile, box: Box | None) -> tuple[int | None, int | None, int | None]:
    """Return the number of samples, and the sizes of the first and the last."""
    if box is None:
        return None, None, None
    samples, same = number(file, box.body + 8, 4), number(file, box.body + 4, 4)
    if box.kind == b"stz2" or not samples:
        return samples, None, None
    last = number(file, box.body + 12 + (samples - 1) * 4, 4)
    return samples, same or number(file, box.body + 12, 4), same or last


def _in_last_chunk(file: PartialFile, box: Box | None, samples: int, chunks: int) -> int | None:
    """Return the number of samples in the last chunk; 0 when all chunks together have more or fewer than all samples.

    None when a part of the table is not known.
    """
    runs = _entries(file, box, _OF_CHUNKS)
    if runs is None:
        return None
    total, since, each = 0, 1, 0
    for start, count, _ in runs:
        total += max(start - since, 0) * each
        since, each = start, count
    total += max(chunks + 1 - since, 0) * each
    return each if total == samples and since <= chunks else 0


def _packet(file: PartialFile, description: Box | None) -> _Packet | None:
    """Return the packets of QuickTime audio (version 1 of its description), whose table counts samples of PCM."""
    entry = next(boxes(file, description._replace(body=description.body + _HEAD)), None) if description else None
    if entry is None or number(file, entry.body + 8, 2) != 1:
        return None
    samples, size = number(file, entry.body + 28, 4), number(file, entry.body + 36, 4)
    return _Packet(samples, size) if samples and samples > 1 and size else None


def _end(file: PartialFile, sizes: Box, samples: int, last: int, count: int) -> int | None:
    """Return the offset after the last `count` samples, which begin at `last`."""
    same = number(file, sizes.body + 4, 4)
    if same:
        return last + same * count
    data = file.get(sizes.body + 12 + (samples - count) * _OF_SIZES.size, count * _OF_SIZES.size)
    return None if data is None else last + sum(size for (size,) in _OF_SIZES.iter_unpack(data))
