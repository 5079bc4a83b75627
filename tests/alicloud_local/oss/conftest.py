"""What tests of OSS share."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def unread_replies() -> Iterator[None]:
    """Let the sockets of unread replies end without a warning: oss2 does not read those of copies and completions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()
