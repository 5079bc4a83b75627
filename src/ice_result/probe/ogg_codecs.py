"""Codecs in Ogg, detected from the first packet of a stream: Opus, Vorbis, FLAC, Speex and Theora."""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

from ice_result.probe.flac import STREAM_HEADER, parse_stream_header

Facts: TypeAlias = "dict[str, str | int | float | None]"
_OPUS = struct.Struct("<8sBBHI")
_VORBIS = struct.Struct("<7sIBI")
_SPEEX = struct.Struct("<8s20xIII4x4xI")
_THEORA = struct.Struct(">7s3xHH3s3sBBII")
_FLAC_HEADER = 17
_OPUS_RATE = 48_000


class OggStream(NamedTuple):
    """A stream: its facts, and how its pages count time. An unknown codec has neither."""

    media: Facts
    rate: float = 0
    skipped: int = 0
    shift: int = 0

    def seconds(self, granule: int) -> float:
        """Return the time of a page's number; Theora counts frames from a key frame in the lower bits."""
        if not self.rate:
            return 0
        count = (granule >> self.shift) + (granule & (1 << self.shift) - 1) if self.shift else granule
        return max(count - self.skipped, 0) / self.rate


def parse_first_packet(data: bytes) -> OggStream:
    """Return the stream that begins with this packet."""
    if data.startswith(b"OpusHead") and len(data) >= _OPUS.size:
        _, _, channels, skipped, _ = _OPUS.unpack_from(data)
        return OggStream(_audio("opus", _OPUS_RATE, channels), _OPUS_RATE, skipped)
    if data.startswith(b"\x01vorbis") and len(data) >= _VORBIS.size:
        _, _, channels, rate = _VORBIS.unpack_from(data)
        return OggStream(_audio("vorbis", rate, channels), rate)
    if data.startswith(b"\x7fFLAC") and len(data) >= _FLAC_HEADER + STREAM_HEADER:
        header = parse_stream_header(data[_FLAC_HEADER:])
        return OggStream(_audio("flac", header.rate, header.channels) | {"bits": header.bits}, header.rate)
    if data.startswith(b"Speex   ") and len(data) >= _SPEEX.size:
        _, _, _, rate, channels = _SPEEX.unpack_from(data)
        return OggStream(_audio("speex", rate, channels), rate)
    if data.startswith(b"\x80theora") and len(data) >= 42:
        return _theora(data)
    return OggStream({})


def _audio(codec: str, rate: int, channels: int) -> Facts:
    return {"audio_codec": codec, "sample_rate_hz": rate or None, "channels": channels or None}


def _theora(data: bytes) -> OggStream:
    _, _, _, width, height, _, _, numerator, denominator = _THEORA.unpack_from(data)
    fps = numerator / denominator if denominator else 0
    shift = (data[40] & 3) << 3 | data[41] >> 5
    facts: Facts = {
        "video_codec": "theora",
        "width": int.from_bytes(width, "big"),
        "height": int.from_bytes(height, "big"),
        "fps": round(fps, 3) or None,
        "has_alpha": False,
    }
    return OggStream(facts, fps, shift=shift)
