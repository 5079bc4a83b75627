"""An account that commands set up and take down."""

from __future__ import annotations

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
