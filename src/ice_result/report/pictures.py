"""Thumbnails of pictures in OSS. Bytes are bounded before they are read, and pixels before they are decoded.

A few pictures are in memory at the same time, whatever the number of jobs that are worked on.
"""

from __future__ import annotations

import io
import threading
import warnings
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

from PIL import Image, ImageOps

from ice_result.core.calls import result_of
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.core.threads import DaemonThreadPool
from ice_result.errors import IceResultError
from ice_result.report.gallery import Thumbnail
from ice_result.report.texts import Texts
from ice_result.sinks.object.oss import without_request_id

MOST_BYTES = 20_000_000
MOST_PIXELS = 34_000_000
"""Pixels of a frame of 8K video, 7680 × 4320, and some more."""
SECONDS = 60.0
"""Time limit of reading one picture."""
MOST_FAILURES = 12
"""Calls in a row that OSS leaves without an answer before no further picture is asked for."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_AT_ONCE = 4
_BOX = (360, 360)
_QUALITY = 78
_WITH_PALETTE = {"P", "PA", "1"}
_WHITE = (255, 255, 255, 255)
_one_at_a_time = threading.Lock()
"""Memory holds one decoded picture at a time; warnings can be turned into errors by one thread at a time."""


class Thumbnails:
    """Maker of thumbnails. `read` returns the bytes of an object, at most MOST_BYTES.

    `failed` has the reason of each picture that has no thumbnail.
    """

    def __init__(self, read: Callable[[ObjectAddress], bytes], texts: Texts) -> None:
        self._read = read
        self._texts = texts
        self._pool = DaemonThreadPool()  # few threads, since each keeps some of the memory that it has freed
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self.failed: list[str] = []
        self._failures = 0  # in a row; threads may lose a count, which only asks for another picture

    def of(self, uri: str) -> Thumbnail:
        """Return the thumbnail of an object. Never raises for what OSS answers or for the content of the object."""
        address = parse_address(uri)
        if address is None:
            return Thumbnail(note=self._texts("gallery.no_address"))
        with self._places:
            if self._failures >= MOST_FAILURES:
                return self._failed(self._texts("picture.no_answer"))
            try:
                thumbnail = result_of(self._pool.start(lambda: self._read_one(address)))
            except IceResultError as error:
                self._failures = self._failures + 1 if error.transient else 0
                return self._failed(without_request_id(error))
            self._failures = 0
            return thumbnail

    def _read_one(self, address: ObjectAddress) -> Thumbnail:
        with time_limit(Deadline.after(SECONDS)):
            data = self._read(address)
        return self.from_bytes(data)

    def from_bytes(self, data: bytes) -> Thumbnail:
        """Return the thumbnail of a picture."""
        try:
            with _one_at_a_time, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of damaged EXIF, for example
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return self._decoded(data)
        except Exception:  # noqa: BLE001  Pillow raises errors of many classes for damaged files
            return self._failed(self._texts("picture.unreadable"))

    def _decoded(self, data: bytes) -> Thumbnail:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                most = f"{MOST_PIXELS:,}"
                return self._failed(self._texts("picture.too_many_pixels", width=width, height=height, most=most))
            shrunk = image.convert("RGBA") if image.mode in _WITH_PALETTE else image
            shrunk.thumbnail(_BOX)  # JPEG is decoded at a fraction of its size
            small = _upright(shrunk).convert("RGBA")
        flat = Image.new("RGBA", small.size, _WHITE)
        flat.alpha_composite(small)
        written = io.BytesIO()
        flat.convert("RGB").save(written, "JPEG", quality=_QUALITY, optimize=True)
        return Thumbnail(f"data:image/jpeg;base64,{b64encode(written.getvalue()).decode()}", *small.size)

    def _failed(self, note: str) -> Thumbnail:
        self.failed.append(note)
        return Thumbnail(note=self._texts("gallery.failed", note=note))


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say. Damaged EXIF data say nothing."""
    with suppress(Exception):  # of many classes, as above
        return ImageOps.exif_transpose(image)
    return image
