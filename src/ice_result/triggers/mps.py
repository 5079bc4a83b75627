"""Events of MPS, another product, whose jobs ICE does not know; a queue may be shared with it.

Documented are three:

    of a job          {"jobId", "requestId", "type", "state", "code", "msg"}, and the same keys with a capital
    of a workflow     {"RunId", "Name", "Type": "Start" | "Report", "State", "MediaWorkflowExecution"}
    of an IProduction {"Type": "IProduction", "State", "JobId", "FunctionName", "Code", "Message", "Details"}

`{"JobId", "State"}` alone is none of them: somebody may have made it of an ICE event.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened, label
from ice_result.triggers.keys import Missing, value_of
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["MPS_EVENT"]

_REASON = "an event of MPS, which is another product: ICE cannot know its jobs"
_JOB_TYPES = frozenset({"transcode", "snapshot", "analysis", "mediainfo", "iproduction"})
_WORKFLOW_TYPES = frozenset({"start", "report"})
_KEYS = (("Code", "Details", "FunctionName", "State"), ("JobId", "RequestId", "Type", "State"))
_SPELLED_TWICE = (("jobId", "JobId"), ("type", "Type"), ("state", "State"))


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    kind = value_of(message, "Type")
    kind = kind.strip() if isinstance(kind, str) else None
    if not (_is_of_type(message, kind.casefold() if kind else "") or _is_of_shape(message)):
        return None
    return (Ignored(event_type=label(kind), reason=_REASON),)


def _is_of_type(message: JsonObject, kind: str) -> bool:
    return kind in _JOB_TYPES or (kind in _WORKFLOW_TYPES and _has(message, "RunId"))


def _is_of_shape(message: JsonObject) -> bool:
    """Whether the keys are those of MPS, whatever its Type is: one may be new, or left out."""
    if _has(message, "MediaWorkflowExecution") or any(message.keys() >= {*pair} for pair in _SPELLED_TWICE):
        return True
    return any(all(_has(message, name) for name in names) for names in _KEYS)


def _has(message: JsonObject, name: str) -> bool:
    return not isinstance(value_of(message, name), Missing)


MPS_EVENT = Envelope("Type and State (an MPS event)", _open)
