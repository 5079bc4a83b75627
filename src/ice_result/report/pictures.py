"""Thumbnails of pictures in OSS. Bytes are bounded before they are read, and pixels before they are decoded."""

from __future__ import annotations

import io
import threading
import warnings
from base64 import b64encode
from collections.abc import Callable

from PIL import Image, ImageOps

from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.errors import IceResultError
from ice_result.report.gallery import Thumbnail
from ice_result.report.texts import Texts
from ice_result.sinks.object.oss import without_request_id

MOST_BYTES = 20_000_000
MOST_PIXELS = 34_000_000
"""Pixels of a frame of 8K video, 7680 × 4320, and some more."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_BOX = (360, 360)
_QUALITY = 78
_WITH_PALETTE = {"P", "PA", "1"}
_WHITE = (255, 255, 255, 255)
_one_at_a_time = threading.Lock()
"""Memory holds one decoded picture at a time; warnings can be turned into errors by one thread at a time."""


class Thumbnails:
    """Maker of thumbnails. `read` returns the bytes of an object, at most MOST_BYTES."""

    def __init__(self, read: Callable[[ObjectAddress], bytes], texts: Texts) -> None:
        self._read = read
        self._texts = texts

    def of(self, uri: str) -> Thumbnail:
        """Return the thumbnail of an object. Never raises for what OSS answers or for the content of the object."""
        address = parse_address(uri)
        if address is None:
            return Thumbnail(note=self._texts("gallery.no_address"))
        try:
            data = self._read(address)
        except IceResultError as error:
            return self._failed(without_request_id(error))
        return self.from_bytes(data)

    def from_bytes(self, data: bytes) -> Thumbnail:
        """Return the thumbnail of a picture."""
        try:
            with _one_at_a_time, warnings.catch_warnings():
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
            small = ImageOps.exif_transpose(shrunk).convert("RGBA")
        flat = Image.new("RGBA", small.size, _WHITE)
        flat.alpha_composite(small)
        written = io.BytesIO()
        flat.convert("RGB").save(written, "JPEG", quality=_QUALITY, optimize=True)
        return Thumbnail(f"data:image/jpeg;base64,{b64encode(written.getvalue()).decode()}", *small.size)

    def _failed(self, note: str) -> Thumbnail:
        return Thumbnail(note=self._texts("gallery.failed", note=note))
