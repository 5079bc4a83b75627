"""MP4, M4A and QuickTime: facts as ffprobe tells them, and files that are cut, spoilt or of another kind."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ice_result.probe.model import FIRST_BYTES
from ice_result.probe.mp4_codecs import Audio, aac
from support.films import KEPT, agrees_with_ffprobe, facts, is_cut, kept, of_parts, told
from support.long_films import box, film, visual
from support.media_checks import PARTS, not_truncated, zeroed
from support.media_files import complaints_of_ffmpeg, made, probed

NAMES = kept(".mp4", ".m4a", ".mov")
TWO_HOURS = 7200
VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=128x72:rate=25:duration=1.4")
LARGE = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=sample_rate=44100:duration=1.4")
ALPHA = ("-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=0.2,format=rgba,colorchannelmixer=aa=0.5")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
AAC = ("-c:a", "aac")
PIECES = "frag_keyframe+empty_moov"
FRAGMENTS = (KEPT / "fragments.mp4").read_bytes()
INITIALISATION = FRAGMENTS[FRAGMENTS.index(b"moov") - 4 : FRAGMENTS.index(b"moof") - 4]


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_file(name: str) -> None:
    """GIVEN a file of each layout THEN it has no fault, and its facts are those that ffprobe told."""
    found = probed((KEPT / name).read_bytes(), name)
    assert found.defect is None
    assert facts(found.media) == told(name)
    assert found.media
    assert found.media.container == ("mov" if name.endswith(".mov") else "mp4")


MADE = {
    "behind.mp4": (*LARGE, *SOUND, *H264, *AAC, "-metadata", "title=A film"),
    "in-front.mp4": (*LARGE, *SOUND, *H264, *AAC, "-movflags", "faststart"),
    "hevc.mp4": (*VIDEO, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"),
    "mpeg4.mp4": (*VIDEO, *SOUND, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "av1.mp4": (*ALPHA, "-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p"),
    "opus.mp4": (*VIDEO, *SOUND, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "flac.mp4": (*SOUND, "-ac", "2", "-c:a", "flac", "-sample_fmt", "s32", "-strict", "-2"),
    "ac3.mp4": (*SOUND, "-ac", "6", "-c:a", "ac3"),
    "eac3.mp4": (*SOUND, "-ac", "6", "-c:a", "eac3"),
    "delayed.mp4": (*VIDEO, "-itsoffset", "0.5", *SOUND, *H264, *AAC),
    "film.mov": (*VIDEO, *SOUND, "-c:v", "prores_ks", "-profile:v", "3", "-c:a", "pcm_s24le"),
    "opaque.mov": (*ALPHA, "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuv444p10le"),
    "runs.mov": (*ALPHA, "-c:v", "qtrle", "-pix_fmt", "argb"),
    "floats.mov": (*SOUND, "-ar", "96000", "-c:a", "pcm_f64be"),
    "many.mov": (*SOUND, "-ac", "6", "-c:a", "pcm_s16le"),
    "bytes.mov": (*SOUND, "-c:a", "pcm_u8"),
    "law.mov": (*SOUND, "-c:a", "pcm_mulaw"),
}
SHORT = ("-b:v", "500k", "-g", "4")
IN_PIECES = {
    "pieces.mp4": (*LARGE, *SOUND, *H264, *AAC, *SHORT, "-movflags", PIECES),
    "not-empty.mp4": (*LARGE, *SOUND, *H264, *AAC, *SHORT, "-movflags", "frag_keyframe"),
    "apart.mp4": (*VIDEO, *SOUND, *H264, *AAC, "-movflags", f"{PIECES}+separate_moof+skip_trailer"),
    "dash.mp4": (*VIDEO, *SOUND, *H264, *AAC, "-movflags", "dash+frag_keyframe"),
    "indexed.mp4": (*LARGE, *H264, "-movflags", "dash+frag_keyframe+global_sidx"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_ffmpeg(tmp_path: Path, name: str) -> None:
    """GIVEN video or audio in any codec THEN each fact equals ffprobe's, its length within a millisecond."""
    agrees_with_ffprobe(made(tmp_path / name, *MADE[name]))


@pytest.mark.parametrize("name", IN_PIECES)
def test_a_file_in_fragments(tmp_path: Path, name: str) -> None:
    """GIVEN a video in fragments, larger than what is read of it THEN each fact equals ffprobe's within a frame."""
    path = made(tmp_path / name, *IN_PIECES[name])
    assert agrees_with_ffprobe(path, frames=1).duration_seconds
    data = path.read_bytes()
    assert not_truncated(data, name) == []


def test_fragments_larger_than_what_is_read(tmp_path: Path) -> None:
    """GIVEN a last fragment that begins before the second part THEN the length is not known, and nothing is wrong."""
    found = probed(made(tmp_path / "a.mp4", *LARGE, *H264, "-g", "25", "-movflags", PIECES).read_bytes(), "a.mp4")
    assert found.defect is None
    assert facts(found.media) == {
        "width": 640, "height": 360, "fps": 25.0, "video_codec": "h264", "has_alpha": False,
    }  # fmt: skip


def test_pictures_of_sound_and_its_edit_list(tmp_path: Path) -> None:
    """GIVEN audio with a cover, and a video from its middle on THEN the cover is no video, and the length is edited."""
    sound = made(tmp_path / "a.m4a", *SOUND, *AAC)
    cover = made(tmp_path / "a.jpg", *ALPHA, "-frames:v", "1")
    both = ("-i", str(sound), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy")
    assert agrees_with_ffprobe(made(tmp_path / "b.m4a", *both, "-disposition:v:0", "attached_pic")).width is None
    whole = made(tmp_path / "a.mp4", *VIDEO, *SOUND, *H264, *AAC)
    agrees_with_ffprobe(made(tmp_path / "b.mp4", "-ss", "0.5", "-i", str(whole), "-c", "copy"))


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_is_told(name: str) -> None:
    """GIVEN a file that ends at any sixteenth of it, or a byte early THEN it is truncated."""
    data = (KEPT / name).read_bytes()
    for end in (*(len(data) * part // PARTS for part in range(1, PARTS)), len(data) - 1):
        assert is_cut(data[:end], name), end


def test_a_cut_between_fragments() -> None:
    """GIVEN fragments without an index that end where one begins THEN nothing is reported: they may be all."""
    data = (KEPT / "fragments.mp4").read_bytes()
    last = data.rindex(b"moof") - 4
    found = probed(data[:last], "a.mp4")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == 0.525
    indexed = (KEPT / "indexed.mp4").read_bytes()
    assert is_cut(indexed[: indexed.rindex(b"moof") - 4], "a.mp4")


@pytest.mark.parametrize("name", NAMES)
def test_zeros_in_place_of_data(name: str) -> None:
    """GIVEN zeros from any sixteenth on THEN the file is empty, but for samples that may be silence, and no samples."""
    data = (KEPT / name).read_bytes()
    after = [15] if name == "indexed.mp4" else []  # nothing is there but a list for players
    silent = [*range(2, 15)] if name == "samples.mov" else []  # its tables are in the last sixteenth
    for part in {*range(1, PARTS)} - {*after}:
        defect = probed(zeroed(data, len(data) * part // PARTS), name).defect
        assert defect, part
        assert defect.code == ("truncated" if part in silent and defect.code == "truncated" else "empty"), part


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("second", [0, 300, 2000])
def test_parts_never_say_what_the_whole_does_not(name: str, second: int) -> None:
    """GIVEN parts of an audio file of any length THEN each fact is that of the whole or not known, and no fault."""
    data = (KEPT / name).read_bytes()
    for first in range(48, len(data), 53):
        found, defect = of_parts(data, name, first, second)
        assert defect is None, first
        assert found.items() <= told(name).items(), first


@pytest.mark.parametrize("is_in_front", [True, False])
def test_a_film_of_two_hours(*, is_in_front: bool) -> None:
    """GIVEN tables of megabytes at either end THEN two parts give length, size, codec and rate, and tell a cut."""
    long = film(TWO_HOURS, is_in_front=is_in_front)
    found, lengths = long.probed()
    assert found.defect is None
    assert found.media
    assert (
        facts(found.media).items()
        >= {
            "duration_seconds": 7200.0,
            "width": 1280,
            "height": 720,
            "fps": 25.0,
            "video_codec": "h264",
            "has_alpha": False,
        }.items()
    )
    assert lengths == [65_536, 4096 if is_in_front else 64_000]
    cut, _ = long.probed(long.size - 1)
    assert cut.defect
    assert cut.defect.code == "truncated"
    assert str(long.size - 1) in cut.defect.message


def test_the_second_track_of_a_minute() -> None:
    """GIVEN tables that fit into the second part THEN audio and cut are reported too: its own header knows its rate."""
    minutes = film(100)
    found, lengths = minutes.probed()
    assert found.media
    assert (found.media.audio_codec, found.media.sample_rate_hz, found.media.channels) == ("aac", 48_000, 2)
    assert sum(lengths) <= 129_536
    cut, _ = minutes.probed(minutes.size - 1)
    assert cut.defect
    assert cut.defect.code == "truncated"


@pytest.mark.parametrize("first", [b"moof", b"styp", b"sidx"])
def test_a_piece_of_a_stream(first: bytes) -> None:
    """GIVEN fragments without the movie box, as a player downloads them THEN they are MP4, and nothing is wrong."""
    data = (KEPT / "indexed.mp4").read_bytes()
    piece = data[data.index(b"moof") - 4 : data.rindex(b"mfra") - 4]
    found = probed((b"" if first == b"moof" else b"\x00\x00\x00\x10" + first + bytes(8)) + piece, "a.mp4")
    assert found.defect is None
    assert found.media


@pytest.mark.parametrize(("turned", "expected"), [(False, 64 / 45), (True, 45 / 64)])
def test_pixels_that_are_not_square(tmp_path: Path, *, turned: bool, expected: float) -> None:
    """GIVEN an aspect ratio of the pixels THEN it is known, after rotation; the width and the height are the stored."""
    path = made(tmp_path / "a.mp4", *VIDEO, *H264, "-vf", "scale=360:288,setsar=64/45")
    if turned:
        other = tmp_path / "b.mp4"
        path = made(other, "-i", str(path), "-c", "copy", "-metadata:s:v", "rotate=90")
    found = probed(path.read_bytes(), "a.mp4")
    assert found.media
    assert (found.media.width, found.media.height) == ((288, 360) if turned else (360, 288))
    assert found.pixel_aspect == pytest.approx(expected)


def test_an_encrypted_film() -> None:
    """GIVEN a video that is encrypted THEN its codec is the one before that."""
    entry = box(b"encv", visual(64, 36), box(b"sinf", box(b"frma", b"hvc1")))
    found, _ = film(10, entry=entry).probed()
    assert found.media
    assert (found.media.video_codec, found.media.width) == ("hevc", 64)


def test_pictures_of_chapters_are_no_film() -> None:
    """GIVEN audio whose chapters have pictures THEN the file has no width and no frames."""
    found, _ = film(10, pictures=True).probed()
    assert found.media
    assert facts(found.media) == {
        "duration_seconds": 10.0, "audio_codec": "aac", "sample_rate_hz": 48_000, "channels": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bits", "sound"),
    [
        ("00010 0100 0010 000", Audio(44_100, 2)),  # AAC
        ("00010 0110 0010 000 01010110111 00101 1 0011", Audio(48_000, 2)),  # with twice the rate after it
        ("00010 0111 0001 000 01010110111 00101 1 0100 10101001000 1", Audio(44_100, 2)),  # and with stereo
        ("00101 0110 0010 0011 00010 000", Audio(48_000, 2)),  # twice the rate before it
        ("11101 0111 0001 0100 00010 000", Audio(44_100, 2)),  # and stereo
        ("00010 1111 000000011111010000000000 0110 000", Audio(128_000, 6)),  # a rate of its own
        ("00010 1101 0000 000", Audio(None, None)),  # neither: the stream tells
    ],
)
def test_the_header_of_aac(bits: str, sound: Audio) -> None:
    """GIVEN a configuration of AAC THEN its rate is that which is heard, and channels are those which are heard."""
    text = bits.replace(" ", "")
    assert aac(int(text.ljust(-len(text) % 8 + len(text), "0"), 2).to_bytes((len(text) + 7) // 8, "big")) == sound


def test_silence_is_no_fault() -> None:
    """GIVEN samples that are all zero THEN the file is silent and not empty; with one sample it is not silent."""
    data = (KEPT / "samples.mov").read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    silence = data[:start] + bytes(end - start) + data[end:]
    found = probed(silence, "a.mov")
    assert (found.defect, found.is_silent) == (None, True)
    assert probed(silence[: end - 9] + b"\x01" + silence[end - 8 :], "a.mov").is_silent is False
    assert probed((KEPT / "sound.m4a").read_bytes(), "a.m4a").is_silent is None


def test_samples_in_another_file() -> None:
    """GIVEN a track whose samples are in another file THEN nothing is reported about them, and the file is not cut."""
    data = (KEPT / "behind.mp4").read_bytes()
    elsewhere = data.replace(b"url \x00\x00\x00\x01", b"url \x00\x00\x00\x00")
    assert elsewhere != data
    found = probed(
        elsewhere.replace(b"stco\x00\x00\x00\x00\x00\x00\x00\x01\x00", b"stco\x00\x00\x00\x00\x00\x00\x00\x01\x7f"),
        "a.mov",
    )
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.fps) == (96, None)


def test_names_of_either_kind() -> None:
    """GIVEN QuickTime under the name of MP4 or the reverse THEN nothing is wrong; a still picture is no video."""
    for name, other in (("samples.mov", "a.mp4"), ("behind.mp4", "a.mov"), ("behind.mp4", "a.m4a")):
        assert probed((KEPT / name).read_bytes(), other).defect is None
    assert _code(b"\x00\x00\x00\x18ftypheic" + bytes(100)) == "wrong_type"


def test_sizes_that_are_wrong() -> None:
    """GIVEN mdat longer than the file with all samples there, or junk after it THEN nothing is wrong."""
    data = (KEPT / "in-front.mp4").read_bytes()
    place = data.index(b"mdat") - 4
    longer = int.from_bytes(data[place : place + 4], "big") + 8
    assert _code(data[:place] + longer.to_bytes(4, "big") + data[place + 4 :]) is None
    assert _code(data + b"\x00\x00\x20\x00free" + bytes(8184)) is None
    open_ended = data[:place] + bytes(4) + data[place + 4 :]
    assert _code(open_ended) is None
    assert is_cut(open_ended[:-100], "a.mp4")
    vendor = b"\x00\x00\x00\x10XMP_" + bytes(8)
    assert _code(data[:place] + vendor + data[place:]) is None
    for junk in (b"\n", b"TAG" + bytes(125), b"junk behind a film", bytes(64)):
        assert _code(data + junk) is None
        pieces = (KEPT / "fragments.mp4").read_bytes()
        assert _code(pieces[: pieces.rindex(b"mfra") - 4] + junk[:32]) is None


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        (b"", "truncated"),
        (b"\x00\x00\x00\x04moov" + bytes(20), "wrong_type"),
        (b"no box of a film begins here", "wrong_type"),
        (bytes(64), "empty"),
        (b"\x00\x00\x00\x08moov", "empty"),
        (b"\x00\x00\x00\x10mdat" + bytes(8), "truncated"),
        (b"\x00\x00\x00\x01mdat", "truncated"),
        (b"\x00\x00\x00\x10moof" + bytes(8), None),
        (INITIALISATION, "empty"),  # no function writes the head of a stream without its fragments
    ],
)
def test_content_that_is_none(rest: bytes, code: str | None) -> None:
    """GIVEN the head of a file and something else after it THEN the fault is detected, and a lone fragment has none."""
    assert _code(b"\x00\x00\x00\x10ftypisom\x00\x00\x02\x00" + rest) == code


def _code(data: bytes) -> str | None:
    defect = probed(data, "a.mp4").defect
    return defect.code if defect else None


def test_more_boxes_than_are_read() -> None:
    """GIVEN a file that begins with 16,000 empty boxes THEN not all are read, and nothing is said."""
    data = (8).to_bytes(4, "big") + b"free"
    found = probed((16).to_bytes(4, "big") + b"ftypisom" + bytes(4) + data * 16_000, "a.mp4")
    assert found.defect is None
    assert found.media
    assert found.media.model_dump(exclude_none=True) == {"container": "mp4"}


def test_sizes_of_quicktime_audio(tmp_path: Path) -> None:
    """GIVEN a table that counts the samples of packets as one byte each THEN the end is that of the packets."""
    data = _in_packets(made(tmp_path / "a.mov", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "adpcm_ima_qt").read_bytes())
    path = tmp_path / "packets.mov"
    path.write_bytes(data)
    assert complaints_of_ffmpeg(path) == ""
    found = probed(data, "a.mov")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(2, abs=0.01)
    assert not_truncated(data, "a.mov") == []


def test_a_compressed_header(tmp_path: Path) -> None:
    """GIVEN boxes of a movie that are compressed, as QuickTime may write them THEN nothing is known of its tracks."""
    data = (KEPT / "behind.mp4").read_bytes()
    place = data.index(b"moov") - 4
    moov = data[place:]
    inside = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(moov)) + zlib.compress(moov))
    compressed = data[:place] + box(b"moov", box(b"cmov", inside))
    path = tmp_path / "a.mov"
    path.write_bytes(compressed)
    assert complaints_of_ffmpeg(path) == ""
    found = probed(compressed, "a.mov")
    assert (found.defect, found.kinds) == (None, None)
    assert facts(found.media) == {}
    assert _code(compressed[:place]) == "truncated"


@pytest.mark.parametrize("known", [8, 100, 300])
def test_a_fragment_that_is_known_in_part(tmp_path: Path, known: int) -> None:
    """GIVEN a fragment in which the first part ends THEN the fragments at the end tell the duration."""
    every_third = ("-vf", r"select=mod(n\,3)", "-vsync", "vfr", "-bf", "0", "-g", "25")
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=8")
    data = made(tmp_path / "a.mp4", *source, *H264[:-2], *every_third, "-movflags", PIECES).read_bytes()
    place = data.rindex(b"moof", 0, FIRST_BYTES - 500) - 4
    moved = data[:place] + box(b"free", bytes(FIRST_BYTES - known - place - 8)) + data[place:]
    assert moved.index(b"moof", place + 8) == FIRST_BYTES - known + 4
    found = probed(moved, "a.mp4")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(8, abs=0.09)


def _in_packets(data: bytes) -> bytes:
    """Rewrite the tables of IMA4 as QuickTime does: a tick and a byte for each of the 64 samples of a packet."""
    count = int.from_bytes(data[data.index(b"stsz") + 12 :][:4], "big")
    samples = 64 * count

    def stsd(body: bytes) -> bytes:
        entry = body[8:]
        described = b"\0\1" + entry[18:36] + struct.pack(">IIII", 64, 34, 34, 2)
        return body[:8] + box(b"ima4", entry[8:16] + described + entry[52 if entry[16:18] == b"\0\1" else 36 :])

    tables: dict[bytes, Callable[[bytes], bytes]] = {
        b"stsd": stsd,
        b"stts": lambda _: struct.pack(">IIII", 0, 1, samples, 1),
        b"stsz": lambda _: struct.pack(">III", 0, 1, samples),
        b"stsc": lambda _: struct.pack(">IIIII", 0, 1, 1, samples, 1),
    }
    inside = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}

    def rewritten(content: bytes) -> bytes:
        made = b""
        while content:
            size, kind = struct.unpack_from(">I4s", content)
            body, content = content[8:size], content[size:]
            body = rewritten(body) if kind in inside else tables[kind](body) if kind in tables else body
            made += box(kind, body)
        return made

    return rewritten(data)
