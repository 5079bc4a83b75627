"""Requests of ICE's HTTP callback as they reach the function, signed with keys of the tests."""

from __future__ import annotations

import hashlib
import json

from ice_result.core.types import JsonObject

URL = "https://ice-result.example.com/callback"
KEYS = ("Key1ForTests", "Key2ForTests")
NOW = 1_657_874_894


def signature(timestamp: str, *, url: str = URL, key: str = KEYS[0]) -> str:
    """Return the valid value of X-ICE-SIGNATURE."""
    return hashlib.md5(f"{url}|{timestamp}|{key}".encode(), usedforsecurity=False).hexdigest()


def callback(job_id: str, *, timestamp: int = NOW, key: str = KEYS[0], body: str | None = None) -> JsonObject:
    """Make the request for a job, or one with another body."""
    event = {"EventType": "AIProduceComplete", "UserId": 1, "MessageBody": {"Status": "Success", "JobId": job_id}}
    return {
        "version": "v1",
        "rawPath": "/callback",
        "headers": {
            "Content-Type": "application/json",
            "X-Ice-Timestamp": str(timestamp),
            "X-Ice-Signature": signature(str(timestamp), key=key),
        },
        "queryParameters": {},
        "body": json.dumps(event) if body is None else body,
        "isBase64Encoded": False,
        "requestContext": {"http": {"method": "POST", "path": "/callback"}, "requestId": f"request-{job_id}"},
    }
