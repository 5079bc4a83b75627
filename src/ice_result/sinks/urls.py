"""The URLs of sinks, taken apart: what all of them have in common, and the shapes they come in.

file:./out   sqlite:./out/jobs.db      a path, which may also be written file:///abs
oss://bucket/prefix   s3://…           a bucket, and the start of its keys
ots://instance                         an instance of Tablestore
"""

from __future__ import annotations

import re
from typing import NamedTuple

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_INSTANCE = re.compile(r"[A-Za-z](?=[A-Za-z0-9-]{2,15}$)[A-Za-z0-9-]*[A-Za-z0-9]")
_LONGEST_PREFIX = 512


class SinkUrl(NamedTuple):
    """A URL in its parts. `authority` is the bucket or instance, None without `//`; nothing is percent-decoded."""

    text: str
    scheme: str
    authority: str | None
    path: str

    @property
    def prefix(self) -> str:
        """The path as the start of keys: no slash at either end."""
        return self.path.strip("/")


def split_url(text: str) -> SinkUrl:
    """The parts of a sink's URL. Raises ValueError, with an explanation that holds no secrets."""
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
    """Raises ValueError unless it is a path on this machine."""
    if url.authority:
        raise ValueError(f"{url.text}: names a host; a path is written {url.scheme}:./out or {url.scheme}:/srv/out")
    if not url.path:
        raise ValueError(f"{url.text}: names no path; write {url.scheme}:./out or {url.scheme}:/srv/out")


def check_bucket_url(url: SinkUrl) -> None:
    """Raises ValueError unless it is a bucket's valid name and the usable start of a key."""
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
    """Raises ValueError unless it is an instance's valid name and no more."""
    if not url.authority:
        raise ValueError(f"{url.text}: names no instance; write {url.scheme}://instance")
    if not _INSTANCE.fullmatch(url.authority):
        raise ValueError(
            f"{url.text}: {url.authority!r} is not an instance's name: 3 to 16 letters, digits and hyphens, "
            "a letter first and no hyphen last"
        )
    if url.prefix:
        raise ValueError(f"{url.text}: names more than an instance; the tables have names of their own")
