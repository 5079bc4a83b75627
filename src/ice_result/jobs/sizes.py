"""Limits to the size of a response, which bound the memory of the program.

    bytes of the response   0 ────────────── 64 KiB ────────────── 4 MiB ──────►
                            │ any number at   │ one at a time, see  │ not read
                            │ once            │ large_jobs.py       │ to its end

Decoding JSON and writing it anew takes many times its size in memory, most of all for objects and arrays, which are
therefore counted too. A job beyond a limit is parked as `too_large`: no retry makes it smaller. ICE documents no limit
of its own [inferred: a Result has some kilobytes].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import TooLargeError

LARGEST_RESPONSE = 4 * 1024 * 1024
"""Bytes. A Result of the largest size fits, though quotes and characters in it are escaped."""
LARGEST_RESULT = 2 * 1024 * 1024
"""Bytes of a Result, as UTF-8."""
LARGEST_BESIDE_OTHERS = 64 * 1024
"""Bytes of a response that needs no turn of its own."""
MOST_CONTAINERS = 150_000
"""Objects and arrays in a response, including those in its texts."""
MOST_FILES = 10_000
"""Output files of one job, and entries of each list that names them."""

_largest_now: ContextVar[int] = ContextVar("largest_now", default=LARGEST_RESPONSE)


def largest_now() -> int:
    """Return the bytes of the largest response that may be read at this moment, for this job."""
    return _largest_now.get()


@contextmanager
def reading_at_most(size: int) -> Iterator[None]:
    """Limit responses to `size` bytes inside the block; a larger one is a TooLargeError with that limit."""
    token = _largest_now.set(size)
    try:
        yield
    finally:
        _largest_now.reset(token)


def check_text(text: str | bytes) -> None:
    """Raise TooLargeError for a response, not yet parsed, with too many objects and arrays."""
    found = text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")
    if found > MOST_CONTAINERS:
        raise TooLargeError("the response", found, MOST_CONTAINERS, "objects and arrays")


def check_response(response: JsonObject) -> None:
    """Raise TooLargeError for a response with a too large Result, or a too long list of files."""
    size = _size(response.get("Result"))
    if size > LARGEST_RESULT:
        raise TooLargeError("Result", size, LARGEST_RESULT, "bytes")
    for name in ("OutputFiles", "OutputUrls", "OutputMediaIds"):
        entries = response.get(name)
        if isinstance(entries, list):
            check_files(name, len(entries))


def check_files(where: str, count: int) -> None:
    """Raise TooLargeError for more files than are looked up for one job."""
    if count > MOST_FILES:
        raise TooLargeError(where, count, MOST_FILES, "files")


def _size(value: JsonValue) -> int:
    return len((value if isinstance(value, str) else dump(value)).encode(errors="surrogatepass"))
