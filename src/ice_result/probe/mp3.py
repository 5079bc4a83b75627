"""MPEG audio (MP3, MP2, MP1): tags, frames, and the headers Xing, Info and VBRI that count them.

The duration is that of all frames, as in ffprobe, with the samples that an encoder added at the start and at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ice_result.probe.frame_headers import is_free_format, parse_mpeg
from ice_result.probe.frames import (
    HEADER,
    Frame,
    Parts,
    Run,
    begins_with_frames,
    defect_of,
    find_run,
    is_searched,
    read_parts,
)
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.tags import after_padding, reach_audio
from ice_result.probe.zeros import zeros_from
from ice_result.records.model import Defect, Media

_XING = struct.Struct(">4sI")
_SIDE_BYTES = {(False, 1): 17, (False, 2): 32, (True, 1): 9, (True, 2): 17}  # before Xing, by low rate and channels
_HAS_FRAMES, _HAS_BYTES = 1, 2
_VBRI = struct.Struct(">4s6xII")
_VBRI_OFFSET = 36
_LOW_RATE = 32_000  # rates below are of MPEG 2 and 2.5
_LONGEST_FRAME = 2881
_APPENDED = 16  # if that part of the counted bytes follows them, another file was appended
_FRAMES_OFF = 2  # difference between the counts of encoders


class _Counts(NamedTuple):
    """Frames and bytes that a header in the first frame counts; 0 for what it does not."""

    frames: int = 0
    bytes: int = 0


def begins(first: bytes) -> bool:
    """Return whether a file begins with two frames, or with a tag: FLAC and AAC after a tag are detected first."""
    return first.startswith((b"ID3", b"APETAGEX")) or begins_with_frames(first, 0, parse_mpeg)


def read(file: PartialFile) -> Probed:
    """Read rate, channels and duration. FLAC and AAC after large tags are read by their readers."""
    start = reach_audio(file)
    if start >= file.size:
        message = f"the tags before the audio need {start} bytes; the file has {file.size}"
        return Probed(Media(container="mp3"), Defect("truncated", message))
    if start and (reader := _other_reader(file.known(start, file.size))):
        return reader(file)
    run = find_run(file, after_padding(file, start), parse_mpeg)
    return _read_run(file, run) if run else _without_frames(file, start)


def _other_reader(audio: bytes) -> Callable[[PartialFile], Probed] | None:
    """Return the reader of FLAC or AAC for the content after the tags, which may have hidden it from detection."""
    for name in ("flac", "aac"):
        module = import_module(f"ice_result.probe.{name}")
        if module.begins(audio):
            reader: Callable[[PartialFile], Probed] = module.read
            return reader
    return None


def _without_frames(file: PartialFile, start: int) -> Probed:
    """Return the facts of a file whose audio should begin at `start`, where no frame is found."""
    if not is_searched(file, start):
        return Probed()
    media = Media(container="mp3")
    if zeros_from(file, start):
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {start}"))
    head = file.known(start, HEADER)
    if is_free_format(head):
        return Probed(media)
    if start == 0:
        raise MalformedError("the content has no MPEG audio frames")
    is_known = len(file.known(start, file.size)) == file.size - start
    return Probed(media, Defect("empty", "no audio frame follows the tags") if is_known else None)


def _read_run(file: PartialFile, run: Run) -> Probed:
    parts = read_parts(file, run, parse_mpeg)
    counts = _counts(file, run)
    if _is_appended(file, parts, counts):
        counts = _Counts()
    first = run.first
    media = Media(
        container="mp3",
        duration_seconds=_duration(parts, counts),
        audio_codec=first.codec,
        sample_rate_hz=first.rate,
        channels=first.channels,
    )
    is_ended = parts.is_ended or _has_all_frames(parts, counts)
    return Probed(media, _defect(file, parts, counts, is_ended=is_ended), is_ended=is_ended)


def _is_appended(file: PartialFile, parts: Parts, counts: _Counts) -> bool:
    """Return whether more frames follow those that the header counts: another file was appended."""
    after = parts.run.start + counts.bytes
    is_longer = counts.bytes > 0 and parts.end - after > counts.bytes // _APPENDED
    return is_longer and find_run(file, max(after, file.known_end), parse_mpeg) is not None


def _duration(parts: Parts, counts: _Counts) -> float | None:
    run, tail, end = parts.run, parts.tail, parts.end
    if counts.frames:
        return round(counts.frames * run.first.samples / run.first.rate, 6)
    if parts.duration_seconds is not None:
        return parts.duration_seconds
    bit_rate = run.first.bit_rate
    if bit_rate and tail and run.bit_rates | tail.bit_rates == {bit_rate}:
        return round((end - run.start) * 8 / bit_rate, 6)
    return None


def _defect(file: PartialFile, parts: Parts, counts: _Counts, *, is_ended: bool) -> Defect | None:
    run, whole = parts.run, parts.whole
    missing = run.start + counts.bytes - file.size
    if counts.bytes and missing > _LONGEST_FRAME:
        message = f"the header declares {counts.bytes} bytes of audio; the file has {file.size - run.start}"
        return Defect("truncated", message)
    if defect := defect_of(file, parts, is_ended=is_ended):
        return defect
    if whole and counts.frames > whole.frames + _FRAMES_OFF:
        return Defect("truncated", f"the header declares {counts.frames} frames; the file has {whole.frames}")
    return None


def _has_all_frames(parts: Parts, counts: _Counts) -> bool:
    """Return whether the frames end where the header counts them to end."""
    if parts.whole and counts.frames:
        return parts.whole.frames + _FRAMES_OFF >= counts.frames
    missing = parts.run.start + counts.bytes - parts.tail.end if parts.tail and counts.bytes else None
    return missing is not None and abs(missing) < _LONGEST_FRAME


def _counts(file: PartialFile, run: Run) -> _Counts:
    """Return the counts in Xing, Info or VBRI, which are in a first frame without audio."""
    first: Frame = run.first
    side = _SIDE_BYTES[first.rate < _LOW_RATE, first.channels or 2]
    if head := file.get(run.start + 4 + side, _XING.size + 8):
        name, flags = _XING.unpack_from(head)
        if name in {b"Xing", b"Info"}:
            numbers = list(struct.unpack_from(">II", head, _XING.size))
            frames = numbers.pop(0) if flags & _HAS_FRAMES else 0
            return _Counts(frames, numbers[0] if flags & _HAS_BYTES else 0)
    if head := file.get(run.start + _VBRI_OFFSET, _VBRI.size):
        name, size, frames = _VBRI.unpack(head)
        if name == b"VBRI":
            return _Counts(frames, size)
    return _Counts()
