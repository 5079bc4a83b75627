"""AAC in ADTS frames. It has no index: the duration is known only if the whole file is read.

Spectral band replication (SBR, HE-AAC) is within the frames: the rate is that of the header, which may be half of the
rate of the decoded audio.
"""

from __future__ import annotations

from ice_result.probe.frame_headers import parse_adts
from ice_result.probe.frames import begins_with_frames, defect_of, find_run, is_searched, read_parts
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.tags import after_padding, padding, reach_audio, tags_before_audio
from ice_result.records.model import Media


def begins(first: bytes) -> bool:
    """Return whether a file begins with two frames, after its tags."""
    start = tags_before_audio(first)
    return begins_with_frames(first, start + padding(first[start:]), parse_adts)


def read(file: PartialFile) -> Probed:
    """Read rate and channels, and the duration if all frames are known."""
    if file.known(0, 4) == b"ADIF":  # the older form, whose frames do not declare their length
        return Probed(Media(container="aac", audio_codec="aac"))
    start = reach_audio(file)
    run = find_run(file, after_padding(file, start), parse_adts)
    if run is None:
        if not is_searched(file, start):
            return Probed()
        raise MalformedError(f"the content has no ADTS frames at byte {start}")
    parts = read_parts(file, run, parse_adts)
    media = Media(
        container="aac",
        duration_seconds=parts.duration_seconds,
        audio_codec="aac",
        sample_rate_hz=run.first.rate,
        channels=run.first.channels,
    )
    return Probed(media, defect_of(file, parts, is_ended=parts.is_ended), is_ended=parts.is_ended)
