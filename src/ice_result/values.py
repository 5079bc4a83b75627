"""The small shared vocabulary: what a model is, and types that are easy to mix up."""

from __future__ import annotations

from typing import NewType

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["JobId", "JsonObject", "JsonValue", "Model"]

JobId = NewType("JobId", str)
"""An ICE job id: 1 to 128 printable characters. ICE documents no narrower form."""

JsonObject = dict[str, JsonValue]


class Model(BaseModel):
    """A frozen value. Validators are built at first use, which a cold start does not pay for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False)
