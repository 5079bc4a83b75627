"""The event of MPS, ICE's predecessor, whose jobs ICE does not know.

Documented as `{"Type": "IProduction", "State", "JobId", "FunctionName", "Code", "Message", "Details"}`.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened
from ice_result.triggers.keys import value_of
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["MPS_EVENT"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    kind = value_of(message, "Type")
    if not isinstance(kind, str) or kind.casefold() != "iproduction":
        return None
    return (Ignored(event_type=kind, reason="an event of MPS, which is another product: ICE cannot know its jobs"),)


MPS_EVENT = Envelope("Type IProduction (an MPS event)", _open)
