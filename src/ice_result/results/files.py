"""The functions whose outcome is their output files. Their Result is documented as `{}`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import Self, override

from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import shorten
from ice_result.results.model import Result, named_values
from ice_result.results.reader import LenientReader, unwrap


class Files(Result):
    """The functions whose outcome is their output files; `extra` is what their Result held all the same."""

    kind: Literal["files"] = "files"
    extra: JsonObject = Field(default_factory=dict)
    infers_file_names: ClassVar[bool] = True

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode nothing, as documented; anything else is kept in `extra`, under "Result" when it is not an object."""
        value = unwrap(result, reader)
        if reader.nothing(value):
            return cls()
        reader.warn(
            "$", "unexpected_data", f"no content is documented here; it is kept in extra: {shorten(dump(value))}"
        )
        return cls(extra=value if isinstance(value, dict) else {"Result": value})

    @override
    def file_names(self) -> tuple[str, ...]:
        """Return the files that `extra` names as MPS, the predecessor of ICE, names them: under `file`. [inferred]"""
        entries = self.extra.get("Result", self.extra)
        listed = entries if isinstance(entries, list) else [entries]
        names = (entry.get("file") for entry in listed if isinstance(entry, dict))
        return tuple(name for name in names if isinstance(name, str))

    @override
    def shown_rows(self) -> list[dict[str, object]]:
        return named_values(self.extra)
