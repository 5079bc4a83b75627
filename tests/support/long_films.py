"""MP4 videos of any length, of which only the tables exist: their data are made up when they are read.

ftyp │ moov: mvhd, trak (vide), trak (soun) │ mdat …          or mdat before moov
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ice_result.probe import PartialFile, Probed, probe

_FIRST_BYTES = 65_536
_MOVIE_SCALE = 1000
_FPS = 25
_SIZE_OF_FRAME = 4000
_SIZE_OF_SOUND = 400
_AAC_48_000_STEREO = bytes.fromhex("1190")


class Film(NamedTuple):
    """A video: its bytes up to the data, what comes after them, and its size."""

    head: bytes
    data_size: int
    tail: bytes

    @property
    def size(self) -> int:
        return len(self.head) + self.data_size + len(self.tail)

    def read(self, start: int, end: int) -> bytes:
        """Return bytes of the video, whose data are all 0xAA."""
        behind = len(self.head) + self.data_size
        data = self.head[start:end]
        data += b"\xaa" * max(min(end, behind) - max(start, len(self.head)), 0)
        return data + self.tail[max(start - behind, 0) : max(end - behind, 0)]

    def probed(self, size: int | None = None) -> tuple[Probed, list[int]]:
        """Probe the video, or its first bytes, and return the lengths of the parts that were read too."""
        size = self.size if size is None else size
        lengths = [min(_FIRST_BYTES, size)]

        def read_part(start: int, end: int) -> bytes:
            lengths.append(end - start)
            return self.read(start, end)

        return probe("film.mp4", PartialFile(size, self.read(0, lengths[0]), read_part)), lengths


def film(seconds: int, *, is_in_front: bool = True, pictures: bool = False, entry: bytes | None = None) -> Film:
    """Make a video of 1280 x 720 with audio, or audio alone with a track before it of pictures of its chapters."""
    frames, sounds = seconds * _FPS, seconds * 48_000 // 1024
    head = box(b"ftyp", b"isom\x00\x00\x02\x00isommp42")
    data_size = frames * _SIZE_OF_FRAME + sounds * _SIZE_OF_SOUND
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + data_size)

    def movie(start: int) -> bytes:
        shown = Samples(frames, 1, _SIZE_OF_FRAME, start)
        heard = Samples(sounds, 1024, _SIZE_OF_SOUND, start + frames * _SIZE_OF_FRAME)
        chapters = box(b"tref", box(b"chap", struct.pack(">I", 3))) if pictures else b""
        sound = track(2, b"soun", 48_000, heard, aac(), chapters)
        if pictures:
            other = track(3, b"vide", 1, Samples(seconds, 1, 100, start), box(b"jpeg", visual(160, 90)))
        else:
            other = track(1, b"vide", _FPS, shown, entry or h264(1280, 720))
        header = box(b"mvhd", struct.pack(">4xIIII80x", 0, 0, _MOVIE_SCALE, seconds * _MOVIE_SCALE))
        return box(b"moov", header, other, sound)

    if is_in_front:
        size = len(movie(0))
        return Film(head + movie(len(head) + size + len(mdat)) + mdat, data_size, b"")
    return Film(head + mdat, data_size, movie(len(head) + len(mdat)))


def box(kind: bytes, *contents: bytes) -> bytes:
    """Return a box of this kind."""
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


class Samples(NamedTuple):
    """Samples of a track: their number, the ticks and the bytes of each, and where the first is."""

    number: int
    ticks: int
    size: int
    start: int


def track(number: int, kind: bytes, scale: int, samples: Samples, *parts: bytes) -> bytes:
    """Return the box of a track whose samples are in a chunk each. The first of `parts` is the entry of its codec."""
    count, ticks, size, start = samples
    entry, *more = parts
    offsets = b"".join(struct.pack(">Q", start + index * size) for index in range(count))
    tables = [
        box(b"stsd", struct.pack(">4xI", 1), entry),
        box(b"stts", struct.pack(">4xIII", 1, count, ticks)),
        box(b"stsc", struct.pack(">4xIIII", 1, 1, 1, 1)),
        box(b"stsz", struct.pack(">4xII", 0, count), struct.pack(">I", size) * count),
        box(b"co64", struct.pack(">4xI", count), offsets),
    ]
    media = [
        box(b"mdhd", struct.pack(">4xIIIII", 0, 0, scale, count * ticks, 0)),
        box(b"hdlr", struct.pack(">8x4s13x", kind)),
        box(b"minf", box(b"stbl", *tables)),
    ]
    header = struct.pack(">4xIIIIII", 0, 0, number, 0, 0, 0) + bytes(56)
    return box(b"trak", box(b"tkhd", header), box(b"mdia", *media), *more)


def visual(width: int, height: int, depth: int = 24) -> bytes:
    """Return the content of the entry of a video in `stsd`, without the codec's own boxes."""
    return struct.pack(">24xHH46xHH", width, height, depth, 0xFFFF)


def h264(width: int, height: int) -> bytes:
    """Return the entry of a video in H.264."""
    return box(b"avc1", visual(width, height), box(b"avcC", bytes(20)))


def aac(config: bytes = _AAC_48_000_STEREO) -> bytes:
    """Return the entry of audio in AAC, whose own rate and channels are wrong: its configuration knows better."""
    specific = b"\x05" + bytes([len(config)]) + config
    decoder = b"\x04" + bytes([13 + len(specific)]) + b"\x40" + bytes(12) + specific
    stream = b"\x03" + bytes([3 + len(decoder)]) + bytes(3) + decoder
    return box(b"mp4a", struct.pack(">16xHHIH2x", 2, 16, 0, 8000), box(b"esds", bytes(4), stream))
