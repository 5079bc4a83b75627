"""Recognition: content before names, names without a known extension, and content that does not match its extension."""

from __future__ import annotations

import pytest

from ice_result.probe import Probed
from ice_result.probe.containers import CONTAINERS
from support.media_files import probed

WAV = b"RIFF\x34\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x10\0\0\0" + b"\1\2" * 8
GIF = b"GIF89a\x04\0\x03\0\x80\0\0" + bytes(6) + b",\0\0\0\0\4\0\3\0\0\2\4\x84\x8f\x09\5\0;"


@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "folder.png/a.wav", "a.wav.wav", "a.png.wav", "a", "a.ts", "a.txt"])
def test_a_name_that_fits_or_promises_nothing(name: str) -> None:
    """GIVEN the last extension of this content, or none that is known THEN the content is read as what it is."""
    found = probed(WAV, name)
    assert found.defect is None
    assert found.media
    assert (found.media.container, found.media.sample_rate_hz) == ("wav", 8000)


@pytest.mark.parametrize("name", ["a.mp3", "a.png", "a.json", "a.srt", "a.flac", "a.wav.jpg"])
def test_another_container_under_a_name(name: str) -> None:
    """GIVEN content that does not match its extension THEN the type is wrong, and the facts are the content's."""
    found = probed(WAV, name)
    assert found.media
    assert found.media.container == "wav"
    promised = next(container.name for container in CONTAINERS if name.endswith(container.extensions))
    assert found.defect == ("wrong_type", f"expected {promised} by the file extension; the content is wav")


def test_no_content_that_is_known() -> None:
    """GIVEN bytes that are no container THEN the first of them are shown when the extension means one."""
    assert probed(b"\xc5\xd0\xd3\xc6", "a.eps") == Probed()
    message = "expected gif by the file extension; the content begins with 25 21 50 53 2D 41 64 6F"
    assert probed(b"%!PS-Adobe", "a.gif").defect == ("wrong_type", message)


def test_zeros_alone() -> None:
    """GIVEN nothing but zeros THEN the file is empty where its extension means a container."""
    for container in CONTAINERS:
        found = probed(bytes(500), f"a{container.extensions[0]}").defect
        assert found == ("empty", "the file has zeros instead of data from byte 0")
    assert probed(bytes(500)) == Probed()


def test_each_container_has_its_reader() -> None:
    """GIVEN each entry of the table THEN its names are its own, and what it begins with is no other's."""
    for data, name in ((WAV, "wav"), (GIF, "gif"), (b'{"a": 1}', "json"), (b"OggS\0", "ogg"), (b"ID3\3", "mp3")):
        assert [container.name for container in CONTAINERS if container.begins(data)] == [name]
    names = [extension for container in CONTAINERS for extension in container.extensions]
    assert all(name.startswith(".") and name == name.lower() for name in names)


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"\x1aE\xdf\xa3", "a.webm", "truncated"),
        (b"\x1aE", "a.mkv", "truncated"),
        (b"OggS", "a.ogg", "truncated"),
        (b"Og", "a.opus", "truncated"),
        (b"GIF8", "a.gif", "truncated"),
        (b"\x89PNG", "a.png", "truncated"),
        (b"RIFF\0\0", "a.wav", "truncated"),
        (b"\xff\xd8", "a.jpg", "truncated"),
        (b"OggS\1" + bytes(9), "a.ogg", "wrong_type"),
        (b"Bad", "a.png", "wrong_type"),
        (bytes(10), "a.mp4", "empty"),
        (bytes(5000), "a.ts", "empty"),
        (bytes(5000), "a.3gp", "empty"),
    ],
)
def test_the_beginning_of_a_file(data: bytes, name: str, code: str) -> None:
    """GIVEN a few bytes or zeros THEN the fault is the same in each format: a cut signature is truncated content."""
    found = probed(data, name).defect
    assert found
    assert found.code == code


@pytest.mark.parametrize(
    ("data", "format_name"),
    [
        (b"FLV\1\5" + bytes(20), "FLV"),
        (b"RIFF\1\0\0\0AVI LIST", "AVI"),
        (b"\0\0\0\x1cftypavif" + bytes(20), "AVIF"),
        (b"\0\0\0\x1cftypheic" + bytes(20), "HEIC"),
        ((b"G" + bytes(187)) * 3, "MPEG-TS"),
    ],
)
def test_formats_that_are_not_read(data: bytes, format_name: str) -> None:
    """GIVEN a format without a reader under another name THEN the message has its name."""
    assert probed(data, "a.png").defect == (
        "wrong_type",
        f"expected png by the file extension; the content is {format_name}",
    )
