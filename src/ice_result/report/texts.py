"""Texts of the pages in both languages. The two tables have the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ice_result.report.texts_en import ENGLISH
from ice_result.report.texts_zh import CHINESE

Language: TypeAlias = Literal["en", "zh"]
TABLES: Mapping[Language, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}
_TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True)
class Texts:
    """Texts in one language."""

    language: Language

    @property
    def tag(self) -> str:
        """Language as the attribute `lang` has it."""
        return _TAGS[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with these values in their places."""
        return TABLES[self.language][key].format(**values)

    def count(self, key: str, number: int) -> str:
        """Return a text about a number of things: `1 job`, `2 jobs`."""
        return self(f"{key}.one" if number == 1 else key, number=f"{number:,}")

    def name(self, group: str, token: str) -> str:
        """Return the words for a token of the data; the token itself where this version has none."""
        return TABLES[self.language].get(f"{group}.{token}", token)

    def numbered(self, group: str, token: str, number: int | None) -> str:
        """Return the words for one of several things of a kind: `Channel 1`."""
        shown = "?" if number is None else str(number)
        words = TABLES[self.language].get(f"{group}.{token}")
        return f"{token} {shown}" if words is None else words.format(number=shown)


def language_of(locale: str) -> Language:
    """Return the language of the pages for a locale such as zh_CN.UTF-8: Chinese or English."""
    return "zh" if locale.lower().startswith("zh") else "en"
