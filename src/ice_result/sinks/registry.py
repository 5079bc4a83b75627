"""URLs of sinks, and the kinds of stores by their scheme: one line for each.

file:./out   sqlite:./out/jobs.db      a path, which may also be written file:///abs
oss://bucket/prefix   s3://…           a bucket, and the start of its keys
ots://instance                         an instance of Tablestore
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from typing_extensions import override

from ice_result.core.extras import require_extra
from ice_result.errors import SettingsError
from ice_result.sinks.base import OBJECTS, SQLITE, TABLESTORE, Capabilities, SinkContext, Store
from ice_result.sinks.parked_events import ParkedEvents

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_INSTANCE = re.compile(r"[A-Za-z](?=[A-Za-z0-9-]{2,15}$)[A-Za-z0-9-]*[A-Za-z0-9]")
_DATABASES = (".db", ".sqlite", ".sqlite3")
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
    def is_alibaba_cloud(self) -> bool:
        """True for a store in an account of Alibaba Cloud: it is in a region, and wants the account's keys."""
        return self.scheme in {"oss", "ots"}

    @property
    def prefix(self) -> str:
        """Path as the start of keys, without a slash at either end."""
        return self.path.strip("/")


def check_path_url(url: SinkUrl) -> None:
    """Check the URL of a path on this machine. Raises ValueError for any other."""
    if url.authority:
        raise ValueError(f"{url.text}: contains a host; write a path as {url.scheme}:./out or {url.scheme}:/srv/out")
    if url.path.startswith("~"):
        raise ValueError(f"{url.text}: `~` is not expanded here; write {url.scheme}:$HOME{url.path[1:]}")
    if not url.path:
        raise ValueError(f"{url.text}: has no path; write {url.scheme}:./out or {url.scheme}:/srv/out")


def check_bucket_url(url: SinkUrl) -> None:
    """Check the URL of a bucket: a valid name, and a usable start of keys. Raises ValueError."""
    if not url.authority:
        raise ValueError(f"{url.text}: has no bucket; write {url.scheme}://bucket/prefix")
    if not _BUCKET.fullmatch(url.authority):
        raise ValueError(
            f"{url.text}: {url.authority!r} is not a bucket's name: 3 to 63 lower-case letters, digits and hyphens"
        )
    if any(part in {"", ".", ".."} for part in url.prefix.split("/") if url.prefix) or "\\" in url.prefix:
        raise ValueError(f"{url.text}: a prefix must not have an empty part, `.`, `..` or a backslash")
    if "*" in url.prefix:
        raise ValueError(f"{url.text}: a prefix must not contain `*`: in a RAM policy, it would match every other key")
    if len(url.prefix.encode()) > _LONGEST_PREFIX:
        raise ValueError(f"{url.text[:80]}…: a prefix must not be longer than {_LONGEST_PREFIX} bytes")


def check_instance_url(url: SinkUrl) -> None:
    """Check the URL of an instance: a valid name and no more. Raises ValueError."""
    if not url.authority:
        raise ValueError(f"{url.text}: has no instance; write {url.scheme}://instance")
    if not _INSTANCE.fullmatch(url.authority):
        raise ValueError(
            f"{url.text}: {url.authority!r} is not an instance's name: 3 to 16 letters, digits and hyphens, "
            "a letter first and no hyphen last"
        )
    if url.prefix:
        raise ValueError(f"{url.text}: has more than the name of an instance; the names of the tables are fixed")


class StoreType(NamedTuple):
    """Kind of store: its check of URLs, the function that opens a store, and its capabilities.

    `check` raises ValueError for the URL of another kind. `opener` names a function as `module:function`; it is
    imported when the first such store is opened, so that nobody pays for a store that is not configured. `extra` is the
    extra of this package that has the SDK of the store.
    """

    check: Callable[[SinkUrl], None]
    opener: str
    capabilities: Capabilities
    extra: str | None = None


STORES: dict[str, StoreType] = {
    "file": StoreType(check_path_url, "ice_result.sinks.object.file:open_file", OBJECTS),
    "oss": StoreType(check_bucket_url, "ice_result.sinks.object.oss:open_oss", OBJECTS),
    "s3": StoreType(check_bucket_url, "ice_result.sinks.object.s3:open_s3", OBJECTS, "s3"),
    "ots": StoreType(check_instance_url, "ice_result.sinks.table.tablestore:open_tablestore", TABLESTORE, "tablestore"),
    "sqlite": StoreType(check_path_url, "ice_result.sinks.table.sqlite:open_sqlite", SQLITE),
}


def parking_schemes() -> list[str]:
    """List the schemes of the stores that keep parked events, sorted, as `file:`."""
    return sorted(f"{scheme}:" for scheme, store in STORES.items() if store.capabilities.parks)


def sink_url(text: str) -> SinkUrl:
    """Split a sink's URL and check its parts. Raises ValueError, with an explanation without secrets."""
    text = text.strip()
    if "@" in text and "//" in text:
        raise ValueError(
            "the URL of a sink must not contain a user name or a password; keys come from the role or the environment"
        )
    if "?" in text or "#" in text:
        raise ValueError(
            "the URL of a sink must not contain a query (?) or a fragment (#): options are environment variables"
        )
    if _CONTROL.search(text):
        raise ValueError("the URL of a sink must not contain control characters")
    match = _URL.fullmatch(text)
    if match is None:
        scheme = "sqlite" if text.lower().endswith(_DATABASES) else "file"
        raise ValueError(
            f"{text!r} is not a URL such as file:./out or oss://bucket/prefix; did you mean {scheme}:{text}?"
        )
    url = SinkUrl(text, match[1], match[2], match[3])
    if url.scheme not in STORES:
        known = ", ".join(f"{scheme}:" for scheme in sorted(STORES))
        raise ValueError(f"{url.scheme}: is not a known kind of store; expected one of {known}")
    STORES[url.scheme].check(url)
    return url


def parking_url(text: str) -> SinkUrl:
    """Check the URL of a sink that keeps parked events. Raises ValueError, as above."""
    url = sink_url(text)
    if not capabilities_of(url).parks:
        schemes = ", ".join(scheme.rstrip(":") for scheme in parking_schemes())
        raise ValueError(f"{url.scheme}: keeps no parked events; use one of {schemes}")
    return url


def parse_sink_url(url: str) -> SinkUrl:
    """Parse a sink's URL that no settings have checked. Raises SettingsError, with an explanation as above."""
    try:
        return sink_url(url)
    except ValueError as error:
        raise SettingsError([("ICE_RESULT_SINKS", str(error))]) from error


def require_sdk(url: SinkUrl) -> None:
    """Check that the SDK of the store behind `url` is installed. Raises SettingsError, which names the extra."""
    extra = STORES[url.scheme].extra
    if extra is not None:
        require_extra(extra, url.text)


def capabilities_of(url: SinkUrl) -> Capabilities:
    """Return the capabilities of the store behind `url`, which is not opened."""
    return STORES[url.scheme].capabilities


def open_sink(url: SinkUrl | str, context: SinkContext) -> Store:
    """Open the store behind `url`; nothing is called, read or written yet. Raises SettingsError.

    Programs that use the library may give a text, which is parsed here.
    """
    parts = parse_sink_url(url) if isinstance(url, str) else url
    require_sdk(parts)
    module, _, function = STORES[parts.scheme].opener.partition(":")
    store: Store = getattr(import_module(module), function)(parts, context)
    return store


def open_parking_store(url: SinkUrl | str, context: SinkContext) -> ParkedEvents:
    """Open the store behind `url` for parked events; nothing is called yet. Raises SettingsError."""
    parking = open_sink(url, context).parking
    if parking is None:
        known = ", ".join(parking_schemes())
        raise SettingsError([("ICE_RESULT_PARK_URL", f"{url}: keeps no parked events; those that do are {known}")])
    return parking
