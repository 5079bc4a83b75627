"""Headers of frames: MPEG audio 1, 2 and 2.5 in layers I to III (ISO/IEC 11172-3, 13818-3), AAC in ADTS (13818-7)."""

from __future__ import annotations

from ice_result.probe.frames import Frame

_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_1 = 3
_MONO = 3
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)
_ADTS_HEADER = 7
_AAC_SAMPLES = 1024  # of a block, before spectral band replication (SBR), which the header does not declare


def parse_mpeg(head: bytes) -> Frame | None:
    """Parse the header of a frame; None for other bytes, and for a free bit rate, which gives no length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    kbits_index, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version not in _MPEG_RATES or layer == 4 or kbits_index in {0, 15} or rate_index == 3 or head[3] & 3 == 2:
        return None
    low = version != _MPEG_1
    rate = _MPEG_RATES[version][rate_index]
    bit_rate = 1000 * _KBITS[(2, min(layer, 2)) if low else (1, layer)][kbits_index - 1]
    channels = 1 if head[3] >> 6 == _MONO else 2
    if layer == 1:
        return Frame("mp1", rate, channels, 384, (12 * bit_rate // rate + padding) * 4, bit_rate)
    samples = 576 if low and layer == 3 else 1152
    return Frame(f"mp{layer}", rate, channels, samples, samples // 8 * bit_rate // rate + padding, bit_rate)


def is_free_format(head: bytes) -> bool:
    """Return whether a header is one of a free bit rate, whose frames do not declare their length."""
    return len(head) >= 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[2] >> 4 == 0


def parse_adts(head: bytes) -> Frame | None:
    """Parse the header of a frame; None for other bytes."""
    if len(head) < _ADTS_HEADER or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate_index, channel_index = head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_index >= len(_AAC_RATES) or size <= _ADTS_HEADER:
        return None
    return Frame("aac", _AAC_RATES[rate_index], _CHANNELS[channel_index], _AAC_SAMPLES * (1 + (head[6] & 3)), size)
