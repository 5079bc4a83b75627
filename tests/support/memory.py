"""The memory that Python allocates during a call, on every machine alike."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def with_peak_of_memory(call: Callable[[], T]) -> tuple[T, int]:
    """Return the value of a call, and the most bytes that were allocated at once during it.

    Each start of tracemalloc can take memory for ever: a process that makes many calls starts it once, before them.
    """
    is_traced = tracemalloc.is_tracing()
    if not is_traced:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        value = call()
        return value, tracemalloc.get_traced_memory()[1] - before
    finally:
        if not is_traced:
            tracemalloc.stop()
