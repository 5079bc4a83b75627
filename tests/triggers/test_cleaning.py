"""Secrets in what is kept of a message: the quick scan is exact, base64 hides nothing."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ice_result.core.types import JsonValue
from ice_result.triggers.cleaning import may_need_cleaning, without_secrets
from support.secret_forms import FORMS

IN_VAIN = "//hook"  # keeps the quick scan from deciding, and is no secret itself


def encoded(text: str) -> str:
    """In base64."""
    return base64.b64encode(text.encode()).decode()


def in_lines(text: str) -> str:
    """In base64 with white space of all kinds in it."""
    whole, blanks = encoded(text), "\n \u3000\x1c"
    return "".join(whole[at : at + 4] + blanks[at % 3] for at in range(0, len(whole), 4))


texts = st.sampled_from([form("X9") for form in FORMS.values()]) | st.sampled_from(["pwd=X", "cover/a.jpg", "a"])
WRAPPINGS = (encoded, in_lines, json.dumps, lambda text: json.dumps({"a": text}), lambda text: json.dumps([text, 1]))
wrapped = st.tuples(texts, st.lists(st.sampled_from(WRAPPINGS), max_size=5))


def wrap(text: str, wrappings: list[object]) -> str:
    """Put a text into others, one after the other."""
    for wrapping in wrappings:
        assert callable(wrapping)
        text = wrapping(text)
    return text


@example(("pwd=X", [encoded]))
@example(("pwd=X", [encoded, json.dumps, encoded, WRAPPINGS[3]]))
@example((FORMS["OSS V1"]("X9"), [encoded, WRAPPINGS[3]]))
@example((FORMS["OSS V1"]("X9"), [in_lines, WRAPPINGS[4]]))
@given(wrapped)
def test_the_quick_scan_misses_nothing(made: tuple[str, list[object]]) -> None:
    """GIVEN a message without secrets by the quick scan WHEN the search is forced on it THEN nothing changes."""
    value: JsonValue = {"JobId": "j", "note": wrap(*made)}
    if not may_need_cleaning(json.dumps(value, ensure_ascii=False)):
        assert without_secrets(value) is value
        assert without_secrets([value, IN_VAIN]) == [value, IN_VAIN]


@pytest.mark.parametrize("wrapping", [encoded, in_lines])
@pytest.mark.parametrize("form", FORMS)
def test_no_secret_is_kept_in_base64_inside_json_inside_a_text(form: str, wrapping: object) -> None:
    """However deep the base64 is, and with white space in it."""
    assert callable(wrapping)
    note = json.dumps({"a": wrapping(FORMS[form]("S9S9S9S9"))})
    for text in (note, json.dumps([note]), encoded(note)):
        kept = json.dumps(without_secrets({"JobId": "j", "note": text}))
        assert "S9S9" not in kept
        assert "[redacted]" in kept


@pytest.mark.parametrize("piece", ['"', "\\", '"\\', '"AAAA', "\\n", '"\\\\n', '" ', '"AAAA\\\\/', "\\u3000"])
def test_the_quick_scan_is_linear(piece: str) -> None:
    """GIVEN texts made to be slow WHEN they are scanned THEN that ends: the test has a time limit."""
    assert not may_need_cleaning(piece * 200_000)
