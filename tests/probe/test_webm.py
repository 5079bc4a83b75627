"""WebM and Matroska: facts as ffprobe tells them, recordings without a length, and files that are cut or spoilt."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from ice_result.probe import PartialFile, probe
from ice_result.probe import webm_elements as ebml
from support.films import KEPT, agrees_with_ffprobe, facts, is_cut, kept, of_parts, told
from support.media_checks import PARTS, not_truncated, zeroed
from support.media_files import made, probed

NAMES = kept(".webm", ".mkv")
VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=128x72:rate=30000/1001:duration=1.4")
LARGE = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=sample_rate=48000:duration=1.4")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
MADE = {
    "large.mkv": (*LARGE, *SOUND, *H264, "-c:a", "libopus"),
    "in-front.mkv": (*LARGE, *H264, "-cues_to_front", "1"),
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
    """GIVEN video or audio in any codec THEN each fact equals ffprobe's, and every cut is detected."""
    path = made(tmp_path / name, *MADE[name])
    agrees_with_ffprobe(path)
    data = path.read_bytes()
    assert not_truncated(data, "a.mkv") == []


def test_a_header_with_alpha_and_frames_without() -> None:
    """GIVEN a header that declares alpha, and frames that have none THEN its alpha is not known."""
    alpha = (KEPT / "alpha.webm").read_bytes()
    additions = ebml.BLOCK_ADDITIONS.to_bytes(2, "big")
    found = [probed(data, "a.webm").media for data in (alpha, alpha.replace(additions, b"\x75\xa2"))]
    assert [media.has_alpha for media in found if media] == [True, None]


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    """GIVEN a size for the display THEN the aspect ratio of the pixels is known, and the size is the stored one."""
    path = made(tmp_path / "a.mkv", *LARGE, *H264, "-t", "0.2", "-vf", "scale=360:288,setsar=64/45")
    found = probed(path.read_bytes(), "a.mkv")
    assert found.media
    assert (found.media.width, found.media.height) == (360, 288)
    assert found.pixel_aspect == pytest.approx(64 / 45)
    assert probed((KEPT / "vp8.webm").read_bytes(), "a.webm").pixel_aspect in {None, 1.0}


@pytest.mark.parametrize(
    ("kind", "degrees", "size"),
    [
        (b"", 90.0, (180, 320)),
        (b"", -90.0, (180, 320)),
        (b"", 180.0, (320, 180)),
        (b"\0", 90.0, (180, 320)),
        (b"\1", 90.0, (320, 180)),  # a sphere
    ],
)
def test_a_picture_that_is_turned(kind: bytes, degrees: float, size: tuple[int, int]) -> None:
    """GIVEN a projection that turns the picture THEN width, height and pixels are those of the turned picture."""
    roll = _element(ebml.ROLL, struct.pack(">d", degrees))
    projection = _element(ebml.PROJECTION, _element(ebml.PROJECTION_TYPE, kind) if kind else b"", roll)
    display = _element(ebml.DISPLAY_WIDTH, b"\x02\x80") + _element(ebml.DISPLAY_HEIGHT, b"\x00\xb4")
    sizes = _element(ebml.WIDTH, b"\x01\x40"), _element(ebml.HEIGHT, b"\x00\xb4"), display
    numbers = _element(ebml.TRACK_NUMBER, b"\x01") + _element(ebml.TRACK_TYPE, b"\x01")
    picture = _element(ebml.VIDEO, *sizes, projection)
    tracks = _element(ebml.TRACKS, _element(ebml.TRACK_ENTRY, numbers, _element(ebml.CODEC, b"V_VP8"), picture))
    info = _element(ebml.INFO, _element(ebml.DURATION, struct.pack(">d", 2000)))
    cluster = _element(ebml.CLUSTER, _element(ebml.TIMESTAMP, b"\0"), _element(ebml.SIMPLE_BLOCK, b"\x81\0\0\x80frame"))
    head = _element(ebml.EBML, _element(ebml.DOC_TYPE, b"webm"))
    found = probed(head + _element(ebml.SEGMENT, info, tracks, cluster), "a.webm")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == size
    assert found.pixel_aspect == (2 if size[0] > size[1] else 0.5)


def test_a_rate_that_only_the_frames_tell() -> None:
    """GIVEN a track that does not tell the length of a frame THEN the times of all frames give the rate."""
    data = (KEPT / "vp8.webm").read_bytes()
    other = ebml.DEFAULT_DURATION ^ 0xFF
    renamed = data.replace(ebml.DEFAULT_DURATION.to_bytes(3, "big"), other.to_bytes(3, "big"))
    assert renamed != data
    assert probed(renamed, "a.webm").media == probed(data, "a.webm").media


def test_a_duration_beyond_all_numbers() -> None:
    """GIVEN a duration whose product with the unit is infinite THEN it is not known, and all else is."""
    data = (KEPT / "vp8.webm").read_bytes()
    value = data.index(b"\x44\x89\x88") + 3
    found = probed(data[:value] + struct.pack(">d", 1.7e308) + data[value + 8 :], "a.webm")
    told = probed(data, "a.webm").media
    assert found.defect is None
    assert told
    assert told.duration_seconds
    assert found.media == told.model_copy(update={"duration_seconds": None})


def test_a_live_recording(tmp_path: Path) -> None:
    """GIVEN a recording that tells no size and no length, larger than what is read THEN its last cluster does."""
    path = made(tmp_path / "live.mkv", *LARGE, *H264, "-live", "1", "-cluster_time_limit", "100")
    live = path.read_bytes()
    assert len(live) > 129_536
    found = probed(live, "live.mkv")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(3, abs=0.04)
    assert not_truncated(live, "a.mkv") == []
    copied = ("-i", str(path), "-c", "copy", "-cluster_time_limit", "100")
    whole = made(tmp_path / "whole.mkv", *copied).read_bytes()
    size = whole.index(ebml.SEGMENT.to_bytes(4, "big")) + 4
    without_size = whole[:size] + b"\x01" + b"\xff" * 7 + whole[size + 8 :]
    assert probed(without_size, "a.mkv") == probed(whole, "a.mkv")
    assert not_truncated(without_size, "a.mkv") == []


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
        assert is_cut(data[:end], name), end


def test_a_cut_between_blocks() -> None:
    """GIVEN a recording without a size that ends where a block begins THEN nothing is reported: it may be whole."""
    data = (KEPT / "live.webm").read_bytes()
    last = data.rindex(b"\x1f\x43\xb6\x75")
    assert probed(data[:last], "a.webm").defect is None


@pytest.mark.parametrize("name", NAMES)
def test_zeros_in_place_of_data(name: str) -> None:
    """GIVEN zeros from any sixteenth on THEN the file is empty."""
    data = (KEPT / name).read_bytes()
    unknown = {12} if name == "live.webm" else set()  # within the last frame, of which the rest is not zero
    for part in {*range(1, PARTS)} - unknown:
        defect = probed(zeroed(data, len(data) * part // PARTS), name).defect
        assert defect, part
        assert defect.code == "empty", part


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("second", [0, 300, 2000])
def test_parts_never_say_what_the_whole_does_not(name: str, second: int) -> None:
    """GIVEN parts of an audio file of any length THEN each fact is that of the whole or not known, and no fault."""
    data = (KEPT / name).read_bytes()
    whole = facts(probed(data, name).media)
    for first in range(64, len(data), 53):
        found, defect = of_parts(data, name, first, second)
        assert defect is None, first
        assert found.items() <= whole.items(), first


def test_tracks_that_only_the_index_finds() -> None:
    """GIVEN tracks after all clusters THEN they are read from where the index says that they are."""
    found = probed(_with_tracks_behind(), "a.webm")
    assert found.defect is None
    assert facts(found.media) == {
        "duration_seconds": 2.0, "width": 320, "height": 180, "video_codec": "vp8", "has_alpha": False,
    }  # fmt: skip


def test_padding_behind_a_film() -> None:
    """GIVEN a few zeros after a recording, or an element of zeros after the index THEN that is no missing data."""
    live, web = ((KEPT / name).read_bytes() for name in ("live.webm", "vp8.webm"))
    assert probed(live + bytes(100), "a.webm").defect is None
    assert probed(_with_more(web, b"\xec\x01" + (9000).to_bytes(7, "big") + bytes(9000)), "a.webm").defect is None


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
        (b"\x18\x53\x80\x67\x90\x01 is no element", "wrong_type"),
        (b"\x18\x53\x80\x67\x83\x4d\xbb\x80", "empty"),
        (b"\x18\x53\x80\x67\xff", "empty"),
    ],
)
def test_content_that_is_none(rest: bytes, code: str) -> None:
    """GIVEN the head of a file and something else after it THEN the fault is detected."""
    defect = probed(b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + rest, "a.webm").defect
    assert defect
    assert defect.code == code


def test_a_head_of_zero_bytes() -> None:
    """GIVEN a file of which nothing but the mark is known THEN nothing is said about what follows."""
    file = PartialFile(10_000, b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm", lambda _start, _end: b"")
    assert probe("a.webm", file).defect is None


def test_more_elements_than_are_read() -> None:
    """GIVEN a live recording that begins with 60,000 empty elements THEN not all are read, and nothing is said."""
    head = _element(ebml.EBML, _element(ebml.DOC_TYPE, b"webm")) + b"\x18\x53\x80\x67\xff"
    found = probed(head + b"\xec\x80" * 60_000, "a.webm")
    assert found.defect is None
    assert found.media
    assert found.media.model_dump(exclude_none=True) == {"container": "webm"}


def _with_more(data: bytes, more: bytes) -> bytes:
    """Return a video whose segment has an element more at its end."""
    body = data.index(ebml.SEGMENT.to_bytes(4, "big")) + 12
    size = len(data) - body + len(more)
    return data[: body - 7] + size.to_bytes(7, "big") + data[body:] + more


def _element(identifier: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return name + b"\x01" + len(content).to_bytes(7, "big") + content


def _with_tracks_behind() -> bytes:
    """Return a file of one large cluster, after which are its length and its tracks."""
    block = b"\x81\x00\x00\x80" + b"\xaa" * 200_000
    picture = _element(ebml.VIDEO, _element(ebml.WIDTH, b"\x01\x40"), _element(ebml.HEIGHT, b"\x00\xb4"))
    numbers = _element(ebml.TRACK_NUMBER, b"\x01") + _element(ebml.TRACK_TYPE, b"\x01")
    track = _element(ebml.TRACK_ENTRY, numbers, _element(ebml.CODEC, b"V_VP8"), picture)
    info = _element(ebml.INFO, _element(ebml.DURATION, struct.pack(">d", 2000)))
    cluster = _element(ebml.CLUSTER, _element(ebml.TIMESTAMP, b"\x00"), _element(ebml.SIMPLE_BLOCK, block))
    places = [(ebml.INFO, 0), (ebml.TRACKS, len(info))]
    length = len(_index(places, 0))
    content = _index(places, length + len(cluster)) + cluster + info + _element(ebml.TRACKS, track)
    return _element(ebml.EBML, _element(ebml.DOC_TYPE, b"webm")) + _element(ebml.SEGMENT, content)


def _index(places: list[tuple[int, int]], start: int) -> bytes:
    seeks = [
        _element(
            ebml.SEEK,
            _element(ebml.SEEK_IDENTIFIER, identifier.to_bytes(4, "big")),
            _element(ebml.SEEK_POSITION, (start + place).to_bytes(8, "big")),
        )
        for identifier, place in places
    ]
    return _element(ebml.SEEK_HEAD, *seeks)
