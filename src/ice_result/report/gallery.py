"""Pictures of a gallery as a page shows them: each with its thumbnail, or with a note that says why it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ice_result.core.calls import in_order
from ice_result.core.oss_address import is_not_saved
from ice_result.records.model import Manifest
from ice_result.report.media_part import picture_sizes
from ice_result.report.texts import Texts
from ice_result.results.figures import Gallery, Picture
from ice_result.sinks.base import StoredJob

MOST_PICTURES = 200
"""Thumbnails on one page: about two megabytes."""
_AT_ONCE = 4


class Thumbnail(NamedTuple):
    """Thumbnail as a `data:` address, with its size in pixels; or a note that says why there is none."""

    source: str = ""
    width: int = 0
    height: int = 0
    note: str = ""


class ShownPicture(NamedTuple):
    """Picture on a page. `is_best` marks ICE's first choice; `size` is empty when it is not known."""

    rank: int
    picture: Picture
    thumbnail: Thumbnail
    is_best: bool
    size: str


def thumbnails_of(job: StoredJob, make: Callable[[str], Thumbnail]) -> dict[str, Thumbnail]:
    """Make the thumbnails of the first pictures of a job, by address. Pictures that do not exist are not asked for."""
    figure = job.record.result.figure()
    if not isinstance(figure, Gallery):
        return {}
    missing = _missing(job.manifest)
    wanted = [picture.uri for picture in figure.pictures[:MOST_PICTURES] if picture.uri and picture.uri not in missing]
    unique = list(dict.fromkeys(wanted))
    return dict(zip(unique, in_order(make, unique, _AT_ONCE), strict=True))


def shown_pictures(
    gallery: Gallery, manifest: Manifest | None, thumbnails: Mapping[str, Thumbnail] | None, texts: Texts
) -> Iterator[ShownPicture]:
    """Yield the pictures in ICE's order. `thumbnails` is None when none are embedded."""
    missing, sizes = _missing(manifest), picture_sizes(manifest)
    for rank, picture in enumerate(gallery.pictures, start=1):
        note = ""
        if picture.uri is None:
            saved = picture.path is not None and not is_not_saved(picture.path)
            note = "gallery.no_address" if saved else "gallery.not_saved"
        elif picture.uri in missing:
            note = "gallery.missing"
        elif thumbnails is None:
            note = "gallery.not_embedded"
        elif picture.uri not in thumbnails:
            note = "gallery.too_many"
        thumbnail = Thumbnail(note=texts(note, number=MOST_PICTURES)) if note else (thumbnails or {})[picture.uri or ""]
        yield ShownPicture(rank, picture, thumbnail, rank == 1, sizes.get(picture.uri, ""))


def _missing(manifest: Manifest | None) -> set[str | None]:
    return {file.uri for file in manifest.files if file.exists is False} if manifest else set()
