"""An account that commands set up and take down."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from alicloud_local import CallEvent, LocalCloud
from alicloud_local.service import CallObserver


@pytest.fixture
def watchers() -> list[CallObserver]:
    """What hears of every call to `empty_account`."""
    return []


@pytest.fixture
def empty_account(watchers: list[CallObserver]) -> Iterator[LocalCloud]:
    """An account without anything."""

    def watch(event: CallEvent) -> None:
        for each in watchers:
            each(event)

    with LocalCloud(tablestore=True, watch=watch) as running:
        yield running


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started can be interrupted, also where a shell runs the tests in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
