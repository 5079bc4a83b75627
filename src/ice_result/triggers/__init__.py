"""The first stage: from the bytes that woke us to the jobs to ask for, and why the rest is none."""

from __future__ import annotations

from ice_result.triggers.driver import parse
from ice_result.triggers.model import Callback, Ignored, JobEvent, Malformed, Triggered, TriggerEvent, TriggerOptions

__all__ = ["Callback", "Ignored", "JobEvent", "Malformed", "TriggerEvent", "TriggerOptions", "Triggered", "parse"]
