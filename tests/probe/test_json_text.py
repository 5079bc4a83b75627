"""JSON: brackets that close, of short and of long files, and what is none."""

from __future__ import annotations

import codecs
import json

import pytest

from support.media_checks import not_truncated
from support.media_files import probed

BEATS = {"beats": [{"time": number / 10, "words": '引号 " 和 \\ ]}'} for number in range(40)]}
LONG = json.dumps([BEATS] * 90, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(BEATS).encode(),
        json.dumps(BEATS, ensure_ascii=False, indent=2).encode(),
        b"\xef\xbb\xbf [1, 2, 3] \r\n",
        codecs.BOM_UTF16_LE + json.dumps(BEATS, ensure_ascii=False).encode("utf-16-le"),
        b'{"a": 1}\n{"a": 2}\n',
        b"null",
        b" 0.5\n",
        b'"words"',
        LONG,
        LONG + b"\n" * 20,
        json.dumps(BEATS, ensure_ascii=False).encode("gb18030"),
        b"[" * 60_000 + b"]" * 60_000,
        rb'"a \"word\" and \\"',
        b'"' + b"a" * 70_000 + b'"',
        b'{"a": "' + b"x" * 200_000 + b'"}\n[1]\n',
        b" " * 5000 + b"[]",
        b" " * 70_000 + b"[]",
        json.dumps(BEATS, ensure_ascii=False).encode("utf-16-le"),
        '["é"]'.encode("utf-16-be"),
        b"1\n-2.5e3\nnull\n[3]\n",
        b"1.25 " * 40_000,
        '["廬", "a]"]'.encode("gb18030"),  # the second byte of the first word is a backslash
    ],
    ids=range(22),
)
def test_json(data: bytes) -> None:
    """GIVEN JSON of any kind THEN the container is JSON, and nothing is wrong."""
    found = probed(data, "a.json")
    assert found.defect is None
    assert found.media
    assert found.media.model_dump(exclude_none=True) == {"container": "json"}


@pytest.mark.parametrize("data", [LONG, json.dumps(BEATS).encode()], ids=["long", "short"])
def test_cuts(data: bytes) -> None:
    """GIVEN a text that breaks off THEN it is truncated."""
    assert len(LONG) > 140_000
    assert not_truncated(data, "a.json") == []


def test_messages() -> None:
    """GIVEN text that breaks off THEN the message says what is left open."""
    assert probed(b'{"a": [1', "a.json").defect == ("truncated", "the JSON text ends with 2 brackets not closed")
    assert probed(b'["a', "a.json").defect == ("truncated", "the JSON text ends with a string not closed")
    assert probed(b'{"a": 1', "a.json").defect == ("truncated", "the JSON text ends with 1 bracket not closed")
    long = probed(b'{"a": "' + b"x" * 200_000, "a.json").defect
    assert long == ("truncated", "the end of the JSON text does not close what it begins with")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"words", "the content does not begin as JSON"),
        (b"12 words", "the content does not begin as JSON"),
        (b"2026-03-02 10:00 an error", "the content does not begin as JSON"),
        (b'{"a": 1]', "the brackets of the JSON text do not match at byte 7"),
        (b"<html></html>", "the content begins as an XML or HTML file"),
        (b"\xff\xd8\xff\xe0 and more", "the content is jpeg"),
    ],
)
def test_what_is_no_json(data: bytes, message: str) -> None:
    """GIVEN other content under the name of JSON THEN the type is wrong."""
    assert probed(data, "a.json").defect == ("wrong_type", f"expected json by the file extension; {message}")


def test_white_space_alone() -> None:
    """GIVEN nothing but white space THEN the file is empty."""
    found = probed(b" \n\n ", "a.json").defect
    assert found
    assert found.code == "empty"
