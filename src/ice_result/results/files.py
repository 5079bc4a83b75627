"""The functions whose outcome is their output files, and whose Result is documented as `{}`."""

from __future__ import annotations

from ice_result.core.json_text import dump
from ice_result.core.types import JsonValue
from ice_result.errors import shorten
from ice_result.results.model import DecodeWarning, Files
from ice_result.results.reader import Report, unwrap


def decode(result: JsonValue, report: Report) -> Files:
    """Nothing, as documented; anything else is kept in `extra`, under "Result" when it is not an object."""
    value = unwrap(result, report)
    if report.nothing(value):
        return Files()
    message = f"nothing is documented here, kept in extra: {shorten(dump(value))}"
    report.warn(DecodeWarning(path="$", code="unexpected_data", message=message))
    return Files(extra=value if isinstance(value, dict) else {"Result": value})
