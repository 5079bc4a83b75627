"""A decoded Result as JSON: the status, the result, the warnings and the places of error texts, in one list."""

from __future__ import annotations

from pydantic import TypeAdapter

from ice_result.results import Decoded

DECODED = TypeAdapter(Decoded)


def decoded_json(decoded: Decoded) -> str:
    """Write a decoded Result as JSON."""
    return DECODED.dump_json(decoded).decode()
