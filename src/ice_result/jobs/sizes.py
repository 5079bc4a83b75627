"""Limits to the size of a response, and a queue for large jobs: they bound the memory of the program.

    bytes of the response   0 ────────────── 64 KiB ────────────── 4 MiB ──────►
                            │ any number at   │ one at a time, see  │ not read
                            │ once            │ LargeJobQueue       │ to its end

Decoding JSON and writing it anew takes many times its size in memory, most of all for objects and arrays, which are
therefore counted too. A job beyond a limit is parked as `too_large`: no retry makes it smaller. ICE documents no limit
of its own [inferred: a Result has some kilobytes].
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TypeVar

from typing_extensions import Self

from ice_result.core.deadline import current_deadline
from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject
from ice_result.errors import OutOfTimeError, TooLargeError

T = TypeVar("T")

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


def check_text(text: str) -> None:
    """Raise TooLargeError for a response, not yet parsed, with too many objects and arrays."""
    found = text.count("{") + text.count("[")
    if found > MOST_CONTAINERS:
        raise TooLargeError("the response", found, MOST_CONTAINERS, "objects and arrays")


def check_response(response: JsonObject) -> None:
    """Raise TooLargeError for a response with a too large Result, or a too long list of files."""
    result = response.get("Result")
    size = len((result if isinstance(result, str) else dump(result)).encode(errors="surrogatepass"))
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


class LargeJobQueue:
    """Processes large jobs one at a time, in the order in which they came, beside any number of small ones.

        small  ━━━  ━━  ━━━━ ━━━
        small   ━━━ ━━━━  ━━ ━━━━
        large  ─ asked ─┐━━━━━━━━━━━━━━┐
        large     ─ asked ─ ─ waits ─ ─ ┘━━━━━━━━━

    The size of a response is not known before it is read. So each job begins as a small one, and is given up when its
    response is large; it begins again at its turn. A large job costs one call more, and a small one costs nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()  # the first is set: it has the turn

    def work(self, work: Callable[[], T]) -> T:
        """Return the value of `work()`, which asks for a response and decodes it.

        `work` is called again when the response is a large one. Raises OutOfTimeError when its turn does not come by
        the deadline, TooLargeError for a response above the limit, and the errors of `work`.
        """
        try:
            with _reading_at_most(LARGEST_BESIDE_OTHERS):
                return work()
        except TooLargeError as error:
            if error.limit != LARGEST_BESIDE_OTHERS:
                raise
            # The traceback refers to the frames of all callers, which would keep the result until the next garbage
            # collection.
            error.__traceback__ = None
        with self.turn(), _reading_at_most(LARGEST_RESPONSE):
            return work()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and take it for the block. Raises OutOfTimeError when it does not come by the deadline."""
        mine, deadline = threading.Event(), current_deadline()
        with self._lock:
            self._waiting.append(mine)
            self._waiting[0].set()
        try:
            if not deadline.clock.wait(mine, deadline.left()):
                raise OutOfTimeError("the time of this run ended while other large jobs were processed")
            yield
        finally:
            with self._lock:
                self._waiting.remove(mine)
                if self._waiting:
                    self._waiting[0].set()


class Turn:
    """Turn of a job in a queue, from the moment it is taken, in any thread, to the end of the block."""

    def __init__(self, queue: LargeJobQueue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._held = ExitStack()
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
            self._held.close()

    def take(self) -> None:
        """Wait for the turn. Raises OutOfTimeError, also after the block has ended."""
        held = ExitStack()
        held.enter_context(self._queue.turn())
        with self._lock:
            if not self._is_over:
                self._held = held
                return
        held.close()
        raise OutOfTimeError("the time of this job ended while other large contents were read")


@contextmanager
def _reading_at_most(size: int) -> Iterator[None]:
    """Limit responses to `size` bytes inside the block; a larger one is a TooLargeError with that limit."""
    token = _largest_now.set(size)
    try:
        yield
    finally:
        _largest_now.reset(token)
