"""The media facts of a file on its job's page: its format, duration, picture and audio."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ice_result.records.model import Manifest, Media
from ice_result.report.texts import Texts
from ice_result.report.visible import clock, number

_HERTZ = 1000


def media_facts(media: Media | None, texts: Texts) -> tuple[tuple[str, str], ...]:
    """Return the known facts in groups: the key of the name of each group, and its text."""
    if media is None:
        return ()
    groups = {
        "file.container": media.container,
        "file.duration": "" if media.duration_seconds is None else clock(media.duration_seconds),
        "file.picture": " · ".join(_picture(media, texts)),
        "file.audio": " · ".join(_audio(media, texts)),
    }
    return tuple((key, text) for key, text in groups.items() if text)


def picture_sizes(manifest: Manifest | None) -> dict[str | None, str]:
    """Return the known widths and heights of pictures in pixels, as texts, by the addresses of the files."""
    files = manifest.files if manifest else ()
    return {file.uri: size for file in files if file.media and (size := _size(file.media))}


def _size(media: Media) -> str:
    return "" if media.width is None or media.height is None else f"{media.width} × {media.height}"


def _picture(media: Media, texts: Texts) -> Iterator[str]:
    if size := _size(media):
        yield size
    if media.fps is not None:
        yield texts("media.fps", number=number(media.fps))
    if media.video_codec is not None:
        yield media.video_codec
    if media.has_alpha:
        yield texts("media.alpha")


def _audio(media: Media, texts: Texts) -> Iterator[str]:
    if media.audio_codec is not None:
        yield media.audio_codec
    if media.sample_rate_hz is not None:
        yield f"{Decimal(media.sample_rate_hz) / _HERTZ:,f} kHz"  # no integer is too large for it
    if media.channels is not None:
        yield texts.count("media.channels", media.channels)
    if media.bits is not None:
        yield texts("media.bits", number=media.bits)
