"""Tags before and after the audio: ID3v2, ID3v1, APEv2 and Lyrics3 (id3.org and the pages of these formats).

Several may follow each other. Their contents are not read: a tag may be larger than all that is read of a file.
"""

from __future__ import annotations

import struct

from ice_result.probe.model import PartialFile

_ID3_HEADER = 10
_HAS_FOOTER = 0x10
_MOST_TAGS = 16
_ID3V1 = 128
_APE_FOOTER = struct.Struct("<8sIIII8s")
_APE_HAS_HEADER = 0x80000000
_LYRICS_END = 15  # six digits, and LYRICS200


def tags_before_audio(first: bytes, start: int = 0) -> int:
    """Return the offset after the tags at `start`, which may be outside the known bytes."""
    for _ in range(_MOST_TAGS):
        if first.startswith(b"APETAGEX", start) and len(first) >= start + _APE_FOOTER.size:
            start += _APE_FOOTER.size + int(_APE_FOOTER.unpack_from(first, start)[2])
            continue
        head = first[start : start + _ID3_HEADER]
        if len(head) < _ID3_HEADER or not head.startswith(b"ID3") or max(head[6:]) > 0x7F:
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        start += _ID3_HEADER + size + (_ID3_HEADER if head[5] & _HAS_FOOTER else 0)
    return start


def reach_audio(file: PartialFile) -> int:
    """Return the offset of the audio, after the tags. The second part is read there if the first one ends before."""
    start = tags_before_audio(file.known(0, file.size))
    if not file.known(start, 1):
        file.reach(start)
        start += tags_before_audio(file.known(start, file.size))
    return start


def padding(audio: bytes) -> int:
    """Return the number of zero bytes that some programs write between a tag and the audio."""
    return len(audio) - len(audio.lstrip(b"\0"))


def after_padding(file: PartialFile, start: int) -> int:
    """Return the offset of the audio after the padding of the tags that end at `start`; 0 for a file without them."""
    return start + padding(file.known(start, file.size)) if start else 0


def end_of_audio(file: PartialFile) -> int:
    """Return the offset of the tags at the end, or the size of a file that has none; the end should be known."""
    end = file.size
    for _ in range(_MOST_TAGS):
        if file.get(end - _ID3V1, 3) == b"TAG":
            end -= _ID3V1
        elif size := _ape_tag(file, end) or _lyrics(file, end):
            end = max(end - size, 0)
        else:
            break
    return end


def _ape_tag(file: PartialFile, end: int) -> int:
    footer = file.get(end - _APE_FOOTER.size, _APE_FOOTER.size)
    if footer is None or not footer.startswith(b"APETAGEX"):
        return 0
    _, _, size, _, flags, _ = _APE_FOOTER.unpack(footer)
    return int(size) + (_APE_FOOTER.size if flags & _APE_HAS_HEADER else 0)


def _lyrics(file: PartialFile, end: int) -> int:
    found = file.get(end - _LYRICS_END, _LYRICS_END)
    if found is None or not found.endswith(b"LYRICS200") or not found[:6].isdigit():
        return 0
    return int(found[:6]) + _LYRICS_END
