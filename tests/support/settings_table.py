"""The README's tables of variables, made from the fields of the settings."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from ice_result.errors import SettingsError
from ice_result.settings import Settings

BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
HEADINGS = {"README.md": "| variable | meaning | default |", "README.zh-CN.md": "| 变量 | 含义 | 默认值 |"}
MUST_BE_SET = {"README.md": "none: must be set", "README.zh-CN.md": "必须设置"}


class Row(NamedTuple):
    """A variable. `default` is its text, another variable, or blank."""

    name: str
    meaning: str
    default: str


def rows(settings: type[Settings] = Settings) -> list[Row]:
    """List the variables of a model."""
    fields = {f"ICE_RESULT_{name.upper()}": field for name, field in settings.model_fields.items()}
    return [Row(name, variable.meaning, _default(fields[name])) for name, variable in settings.variables().items()]


def written(readme: str, text: str, settings: type[Settings] = Settings) -> str:
    """Write the table into a README's text. A translated meaning stays."""
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    there = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE)) if readme != "README.md" else {}
    lines = [f"| `{row.name}` | {there.get(row.name, row.meaning)} | {_shown(row, readme)} |" for row in rows(settings)]
    return before + BEGIN + "\n".join([HEADINGS[readme], "| --- | --- | --- |", *lines]) + "\n" + END + after


def _default(field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[1])
    value = field.default
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def _shown(row: Row, readme: str) -> str:
    if row.default:
        return f"`{row.default}`"
    return MUST_BE_SET[readme] if row.name in _needed() else ""


def _needed() -> set[str]:
    """Return the variables that an empty environment lacks."""
    try:
        Settings.from_environment({})
    except SettingsError as error:
        return {name for name, _ in error.problems}
    return set()
