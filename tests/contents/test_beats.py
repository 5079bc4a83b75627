"""The reader of beats and choruses, on files in every form that such files have elsewhere."""

from __future__ import annotations

import json

import pytest

from ice_result.contents import Content, ContentFile, read_content
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JsonValue
from ice_result.records.model import ContentKind, Note
from support.memory import with_peak_of_memory
from support.paths import TESTS
from support.record_versions import record

FOLDER = TESTS / "contents" / "beats"
SEGMENTS: JsonValue = {
    "kind": "music_segments",
    "segments": [{"start_seconds": 39.32, "end_seconds": 63.85, "duration_seconds": 24.53, "title": "副歌"}],
}


def read(data: bytes, kind: ContentKind = "beats", **changes: JsonValue) -> Content | Note:
    """Read a file of a job with this record."""
    file = ContentFile(1, kind, "oss://out/song.json", ObjectAddress("out", "song.json"))
    return read_content(record(0, None, **changes), file, data)


def items(content: Content | Note) -> list[tuple[float, float | None, str | None]]:
    """Return the items of a content."""
    assert isinstance(content, Content), content
    return [(each.start_seconds, each.end_seconds, each.text) for each in content.items]


@pytest.mark.parametrize(
    ("name", "times", "unit", "is_whole", "skipped"),
    [
        ("seconds.json", [0.48, 0.96, 1.44, 1.92], "seconds", True, 0),
        ("milliseconds.json", [0.48, 0.96, 1.44, 1.92], "milliseconds", True, 0),
        ("under-a-name.json", [0.48, 0.96, 1.44, 1.92], "seconds", False, 0),
        ("name-with-unit.json", [0.48, 0.96], "milliseconds", False, 0),
        ("objects.json", [0.48, 0.96], "seconds", True, 0),
        ("objects-with-more.json", [0.48, 0.96], "seconds", False, 0),
        ("pairs.json", [0.48, 0.96, 1.44], "seconds", False, 0),
        ("lines.txt", [0.48, 0.96, 1.44], "seconds", True, 0),
        ("unsorted.json", [0.48, 0.96], "seconds", True, 0),
        ("holes.json", [0.48, 0.96, 1.44, 1.92, 2.4, 2.88], "seconds", False, 4),
        ("no-times.json", [], None, False, 0),
        ("nested.json", [0.48, 0.96], "seconds", False, 0),
    ],
)
def test_beats_are_read(name: str, times: list[float], unit: str | None, skipped: int, *, is_whole: bool) -> None:
    """GIVEN a file in one form THEN its beats are read; the whole file is kept where it has more in it."""
    data = (FOLDER / name).read_bytes()

    content = read(data)

    assert items(content) == [(time, None, None) for time in times]
    assert isinstance(content, Content)
    assert (content.unit, content.skipped_count, content.inferred) == (unit, skipped, True)
    assert content.other == (None if is_whole else json.loads(data))
    assert content.in_order is (name != "unsorted.json")


@pytest.mark.parametrize(
    "text",
    [
        '[{"start": 39.32, "end": 63.85, "title": "副歌"}]',
        '[{"startTime": 39320, "endTime": 63850, "label": "副歌"}]',
        '[{"start_ms": 39320, "end_ms": 63850, "name": "副歌"}]',
        '{"Result": [{"begin": "39.32", "duration": 24.53, "Title": "副歌"}]}',
    ],
)
def test_choruses_are_read(text: str) -> None:
    """GIVEN segments with other names of their fields, or in milliseconds THEN they are the same choruses."""
    assert items(read(text.encode(), "chorus")) == [(39.32, 63.85, "副歌")]


def test_the_result_tells_the_unit_of_choruses() -> None:
    """GIVEN times that could be either WHEN the Result has segments in seconds THEN the nearer unit counts."""
    text = b"[[4, 39000]]"

    assert items(read(text, "chorus", result=SEGMENTS)) == [(0.004, 39.0, None)]
    assert items(read(b"[[4, 39]]", "chorus", result=SEGMENTS)) == [(4.0, 39.0, None)]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("beats: none", "unreadable", "neither JSON nor a list of numbers: not JSON"),
        ("null", "unreadable", "expected a list of times"),
        ("1" + "0" * 400, "unreadable", "expected a list of times"),
        ("[" * 200, "unreadable", "neither JSON nor a list of numbers"),
        ("[" + "[]," * 100_000 + "[]]", "too_large", "more than 100000 objects and arrays"),
        (json.dumps([*range(20_001)]), "too_large", "20001 items, at most 20000 are read"),
    ],
    ids=["words", "null", "huge", "deep", "arrays", "many"],
)
def test_what_is_no_list_of_times_is_a_note(text: str, code: str, words: str) -> None:
    """GIVEN a text without a form THEN a note says what it is not."""
    note = read(text.encode())

    assert isinstance(note, Note)
    assert note.code == code
    assert words in note.message


def test_secrets_of_a_file_are_removed() -> None:
    """GIVEN a presigned address in the part that is kept whole THEN its query is not written."""
    url = "http://out.oss-cn-shanghai.aliyuncs.com/a?Expires=1&OSSAccessKeyId=LTAI5tABCDEFGHIJ&Signature=abcd%3D"

    content = read(json.dumps({"beats": [0.5], "url": url}).encode())

    assert isinstance(content, Content)
    assert "abcd" not in json.dumps(content.other)


def test_secrets_of_a_title_are_removed() -> None:
    """GIVEN a presigned address as the title of a chorus THEN its signature is not written."""
    url = "http://out.oss-cn-shanghai.aliyuncs.com/a?Expires=1&OSSAccessKeyId=LTAI5tABCDEFGHIJ&Signature=abcd%3D"

    content = read(json.dumps([{"start": 1, "end": 2, "title": url}]).encode(), "chorus")

    assert isinstance(content, Content)
    assert "abcd" not in content.model_dump_json()


@pytest.mark.parametrize(
    ("value", "between"),
    [("1", ","), ('"1"', ","), ("1", " "), ("1", "\n")],
    ids=["numbers", "texts", "words", "lines"],
)
def test_a_file_of_very_many_times_takes_little_memory(value: str, between: str) -> None:
    """GIVEN 4 MiB of times THEN a note says that they are too many, before much is made of them."""
    text = between.join([value] * (4 * 1024 * 1024 // (len(value) + 1)))
    data = (f"[{text}]" if between == "," else text).encode()[: 4 * 1024 * 1024]

    note, peak = with_peak_of_memory(lambda: read(data))

    assert isinstance(note, Note)
    assert note.code == "too_large"
    assert peak < 64 * 1024 * 1024


def test_a_long_list_of_other_numbers_is_not_counted() -> None:
    """GIVEN levels beside the beats, more than there may be beats THEN the beats are read."""
    assert items(read(json.dumps({"levels": [-1] * 30_000, "song": {"at": [0.5, 1.0]}}).encode())) == [
        (0.5, None, None),
        (1.0, None, None),
    ]
