"""Notifications as the program makes them, for tests of the targets."""

from __future__ import annotations

import json

from ice_result.notify.model import Notification

JOB_ID = "0c1fe5d6c27f4ad8a2fca1e7a8f4a1b2"


def a_notification(identifier: str = "n-1", **data: object) -> Notification:
    """A notification of a recorded job; `data` is added to what it says."""
    event = {
        "specversion": "1.0",
        "id": identifier,
        "source": "/ice-result/cn-shanghai",
        "type": "ice-result.job.recorded.v1",
        "subject": JOB_ID,
        "time": "2026-03-02T08:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "https://example.com/schema",
        "data": {"job_id": JOB_ID, "outcome": "ok", "name": "片头 <&> \u2028\uffff+%", **data},
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    return Notification(identifier, "ice-result.job.recorded.v1", JOB_ID, body)
