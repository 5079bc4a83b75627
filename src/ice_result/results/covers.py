"""Cover: the images ICE proposes, best first."""

from __future__ import annotations

from typing import NamedTuple

from ice_result.core.oss_address import ObjectAddress, is_not_saved, read_name
from ice_result.core.types import JsonValue
from ice_result.errors import shorten
from ice_result.results.model import Cover, Covers, DecodeWarning
from ice_result.results.reader import Item, Report, member, unwrap

_DOCUMENTED = frozenset({"Score", "Time", "Url"})


class _Place(NamedTuple):
    path: str | None = None
    uri: str | None = None


def decode(result: JsonValue, report: Report) -> Covers:
    """Covers in the order ICE ranked them."""
    items = report.objects(unwrap(result, report), _DOCUMENTED)
    return Covers(covers=tuple(_cover(item, report) for item in items))


def _cover(item: Item, report: Report) -> Cover:
    """One cover; `Time` is milliseconds [measured], ICE documents no unit."""
    score, time_seconds = report.number(item, "Score"), report.milliseconds(item, "Time")
    place = _place(item, report)
    return Cover(rank=item.place, score=score, time_seconds=time_seconds, path=place.path, uri=place.uri)


def _place(item: Item, report: Report) -> _Place:
    """Where the image lies: `Url` is documented as a path in the output bucket, but a full address is read too."""
    url = report.text(item, "Url")
    if url is None:
        return _Place()
    if is_not_saved(url):
        report.warn(DecodeWarning(path=member(item.path, "Url"), code="not_saved", message=shorten(url)))
        return _Place()
    name = read_name(url, report.bucket)
    if name.host == "other" or not name.key:
        message = f"neither a path nor an address in OSS: {shorten(url)}"
        report.warn(DecodeWarning(path=member(item.path, "Url"), code="unreadable", message=message))
        return _Place()
    return _Place(name.key, ObjectAddress(name.bucket, name.key).uri if name.bucket else None)
