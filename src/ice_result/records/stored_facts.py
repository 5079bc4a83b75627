"""Stored manifest → the facts about each file in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from pydantic import TypeAdapter

from ice_result.core.types import JsonObject, JsonValue
from ice_result.records.model import DefectCode, LookUpProblem, ObjectFacts

_FACTS = TypeAdapter(ObjectFacts)
_LOOK_UP_PROBLEMS = get_args(LookUpProblem)
_DEFECTS = get_args(DefectCode)  # the other problems follow from the facts, or are those of rules


def facts_in(manifest: JsonObject) -> Mapping[str, ObjectFacts]:
    """Read the facts of each file by its address. Raises pydantic's ValidationError for a damaged manifest."""
    by_uri: dict[str, list[JsonObject]] = {}
    for problem in _objects(manifest.get("problems")):
        by_uri.setdefault(str(problem.get("uri")), []).append(problem)
    return {
        str(file["uri"]): _facts_of(file, by_uri.get(str(file["uri"]), ()))
        for file in _objects(manifest.get("files"))
        if file.get("uri")
    }


def _facts_of(file: JsonObject, problems: Sequence[JsonObject]) -> ObjectFacts:
    """Read the facts of one file. A media type that was guessed from the name is guessed again."""
    names = ["size_bytes", "etag", "crc64", "last_modified", "storage_class", "media"]
    names += ["media_type"] if file.get("exists") else []
    look_up = next((each for each in problems if each.get("code") in _LOOK_UP_PROBLEMS), {})
    # That an object has no bytes follows from its size.
    defect = next((each for each in problems if each.get("code") in _DEFECTS), {}) if file.get("size_bytes") else {}
    return _FACTS.validate_python(
        {
            **{name: file.get(name) for name in names},
            "exists": file.get("exists"),
            "problem": look_up.get("code"),
            "message": look_up.get("message") or "",
            "defect": (defect.get("code"), defect.get("message") or "") if defect else None,
        }
    )


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
