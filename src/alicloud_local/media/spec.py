"""The properties of a media file that the results of a job determine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from alicloud_local.rpc.messages import JsonObject

DEFAULT_SECONDS = 4.0
RATE_HZ = 8000
"""Sample rate of audio; Opus has another one."""
OPUS_RATE_HZ = 48_000
BEATS_SECONDS = 32.0
"""Duration of a song that contains every beat of a file of beats."""
CAPTIONS_SECONDS = 12.0
"""Duration of a video that contains every cue of a file of captions."""

_SAMPLES = Path(__file__).parent.parent / "samples"


class MediaSpec(NamedTuple):
    """Properties of a media file to make. `content` is that of a JSON file.

    A WAV file has the sample rate `rate_hz`; without it, as many samples per second as keep the file small.

    A property that a type of file does not have is ignored, such as the duration of a picture.
    """

    seconds: float = DEFAULT_SECONDS
    is_portrait: bool = False
    has_alpha: bool = False
    content: JsonObject | None = None
    rate_hz: int | None = None


@cache
def sample(name: str) -> bytes:
    """Return a file of the folder `samples`."""
    return (_SAMPLES / name).read_bytes()
