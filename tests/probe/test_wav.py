"""WAV: every sample format, sizes of streams and of files beyond 4 GiB, silence, and cut files."""

from __future__ import annotations

import io
import math
import struct
import wave
from pathlib import Path

import pytest

from ice_result.records.model import Media
from support.media_checks import agrees_with_ffprobe, not_truncated
from support.media_files import made, probed

RATE = 8000


def sound(frames: bytes, *, channels: int = 1, bits: int = 16, rate: int = RATE) -> bytes:
    """Return a WAV file with these samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(bits // 8)
        writer.setframerate(rate)
        writer.writeframes(frames)
    return file.getvalue()


def with_data_size(data: bytes, size: int) -> bytes:
    """Return a file of the stdlib's layout whose header tells another size of the audio."""
    return data[:40] + struct.pack("<I", size) + data[44:]


@pytest.mark.parametrize(
    ("codec", "more"),
    [
        ("pcm_u8", ["-ac", "1"]),
        ("pcm_s16le", ["-ac", "2"]),
        ("pcm_s24le", ["-ac", "6"]),
        ("pcm_s32le", ["-ar", "48000"]),
        ("pcm_f32le", ["-ac", "2", "-ar", "96000"]),
        ("pcm_f64le", []),
        ("pcm_alaw", ["-ac", "2"]),
        ("pcm_mulaw", []),
        ("adpcm_ms", []),
        ("adpcm_ima_wav", ["-ac", "2"]),
        ("libmp3lame", []),
        ("pcm_s16le", ["-rf64", "always"]),
        ("pcm_s16le", ["-metadata", "title=a song", "-metadata", "artist=somebody"]),
    ],
)
def test_a_file_of_ffmpeg(tmp_path: Path, codec: str, more: list[str]) -> None:
    """GIVEN audio in any form THEN codec, rate, channels, bits and length are ffprobe's, and every cut is detected."""
    path = made(tmp_path / "a.wav", "-f", "lavfi", "-i", "sine=d=1.234:r=22050", "-c:a", codec, *more)
    media = agrees_with_ffprobe(path)
    assert media.duration_seconds is not None
    assert not_truncated(path.read_bytes(), "a.wav") == []


def test_a_stream_of_ffmpeg(tmp_path: Path) -> None:
    """GIVEN audio that FFmpeg wrote to a pipe THEN the sizes, which it could not know, are taken from the file."""
    source = made(tmp_path / "b.wav", "-f", "lavfi", "-i", "sine=d=1:r=8000", "-f", "wav", "-seekable", "0")
    media = agrees_with_ffprobe(source)
    assert media.duration_seconds == 1.0


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x7FFFF000, 0x7FFFFFFF, 0x80000000])
def test_sizes_of_streams(size: int) -> None:
    """GIVEN a size that a program writes which cannot return to the header THEN all bytes after it are the audio."""
    found = probed(with_data_size(sound(b"\1\2" * RATE), size), "a.wav")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == 1.0


def test_a_size_beyond_the_file() -> None:
    """GIVEN a header that tells more than is there THEN the message has both numbers, the length is the header's."""
    found = probed(with_data_size(sound(b"\1\2" * RATE), 4 * RATE), "a.wav")
    assert found.media
    assert found.media.duration_seconds == 2.0
    assert found.defect
    assert found.defect == ("truncated", "the header declares 32000 bytes of audio; the file has 16000")


def test_chunks_behind_the_sound_and_of_odd_size() -> None:
    """GIVEN chunks at the start and the end, one of odd size with its padding THEN the audio is found and whole."""
    plain = sound(b"\1\2" * RATE)
    odd = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    data = plain[:36] + odd + plain[36:] + odd
    found = probed(data[:4] + struct.pack("<I", len(data) - 8) + data[8:], "a.wav")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == 1.0


def test_a_large_chunk_in_front() -> None:
    """GIVEN a picture of 90 KB before the audio THEN the second read finds the audio."""
    plain = sound(b"\1\2\3\4" * (RATE // 2))
    found = probed(plain[:36] + b"junk" + struct.pack("<I", 90_000) + bytes(90_000) + plain[36:], "a.wav")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == 1.0
    assert found.is_silent is False


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_silence(bits: int) -> None:
    """GIVEN samples of zero in every known place THEN the audio is silent; one other sample in the middle is enough."""
    silence = (b"\x80" if bits == 8 else b"\0") * 200_000
    assert probed(sound(silence, bits=bits), "a.wav").is_silent is True
    loud = silence[:100_000] + b"\x11" * 8 + silence[100_008:]
    assert probed(sound(loud, bits=bits), "a.wav").is_silent is False


def test_big_endian() -> None:
    """GIVEN a file of the old form RIFX THEN its facts are read, and a cut is found."""
    head = b"RIFX" + struct.pack(
        ">I4s4sIHHIIHH4sI", 16_036, b"WAVE", b"fmt ", 16, 1, 2, RATE, 32_000, 4, 16, b"data", 16_000
    )
    found = probed(head + b"\1\2\3" * 5333 + b"\1", "a.wav")
    assert (found.defect, found.is_silent) == (None, False)
    assert found.media == Media(
        container="wav",
        duration_seconds=0.5,
        audio_codec="pcm_s16be",
        sample_rate_hz=RATE,
        channels=2,
        bits=16,
    )
    assert probed(head + bytes(16_000), "a.wav").is_silent is True
    cut = probed(head + bytes(15_000), "a.wav").defect
    assert cut == ("truncated", "the header declares 16000 bytes of audio; the file has 15000")


@pytest.mark.parametrize("size", [2000, 400_000])
def test_a_cut_in_a_chunk_after_the_audio(size: int) -> None:
    """GIVEN a description after the audio that is not whole WHEN both headers declare more bytes THEN it is a cut."""
    plain = sound(b"\1\2" * (size // 2))
    whole = plain + b"bext" + struct.pack("<I", 600) + bytes(600) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    data = whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    assert probed(data, "a.wav").defect is None
    for end in (5, 300, 613):
        cut = probed(data[:-end], "a.wav").defect
        within_head = end in {5, 613}  # of which only a part is there: other bytes may stand behind audio
        assert (cut and cut.code) == (None if within_head else "truncated")
    assert probed(data[:4] + struct.pack("<I", len(whole) + 500) + data[8:], "a.wav").defect is None


@pytest.mark.parametrize(
    ("samples", "is_silent"),
    [
        ([0.0, -0.0] * 9000, True),
        ([math.nan] * 18_000, True),
        ([math.nan, 0.0] * 9000, True),
        ([0.25] * 18_000, True),
        ([0.25, -0.5] * 9000, True),  # of two channels, each of one value
        ([0.0, 0.0, 0.0, 0.5] * 4500, False),
        ([0.5] * 9000 + [0.25] * 9000, False),
    ],
    ids=range(7),
)
def test_samples_of_floating_point(samples: list[float], is_silent: bool) -> None:
    """GIVEN stereo that nobody hears: zeros of either sign, no numbers, or one value THEN it is silent."""
    data = sound(struct.pack(f"<{len(samples)}f", *samples), channels=2, bits=32)
    found = probed(data[:20] + b"\3\0" + data[22:], "a.wav")
    assert (found.media and found.media.audio_codec, found.is_silent) == ("pcm_f32le", is_silent)


def test_a_file_without_sound() -> None:
    """GIVEN a header and no samples THEN the file is empty, and nothing is said of silence."""
    found = probed(sound(b""), "a.wav")
    assert found.defect
    assert found.defect.code == "empty"
    assert found.is_silent is None


def test_a_header_that_no_sound_can_have() -> None:
    """GIVEN a sample rate of zero THEN the content does not match its extension."""
    found = probed(sound(b"\1\2" * 9)[:24] + bytes(4) + bytes(30), "a.wav").defect
    assert found
    assert found.code == "wrong_type"
