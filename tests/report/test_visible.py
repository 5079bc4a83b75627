"""Values as text for people."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from ice_result.report.visible import clock, cut, number, size, utc, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("副歌\u3000一", "副歌\u3000一"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\x00b\x1b[31m\r", r"a\x00b\x1b[31m\r"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("isolate\u2066d\u2069", r"isolate\u2066d\u2069"),
        ("line\u2028separator", r"line\u2028separator"),
        ("private\ue000", r"private\ue000"),
        ("https://b.oss-cn-shanghai.aliyuncs.com/k?OSSAccessKeyId=a&Signature=s", None),
        ("x" * 300 + "\u202e", "x" * 300 + r"\u202e"),
    ],
)
def test_hidden_characters_and_secrets_do_not_pass(text: str, shown: str | None) -> None:
    """Every space and line end stays; what nobody sees is written out; a signed query is gone."""
    if shown is None:
        assert "Signature=s" not in visible(text)
    else:
        assert visible(text) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (11_234, "11.2 KB"),
        (999_999, "1 MB"),
        (5 * 10**9, "5 GB"),
        (998 * 10**15, "998 PB"),
        (10**18, "1.00e+18 B"),
        pytest.param(10**400, "1.00e+400 B", id="huge"),
    ],
)
def test_sizes_are_in_steps_of_1000(count: int, shown: str) -> None:
    """Three digits are enough."""
    assert size(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (8.270855, "8.2709"),
        (5.0, "5"),
        (-0.59, "-0.59"),
        (10_000, "10,000"),
        (0.00001, "0"),
        (-0.00001, "0"),
        (-0.0, "0"),
        (5e-324, "0"),
        (999_999_999_999.5, "999,999,999,999.5"),
        (1e15, "1e+15"),
        (1e308, "1e+308"),
        (-1.7976931348623157e308, "-1.798e+308"),
        pytest.param(10**400, "10" + ",000" * 133, id="huge"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_have_up_to_four_digits_behind_the_point(value: float, shown: str) -> None:
    """Zeros at the end are left out, and so is the sign of a zero. Very large ones have an exponent."""
    assert number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (28.27825, "0:28.28"),
        (63.85, "1:03.85"),
        (59.999, "1:00"),
        (3723, "1:02:03"),
        (3723.5, "1:02:03.5"),
        (-0.0, "0:00"),
        (-0.001, "0:00"),
        (-5.5, "-0:05.5"),
        (-3723.25, "-1:02:03.25"),
        (5e-324, "0:00"),
        (999_999_999.5, "277777:46:39.5"),
        (1e9, "1e+09 s"),
        (1e307, "1e+307 s"),
        (1e308, "1e+308 s"),
        (-1.7976931348623157e308, "-1.798e+308 s"),
    ],
)
def test_positions_are_read_as_on_a_player(seconds: float, shown: str) -> None:
    """Minutes and seconds, hours where there are some, and hundredths where they are not zero.

    Beyond any recording, seconds with an exponent.
    """
    assert clock(seconds) == shown


def test_times_are_utc() -> None:
    """To the second, whatever the zone, in every year there is."""
    east = timezone(timedelta(hours=8))

    assert utc(datetime(2026, 3, 2, 16, 16, 2, 900_000, east)) == "2026-03-02 08:16:02 UTC"
    assert utc(datetime(1, 1, 1, tzinfo=timezone.utc)) == "0001-01-01 00:00:00 UTC"


def test_a_long_text_is_cut() -> None:
    """The ellipsis counts."""
    assert (cut("12345", 5), cut("123456", 5)) == ("12345", "1234…")
