"""WebM and Matroska: facts as ffprobe tells them, recordings without a length, and files that are cut or spoilt."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ice_result.probe import PartialFile, probe
from support.films import KEPT, PARTS, agrees_with_ffprobe, facts, kept, of_parts, spoilt, told
from support.media_files import made, probed

NAMES = kept(".webm", ".mkv")
VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=128x72:rate=30000/1001:duration=1.4")
LARGE = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=sample_rate=48000:duration=1.4")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
MADE = {
    "large.webm": (*LARGE, *SOUND, *VP8, "-b:v", "1M", "-c:a", "libopus"),
    "in-front.webm": (*LARGE, *VP8, "-b:v", "1M", "-cues_to_front", "1"),
    "rates.webm": (*VIDEO, *SOUND, "-ac", "2", *VP8, "-c:a", "libvorbis", "-metadata", "title=A film"),
    "film.mkv": (*VIDEO, *SOUND, *H264, "-c:a", "aac"),
    "hevc.mkv": (*VIDEO, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"),
    "av1.webm": (*VIDEO, "-t", "0.2", "-c:v", "libaom-av1", "-cpu-used", "8"),
    "whole.mkv": (*SOUND, "-c:a", "pcm_s24le"),
    "floats.mka": (*SOUND, "-c:a", "pcm_f32le"),
    "many.mka": (*SOUND, "-ac", "6", "-c:a", "ac3"),
    "song.mka": (*SOUND, "-c:a", "libmp3lame"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_file(name: str) -> None:
    """GIVEN a file of each kind THEN it has no fault, and its facts are those that ffprobe told."""
    found = probed((KEPT / name).read_bytes(), name)
    assert found.defect is None
    assert facts(found.media) == told(name) | ({"duration_seconds": 1.021} if name == "live.webm" else {})
    assert found.media
    assert found.media.container == ("webm" if name.endswith(".webm") else "matroska")


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_ffmpeg(tmp_path: Path, name: str) -> None:
    """GIVEN a film or a sound in any codec THEN each fact equals ffprobe's, and every cut is told."""
    path = made(tmp_path / name, *MADE[name])
    agrees_with_ffprobe(path)
    data = path.read_bytes()
    assert [part for part in range(1, PARTS) if not _is_cut(data[: len(data) * part // PARTS], name)] == []


def test_a_variable_rate(tmp_path: Path) -> None:
    """GIVEN frames of different lengths THEN the rate is their average, and the length is the whole."""
    chosen = ("-vf", "select=not(mod(n\\,3))+lt(n\\,20)", "-vsync", "vfr")
    media = agrees_with_ffprobe(made(tmp_path / "a.webm", *LARGE, *chosen, *VP8, "-b:v", "100k"), frames=2)
    assert media.fps
    assert 10 < media.fps < 20


def test_a_live_recording(tmp_path: Path) -> None:
    """GIVEN a recording that tells no size and no length, larger than what is read THEN its last cluster does."""
    live = made(tmp_path / "live.webm", *LARGE, *VP8, "-b:v", "1M", "-live", "1").read_bytes()
    assert len(live) > 129_536
    found = probed(live, "live.webm")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(3, abs=0.04)
    assert [part for part in range(1, PARTS) if not _is_cut(live[: len(live) * part // PARTS], "live.webm")] == []


def test_a_file_that_went_through_a_pipe(tmp_path: Path) -> None:
    """GIVEN a file whose writer could not go back to its head THEN the frames tell length and rate."""
    source = made(tmp_path / "a.mkv", *VIDEO, *H264)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(source), "-c", "copy", "-f", "matroska", "pipe:1"]
    piped = subprocess.run(command, check=True, capture_output=True).stdout
    found = probed(piped, "a.mkv")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(1.4, abs=0.04)
    assert found.media.fps == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_is_told(name: str) -> None:
    """GIVEN a file that ends at any sixteenth of it, or a byte early THEN it is truncated."""
    data = (KEPT / name).read_bytes()
    for end in (*(len(data) * part // PARTS for part in range(1, PARTS)), len(data) - 1):
        assert _is_cut(data[:end], name), end


def test_a_cut_between_blocks() -> None:
    """GIVEN a recording without a size that ends where a block begins THEN nothing is told: it may be all there is."""
    data = (KEPT / "live.webm").read_bytes()
    last = data.rindex(b"\x1f\x43\xb6\x75")
    assert probed(data[:last], "a.webm").defect is None


@pytest.mark.parametrize("name", NAMES)
def test_zeros_in_place_of_data(name: str) -> None:
    """GIVEN zeros from any sixteenth on THEN the file is empty."""
    data = (KEPT / name).read_bytes()
    unknown = {12} if name == "live.webm" else set()  # within the last frame, of which the rest is not zero
    for part in {*range(1, PARTS)} - unknown:
        defect = probed(spoilt(data, part), name).defect
        assert defect, part
        assert defect.code == "empty", part


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("second", [0, 300, 2000])
def test_parts_never_say_what_the_whole_does_not(name: str, second: int) -> None:
    """GIVEN parts of a sound file of any length THEN each fact is that of the whole or not known, and no fault."""
    data = (KEPT / name).read_bytes()
    whole = facts(probed(data, name).media)
    for first in range(64, len(data), 53):
        found, defect = of_parts(data, name, first, second)
        assert defect is None, first
        assert found.items() <= whole.items(), first


def test_tracks_that_only_the_index_finds() -> None:
    """GIVEN tracks behind all clusters THEN they are read from where the index says that they are."""
    data = (KEPT / "vp8.webm").read_bytes()
    found = probed(_with_tracks_behind(data), "a.webm")
    assert found.media == probed(data, "a.webm").media
    assert found.defect is None


def test_another_kind_under_the_name() -> None:
    """GIVEN Matroska under the name of WebM THEN that is wrong; the reverse is not, WebM being Matroska."""
    film, web = ((KEPT / name).read_bytes() for name in ("film.mkv", "vp8.webm"))
    wrong = probed(film, "a.webm").defect
    assert wrong
    assert wrong.code == "wrong_type"
    assert "matroska" in wrong.message
    assert probed(web, "a.mkv").defect is None


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        (b"", "truncated"),
        (b"\x18\x53\x80\x67", "truncated"),
        (b"\x18\x53\x80\x67\x80", "empty"),
        (b"\x18\x53\x80\x67\xa0" + bytes(32), "empty"),
        (b"\x1f\x43\xb6\x75\x80", "wrong_type"),
        (b"\x18\x53\x80\x67\x90no elements here", "wrong_type"),
        (b"\x18\x53\x80\x67\x83\x4d\xbb\x80", "empty"),
        (b"\x18\x53\x80\x67\xff", "empty"),
    ],
)
def test_content_that_is_none(rest: bytes, code: str) -> None:
    """GIVEN the head of a file and something else behind it THEN the fault is named."""
    defect = probed(b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + rest, "a.webm").defect
    assert defect
    assert defect.code == code


def test_a_head_of_zero_bytes() -> None:
    """GIVEN a file of which nothing but the mark is known THEN nothing is said about what follows."""
    file = PartialFile(10_000, b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm", lambda _start, _end: b"")
    assert probe("a.webm", file).defect is None


def _with_tracks_behind(data: bytes) -> bytes:
    """Return a file whose element of tracks is moved behind all others, and its index and its size with it."""
    segment = data.index(b"\x18\x53\x80\x67") + 12
    start = data.index(b"\x16\x54\xae\x6b", data.index(b"\x15\x49\xa9\x66", segment + 100))
    width = 8 if data[start + 4] == 1 else 2 if data[start + 4] < 0x80 else 1
    size = int.from_bytes(data[start + 4 : start + 4 + width], "big") & ((1 << 7 * width) - 1)
    end = start + 4 + width + size
    place = data.index(b"\x53\xac", data.index(b"\x16\x54\xae\x6b")) + 2
    position = len(data) - segment
    known = data[place] & 0x7F
    assert int.from_bytes(data[place + 1 : place + 1 + known], "big") == start - segment
    void = b"\xec\x01" + (end - start - 9).to_bytes(7, "big") + bytes(end - start - 9)
    moved = data[:start] + void + data[end:] + data[start:end]
    moved = moved[: place + 1] + position.to_bytes(known, "big") + moved[place + 1 + known :]
    return moved[: segment - 7] + (len(moved) - segment).to_bytes(7, "big") + moved[segment:]


def _is_cut(data: bytes, name: str) -> bool:
    defect = probed(data, name).defect
    return defect is not None and defect.code == "truncated" and str(len(data)) in defect.message
