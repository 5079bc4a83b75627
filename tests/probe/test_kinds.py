"""The kinds of content in a file: known only where no other can be in it."""

from __future__ import annotations

import pytest

from alicloud_local.media.files import media_file
from ice_result.probe import PartialFile, Probed, probe
from ice_result.records.model import MediaKind
from support.films import KEPT, kept
from support.long_films import film
from support.media_files import probed

BOTH: frozenset[MediaKind] = frozenset({"video", "audio"})
TEXT: frozenset[MediaKind] = frozenset({"text"})
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4,\n0.ts\n"
PRESENTATION = b'<?xml version="1.0"?>\n<MPD type="static"></MPD>\n'


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        *((f"a.{extension}", {"video"}) for extension in ("mp4", "m4v", "mov", "mkv", "webm")),
        *((f"a.{extension}", {"audio"}) for extension in ("m4a", "wav", "mp3", "aac", "flac")),
        *((f"a.{extension}", {"image"}) for extension in ("png", "jpg")),
        *((f"a.{extension}", {"image", "video"}) for extension in ("gif", "webp")),
        *((f"a.{extension}", {"text"}) for extension in ("srt", "json")),
        ("a.ogg", None),
    ],
)
def test_each_format_has_its_kinds(name: str, kinds: set[MediaKind] | None) -> None:
    """GIVEN a file of each format, under its name and under none THEN its kinds are known; Ogg can have any track."""
    data, _ = media_file(name)
    expected = None if kinds is None else frozenset(kinds)
    assert (probed(data, name).kinds, probed(data).kinds) == (expected, expected)


@pytest.mark.parametrize("name", ["behind.mp4", "fragments.mp4", "film.mkv"])
def test_both_tracks(name: str) -> None:
    """GIVEN a video with audio THEN both kinds are known."""
    assert probed((KEPT / name).read_bytes(), name).kinds == BOTH


def test_tracks_of_a_long_video() -> None:
    """GIVEN tables that hide the second track THEN no kind is known; both are where the second part has its start."""
    assert film(7200).probed()[0].kinds is None
    assert film(100).probed()[0].kinds == BOTH


@pytest.mark.parametrize("name", kept(".mp4", ".mov", ".m4a", ".webm", ".mkv"))
def test_parts_have_the_kinds_of_the_whole_or_none(name: str) -> None:
    """GIVEN a file of which the start is known THEN its kinds are those of the whole file, or not known."""
    data = (KEPT / name).read_bytes()
    whole = probed(data, name).kinds
    for first in range(48, len(data), 97):
        found = probe(name, PartialFile(len(data), data[:first], lambda *_: b""))
        assert found.kinds in (None, whole), first


@pytest.mark.parametrize(
    "data",
    [
        b"oss fail to save",
        b"<html>\xe7\xbd\x91\xe9\xa1\xb5</html>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
    ],
)
def test_text_under_a_name_that_promises_nothing(data: bytes) -> None:
    """GIVEN a page or a message THEN it is text, also if the bytes that are examined end within a character."""
    for longer in (data, data + "页".encode() * 2000, data + b" " + "页".encode() * 2000):
        found = probed(longer, "a")
        assert (found.media, found.defect, found.kinds) == (None, None, TEXT)


def test_text_that_begins_like_json() -> None:
    """GIVEN text that begins like JSON and is none THEN it is text, and no media."""
    assert probed(b'{"a": ]}') == Probed(kinds=TEXT)


@pytest.mark.parametrize(
    "data", [b"", bytes(200), b"BM\x36\x00\x10\x00", b"G@\x00\x10\x00", b"\xcd\xf8\xd2\xb3", PLAYLIST, PRESENTATION]
)
def test_content_that_may_be_anything(data: bytes) -> None:
    """GIVEN no bytes, other formats, other encodings, or a playlist THEN no kind is known."""
    assert probed(data, "a").kinds is None
