"""Acknowledgements of the targets of notifications, as one object for each job beside the records.

notified/<job id>.json   {"schema": "ice_result.notified/1", "job_id", "targets": {"mns://queue": "<id>", …}}

Only notifications read and write it: the writing of records never touches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from ice_result.core.types import JobId, Model
from ice_result.errors import StorageError
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import ObjectStore, line


class Notified(Model):
    """Last notification of a job that each target has acknowledged: its id by the name of the target."""

    schema_: Literal["ice_result.notified/1"] = Field(default="ice_result.notified/1", alias="schema")
    job_id: JobId
    targets: dict[str, str]


def read_acknowledged(store: ObjectStore, layout: Layout, job_id: JobId) -> dict[str, str]:
    """Read the last acknowledged id of each target. Raises StorageError for an object that is not ours."""
    key = layout.notified(job_id)
    data = store.get(key)
    if data is None:
        return {}
    try:
        return Notified.model_validate_json(data).targets
    except ValidationError as error:
        raise StorageError(f"{store.address(key)} is not a document of acknowledged notifications") from error


def write_acknowledged(store: ObjectStore, layout: Layout, job_id: JobId, told: Mapping[str, str]) -> None:
    """Write the last acknowledged id of each target, in place of what is there."""
    store.put(layout.notified(job_id), line(Notified(job_id=job_id, targets=dict(sorted(told.items())))))
