"""Functions this version does not know: their Result is kept, not understood."""

from __future__ import annotations

from typing import Literal

from typing_extensions import Self, override

from ice_result.core.json_text import valid_text
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError
from ice_result.results.model import Result, named_values
from ice_result.results.reader import LenientReader, parse


class Unknown(Result):
    """A function this version does not know: its Result as JSON, or as text when it is not JSON."""

    kind: Literal["unknown"] = "unknown"
    data: JsonValue = None

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Keep the JSON as it is, or the text when it is not JSON; a wrapper stays, it may be the function's own."""
        try:
            value = parse(result)
        except NotJsonError as error:
            if isinstance(result, str):
                reader.warn("$", "not_json", str(error))
                return cls(data=valid_text(result))
            reader.undecodable("$", "not_json", str(error))
            return cls()
        reader.nothing(value)
        return cls(data=value)

    @override
    def shown_rows(self) -> list[dict[str, object]]:
        return named_values(self.data if isinstance(self.data, dict) else {"data": self.data} if self.data else {})
