"""Shared types: the base class of models, and types that are easy to mix up."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from importlib import import_module
from typing import NewType

from ice_result.core.lazy_imports import deferred

# In search of plug-ins pydantic imports zip files, CSV and mail: 5 % of a cold start, and s.yaml says there are none.
with deferred("importlib.metadata"), suppress(ImportError):
    import_module("pydantic.plugin._loader")

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["JobId", "JsonObject", "JsonValue", "Model", "utc_time"]

JobId = NewType("JobId", str)
"""An ICE job id: 1 to 128 printable characters. ICE documents no narrower form."""

JsonObject = dict[str, JsonValue]


class Model(BaseModel):
    """Base class of frozen values. Validators are built at first use, so that a cold start does not pay for them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False)


def utc_time(text: str) -> datetime | None:
    """Parse an ISO 8601 text as a time in UTC. A text without an offset is UTC. Returns None for any other text."""
    try:
        time = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
