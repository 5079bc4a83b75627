"""Paths in the project."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
SOURCE = ROOT / "src"
SAMPLE_JOBS = ROOT / "samples" / "jobs"
SAMPLE_EVENTS = ROOT / "samples" / "events"
