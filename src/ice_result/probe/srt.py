"""SRT: any text. A file without a cue is one too, and its cues are read elsewhere, see `contents`."""

from __future__ import annotations

from ice_result.core.text_encoding import NotTextError, decode_text
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.records.model import Media

_LOOKED_AT = 16_384


def read(file: PartialFile) -> Probed:
    """Check that the file begins as a text in an encoding in which captions are read."""
    try:
        decode_text(file.known(0, _LOOKED_AT))
    except NotTextError as error:
        raise MalformedError(str(error)) from error
    return Probed(Media(container="srt"))
