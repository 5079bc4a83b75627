"""The base of all families of results. docs/data-dictionary.md has every field of each family.

A family is one class in a module of its own, and a line in registry.py leads to it. The class says what a result is,
how it is decoded, which rows of `ice_items` it has, and how `show`, `list` and the report show it.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, TypeAlias

from typing_extensions import Self

from ice_result.core.json_text import dump
from ice_result.core.redaction import clean
from ice_result.core.types import JsonObject, JsonValue, Model, OpenList
from ice_result.results.registry import FUNCTIONS, UNKNOWN, Function

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

    from ice_result.results.figures import Figure
    from ice_result.results.reader import LenientReader

DecodeStatus: TypeAlias = Literal["decoded", "empty", "partial", "undecodable"]
ColumnType: TypeAlias = Literal["text", "integer", "real", "boolean"]


WarningCode: TypeAlias = Literal[
    "missing", "unreadable", "unexpected_key", "unexpected_data", "not_json", "not_saved", "unwrapped"
]


class DecodeWarning(Model):
    """Something in a Result that was not as documented. `path` is a JSON path from `$`, `code` a stable token."""

    path: str
    code: Annotated[WarningCode, OpenList]
    message: str


class ItemColumn(NamedTuple):
    """A column of the table `ice_items`. `unit` is empty for what has none."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""


SHARED_COLUMNS = (
    *("rank", "score", "time_seconds", "start_seconds", "end_seconds", "duration_seconds"),
    *("title", "path", "uri"),
)
"""Columns of `ice_items` that more than one family may have: the first of the table, in this order."""
SPAN_COLUMNS = (
    ItemColumn("start_seconds", "real", "segment: its start", "s"),
    ItemColumn("end_seconds", "real", "segment: its end", "s"),
    ItemColumn("duration_seconds", "real", "segment: end minus start", "s"),
)
"""The columns of a segment."""


class Result(Model):
    """The result of a job: the base of every family. A subclass gives `kind` its one value.

    `item_kind` is the column `kind` of the result's rows in `ice_items`, and `item_columns` are the columns that these
    rows have; None and nothing for a family without rows.
    `infers_file_names` is true where `file_names` are only concluded from the Result: they count where no other field
    of the response names a file.
    """

    kind: str
    item_kind: ClassVar[str | None] = None
    item_columns: ClassVar[tuple[ItemColumn, ...]] = ()
    infers_file_names: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode the Result of a job; `reader` takes note of everything that is not as documented. Never raises."""

    def items(self) -> tuple[Model, ...]:
        """Return the rows of `ice_items` as models, in ICE's order. `mos.score` is the column `mos_score`."""
        return ()

    def file_names(self) -> tuple[str, ...]:
        """Return the files that the result names, as paths or addresses; blank where no name could be read."""
        return ()

    def one_line(self) -> str:
        """Return the summary that `show` and the demo print; empty where the files say all there is."""
        return ""

    def shown_rows(self) -> list[dict[str, object]]:
        """Return the table that `show` prints below the summary: rows of the same columns."""
        return [item.model_dump() for item in self.items()]

    def figure(self) -> Figure | None:
        """Return the figure that the report draws; None for a family whose rows say it all."""
        return None


class _OfAnyFamily:
    """The validation of a field that may contain a result of any family, and its JSON Schema.

    A union of all families means the same, but the first job would have to import and build all of them. That takes a
    quarter of the CPU that stages three and four need at a cold start. [measured]
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core.core_schema import no_info_plain_validator_function  # noqa: PLC0415

        return no_info_plain_validator_function(read_result)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        from pydantic import TypeAdapter  # noqa: PLC0415
        from pydantic_core.core_schema import tagged_union_schema  # noqa: PLC0415

        choices = {kind: TypeAdapter(family).core_schema for kind, family in families().items()}
        return {**handler(tagged_union_schema({**choices}, "kind")), "title": "Result"}


AnyResult: TypeAlias = Annotated[Result, _OfAnyFamily]
"""The type of a field that may contain a result of any family."""


class Decoded(NamedTuple):
    """A decoded Result.

    decoded: all of it read; empty: ICE sent nothing; partial: some values are null, see the warnings;
    undecodable: not the documented shape at all. `result` is there in every case, empty in the last.
    `not_saved` has the positions, from 0, at which ICE's error text is in place of the name of a file.
    """

    status: DecodeStatus
    result: AnyResult
    warnings: tuple[DecodeWarning, ...] = ()
    not_saved: tuple[int, ...] = ()


def short_number(value: float | None) -> str:
    """Return a number as the one-line summaries show it: `?` where it is not known."""
    return "?" if value is None else f"{value:.4g}"


def named_values(values: JsonObject) -> list[dict[str, object]]:
    """Return one row of values under their names, for `shown_rows`; no row without values."""
    shown = clean(values)  # once more: here a name no longer stands beside its value
    items = shown.items() if isinstance(shown, dict) else ()
    row: dict[str, object] = {name: value if isinstance(value, str) else dump(value) for name, value in items}
    return [row] if row else []


def function_named(name: str) -> Function:
    """Return the function of this name, or UNKNOWN."""
    return FUNCTIONS.get(name, UNKNOWN)


@cache
def family_at(path: str) -> type[Result]:
    """Import a family: `covers.Covers`."""
    module, _, name = path.partition(".")
    family: type[Result] = getattr(import_module(f"{__package__}.{module}"), name)
    return family


def families() -> dict[str, type[Result]]:
    """Import every family, in the order of the registry. The keys are the kinds of results."""
    return {kind: family_at(path) for kind, path in _paths().items()}


def read_result(value: object) -> Result:
    """Return the result that `value` is, or that its JSON object means. Raises ValueError when it is neither.

    A kind that a later version added is read as Unknown, with all of the object as its `data`.
    """
    if isinstance(value, Result):
        return value
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise ValueError(f"not a result: its kind is {kind!r}")  # noqa: TRY004  pydantic reports a ValueError
    path = _paths().get(kind)
    if path is None:
        return family_at(UNKNOWN.family).model_validate({"kind": "unknown", "data": value})
    return family_at(path).model_validate(value)


@cache
def _paths() -> dict[str, str]:
    """Map each kind of result, which is the name of a module, to the path of its family."""
    return {function.family.partition(".")[0]: function.family for function in (*FUNCTIONS.values(), UNKNOWN)}
