"""The reader of captions, on a file for each oddity, and what other programs read from the files that it repairs."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from io import StringIO
from typing import NamedTuple
from unittest import mock

import pysubs2
import pytest
import srt
import webvtt

from ice_result.contents import Content, ContentFile, read_content
from ice_result.core import redaction
from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import Note
from support.memory import with_peak_of_memory
from support.paths import TESTS
from support.record_versions import record

FOLDER = TESTS / "contents" / "captions"
FILE = ContentFile(1, "captions", "oss://out/a.srt", ObjectAddress("out", "a.srt"))
HELLO, BYE = (1.0, 2.5, "Hello."), (3.0, 4.0, "Bye.")
LESSON = ((1.0, 2.5, "大家好，第一课。"), (3.0, 4.0, "再见，谢谢。"))
DAMAGED = ((1.0, 2.5, "大家好。"), (3.0, 4.0, "再见，\ufffd谢。"))
CHINESE = ((1.0, 2.5, "大家好。"), (3.0, 4.0, "再见，谢谢。"))


class Expected(NamedTuple):
    """Cues of a file, and the facts that differ from those of a plain one."""

    cues: tuple[tuple[float, float, str], ...] = (HELLO, BYE)
    encoding: str = "utf-8"
    in_order: bool = True
    empty: int = 0
    overlaps: int = 0
    reversed: int = 0
    skipped: int = 0
    replaced: int = 0


EXPECTED = {
    "utf-8": Expected(),
    "utf-8-mark": Expected(CHINESE),
    "utf-8-chinese": Expected(CHINESE),
    "utf-16-le-mark": Expected(CHINESE, "utf-16-le"),
    "utf-16-be-mark": Expected(CHINESE, "utf-16-be"),
    "utf-16-le": Expected(CHINESE, "utf-16-le"),
    "utf-16-be": Expected(CHINESE, "utf-16-be"),
    "gb18030": Expected(CHINESE, "gb18030"),
    "gb18030-four-bytes": Expected((CHINESE[0], (3.0, 4.0, "再见，𠮷野家。")), "gb18030"),
    "utf-16-le-u4e00": Expected(LESSON, "utf-16-le"),
    "utf-16-be-u4e00": Expected(LESSON, "utf-16-be"),
    "utf-8-damaged-character": Expected(DAMAGED, replaced=1),
    "utf-8-mark-damaged-character": Expected(DAMAGED, replaced=1),
    "gb18030-cut-in-a-character": Expected((CHINESE[0], (3.0, 4.0, "再见，谢")), "gb18030"),
    "utf-8-cut-in-a-character": Expected((CHINESE[0], (3.0, 4.0, "再见，谢"))),
    "line-ends-of-windows": Expected(),
    "line-ends-of-old-macs": Expected(),
    "points": Expected(),
    "no-hours": Expected(),
    "no-fractions": Expected(((1.0, 2.0, "Hello."), BYE)),
    "one-digit": Expected(),
    "hundred-hours": Expected((HELLO, (360003.0, 360004.0, "Bye."))),
    "several-lines": Expected(((1.0, 2.5, "- Hello.\n- Who is there?\nA third line."), BYE)),
    "blank-line-within": Expected(((1.0, 2.5, "Hello,\nworld."), BYE)),
    "unsorted": Expected(in_order=False),
    "overlapping": Expected(((1.0, 3.5, "Hello."), BYE), overlaps=1),
    "empty-cue": Expected(empty=1),
    "only-blanks-in-a-cue": Expected((HELLO,), empty=1),
    "end-before-start": Expected(reversed=1),
    "ends-when-it-begins": Expected(((1.0, 1.0, "Hello."), BYE)),
    "no-numbers": Expected(),
    "no-blank-lines": Expected(),
    "a-number-as-text": Expected(((1.0, 2.5, "42"), BYE)),
    "a-number-as-text-without-numbers": Expected(((1.0, 2.5, "42"), (3.0, 4.0, "7"))),
    "wrong-numbers": Expected(),
    "short-arrow": Expected(),
    "positions": Expected(),
    "markup": Expected(((1.0, 2.5, "<i>Hello</i> & red 1 < 2"), BYE)),
    "an-arrow-as-text": Expected(((1.0, 2.5, "a --> b"), BYE)),
    "title-before-the-first-cue": Expected(skipped=1),
    "control-characters": Expected(),
    "blanks-around": Expected(),
    "no-last-line-end": Expected(),
    "the-same-cue-twice": Expected((HELLO, BYE, BYE), overlaps=1),
    "nothing": Expected(()),
    "only-line-ends": Expected(()),
    "begins-with-markup": Expected(skipped=1),
    "fonts-and-positions": Expected((HELLO, (3.0, 4.0, "<i>Bye.</i>")), empty=1),
    "markup-within-markup": Expected(),
    "times-behind-markup": Expected(((1.0, 2.5, r"{\an8}00:00:09,000 --> 00:00:10,000"), BYE)),
    "webvtt": Expected(),
    "webvtt-blocks": Expected((HELLO, (3.0, 4.0, "Bye & <i>see</i> you <3"))),
}


def content_of(name: str) -> Content:
    """Read a file of the corpus."""
    content = read_content(record(0, None), FILE, (FOLDER / f"{name}.srt").read_bytes())
    assert isinstance(content, Content), content
    return content


def shown(content: Content) -> list[tuple[timedelta, timedelta, str]]:
    """Return the cues as players show them: none is shorter than a millisecond."""
    cues = ((each.start_seconds, each.end_seconds or 0.0, each.text or "") for each in content.items)
    return [(timedelta(seconds=start), timedelta(seconds=max(end, start + 0.001)), text) for start, end, text in cues]


def test_each_file_of_the_corpus_is_expected() -> None:
    """GIVEN the folder THEN it has the files of the table, more than thirty."""
    assert {path.stem for path in FOLDER.glob("*.srt")} == {*EXPECTED}
    assert len(EXPECTED) > 30


@pytest.mark.parametrize("name", EXPECTED)
def test_a_caption_file_is_read(name: str) -> None:
    """GIVEN a file with one oddity THEN its cues are read, sorted, and the oddity is a fact."""
    content = content_of(name)

    assert [(cue.start_seconds, cue.end_seconds, cue.text) for cue in content.items] == [*EXPECTED[name].cues]
    names = ("empty", "overlap", "reversed", "skipped", "replaced")
    counts = [getattr(content, f"{each}_count") for each in names]
    assert (content.encoding, content.in_order, *counts) == EXPECTED[name][1:]
    assert (content.inferred, content.unit, content.other) == (False, None, None)


@pytest.mark.parametrize("name", EXPECTED)
def test_webvtt_is_read_back_by_its_library(name: str) -> None:
    """GIVEN the WebVTT file of a content WHEN webvtt-py reads it THEN the cues are equal.

    Its text is without tags, but has the escapes as they are.
    """
    content = content_of(name)

    read = webvtt.from_buffer(StringIO(content.vtt()), format="vtt").captions if content.items else []

    found = [(_time(cue.start), _time(cue.end), html.unescape(cue.text)) for cue in read]
    assert found == [(start, end, re.sub("</?[ibu]>", "", text)) for start, end, text in shown(content)]


@pytest.mark.parametrize("name", EXPECTED)
def test_repaired_srt_is_read_by_other_libraries(name: str) -> None:
    """GIVEN the SRT file of a content WHEN srt and pysubs2 read it THEN the cues are equal."""
    content = content_of(name)

    read = [*srt.parse(content.srt())]

    assert [(cue.start, cue.end, cue.content) for cue in read] == shown(content)
    assert [cue.index for cue in read] == [*range(1, len(content.items) + 1)]
    if content.items and name not in {"hundred-hours", "times-behind-markup"}:
        # pysubs2 reads two digits of hours, and finds times also within a line.
        events = pysubs2.SSAFile.from_string(content.srt(), format_="srt", keep_unknown_html_tags=True).events
        assert [(timedelta(milliseconds=e.start), timedelta(milliseconds=e.end)) for e in events] == [
            cue[:2] for cue in shown(content)
        ]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_repaired_file_is_not_repaired_again(name: str) -> None:
    """GIVEN the SRT file of a content WHEN it is read THEN nothing about it is odd, and its SRT is the same."""
    repaired = content_of(name).srt()

    again = read_content(record(0, None), FILE, repaired.encode())

    assert isinstance(again, Content)
    assert again.srt() == repaired
    assert (again.in_order, again.empty_count, again.reversed_count, again.skipped_count) == (True, 0, 0, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "it begins as a JPEG image"),
        (b"RIFF\x00\x00\x00\x00WEBP", "it begins as a RIFF file"),
        (b"<?xml version='1.0'?><tt/>", "it begins as an XML or HTML file"),
        (b"\n<!doctype html><p>", "it begins as an XML or HTML file"),
        (b"\xff\xfe\x00\xd8\x00\x00", "not a text in UTF-16-LE"),
        (b"\x81\x7f\xff\xff", "not a text in UTF-8, UTF-16 or GB18030"),
        (b"a\x00b\x00\x00\x00", "it has a NUL character"),
        (b"just words", "no cue in the text, which begins with 'just words'"),
        (("1\n00:00:01,000 --> 00:00:02,000\n" + "x" * 10_001).encode(), "a text of 10001 characters"),
    ],
)
def test_a_file_that_is_no_captions_is_a_note(data: bytes, words: str) -> None:
    """GIVEN bytes of something else THEN a note names it."""
    note = read_content(record(0, None), FILE, data)

    assert isinstance(note, Note)
    assert words in note.message


def _time(text: str) -> timedelta:
    hours, minutes, seconds = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def test_secrets_in_a_cue_are_removed() -> None:
    """GIVEN a presigned address in a cue THEN its signature is in none of the files that are written."""
    url = "http://out.oss-cn-shanghai.aliyuncs.com/a?Expires=1&OSSAccessKeyId=LTAI5tABCDEFGHIJ&Signature=abcd%3D"

    content = read_content(record(0, None), FILE, f"1\n00:00:01,000 --> 00:00:02,000\nsee {url}\n".encode())

    assert isinstance(content, Content)
    assert (content.items[0].text or "").startswith("see http://out.oss-cn-shanghai.aliyuncs.com/a?")
    assert "abcd" not in content.model_dump_json() + content.srt() + content.vtt()


@pytest.mark.parametrize("line", ["0:0->0:0\n", "\n", "ab\r"], ids=["times", "blank", "short"])
def test_a_file_of_nothing_but_lines_takes_little_memory(line: str) -> None:
    """GIVEN 4 MiB of very short lines THEN a note says that they are too many, before much is made of them."""
    data = (line * (4 * 1024 * 1024 // len(line))).encode()

    note, peak = with_peak_of_memory(lambda: read_content(record(0, None), FILE, data))

    assert isinstance(note, Note)
    assert note.code == "too_large"
    assert peak < 64 * 1024 * 1024


def test_a_long_line_of_secrets_is_not_searched_whole() -> None:
    """GIVEN 4 MiB of secrets on one line THEN the message shows its beginning, for which the rest is not read."""
    with mock.patch.object(redaction, "_plain_secrets", wraps=redaction._plain_secrets) as searched:
        note = read_content(record(0, None), FILE, b"Signature=abcd " * 270_000)

    assert isinstance(note, Note)
    assert "begins with 'Signature=[redacted] Signature=" in note.message
    assert all(len(call.args[0]) < 10_000 for call in searched.call_args_list)
