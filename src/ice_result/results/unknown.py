"""Functions this version does not know: their Result is kept, not understood."""

from __future__ import annotations

from ice_result.core.json_text import valid_text
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError
from ice_result.results.model import DecodeWarning, Unknown
from ice_result.results.reader import Report, parse


def decode(result: JsonValue, report: Report) -> Unknown:
    """The JSON as it is, or the text when it is not JSON; a wrapper is left on, for it may be the function's own."""
    try:
        value = parse(result)
    except NotJsonError as error:
        warning = DecodeWarning(path="$", code="not_json", message=str(error))
        if isinstance(result, str):
            report.warn(warning)
            return Unknown(data=valid_text(result))
        report.undecodable(warning)
        return Unknown()
    report.nothing(value)
    return Unknown(data=value)
