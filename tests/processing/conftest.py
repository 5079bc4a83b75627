"""A world of jobs whose outputs are checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from support.checked_jobs import World
from support.paths import SAMPLE_JOBS


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        cloud.seed_outputs()
        cloud.seed_inputs()
        yield World(cloud, tmp_path)
