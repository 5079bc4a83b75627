"""SRT: any text in an encoding in which captions are read, and what is none."""

from __future__ import annotations

import codecs

import pytest

from ice_result.probe import Probed
from support.fuzz_targets import TARGETS
from support.media_files import probed

CUES = "1\n00:00:01,000 --> 00:00:02,500\n你好，世界！\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}<i>再见</i> 😀\n"
CUE = "1\n00:00:01,000 --> 00:00:02,000\nwords\n"


@pytest.mark.parametrize(
    "data",
    [
        CUES.encode(),
        CUES.encode("utf-8-sig"),
        CUES.replace("😀", "").encode("gb18030"),
        codecs.BOM_UTF16_LE + CUES.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + CUES.encode("utf-16-be"),
        CUES.encode("utf-16-le"),
        CUES.replace("\n", "\r\n").encode() * 3000,
        b"\n\n",
        codecs.BOM_UTF8,
        b"1\n2\n",
        "1\n0:01 -> 0:02\nfait au café".encode("latin-1"),
        "{\\an8}字幕 0:01".encode(),
        (CUES * 4000).encode("gb18030"),
        CUES.encode() + b"\0",
        CUES.encode("utf-16-le") + bytes(8),
        codecs.BOM_UTF32_LE + CUES.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + CUES.encode("utf-32-be"),
        CUE.replace("words", "ещё тесты").encode("cp1251"),
        CUE.replace("words", "It’s été").encode("cp1252"),
        CUE.replace("words", "żółć").encode("cp1250"),
        CUE.replace("words", "It’s été").replace("\n", "\r").encode("mac_roman"),
        b"[1] words\n\n" + CUE.encode(),
        b'["words"]\n\n' + CUE.encode(),
        b"ID3 and RIFF and %PDF\n" + CUE.encode(),
    ],
    ids=range(24),
)
def test_captions(data: bytes) -> None:
    """GIVEN a text, with or without cues THEN the container is SRT, and nothing is wrong."""
    found = probed(data, "a.srt")
    assert found.defect is None
    assert found.media
    assert found.media.model_dump(exclude_none=True) == {"container": "srt"}


def test_no_byte_at_all() -> None:
    """GIVEN an empty file THEN nothing is said: no word may have been spoken."""
    assert probed(b"", "a.srt") == Probed()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "the content begins as an XML or HTML file"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html></html>", "the content begins as an XML or HTML file"),
        (b'{"Code": "NoSuchKey"}', "the content is json"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", "the content is png"),
        (b"PK\3\4 and more", "the content begins as a ZIP file"),
        (b"502 Bad Gateway\n", "the content is a text without the time of a cue"),
        ("中文字幕，没有时间".encode("gb18030"), "the content is a text without the time of a cue"),
        (b"[Script Info]\nTitle: words at 0:01\n", "the content is ASS"),
        (b"\xef\xbb\xbfWEBVTT\n\n00:01.000 --> 00:02.000\nwords\n", "the content is WebVTT"),
        (b'[{"begin": 0, "text": "words"}]', "the content is json"),
        (b"words\0and\0more\0words", "the file is not a text: it has a NUL character"),
        (b"\x80\xff" * 40, "the file is not a text in UTF-8, UTF-16 or GB18030: see byte 0"),
    ],
)
def test_what_is_no_text(data: bytes, message: str) -> None:
    """GIVEN a page of an error, a picture or bytes under the name of captions THEN the type is wrong."""
    assert probed(data, "a.srt").defect == ("wrong_type", f"expected srt by the file extension; {message}")


def test_captions_under_another_name() -> None:
    """GIVEN cues THEN they are recognised without a name, and are no picture."""
    found = probed(CUES.encode())
    assert found.media
    assert (found.media.container, found.defect) == ("srt", None)
    assert probed(CUES.encode(), "a.png").defect == (
        "wrong_type",
        "expected png by the file extension; the content is srt",
    )


def test_the_memory_of_damaged_text() -> None:
    """GIVEN text with a wide character and bytes that are no UTF-8 THEN it takes no more memory than any file may."""
    text = CUE.encode() + b"ab\xe9" * 5000 + "😀".encode()
    TARGETS["srt"](bytes(4) + text)
