"""The memory that Python allocates during a call, on every machine alike."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def with_peak_of_memory(call: Callable[[], T]) -> tuple[T, int]:
    """Return the value of a call, and the most bytes that were allocated at once during it."""
    tracemalloc.start()
    try:
        value = call()
        return value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
