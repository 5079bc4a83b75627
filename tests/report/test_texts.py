"""Texts of both languages: complete, alike in their places, and all in use."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest

from ice_result.records.model import Outcome, ProblemCode, RecordState
from ice_result.report.texts import TABLES, Texts, language_of
from ice_result.report.texts_en import ENGLISH
from ice_result.report.texts_zh import CHINESE
from ice_result.results.model import DecodeStatus
from ice_result.results.registry import FUNCTIONS, UNKNOWN
from support.paths import SOURCE

REPORT = SOURCE / "ice_result" / "report"
KEY = re.compile(r"""["']([a-z_0-9]+(?:\.[a-z_0-9]+)*)["']""")
START = re.compile(r"""["']([a-z_]+\.)(?:["'] ?~|\{)""")
NAMED = re.compile(r"""name\(["']([a-z]+)["']""")


def places(text: str) -> set[str]:
    """The names of the values that a text needs."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts() -> None:
    """A key of one is a key of the other, in the same order."""
    assert [*ENGLISH] == [*CHINESE]


@pytest.mark.parametrize("key", ENGLISH)
def test_a_text_needs_the_same_values_in_both_languages(key: str) -> None:
    """A value that one language shows is not lost in the other."""
    assert places(ENGLISH[key]) == places(CHINESE[key])


@pytest.mark.parametrize("key", CHINESE)
def test_chinese_texts_are_chinese(key: str) -> None:
    """Full-width punctuation, and a space between Chinese and Latin letters or digits."""
    text = CHINESE[key]

    if key not in {"file.etag", "file.crc64"}:
        assert re.search(r"[\u4e00-\u9fff]", text)
    assert not re.search(r"[\u4e00-\u9fff][,;:!?()]|[,;!?()][\u4e00-\u9fff]", text)
    assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", text)


def test_every_token_of_the_data_has_words() -> None:
    """Outcomes, states, problems and the roles of files."""
    functions = (*FUNCTIONS.values(), UNKNOWN)
    roles = {role for each in functions for role in (each.role, *each.roles_by_name.values()) if role} | {"output"}
    wanted = {
        *(f"outcome.{name}" for name in get_args(Outcome)),
        *(f"reason.{name}" for name in get_args(Outcome) if name != "ok"),
        *(f"state.{name}" for name in get_args(RecordState)),
        *(f"decoded.{name}" for name in get_args(DecodeStatus)),
        *(f"problem.{name}" for each in get_args(ProblemCode) for name in get_args(each) or [each]),
        *(f"role.{role}" for role in roles),
    }

    assert wanted <= ENGLISH.keys()


def test_no_text_is_left_over() -> None:
    """Every key is named by a template or by the program, as a whole or by its start."""
    sources = [*REPORT.glob("*.py"), *REPORT.glob("templates/*.html")]
    read = "\n".join(path.read_text(encoding="utf-8") for path in sources if not path.name.startswith("texts_"))
    named = {*KEY.findall(read)}
    starts = (*START.findall(read), *(f"{group}." for group in NAMED.findall(read)), "measure.")

    unused = [key for key in ENGLISH if key.removesuffix(".one") not in named and not key.startswith(starts)]
    assert unused == []


def test_one_thing_is_no_plural() -> None:
    """English has two forms; large numbers have commas in both languages."""
    english, chinese = Texts("en"), Texts("zh")

    assert [english.count("jobs", number) for number in (0, 1, 12_345)] == ["0 jobs", "1 job", "12,345 jobs"]
    assert [chinese.count("jobs", number) for number in (1, 12_345)] == ["1 个任务", "12,345 个任务"]


def test_an_unknown_token_is_shown_as_it_is() -> None:
    """A record of a later version may have tokens that this one does not know."""
    texts = Texts("zh")

    assert texts.name("role", "hologram") == "hologram"
    assert texts.numbered("measure", "track", 3) == "track 3"
    assert texts.numbered("measure", "channel", None) == "声道 ?"


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh_CN.UTF-8", "zh"),
        ("ZH", "zh"),
        ("zh_TW", "zh"),
        ("en_US.UTF-8", "en"),
        ("C", "en"),
        ("", "en"),
        ("de_DE", "en"),
    ],
)
def test_the_language_follows_the_locale(locale: str, language: str) -> None:
    """Chinese for every Chinese locale, English for all others."""
    assert language_of(locale) == language
    assert {*TABLES} == {"en", "zh"}
