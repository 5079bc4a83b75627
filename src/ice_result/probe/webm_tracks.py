"""The tracks of WebM and Matroska: codecs, widths and heights, and sample rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ice_result.probe import webm_elements as ebml
from ice_result.probe.model import PartialFile
from ice_result.probe.webm_elements import Element, elements, floating, numbers, positive, text
from ice_result.records.model import MediaKind

MOST_TRACKS = 32
"""Tracks that are read of one file."""
IS_VIDEO, IS_AUDIO = 1, 2
"""Types of tracks."""
_KINDS: Mapping[int | None, MediaKind] = {IS_VIDEO: "video", IS_AUDIO: "audio"}
_OTHER_TYPES = {16, 17, 18, 32, 33}  # logo, subtitle, buttons, control, metadata
_CODECS = {
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_AV1": "av1",
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_MPEG4/ISO/SP": "mpeg4",
    "V_MPEG4/ISO/ASP": "mpeg4",
    "V_MPEG4/ISO/AP": "mpeg4",
    "V_MPEG1": "mpeg1video",
    "V_MPEG2": "mpeg2video",
    "V_MJPEG": "mjpeg",
    "V_PRORES": "prores",
    "V_THEORA": "theora",
    "V_FFV1": "ffv1",
    "A_VORBIS": "vorbis",
    "A_OPUS": "opus",
    "A_MPEG/L3": "mp3",
    "A_MPEG/L2": "mp2",
    "A_AC3": "ac3",
    "A_EAC3": "eac3",
    "A_FLAC": "flac",
    "A_DTS": "dts",
    "A_ALAC": "alac",
    "A_TRUEHD": "truehd",
    "A_AAC": "aac",
}
_PCM = {"A_PCM/INT/LIT": ("s", "le"), "A_PCM/INT/BIG": ("s", "be"), "A_PCM/FLOAT/IEEE": ("f", "le")}
_PARTS = {ebml.CODEC, ebml.VIDEO, ebml.AUDIO}
_WITHOUT_ALPHA = {"av1", "h264", "hevc", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "theora"}
_MAY_HAVE_ALPHA = {"vp8", "vp9"}
_WITH_FIXED_SIZE = {"flac", "alac"}
_BITS_OF_A_BYTE = 8
_UNKNOWN_UNIT = 4  # of the width and the height for a display
_MOST_HERTZ = 1 << 31
_QUARTER_TURN = 90  # degrees
_OPUS_RATE = 48_000
_SECOND = 1e9  # nanoseconds


class Track(NamedTuple):
    """Facts of a track. `frame_seconds` is the duration of one frame if all are equal."""

    number: int | None = None
    kind: int | None = None
    codec: str | None = None
    frame_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    has_alpha: bool | None = None
    pixel_aspect: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    bits: int | None = None

    @property
    def is_compressed(self) -> bool:
        """True when zeros in place of its data are a fault, and not silence."""
        return self.codec is not None and not self.codec.startswith("pcm_")


def read_tracks(file: PartialFile, box: Element) -> tuple[Track, ...]:
    """Read the known tracks."""
    entries = (entry for entry in elements(file, box) if entry.identifier == ebml.TRACK_ENTRY)
    return tuple(_track(file, entry) for _, entry in zip(range(MOST_TRACKS), entries, strict=False))


def kinds_of(file: PartialFile, box: Element, tracks: Sequence[Track]) -> frozenset[MediaKind] | None:
    """Return the kinds of the tracks in this element; None unless all of them are known."""
    types = {track.kind for track in tracks}
    is_known = box.end is not None and file.get(box.body, box.end - box.body) is not None
    if not is_known or not types or types - _KINDS.keys() - _OTHER_TYPES or len(tracks) >= MOST_TRACKS:
        return None
    return frozenset(_KINDS[each] for each in types & _KINDS.keys())


def _track(file: PartialFile, entry: Element) -> Track:
    parts = {element.identifier: element for element in elements(file, entry) if element.identifier in _PARTS}
    number, kind, duration = numbers(file, entry, ebml.TRACK_NUMBER, ebml.TRACK_TYPE, ebml.DEFAULT_DURATION)
    name = text(file, parts[ebml.CODEC]) if ebml.CODEC in parts else ""
    track = Track(number, kind, _codec(name), (duration or 0) / _SECOND or None)
    if kind == IS_VIDEO and ebml.VIDEO in parts:
        return _video(file, parts[ebml.VIDEO], track)
    if kind == IS_AUDIO and ebml.AUDIO in parts:
        return _audio(file, parts[ebml.AUDIO], track, name)
    return track


def _codec(name: str) -> str | None:
    return "aac" if name.startswith("A_AAC/") else _CODECS.get(name)


def _video(file: PartialFile, picture: Element, track: Track) -> Track:
    width, height, alpha = numbers(file, picture, ebml.WIDTH, ebml.HEIGHT, ebml.ALPHA_MODE)
    across, down, unit = numbers(file, picture, ebml.DISPLAY_WIDTH, ebml.DISPLAY_HEIGHT, ebml.DISPLAY_UNIT)
    if width and height and across and down and unit != _UNKNOWN_UNIT:
        track = track._replace(pixel_aspect=across * height / down / width)
    if _is_turned(file, picture):
        width, height = height, width
        track = track._replace(pixel_aspect=1 / track.pixel_aspect if track.pixel_aspect else None)
    has_alpha: bool | None = None
    if track.codec in _MAY_HAVE_ALPHA:
        has_alpha = bool(alpha)
    elif track.codec in _WITHOUT_ALPHA:
        has_alpha = False
    return track._replace(width=width or None, height=height or None, has_alpha=has_alpha)


def _is_turned(file: PartialFile, picture: Element) -> bool:
    """Return whether the picture is shown turned by 90 degrees to either side."""
    projections = (part for part in elements(file, picture) if part.identifier == ebml.PROJECTION)
    for projection in projections:
        (kind,) = numbers(file, projection, ebml.PROJECTION_TYPE)
        rolls = (part for part in elements(file, projection) if part.identifier == ebml.ROLL)
        if not kind and any(abs(floating(file, roll) or 0) == _QUARTER_TURN for roll in rolls):
            return True
    return False


def _audio(file: PartialFile, audio: Element, track: Track, name: str) -> Track:
    channels, bits = numbers(file, audio, ebml.CHANNELS, ebml.BIT_DEPTH)
    rates = {
        part.identifier: positive(file, part)
        for part in elements(file, audio)
        if part.identifier in {ebml.FREQUENCY, ebml.OUTPUT_FREQUENCY}
    }
    rate = rates.get(ebml.OUTPUT_FREQUENCY) or rates.get(ebml.FREQUENCY)
    codec = track.codec
    if name in _PCM and bits:
        kind, order = _PCM[name]
        codec = f"pcm_{'u8' if bits == _BITS_OF_A_BYTE else f'{kind}{bits}{order}'}"
    elif codec not in _WITH_FIXED_SIZE:
        bits = None
    hertz = round(rate) if rate and rate < _MOST_HERTZ else None
    if codec == "opus":
        hertz = _OPUS_RATE
    return track._replace(codec=codec, sample_rate_hz=hertz, channels=channels or 1, bits=bits)
