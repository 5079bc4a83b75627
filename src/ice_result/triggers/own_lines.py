"""The JSON lines that our own commands print, read back: `process`, `list`, `show`, `backfill`, `expect`, `parked`.

Each names its job in `job_id`, that of `show` in `record.job_id`, that of `parked show` in `envelope.job_id`. A line
about no job says null there, as that of a message that was ignored.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened, label
from ice_result.triggers.job_ids import job_event
from ice_result.triggers.model import Ignored, JobEvent, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["OWN_LINE"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    inner = message.get("record", message.get("envelope"))
    line = inner if isinstance(inner, dict) and "job_id" not in message else message
    if "job_id" not in line:
        return (_NO_JOB,) if {"sink", "key", "damaged"} <= line.keys() else None
    if line["job_id"] is None and len(line) > 1:
        return (_NO_JOB,)
    event = job_event(line["job_id"], "job_id")
    if isinstance(event, JobEvent):
        event = event.model_copy(update={"function_name": label(line.get("function_name"))})
    payload = {key: line[key] for key in ("job_id", "function_name") if key in line}
    return (event.model_copy(update={"payload": payload}),)


_NO_JOB = Ignored(reason="a line of ice-result about no job")
OWN_LINE = Envelope("job_id (a line of ice-result)", _open)
