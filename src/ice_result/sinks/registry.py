"""The URLs of sinks, and which scheme is which store: one line for each.

file:./out   sqlite:./out/jobs.db      a path, which may also be written file:///abs
oss://bucket/prefix   s3://…           a bucket, and the start of its keys
ots://instance                         an instance of Tablestore
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from typing_extensions import override

from ice_result.errors import SettingsError
from ice_result.sinks.base import Keeps, ParkingLot, Sink, SinkContext

if TYPE_CHECKING:
    from ice_result.sinks.base import Catalogue, Holdings

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_INSTANCE = re.compile(r"[A-Za-z](?=[A-Za-z0-9-]{2,15}$)[A-Za-z0-9-]*[A-Za-z0-9]")
_LONGEST_PREFIX = 512


class SinkUrl(NamedTuple):
    """URL of a sink in its parts; `str()` gives the text.

    `authority` is the bucket or instance, None without `//`. Nothing is percent-decoded.
    """

    text: str
    scheme: str
    authority: str | None
    path: str

    @override
    def __str__(self) -> str:
        return self.text

    @property
    def prefix(self) -> str:
        """Path as the start of keys, without a slash at either end."""
        return self.path.strip("/")


def split_url(text: str) -> SinkUrl:
    """Split a sink's URL into its parts. Raises ValueError, with an explanation that holds no secrets."""
    if "@" in text and "//" in text:
        raise ValueError("a sink's URL names no user and no password; keys come from the role or the environment")
    if "?" in text or "#" in text:
        raise ValueError("a sink's URL has no query (?) and no fragment (#): options are environment variables")
    if _CONTROL.search(text):
        raise ValueError("a sink's URL has no control characters")
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a URL such as file:./out or oss://bucket/prefix")
    return SinkUrl(text, match[1], match[2], match[3])


def check_path_url(url: SinkUrl) -> None:
    """Check the URL of a path on this machine. Raises ValueError for any other."""
    if url.authority:
        raise ValueError(f"{url.text}: names a host; a path is written {url.scheme}:./out or {url.scheme}:/srv/out")
    if not url.path:
        raise ValueError(f"{url.text}: names no path; write {url.scheme}:./out or {url.scheme}:/srv/out")


def check_bucket_url(url: SinkUrl) -> None:
    """Check the URL of a bucket: a valid name, and a usable start of keys. Raises ValueError."""
    if not url.authority:
        raise ValueError(f"{url.text}: names no bucket; write {url.scheme}://bucket/prefix")
    if not _BUCKET.fullmatch(url.authority):
        raise ValueError(
            f"{url.text}: {url.authority!r} is not a bucket's name: 3 to 63 lower-case letters, digits and hyphens"
        )
    if any(part in {"", ".", ".."} for part in url.prefix.split("/") if url.prefix) or "\\" in url.prefix:
        raise ValueError(f"{url.text}: a prefix has no empty part, no `.` or `..`, and no backslash")
    if "*" in url.prefix:
        raise ValueError(f"{url.text}: a prefix has no `*`: in a RAM policy it would stand for every other key")
    if len(url.prefix.encode()) > _LONGEST_PREFIX:
        raise ValueError(f"{url.text[:80]}…: a prefix has at most {_LONGEST_PREFIX} bytes")


def check_instance_url(url: SinkUrl) -> None:
    """Check the URL of an instance: a valid name and no more. Raises ValueError."""
    if not url.authority:
        raise ValueError(f"{url.text}: names no instance; write {url.scheme}://instance")
    if not _INSTANCE.fullmatch(url.authority):
        raise ValueError(
            f"{url.text}: {url.authority!r} is not an instance's name: 3 to 16 letters, digits and hyphens, "
            "a letter first and no hyphen last"
        )
    if url.prefix:
        raise ValueError(f"{url.text}: names more than an instance; the tables have names of their own")


@dataclass(frozen=True)
class Store:
    """A kind of store: `check` raises ValueError for URLs that are none of its own.

    `opener` is where the function lies that opens the sink behind a URL; it is imported when the first such sink is
    opened, so that nobody pays for a store that is not configured. With `keeps_parked` the sink is one of model.Keeps.
    """

    check: Callable[[SinkUrl], None]
    opener: str
    keeps_parked: bool

    def open(self, url: SinkUrl, context: SinkContext) -> Sink:
        """The sink behind `url`; no call is made yet."""
        module, _, function = self.opener.partition(":")
        sink: Sink = getattr(import_module(module), function)(url, context)
        return sink


STORES: dict[str, Store] = {
    "file": Store(check_path_url, "ice_result.sinks.object.file:open_file", keeps_parked=True),
    "oss": Store(check_bucket_url, "ice_result.sinks.object.oss:open_oss", keeps_parked=True),
    "s3": Store(check_bucket_url, "ice_result.sinks.object.s3:open_s3", keeps_parked=True),
    "ots": Store(check_instance_url, "ice_result.sinks.table.tablestore:open_tablestore", keeps_parked=False),
    "sqlite": Store(check_path_url, "ice_result.sinks.table.sqlite:open_sqlite", keeps_parked=False),
}
PARKING_SCHEMES = frozenset(scheme for scheme, store in STORES.items() if store.keeps_parked)
"""The schemes of stores that keep parked events."""


def sink_url(text: str) -> SinkUrl:
    """Split a sink's URL and check its parts. Raises ValueError, with an explanation that holds no secrets."""
    url = split_url(text.strip())
    if url.scheme not in STORES:
        raise ValueError(f"{url.scheme}: is no known kind of store; known are {_schemes(STORES)}")
    STORES[url.scheme].check(url)
    return url


def parking_url(text: str) -> SinkUrl:
    """Check the URL of a sink that keeps parked events. Raises ValueError, as above."""
    url = sink_url(text)
    if url.scheme not in PARKING_SCHEMES:
        raise ValueError(f"{url.scheme}: keeps no parked events; use one of {', '.join(sorted(PARKING_SCHEMES))}")
    return url


def parse_sink_url(url: str) -> SinkUrl:
    """Parse a sink's URL that no settings have checked. Raises SettingsError, with an explanation as above."""
    try:
        return sink_url(url)
    except ValueError as error:
        raise SettingsError([("ICE_RESULT_SINKS", str(error))]) from error


def open_sink(url: SinkUrl | str, context: SinkContext) -> Sink:
    """Open the store behind `url`; nothing is called, read or written yet. Raises SettingsError.

    Programs that use the library may give a text, which is parsed here.
    """
    parts = parse_sink_url(url) if isinstance(url, str) else url
    return STORES[parts.scheme].open(parts, context)


def keeps_objects(url: SinkUrl) -> bool:
    """Tell if `url` names an object sink, which keeps whole records and parked events."""
    return STORES[url.scheme].keeps_parked


def open_lot(url: SinkUrl | str, context: SinkContext) -> ParkingLot:
    """Open the store behind `url` for parked events; nothing is called yet. Raises SettingsError."""
    sink = open_sink(url, context)
    if not isinstance(sink, Keeps):
        known = _schemes(PARKING_SCHEMES)
        raise SettingsError([("ICE_RESULT_PARK_URL", f"{url}: keeps no parked events; those that do are {known}")])
    return sink.lot


def open_catalogue(url: SinkUrl | str, context: SinkContext) -> Catalogue:
    """Open the store behind `url` to look jobs up; nothing is called or read yet. Raises SettingsError."""
    return catalogue_of(open_sink(url, context))


def catalogue_of(sink: Sink) -> Catalogue:
    """A sink, for looking jobs up in."""
    from ice_result.sinks.object.reader import ObjectCatalogue  # noqa: PLC0415  most events look nothing up
    from ice_result.sinks.object.sink import ObjectSink  # noqa: PLC0415  as above

    return ObjectCatalogue(sink.store, sink.layout) if isinstance(sink, ObjectSink) else cast("Catalogue", sink)


def holdings_of(sink: Sink) -> Holdings:
    """A sink, for reading what it holds as it lies."""
    return cast("Holdings", catalogue_of(sink))


def _schemes(names: Iterable[str]) -> str:
    return ", ".join(f"{name}:" for name in sorted(names))
