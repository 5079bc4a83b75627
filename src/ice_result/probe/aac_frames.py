"""Headers of ADTS frames, in which AAC is stored without a container (ISO/IEC 13818-7)."""

from __future__ import annotations

from ice_result.probe.frames import Frame

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)
_HEADER = 7
_SAMPLES = 1024  # of a block, before a band replication that the header does not tell


def parse(head: bytes) -> Frame | None:
    """Parse the header of a frame; None for other bytes."""
    if len(head) < _HEADER or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate_index, channel_index = head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_index >= len(_RATES) or size <= _HEADER:
        return None
    return Frame("aac", _RATES[rate_index], _CHANNELS[channel_index], _SAMPLES * (1 + (head[6] & 3)), size)
