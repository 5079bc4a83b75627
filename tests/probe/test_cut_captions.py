"""Captions that end where no captions end, and others that end in an unusual way."""

from __future__ import annotations

import pytest

from support.media_files import probed

CUE = "1\n00:00:01,500 --> 00:00:03,000\n大家好\n\n"


@pytest.mark.parametrize(
    "times",
    [
        *("00:00:", "00:00:0", "00:00:41", "00:00:41,", "00:00:41,5", "00:00:41,500"),
        *("00:00:41,500 ", "00:00:41,500 -", "00:00:41,500 --", "00:00:41,500 -->", "00:00:41,500 --> "),
        *("00:00:41,500 --> 0", "00:00:41,500 --> 00:00", "00:00:41,500 --> 00:00:4", "00:00:41.500 --> 00:00:43."),
    ],
)
@pytest.mark.parametrize("ends_of_lines", ["\n", "\r\n"])
def test_captions_cut_within_the_times_of_a_cue(times: str, ends_of_lines: str) -> None:
    """GIVEN a file whose last line is the beginning of a line of times WHEN it is read THEN bytes are missing."""
    defect = probed(f"{CUE}2\n{times}".replace("\n", ends_of_lines).encode(), "a.srt").defect

    assert defect == ("truncated", "the file ends within the times of a cue")


@pytest.mark.parametrize("missing", [1, 2])
def test_captions_cut_within_a_character(missing: int) -> None:
    """GIVEN a file whose last character is not whole WHEN it is read THEN bytes are missing."""
    defect = probed(CUE.rstrip().encode()[:-missing], "a.srt").defect

    assert defect == ("truncated", "the file ends within a character of UTF-8")


def test_a_large_file_is_judged_by_its_end() -> None:
    """GIVEN a file of which two parts are read WHEN its end is cut within a character THEN it is noticed."""
    data = (CUE * 5000).rstrip().encode()[:-1]

    assert len(data) > 130_000
    assert probed(data, "a.srt").defect == ("truncated", "the file ends within a character of UTF-8")


@pytest.mark.parametrize(
    "text",
    [
        CUE,
        CUE.rstrip(),
        CUE + "2\n",
        CUE + "2",
        CUE + "2\n00:00:41,500 --> 00:00:43,000",
        CUE + "2\n00:00:41,500 --> 00:00:43,00",
        CUE + "2\n00:00:41,500 --> 00:00:43",
        CUE + "2\n00:00:41,500 -->\n",
        CUE + "2\n10:30",
        "1\n00:00:01,500 --> 00:00:03,000\n00:00:41",
        "",
        " \n",
    ],
    ids=lambda text: ascii(text[-20:]),
)
def test_captions_with_an_unusual_end(text: str) -> None:
    """GIVEN a file that a program may have written so WHEN it is read THEN nothing is said of its end."""
    assert probed(text.encode(), "a.srt").defect is None


def test_captions_in_latin_1_that_end_in_a_letter_with_an_accent() -> None:
    """GIVEN a file that is no UTF-8 but for its last byte WHEN it is read THEN nothing is said of its end."""
    assert probed(b"1\n00:00:01,500 --> 00:00:03,000\ncaf\xe9", "a.srt").defect is None


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_captions_in_other_encodings(encoding: str) -> None:
    """GIVEN an encoding in which single bytes do not show a cut WHEN a file is cut THEN nothing is reported."""
    assert probed(CUE.encode(encoding)[:-5], "a.srt").defect is None


@pytest.mark.parametrize("count", [16, 100, 20_000])
def test_captions_that_end_in_zeros(count: int) -> None:
    """GIVEN more zeros at the end than a program writes there WHEN it is read THEN they are in place of text."""
    defect = probed(CUE.encode() + bytes(count), "a.srt").defect

    assert defect == ("empty", "the file has zeros instead of data at its end")
