"""Codecs of MP4 and QuickTime: the names of sample entries, and the codec's own header within them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_CODECS: dict[str, str] = {
    "h264": "avc1 avc2 avc3 avc4 dva1 dvav",
    "hevc": "hvc1 hvc2 hev1 hev2 dvh1 dvhe",
    "vvc": "vvc1 vvi1",
    "av1": "av01 dav1",
    "vp8": "vp08",
    "vp9": "vp09",
    "mjpeg": "jpeg mjpa",
    "png": "png  MPNG",
    "qtrle": "rle ",
    "prores": "apco apcs apcn apch ap4h ap4x",
    "dnxhd": "AVdn AVdh",
    "h263": "s263 h263",
    "mpeg4": "xvid XVID DIVX mp4v",
    "mpeg2video": "mp2v hdv1 hdv2 hdv3 hdv5 hdv6 hdv7 hdv8 xdv1 xdv2 xdv3 xdv4 xdv5 xdvb xdvc",
    "alac": "alac",
    "opus": "Opus",
    "flac": "fLaC",
    "ac3": "ac-3",
    "eac3": "ec-3",
    "mp3": ".mp3",
    "mp2": ".mp2",
    "dts": "dtsc dtse dtsh dtsl",
    "truehd": "mlpa",
    "amr_nb": "samr",
    "amr_wb": "sawb",
    "aac": "mp4a",
    "adpcm_ima_qt": "ima4",
    "pcm_mulaw": "ulaw",
    "pcm_alaw": "alaw",
}
CODECS = {
    names[start : start + 4].encode(): codec for codec, names in _CODECS.items() for start in range(0, len(names), 5)
}
"""Codecs by the name of the sample entry, as FFmpeg names them. `esds` has the codec of mp4a and mp4v."""
OBJECT_TYPES = {
    0x20: "mpeg4",
    0x21: "h264",
    0x23: "hevc",
    0x40: "aac",
    0x66: "aac",
    0x67: "aac",
    0x68: "aac",
    **dict.fromkeys(range(0x60, 0x66), "mpeg2video"),
    0x69: "mp3",
    0x6A: "mpeg1video",
    0x6B: "mp3",
    0x6C: "mjpeg",
    0x6D: "png",
    0xA3: "vc1",
    0xA5: "ac3",
    0xA6: "eac3",
    0xA9: "dts",
    0xAD: "opus",
    0xB1: "vp9",
    0xDD: "vorbis",
}
"""Codecs by the object type of an elementary stream (the registry of mp4ra.org)."""
PCM = {b"twos": "s{}be", b"sowt": "s{}le", b"in24": "s24", b"in32": "s32", b"fl32": "f32", b"fl64": "f64"}
"""Samples without compression. Those without an order of bytes are `be`, unless a box `enda` has another order."""
_DECODER, _ES, _SPECIFIC = 0x04, 0x03, 0x05
_DECODER_HEAD = 13
_SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8)
_CHANNELS_OF_AC3 = (2, 1, 2, 3, 3, 4, 4, 5)
_RATE_FOLLOWS = 15
_TYPE_FOLLOWS = 31
_SBR, _PS = 5, 29
_NOT_AAC = {32: "mp1", 33: "mp2", 34: "mp3", 36: "mp4als"}
_GENERAL_AUDIO = {1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23}
_WITH_LAYER = {6, 20}
_SBR_FOLLOWS, _PS_FOLLOWS = 0x2B7, 0x548
_ALAC_BYTES, _FLAC_BITS = 24, 28
_LONGEST_CONFIG = 64


class Audio(NamedTuple):
    """Facts about audio in a codec's own header. A fact that it does not have is None."""

    sample_rate_hz: int | None = None
    channels: int | None = None
    bits: int | None = None


class Bits:
    """Reads the bits of a text from the left; zeros follow its end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = len(data) * 8

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        self.left -= count
        value = self._value >> self.left if self.left >= 0 else self._value << -self.left
        return value & ((1 << count) - 1)


def elementary_stream(data: bytes) -> tuple[int | None, bytes]:
    """Return the object type and the decoder's own header that a box `esds` has (ISO/IEC 14496-1)."""
    object_type, position = None, 4
    for tag, start, end in _descriptors(data, position):
        if tag == _DECODER and start < len(data):
            object_type = data[start]
        elif tag == _SPECIFIC:
            return object_type, data[start : min(end, start + _LONGEST_CONFIG)]
    return object_type, b""


def _descriptors(data: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Yield the tag, the start and the end of each descriptor, those within others after them."""
    while position < len(data):
        tag, length, position = data[position], 0, position + 1
        for byte in data[position : position + 4]:
            position += 1
            length = length << 7 | byte & 0x7F
            if byte < 0x80:  # the highest bit means that another byte follows
                break
        yield tag, position, position + length
        if tag == _ES:
            flags = data[position + 2] if position + 2 < len(data) else 0
            has_stream, has_url, has_clock = flags & 0x80, flags & 0x40, flags & 0x20
            position += 3 + (2 if has_stream else 0)
            if has_url:
                position += 1 + (data[position] if position < len(data) else 0)
            position += 2 if has_clock else 0
        else:
            position += _DECODER_HEAD if tag == _DECODER else length


def codec_of_mpeg4(config: bytes) -> str:
    """Return the audio codec of MPEG-4: nearly always AAC, of which this is the header."""
    return _NOT_AAC.get(_object_type(Bits(config)), "aac")


def aac(config: bytes) -> Audio:
    """Read an AudioSpecificConfig (ISO/IEC 14496-3). Spectral band replication (SBR) doubles the rate."""
    bits = Bits(config)
    object_type = _object_type(bits)
    rate, channels = _rate(bits), _layout(bits)
    if object_type in {_SBR, _PS}:
        heard = _rate(bits)
        return Audio(heard or rate, 2 if object_type == _PS and channels == 1 else channels)
    if object_type in _GENERAL_AUDIO and channels:
        bits.take(1)
        bits.take(14 if bits.take(1) else 0)
        bits.take(3 if bits.take(1) and object_type in _WITH_LAYER else 0)
        if bits.take(11) == _SBR_FOLLOWS and _object_type(bits) == _SBR and bits.take(1):
            rate = _rate(bits) or rate
            if bits.take(11) == _PS_FOLLOWS and bits.take(1) and channels == 1:
                channels = 2
    return Audio(rate, channels)


def _object_type(bits: Bits) -> int:
    object_type = bits.take(5)
    return 32 + bits.take(6) if object_type == _TYPE_FOLLOWS else object_type


def _rate(bits: Bits) -> int | None:
    index = bits.take(4)
    if index == _RATE_FOLLOWS:
        return bits.take(24) or None
    return _SAMPLE_RATES[index] if index < len(_SAMPLE_RATES) else None


def _layout(bits: Bits) -> int | None:
    index = bits.take(4)
    return (_CHANNELS[index] if index < len(_CHANNELS) else 0) or None


def alac(cookie: bytes) -> Audio:
    """Read the header of Apple Lossless."""
    if len(cookie) < _ALAC_BYTES:
        return Audio()
    return Audio(int.from_bytes(cookie[20:24], "big") or None, cookie[9] or None, cookie[5] or None)


def flac(header: bytes) -> Audio:
    """Read the block STREAMINFO of FLAC after the sizes of blocks and frames."""
    bits = Bits(header[10:14])
    if bits.left < _FLAC_BITS:
        return Audio()
    rate, channels, size = bits.take(20), bits.take(3) + 1, bits.take(5) + 1
    return Audio(rate or None, channels, size)


def ac3(header: bytes) -> Audio:
    """Read the box `dac3`: the channels, which the sample entry does not have."""
    return _audio_of_ac3(Bits(header), 10)


def eac3(header: bytes) -> Audio:
    """Read the box `dec3` likewise; of several substreams, the first."""
    return _audio_of_ac3(Bits(header), 28)


def _audio_of_ac3(bits: Bits, before: int) -> Audio:
    bits.take(before)
    layout = bits.take(3)
    channels = _CHANNELS_OF_AC3[layout] + bits.take(1)
    return Audio(channels=channels if bits.left >= 0 else None)
