"""Thumbnails: what is decoded, and what is only noted."""

from __future__ import annotations

import io
import struct
import threading
import time
import warnings
import zlib
from base64 import b64decode
from collections.abc import Iterator

import pytest
from PIL import Image

from alicloud_local import Fault, LocalCloud
from ice_result.core.calls import in_order
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import current_deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import ForbiddenError, IceResultError, TimedOutError
from ice_result.report import pictures
from ice_result.report.gallery import Thumbnail
from ice_result.report.pictures import MOST_BYTES, MOST_FAILURES, MOST_PIXELS, Thumbnails
from ice_result.report.texts import Texts
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss_reader import open_reader

TEXTS = Texts("en")
UNREADABLE = "Not embedded: it cannot be read as JPEG, PNG, GIF or WebP"


def no_reader(address: ObjectAddress) -> bytes:
    """Fail: the test reads nothing from OSS."""
    raise AssertionError(address)


THUMBNAILS = Thumbnails(no_reader, TEXTS)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a picture."""
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def decoded(thumbnail: Thumbnail) -> Image.Image:
    """The picture of a `data:` address."""
    assert thumbnail.note == ""
    kind, _, data = thumbnail.source.partition(",")
    assert kind == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(b64decode(data, validate=True)))
    assert image.format == "JPEG"
    assert image.size == (thumbnail.width, thumbnail.height)
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it has this size, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_the_four_formats_become_small_jpegs(kind: str, mode: str) -> None:
    """They keep their proportions and their colour."""
    image = Image.new("RGB", (1920, 960), (200, 40, 40)).convert(mode, palette=Image.Palette.ADAPTIVE)
    if (kind, mode) in {("JPEG", "P"), ("WEBP", "P")}:
        image = image.convert("RGB")

    small = decoded(THUMBNAILS.from_bytes(encoded(image, kind)))

    assert small.size == (360, 180)
    pixel = small.convert("RGB").getpixel((100, 100))
    assert isinstance(pixel, tuple)
    wanted = image.convert("RGB").getpixel((100, 100))
    assert isinstance(wanted, tuple)
    assert max(abs(one - other) for one, other in zip(pixel, wanted, strict=True)) < 8


def test_a_small_picture_is_not_enlarged() -> None:
    """Its pixels are all there are."""
    assert decoded(THUMBNAILS.from_bytes(encoded(Image.new("RGB", (40, 30)), "PNG"))).size == (40, 30)


def test_what_is_transparent_becomes_white() -> None:
    """JPEG has no transparency."""
    small = decoded(THUMBNAILS.from_bytes(encoded(Image.new("RGBA", (40, 30), (0, 0, 0, 0)), "PNG")))

    assert small.convert("L").getpixel((5, 5)) == 255


def test_a_picture_stands_upright() -> None:
    """The orientation that a camera wrote down is followed."""
    image = Image.new("RGB", (400, 200))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by 90 degrees

    assert decoded(THUMBNAILS.from_bytes(encoded(image, "JPEG", exif=exif))).size == (180, 360)


DAMAGED_EXIF = {
    "no header": b"Exif\0\0garbage",
    "an offset beyond its end": b"Exif\0\0MM\0*\xff\xff\xff\xf0",
    "more entries than there are": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\0\x01\0\0",
    "an orientation of another type": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\xff\xff\xff\xff\xff\xff\xff\xff",
    "nothing": b"Exif\0\0",
}


@pytest.mark.parametrize("exif", DAMAGED_EXIF.values(), ids=DAMAGED_EXIF.keys())
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_data_do_not_matter(kind: str, exif: bytes) -> None:
    """The picture is shown as it is stored, and no warning is given."""
    data = encoded(Image.new("RGB", (400, 200), (200, 40, 40)), kind, exif=exif)

    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        small = decoded(THUMBNAILS.from_bytes(data))

    assert small.size == (360, 180)
    assert given == []


def test_the_same_picture_gives_the_same_bytes() -> None:
    """A report of the same jobs does not change."""
    data = encoded(Image.radial_gradient("L"), "PNG")

    assert THUMBNAILS.from_bytes(data) == THUMBNAILS.from_bytes(data)


@pytest.mark.parametrize(("width", "height"), [(8000, 4251), (20_000, 20_000), (65_000, 65_000)])
def test_too_many_pixels_are_not_decoded(width: int, height: int) -> None:
    """The size in the header decides; Pillow's own limits are an error too."""
    note = THUMBNAILS.from_bytes(png_header(width, height)).note

    assert width * height > MOST_PIXELS
    assert note in (
        f"Not embedded: it has {width} × {height} pixels, and at most 34,000,000 are decoded",
        UNREADABLE,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png_header(10, 10)[:40],
        png_header(1000, 1000),
        b"\xff\xd8\xff\xe0" + bytes(100),
        b"GIF89a" + bytes(20),
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(30),
    ],
    ids=["empty", "text", "svg", "cut", "too little data", "jpeg", "gif", "webp"],
)
def test_what_is_no_picture_is_noted(data: bytes) -> None:
    """No error of Pillow comes through, of whatever class."""
    assert THUMBNAILS.from_bytes(data) == Thumbnail(note=UNREADABLE)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "ICO", "PPM"])
def test_other_formats_are_not_decoded(kind: str) -> None:
    """Decoders that no cover needs are not tried."""
    assert THUMBNAILS.from_bytes(encoded(Image.new("RGB", (32, 32)), kind)).note == UNREADABLE


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A cloud with a bucket of pictures."""
    with LocalCloud() as running:
        running.oss.create_bucket("pictures")
        running.oss.put("pictures", "a b/ü.png", encoded(Image.new("RGB", (40, 30)), "PNG"))
        running.oss.put("pictures", "empty.png", b"")
        running.oss.put("pictures", "large.png", bytes(MOST_BYTES + 1))
        running.oss.create_bucket("closed")
        running.oss.put("closed", "a.png", b"x")
        running.oss.forbid("closed")
        yield running


@pytest.fixture
def from_oss(cloud: LocalCloud) -> Thumbnails:
    """Thumbnails of the pictures in the cloud."""
    context = SinkContext(
        region="cn-shanghai",
        oss_endpoint=parse_endpoint(cloud.oss.endpoint),
        oss_path_style=True,
        credentials=Credentials(),
    )
    return Thumbnails(open_reader(context, MOST_BYTES).read, TEXTS)


@pytest.mark.parametrize(
    ("uri", "note"),
    [
        ("oss://pictures/a b/ü.png", ""),
        ("oss://pictures/empty.png", UNREADABLE),
        ("oss://pictures/large.png", f"{MOST_BYTES + 1} bytes, at most {MOST_BYTES} are read"),
        ("oss://pictures/missing.png", "404 NoSuchKey"),
        ("oss://no-such-bucket/a.png", "404 NoSuchBucket"),
        ("oss://closed/a.png", "403 AccessDenied"),
        ("oss://pictures/../secret.png", "makes clients ask for another object"),
        ("not an address", "The bucket of this picture is not known."),
    ],
)
def test_a_picture_that_cannot_be_fetched_is_noted(
    cloud: LocalCloud, from_oss: Thumbnails, monkeypatch: pytest.MonkeyPatch, uri: str, note: str
) -> None:
    """The note has no id of the request, which would differ at every run; a picture too large is not sent for."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)

    thumbnail = from_oss.of(uri)

    assert note in thumbnail.note
    assert "request id" not in thumbnail.note
    assert bool(thumbnail.source) == (not note)
    if uri.endswith("large.png"):
        assert {call.operation for call in cloud.oss.calls if call.target == "pictures/large.png"} == {"HEAD"}


def test_a_picture_that_does_not_arrive_in_time_is_noted(
    cloud: LocalCloud, from_oss: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a time limit of its own, also when its bytes keep on coming."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pictures, "SECONDS", 0.5)
    cloud.oss.fail(Fault("drip", times=None, operation="GET", target="pictures/a b/"))

    thumbnail = from_oss.of("oss://pictures/a b/ü.png")

    cloud.oss.clear()
    assert thumbnail.source == ""
    assert "Not embedded: OSS: read oss://pictures/a b/ü.png: no complete reply" in thumbnail.note


def test_few_pictures_are_in_memory_at_once() -> None:
    """However many jobs are worked on; in as few threads, of which each keeps some of the memory that it has freed."""
    four = threading.Event()
    seen: list[tuple[int, int]] = []
    lock, inside = threading.Lock(), 0

    def read(_address: ObjectAddress) -> bytes:
        nonlocal inside
        with lock:
            inside += 1
            seen.append((inside, threading.get_ident()))
            if inside == 4:
                four.set()
        assert four.wait(30)
        time.sleep(0.002)  # a fifth would come in
        with lock:
            inside -= 1
        return b""

    thumbnails = Thumbnails(read, TEXTS)

    notes = {found.note for found in in_order(thumbnails.of, [f"oss://bucket/{name}" for name in range(64)], 16)}

    assert notes == {UNREADABLE}
    assert len(seen) == 64
    assert max(number for number, _ in seen) == 4
    assert len({thread for _, thread in seen}) <= 8


class Broken:
    """An OSS that answers with these errors, and then with nothing."""

    def __init__(self, *errors: IceResultError) -> None:
        self.errors = [*errors]
        self.seconds: list[float] = []

    def read(self, _address: ObjectAddress) -> bytes:
        """Raise the next error."""
        self.seconds.append(current_deadline().left())
        if self.errors:
            raise self.errors.pop(0)
        return b""


LATE = TimedOutError("read", service="OSS")
REFUSED = ForbiddenError("read", service="OSS")


def test_every_picture_has_a_time_limit() -> None:
    """It is the same for each."""
    oss = Broken()
    thumbnails = Thumbnails(oss.read, TEXTS)

    for _ in range(3):
        thumbnails.of("oss://bucket/a.png")

    assert all(50 < left <= 60 for left in oss.seconds)


@pytest.mark.parametrize(
    ("errors", "asked"),
    [
        ([LATE] * MOST_FAILURES, MOST_FAILURES),
        ([LATE] * (MOST_FAILURES - 1), 40),
        ([*[LATE] * (MOST_FAILURES - 1), REFUSED, *[LATE] * (MOST_FAILURES - 1)], 40),
        ([REFUSED] * 40, 40),
    ],
    ids=["no answer", "an answer in the end", "an answer in between", "refusals"],
)
def test_an_oss_that_does_not_answer_is_not_asked_for_ever(errors: list[IceResultError], asked: int) -> None:
    """GIVEN many pictures WHEN several calls in a row have no answer THEN the others are not tried, and are noted."""
    oss = Broken(*errors)
    thumbnails = Thumbnails(oss.read, TEXTS)

    notes = [thumbnails.of("oss://bucket/a.png").note for _ in range(40)]

    assert len(oss.seconds) == asked
    unanswered = "Not embedded: OSS left several requests without an answer, so no further picture was asked for"
    assert notes.count(unanswered) == 40 - asked
