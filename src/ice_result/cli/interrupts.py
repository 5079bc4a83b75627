"""Ctrl-C between two things that must agree."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C in here takes effect at the end of it. For what is short and waits for nobody, in the main thread."""
    held_back: list[FrameType | None] = []

    def hold_back(_number: int, frame: FrameType | None) -> None:
        held_back.append(frame)

    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a shell's background
        yield
        return
    signal.signal(signal.SIGINT, hold_back)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held_back:
        handler(signal.SIGINT, held_back[0])
