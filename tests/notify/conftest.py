"""Pipelines with recording targets over a folder of saved responses and a folder of records."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.parked_events import Saved
from support.recording_target import RecordingTargets, use_recording_targets


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> RecordingTargets:
    """Recording targets in place of all kinds of targets."""
    return use_recording_targets(monkeypatch)


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """A folder of saved responses."""
    return Saved(tmp_path / "jobs")
