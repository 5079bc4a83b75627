"""The look of a media file: the part of its content that the results of a job determine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from alicloud_local.rpc.messages import JsonObject

DEFAULT_SECONDS = 4.0
RATE_HZ = 8000
"""Sample rate of sounds; Opus has another one."""
OPUS_RATE_HZ = 48_000
BEATS_SECONDS = 32.0
"""Length of a song that contains every beat of a file of beats."""
CAPTIONS_SECONDS = 12.0
"""Length of a video that contains every cue of a file of captions."""

_SAMPLES = Path(__file__).parent.parent / "samples"


class Look(NamedTuple):
    """Length and shape of a media file, the alpha channel of a video, and the content of a JSON file.

    A WAV file has the sample rate `rate_hz`; without it, as many samples per second as keep the file small.

    A property that a type of file does not have is ignored, such as the length of a picture.
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
