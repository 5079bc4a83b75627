"""What a person or a script writes by hand: `{"JobId": "…"}` or `{"JobIds": ["…", …]}`.

A message without EventType is also looked at where the settings say the job id lies: an EventBridge transformer
may have made it, and to ask ICE about one job too many does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ice_result.triggers.envelope import Envelope, Opened, describe
from ice_result.triggers.job_ids import function_name, job_event, lookup
from ice_result.triggers.keys import Missing, value_of
from ice_result.triggers.model import JobEvent, Malformed, TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["MANUAL"]


def _open(message: JsonObject, options: TriggerOptions) -> Opened | None:
    one = lookup(message, (*options.job_id_paths, "/JobId"))
    many = value_of(message, "JobIds")
    if isinstance(one, Missing) and isinstance(many, Missing):
        return None
    return chain(
        () if isinstance(one, Missing) else (_single(one, message),),
        () if isinstance(many, Missing) else _listed(many),
    )


def _single(event: JobEvent | Malformed, message: JsonObject) -> JobEvent | Malformed:
    """The event of JobId: of a message that has JobIds too, the rest is its payload."""
    payload = {key: value for key, value in message.items() if key.casefold() != "jobids"}
    facts: dict[str, object] = {"payload": payload}
    if isinstance(event, JobEvent):
        facts["function_name"] = function_name(message)
    return event.model_copy(update=facts)


def _listed(job_ids: JsonValue) -> Iterator[JobEvent | Malformed]:
    """One event per entry of JobIds, and each its own message: a bad one does not spoil the others."""
    if not isinstance(job_ids, list) or not job_ids:
        yield Malformed(reason=f"JobIds: found {describe(job_ids)}; expected an array of at least one job id")
        return
    for index, job_id in enumerate(job_ids):
        event = job_event(job_id, f"JobIds[{index}]")
        yield event.model_copy(update={"payload": {"JobIds": [job_id]}})


MANUAL = Envelope("JobId or JobIds (by hand)", _open)
