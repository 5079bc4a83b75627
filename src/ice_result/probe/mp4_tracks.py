"""The movie box of MP4 and QuickTime: its duration, and the tracks with their codecs, widths and heights."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ice_result.probe.model import PartialFile
from ice_result.probe.mp4_boxes import HEADER_SIZE, Box, boxes, child, number, versioned
from ice_result.probe.mp4_codecs import (
    CODECS,
    OBJECT_TYPES,
    PCM,
    Audio,
    aac,
    ac3,
    alac,
    codec_of_mpeg4,
    eac3,
    elementary_stream,
    flac,
)
from ice_result.probe.mp4_tables import Tables, read_tables
from ice_result.records.model import MediaKind

MOST_TRACKS = 32
"""Tracks that are read of one file."""
_VIDEO_ENTRY, _AUDIO_ENTRY = 78, 28  # bytes before the boxes in a sample entry
_AUDIO_OF_QUICKTIME = {1: 16, 2: 36}
_SHAPE = struct.Struct(">HH")
_SOUND = struct.Struct(">H6xHH4xH2x")
_SOUND_2 = struct.Struct(">dI4xII")
_LONGEST_HEADER = 1024
_MOST_HERTZ = 1 << 31
_IS_FLOAT, _IS_BIG = 1, 2
_PCM_OF_ISO = {b"ipcm": "s", b"fpcm": "f"}
_BITS_OF_A_BYTE = 8
_FIXED = {
    "pcm_mulaw": Audio(bits=8),
    "pcm_alaw": Audio(bits=8),
    "adpcm_ima_qt": Audio(bits=4),
    "opus": Audio(48_000),
    "amr_nb": Audio(8_000, 1),
    "amr_wb": Audio(16_000, 1),
}
"""Facts that do not depend on the file, as in FFmpeg."""
_PCM_BITS = {8, 16, 24, 32, 64}
_PARTS = {b"esds", b"sinf", b"lhvC", b"wave", b"enda", b"pcmC", b"alac", b"dfLa", b"dac3", b"dec3", b"pasp"}
_KINDS: Mapping[bytes | None, MediaKind] = {b"vide": "video", b"soun": "audio"}
_OTHER_HANDLERS = set(b"text sbtl subt subp clcp tmcd meta hint odsm sdsm".split())
_WITH_ALPHA_DEPTH = 32
_PICTURES = {"mjpeg", "png"}
_SYNC_OF_MP3, _MONO = 0xFFE0, 0xC0
_MAY_HAVE_ALPHA = {"png", "qtrle"}
_PRORES_4444 = {b"ap4h", b"ap4x"}
_PRORES_HEADER, _PRORES_ALPHA = 26, 25


class _Header(NamedTuple):
    """A codec's own header: the kind of its box, the bytes before it, and its reader."""

    kind: bytes
    skipped: int
    read: Callable[[bytes], Audio]


_HEADERS = {
    "alac": _Header(b"alac", 4, alac),
    "flac": _Header(b"dfLa", 8, flac),
    "ac3": _Header(b"dac3", 0, ac3),
    "eac3": _Header(b"dec3", 0, eac3),
}


class Track(NamedTuple):
    """Facts of a track. `kind` is `vide`, `soun` or another handler, and None when it is not known.

    `chapters` are the identifiers of the tracks that have the names and the pictures of its chapters.
    """

    identifier: int | None = None
    kind: bytes | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    has_alpha: bool | None = None
    pixel_aspect: float | None = None
    audio: Audio = Audio()
    scale: int | None = None
    ticks: int = 0
    tables: Tables = Tables()
    chapters: tuple[int, ...] = ()

    @property
    def is_pcm(self) -> bool:
        """True for audio without compression."""
        return (self.codec or "").startswith("pcm_")

    @property
    def is_compressed(self) -> bool:
        """True when zeros in place of its data are a fault. In some codecs, they are silence."""
        return self.codec is not None and not self.codec.startswith(("pcm_", "adpcm_"))


class Movie(NamedTuple):
    """Facts of the movie box. `unknown` is the offset of the first header in it that is not known.

    `kinds` are the kinds of its tracks; None unless all tracks are known.
    """

    duration_seconds: float | None
    fragments_seconds: float | None
    is_fragmented: bool
    tracks: tuple[Track, ...]
    unknown: int | None
    kinds: frozenset[MediaKind] | None

    @property
    def has_samples(self) -> bool:
        """True when a track has samples that are not in a fragment."""
        return any(track.tables.samples for track in self.tracks)

    def first(self, kind: bytes) -> Track | None:
        """Return the first track of this kind: for video, the first one that is no picture, if there is one.

        Pictures of chapters are no video.
        """
        chapters = {identifier for track in self.tracks for identifier in track.chapters}
        tracks = [track for track in self.tracks if track.kind == kind and track.identifier not in chapters]
        return next((track for track in tracks if track.codec not in _PICTURES), tracks[0] if tracks else None)


def read_movie(file: PartialFile, movie: Box) -> Movie:
    """Read the known part of the movie box."""
    tracks, position = list[Track](), movie.body
    scale = duration = fragments = compressed = None
    is_fragmented = False
    for box in boxes(file, movie):
        position = box.end
        if box.kind == b"mvhd" and (declared := versioned(file, box, 12, 20)):
            scale, ticks = declared
            duration = ticks / scale
        elif box.kind == b"trak" and len(tracks) < MOST_TRACKS:
            tracks.append(_track(file, box))
        elif box.kind == b"cmov":  # the boxes are compressed (QuickTime)
            compressed = box.start
        elif box.kind == b"mvex":
            is_fragmented = True
            fragments = _fragments(file, child(file, box, b"mehd"), scale)
    if not duration:
        duration = max((track.ticks / track.scale for track in tracks if track.scale), default=None)
    unknown = position if position < movie.end and file.get(position, 8) is None else compressed
    kinds = _kinds(tracks) if position + HEADER_SIZE > movie.end else None
    return Movie(duration or None, fragments, is_fragmented, tuple(tracks), unknown, kinds)


def _kinds(tracks: Sequence[Track]) -> frozenset[MediaKind] | None:
    """Return the kinds of these tracks; None if one of them has another handler, or if there may be more."""
    handlers = {track.kind for track in tracks}
    if not handlers or handlers - _KINDS.keys() - _OTHER_HANDLERS or len(tracks) >= MOST_TRACKS:
        return None
    return frozenset(_KINDS[handler] for handler in handlers & _KINDS.keys())


def _fragments(file: PartialFile, box: Box | None, scale: int | None) -> float | None:
    """Return the duration of all fragments, which the box `mehd` may have."""
    version = number(file, box.body, 1) if box else None
    ticks = number(file, box.body + 4, 8 if version else 4) if box else None
    return ticks / scale if ticks and scale else None


def _track(file: PartialFile, box: Box) -> Track:
    header, media = child(file, box, b"tkhd"), child(file, box, b"mdia")
    handler, table = child(file, media, b"hdlr"), child(file, media, b"minf", b"stbl")
    scale, ticks = versioned(file, child(file, media, b"mdhd"), 12, 20) or (None, 0)
    chapters = child(file, box, b"tref", b"chap")
    kind = file.get(handler.body + 8, 4) if handler else None
    track = Track(
        identifier=number(file, header.body + _at(file, header, 12, 20), 4) if header else None,
        kind=kind,
        scale=scale,
        ticks=ticks,
        tables=read_tables(file, table, is_audio=kind == b"soun") if table and _has_own_data(file, media) else Tables(),
        chapters=_identifiers(file, chapters) if chapters else (),
    )
    described = child(file, table, b"stsd")
    entry = next(boxes(file, described._replace(body=described.body + 8)), None) if described else None
    if entry and file.get(entry.start, entry.end - entry.start) is None:
        return track  # the rest of an entry may correct its known part
    if entry and header and track.kind == b"vide":
        return _video(file, entry, track, header)
    if described and entry and track.kind == b"soun":
        return _audio(file, entry, track, is_iso=number(file, described.body, 1) == 1)
    return track


def _has_own_data(file: PartialFile, media: Box | None) -> bool:
    """Return True unless the samples are in another file, as those of a QuickTime reference movie are."""
    references = child(file, media, b"minf", b"dinf", b"dref")
    place = next(boxes(file, references._replace(body=references.body + 8)), None) if references else None
    return place is None or number(file, place.body + 3, 1) != 0


def _identifiers(file: PartialFile, box: Box) -> tuple[int, ...]:
    data = file.known(box.body, min(box.end - box.body, 4 * MOST_TRACKS))
    return struct.unpack(f">{len(data) // 4}I", data[: len(data) // 4 * 4])


def _at(file: PartialFile, box: Box, short: int, long: int) -> int:
    """Return where a field is in a box whose version 1 has longer times."""
    return long if number(file, box.body, 1) else short


def _is_turned(file: PartialFile, header: Box) -> bool:
    """Return True for a picture that is displayed rotated by 90 degrees: the diagonal of its matrix is zero."""
    matrix = file.get(header.body + _at(file, header, 40, 52), 20)
    return matrix is not None and not any(matrix[0:4] + matrix[16:20]) and any(matrix[4:8]) and any(matrix[12:16])


def _video(file: PartialFile, entry: Box, track: Track, header: Box) -> Track:
    shape = file.get(entry.body + 24, _SHAPE.size)
    if shape is None or entry.body + _VIDEO_ENTRY > entry.end:
        return track
    width, height = _SHAPE.unpack(shape)
    if not width or not height:
        shown = header.body + _at(file, header, 76, 88)
        width, height = number(file, shown, 2) or 0, number(file, shown + 4, 2) or 0
    parts = _parts(file, entry._replace(body=entry.body + _VIDEO_ENTRY))
    across, down = (number(file, parts[b"pasp"].body + at, 4) or 0 for at in (0, 4)) if b"pasp" in parts else (0, 0)
    if _is_turned(file, header):
        width, height, across, down = height, width, down, across
    codec = CODECS.get(_plain_kind(file, entry, parts))
    if b"esds" in parts and codec == "mpeg4":
        codec = OBJECT_TYPES.get(elementary_stream(_content(file, parts[b"esds"]))[0] or 0)
    has_alpha: bool | None = None
    depth = number(file, entry.body + 74, 2)
    if entry.kind in _PRORES_4444:
        has_alpha = _alpha_of_prores(file, track.tables.first, depth)
    elif codec in _MAY_HAVE_ALPHA:
        has_alpha = depth == _WITH_ALPHA_DEPTH
    elif codec and b"lhvC" not in parts:  # a second layer of HEVC may be alpha
        has_alpha = False
    return track._replace(
        codec=codec,
        width=width or None,
        height=height or None,
        has_alpha=has_alpha,
        pixel_aspect=across / down if across and down else None,
    )


def _alpha_of_prores(file: PartialFile, first: int | None, depth: int | None) -> bool | None:
    """Return the value in the header of the first frame (SMPTE RDD 36), or else the depth, which is 32 with alpha."""
    frame = file.get(first, _PRORES_HEADER) if first is not None else None
    if frame and frame[4:8] == b"icpf":
        return frame[_PRORES_ALPHA] & 0x0F != 0
    return True if depth == _WITH_ALPHA_DEPTH else None


def _audio(file: PartialFile, entry: Box, track: Track, *, is_iso: bool) -> Track:
    head = file.get(entry.body + 8, _SOUND.size)
    if head is None or entry.body + _AUDIO_ENTRY > entry.end:
        return track
    version, channels, bits, rate = _SOUND.unpack(head)
    start, flags = entry.body + _AUDIO_ENTRY, 0
    if not is_iso and version in _AUDIO_OF_QUICKTIME:
        start += _AUDIO_OF_QUICKTIME[version]
        extended = file.get(entry.body + 32, _SOUND_2.size)
        if version > 1 and extended:
            exact, channels, bits, flags = _SOUND_2.unpack(extended)
            rate = round(exact) if math.isfinite(exact) and 0 < exact < _MOST_HERTZ else 0
    parts = _parts(file, entry._replace(body=start))
    if b"wave" in parts:
        parts = _parts(file, parts[b"wave"]) | parts
    declared = Audio(rate or None, channels or None, bits or None)
    kind = _plain_kind(file, entry, parts)
    codec, audio = _pcm(file, kind, parts, declared, flags) or _compressed(file, kind, parts, declared)
    if codec == "mp3" and entry.kind == b"mp4a":
        audio = audio._replace(channels=_channels_of_mp3(file, track.tables.first))
    return track._replace(codec=codec, audio=audio)


def _channels_of_mp3(file: PartialFile, first: int | None) -> int | None:
    """Return the channels that the first frame has: in MP4, FFmpeg writes two for each file [measured, 5.1]."""
    frame = file.get(first, 4) if first is not None else None
    if frame is None or int.from_bytes(frame[:2], "big") < _SYNC_OF_MP3:
        return None
    return 1 if frame[3] >= _MONO else 2


def _parts(file: PartialFile, entry: Box) -> dict[bytes, Box]:
    return {box.kind: box for box in boxes(file, entry) if box.kind in _PARTS}


def _compressed(file: PartialFile, kind: bytes, parts: dict[bytes, Box], declared: Audio) -> tuple[str | None, Audio]:
    """Return the codec and the facts of audio; the codec's own header is preferred to the sample entry."""
    codec, own = CODECS.get(kind), Audio()
    if b"esds" in parts:
        object_type, config = elementary_stream(_content(file, parts[b"esds"]))
        codec = OBJECT_TYPES.get(object_type or 0)
        if codec == "aac" and config:
            codec, own = codec_of_mpeg4(config), aac(config)
    elif codec in _HEADERS and _HEADERS[codec].kind in parts:
        header = _HEADERS[codec]
        own = header.read(_content(file, parts[header.kind])[header.skipped :])
    elif codec in _FIXED:
        own = _FIXED[codec]
    elif codec == "truehd":  # whose sample entry has 2 for 8 channels [measured, FFmpeg 5.1]
        declared = Audio()
    return codec, Audio(own.sample_rate_hz or declared.sample_rate_hz, own.channels or declared.channels, own.bits)


def _pcm(
    file: PartialFile, kind: bytes, parts: dict[bytes, Box], declared: Audio, flags: int
) -> tuple[str, Audio] | None:
    """Return the same for audio without compression; None for other audio."""
    bits, order = declared.bits, "be"
    if b"enda" in parts and number(file, parts[b"enda"].body, 2) == 1:
        order = "le"
    if kind in {b"raw ", b"NONE"}:
        name = "u8" if bits == _BITS_OF_A_BYTE else f"s{bits}be"
    elif kind == b"lpcm":
        order = "be" if flags & _IS_BIG else "le"
        name = f"{'f' if flags & _IS_FLOAT else 's'}{bits}{order}"
    elif kind in _PCM_OF_ISO and b"pcmC" in parts:
        at = parts[b"pcmC"].body
        bits, is_little = number(file, at + 5, 1), (number(file, at + 4, 1) or 0) & 1
        name = f"{_PCM_OF_ISO[kind]}{bits}{'le' if is_little else 'be'}"
    elif kind in PCM:
        form = PCM[kind]
        bits = bits if "{" in form else int(form[1:])
        name = form.format(bits) if "{" in form else form + order
    else:
        return None
    if bits not in _PCM_BITS:
        return None
    return f"pcm_{'s8' if name.startswith('s8') else name}", Audio(declared.sample_rate_hz, declared.channels, bits)


def _plain_kind(file: PartialFile, entry: Box, parts: dict[bytes, Box]) -> bytes:
    """Return the name of a sample entry; of one that is encrypted, the name that it had before."""
    before = child(file, parts.get(b"sinf"), b"frma")
    return (file.get(before.body, 4) if before else None) or entry.kind


def _content(file: PartialFile, box: Box) -> bytes:
    return file.known(box.body, min(box.end - box.body, _LONGEST_HEADER))
