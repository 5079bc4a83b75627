"""Sounds of any length: a tone, as one period or one frame that is repeated."""

from __future__ import annotations

import math
import struct
from functools import lru_cache

from alicloud_local.media.spec import OPUS_RATE_HZ, RATE_HZ, MediaSpec, sample
from alicloud_local.media.videos import put_number

_LARGEST_WAV = 64_000  # bytes of samples
_LOWEST_RATE = 8
_PERIOD = struct.pack("<16h", *(round(8000 * math.sin(math.pi * step / 8)) or 1 for step in range(16)))
_AAC_FRAME = 1024  # samples
_MP3_FRAME = 576
_FLAC_FRAME = 2048
_OPUS_FRAME = 5_760
_OPUS_SKIPPED = 312  # samples at the start that a decoder drops
_PACKETS_IN_PAGE = 200


def wav(spec: MediaSpec) -> bytes:
    """Return a WAV file with 16-bit PCM, small unless the spec has a sample rate."""
    rate = spec.rate_hz or RATE_HZ
    while not spec.rate_hz and spec.seconds * rate * 2 > _LARGEST_WAV and rate > _LOWEST_RATE:
        rate //= 2
    count = max(1, round(spec.seconds * rate))
    samples = (_PERIOD * (count // 16 + 1))[: count * 2]
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return head + struct.pack("<4sI", b"data", len(samples)) + samples


def mp3(spec: MediaSpec) -> bytes:
    """Return an MP3 file: frames of 8 kbit/s, none of which needs bits of another."""
    return sample("sample.mp3") * _count(spec.seconds * RATE_HZ, _MP3_FRAME)


def aac(spec: MediaSpec) -> bytes:
    """Return AAC frames with ADTS headers."""
    return sample("sample.aac") * _count(spec.seconds * RATE_HZ, _AAC_FRAME)


def m4a(spec: MediaSpec) -> bytes:
    """Return an MP4 file with AAC. The file in `samples` has two equal frames, and its tables are in front of them."""
    data = bytearray(sample("sample.m4a"))
    count = _count(spec.seconds * RATE_HZ, _AAC_FRAME)
    start = data.index(b"mdat") + 4
    frame = data[start : start + (len(data) - start) // 2]
    milliseconds = round(count * _AAC_FRAME * 1000 / RATE_HZ)
    put_number(data, b"mvhd", 20, milliseconds)
    put_number(data, b"tkhd", 24, milliseconds)
    put_number(data, b"mdhd", 20, count * _AAC_FRAME)
    put_number(data, b"stts", 12, count)
    put_number(data, b"stsc", 16, count)
    put_number(data, b"stsz", 12, count)
    put_number(data, b"mdat", -4, 8 + count * len(frame))
    return bytes(data[:start] + frame * count)


def flac(spec: MediaSpec, comment: bytes) -> bytes:
    """Return a FLAC file with a comment: a square wave of 16-bit samples, one half of it in each frame."""
    total = max(1, round(spec.seconds * RATE_HZ))
    starts = range(0, total, _FLAC_FRAME)
    frames = b"".join(
        _flac_frame(number, min(_FLAC_FRAME, total - start), 1000 if number % 2 else -1000)
        for number, start in enumerate(starts)
    )
    sizes = (RATE_HZ << 44 | (16 - 1) << 36 | total).to_bytes(8, "big")
    information = struct.pack(">HH6x", _FLAC_FRAME, _FLAC_FRAME) + sizes + bytes(16)  # no MD5
    application = b"\x82" + (4 + len(comment)).to_bytes(3, "big") + b"name" + comment
    return b"fLaC\x00\x00\x00\x22" + information + application + frames


def _flac_frame(number: int, count: int, value: int) -> bytes:
    """Return a frame of one value. Its head says 16 bits of size, 8000 Hz, one channel, 16 bits per sample."""
    head = b"\xff\xf8\x74\x08" + chr(number).encode("utf-8", "surrogatepass") + struct.pack(">H", count - 1)
    head += bytes([_checksum(head, 0x07, 8)])
    frame = head + b"\x00" + struct.pack(">h", value)
    return frame + struct.pack(">H", _checksum(frame, 0x8005, 16))


def ogg(spec: MediaSpec, comment: bytes) -> bytes:
    """Return an Ogg file with Opus, with a comment among its tags."""
    total = _OPUS_SKIPPED + round(spec.seconds * OPUS_RATE_HZ)
    tags = struct.pack("<8sI14sII", b"OpusTags", 14, b"alicloud_local", 1, 6 + len(comment)) + b"TITLE=" + comment
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, _OPUS_SKIPPED, OPUS_RATE_HZ, 0, 0)
    pages = [_page(2, 0, 0, [head]), _page(0, 0, 1, [tags])]
    packets = _count(total, _OPUS_FRAME)
    for start in range(0, packets, _PACKETS_IN_PAGE):
        end = min(start + _PACKETS_IN_PAGE, packets)
        position, flags = (total, 4) if end == packets else (end * _OPUS_FRAME, 0)
        pages.append(_page(flags, position, len(pages), [sample("sample.opus")] * (end - start)))
    return b"".join(pages)


def _page(flags: int, position: int, number: int, packets: list[bytes]) -> bytes:
    """Return a page of Ogg with whole packets."""
    lengths = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, position, 1, number)
    body = bytes([len(lengths)]) + lengths + b"".join(packets)
    return head + struct.pack("<I", _checksum(head + bytes(4) + body, 0x04C11DB7, 32)) + body


def _checksum(data: bytes, polynomial: int, bits: int) -> int:
    """Return the CRC of FLAC and Ogg: it starts with zero, and no bit is reversed."""
    table = _crc_table(polynomial, bits)
    crc, mask = 0, (1 << bits) - 1
    for byte in data:
        crc = (crc << 8 & mask) ^ table[crc >> bits - 8 ^ byte]
    return crc


@lru_cache(maxsize=3)
def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial | 1 << bits if crc >> bits - 1 else 0)
        table.append(crc)
    return tuple(table)


def _count(samples: float, in_frame: int) -> int:
    """Return the number of frames that a length needs, at least one."""
    return max(1, math.ceil(samples / in_frame))
