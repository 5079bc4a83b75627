"""AAC in ADTS frames. It has no index: the duration is known only if the whole file is read.

Spectral band replication (SBR, HE-AAC) is within the frames: the rate is that of the header, which may be half of the
rate of the decoded audio.
"""

from __future__ import annotations

from ice_result.probe.frame_headers import parse_adts
from ice_result.probe.frames import Run, begins_with_frames, ends_before_zeros, find_run, is_searched, whole_run
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.tags import end_of_audio, reach_audio, tags_before_audio
from ice_result.probe.zeros import is_gap
from ice_result.records.model import Defect, Media


def begins(first: bytes) -> bool:
    """Return whether a file begins with two frames, after its tags."""
    return begins_with_frames(first, tags_before_audio(first), parse_adts)


def read(file: PartialFile) -> Probed:
    """Read rate and channels, and the duration if all frames are known."""
    if file.known(0, 4) == b"ADIF":  # the older form, whose frames do not declare their length
        return Probed(Media(container="aac", audio_codec="aac"))
    start = reach_audio(file)
    run = find_run(file, start, parse_adts)
    if run is None:
        if not is_searched(file, start):
            return Probed()
        raise MalformedError(f"the content has no ADTS frames at byte {start}")
    file.reach_end()
    whole = whole_run(file, run, parse_adts)
    tail = whole or find_run(file, file.known_end, parse_adts)
    is_ended = tail is not None and ends_before_zeros(file, tail)
    end = tail.end if tail and is_ended else end_of_audio(file)
    media = Media(
        container="aac",
        duration_seconds=round(whole.samples / whole.first.rate, 6) if whole and whole.end >= end else None,
        audio_codec="aac",
        sample_rate_hz=run.first.rate,
        channels=run.first.channels,
    )
    return Probed(media, None if is_ended else _defect(file, run, tail, end), is_ended=is_ended)


def _defect(file: PartialFile, run: Run, tail: Run | None, end: int) -> Defect | None:
    last = tail if tail and tail.start == run.start else run
    if is_gap(file, last.end):
        return Defect("empty", f"the file has zeros instead of data from byte {last.end}")
    if tail is None or not tail.first.goes_with(run.first):
        return None
    if tail.end > end:
        return Defect("truncated", f"the last frame ends at byte {tail.end}; the audio ends at byte {end}")
    return None
