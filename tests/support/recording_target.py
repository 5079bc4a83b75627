"""Targets that remember what they are told, in place of queues, buses and webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typing_extensions import override

from ice_result.core.calls import ServiceCaller
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError
from ice_result.notify.model import Notification, Target
from ice_result.notify.registry import TARGETS, NotifyContext, TargetType
from ice_result.notify.urls import NotifyUrl


class RecordingTarget(Target):
    """Target that acknowledges everything, or raises the first of `errors`.

    `asked` is called with each notification that is sent. Nothing is sent after the deadline.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[Notification] = []
        self.errors: list[IceResultError] = []
        self.asked: Callable[[Notification], None] = lambda _: None
        self._caller = ServiceCaller(name, attempts=1)

    @override
    def send(self, notification: Notification) -> None:
        self._caller.call("send", lambda: self._send(notification))

    def _send(self, notification: Notification) -> None:
        self.asked(notification)
        if self.errors:
            raise self.errors.pop(0)
        self.told.append(notification)

    @property
    def ids(self) -> list[str]:
        """Ids of what was acknowledged, in order."""
        return [notification.id for notification in self.told]

    @property
    def bodies(self) -> list[JsonObject]:
        """CloudEvents that were acknowledged, in order."""
        return [json.loads(notification.body) for notification in self.told]


class RecordingTargets:
    """All targets that were opened in a test, by name."""

    def __init__(self) -> None:
        self._targets: dict[str, RecordingTarget] = {}

    def open(self, url: NotifyUrl, _context: NotifyContext) -> RecordingTarget:
        """Open a target; the same one for the same name."""
        return self[url.name]

    def __getitem__(self, name: str) -> RecordingTarget:
        return self._targets.setdefault(name, RecordingTarget(name))


opened = RecordingTargets()
"""Targets of the test that runs now."""


def open_recording(url: NotifyUrl, context: NotifyContext) -> RecordingTarget:
    """Open a target of the present test."""
    return opened.open(url, context)


def use_recording_targets(monkeypatch: pytest.MonkeyPatch) -> RecordingTargets:
    """Put recording targets in place of all kinds of targets, for the length of a test."""
    global opened  # noqa: PLW0603  the registry names a function of a module
    opened = RecordingTargets()
    for scheme in TARGETS:
        monkeypatch.setitem(TARGETS, scheme, TargetType("support.recording_target:open_recording"))
    return opened
