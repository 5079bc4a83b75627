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

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, JsonValue
from pydantic_core import CoreSchema, core_schema

__all__ = ["ADDED_LATER", "JobId", "JsonObject", "JsonValue", "Model", "OpenList", "utc_time"]

JobId = NewType("JobId", str)
"""An ICE job id: 1 to 128 printable characters. ICE documents no narrower form."""

JsonObject = dict[str, JsonValue]


class Model(BaseModel):
    """Base class of frozen values. Validators are built at first use, so that a cold start does not pay for them.

    Fields that a later version added are ignored: see docs/library.md for what may change in a stored document.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, allow_inf_nan=False)


class OpenList:
    """Mark of a field with a list of texts that later versions may extend: a text that is not in it is read too."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema([handler(source), core_schema.str_schema()])


ADDED_LATER: JsonObject = {"x-added-later": True}
"""`json_schema_extra` of a field that stored documents of earlier versions do not have: no schema requires it."""


def utc_time(text: str) -> datetime | None:
    """Parse an ISO 8601 text as a time in UTC. A text without an offset is UTC. Returns None for any other text."""
    try:
        time = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
