"""Messages of the gateway: JSON objects."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import TypeAlias

from alicloud_local.http_server import Reply

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, JsonValue]

_SURROGATE = re.compile("[\ud800-\udfff]")


def load_object(text: str) -> JsonObject:
    """Read a JSON object; NaN and Infinity become null. Raises ValueError for any other text."""
    try:
        value: JsonValue = json.loads(text.removeprefix("\ufeff"), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  the text is wrong, not the type of an argument
    return value


def dump_object(value: Mapping[str, JsonValue]) -> str:
    """Write a JSON object, with U+FFFD for lone surrogates. Raises ValueError for NaN and Infinity."""
    return _SURROGATE.sub("\ufffd", json.dumps(dict(value), ensure_ascii=False, allow_nan=False))


def json_reply(status: int, body: Mapping[str, JsonValue]) -> Reply:
    """Return a reply with a RequestId of its own, in the body and in a header."""
    request_id = str(uuid.uuid4()).upper()
    headers = {"Content-Type": "application/json;charset=utf-8", "x-acs-request-id": request_id}
    return Reply(status, headers, dump_object({**body, "RequestId": request_id}).encode())
