"""Headers of MPEG audio frames: MPEG 1, 2 and 2.5, layers I to III (ISO/IEC 11172-3 and 13818-3)."""

from __future__ import annotations

from ice_result.probe.frames import Frame

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_1 = 3
_MONO = 3


def parse(head: bytes) -> Frame | None:
    """Parse the header of a frame; None for other bytes, and for a free bit rate, which tells no length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    kbits_index, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version not in _RATES or layer == 4 or kbits_index in {0, 15} or rate_index == 3 or head[3] & 3 == 2:
        return None
    low = version != _MPEG_1
    rate = _RATES[version][rate_index]
    bit_rate = 1000 * _KBITS[(2, min(layer, 2)) if low else (1, layer)][kbits_index - 1]
    channels = 1 if head[3] >> 6 == _MONO else 2
    if layer == 1:
        return Frame("mp1", rate, channels, 384, (12 * bit_rate // rate + padding) * 4, bit_rate)
    samples = 576 if low and layer == 3 else 1152
    return Frame(f"mp{layer}", rate, channels, samples, samples // 8 * bit_rate // rate + padding, bit_rate)


def is_free_format(head: bytes) -> bool:
    """Return whether a header is one of a free bit rate, whose frames do not tell their length."""
    return len(head) >= 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[2] >> 4 == 0
