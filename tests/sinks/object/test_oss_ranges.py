"""Parts of objects: only the bytes that were asked for are accepted, in each of the readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, cast

import pytest

from ice_result.errors import UnavailableError
from ice_result.sinks.object.oss_ranges import ranged_get

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket


@dataclass
class Reply:
    """Reply of the SDK."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content_length(self) -> int | None:
        """Return what the header states."""
        text = self.headers.get("Content-Length")
        return int(text) if text else None

    def read(self) -> bytes:
        """Return the body."""
        return BytesIO(self.body).read()


@dataclass
class OneReply:
    """Bucket with one reply, which keeps what it was asked for."""

    reply: Reply
    asked: list[tuple[str, tuple[int, int], dict[str, str]]] = field(default_factory=list)

    def get_object(self, key: str, *, byte_range: tuple[int, int], headers: dict[str, str]) -> Reply:
        """Return the reply."""
        self.asked.append((key, byte_range, headers))
        return self.reply


def part(content_range: str, length: int) -> Reply:
    """Return a reply with a part of an object."""
    return Reply(206, b"x" * length, {"Content-Range": content_range})


def whole(length: int, stated: int | None) -> Reply:
    """Return a reply with a whole object."""
    return Reply(200, b"x" * length, {} if stated is None else {"Content-Length": str(stated)})


@pytest.mark.parametrize(
    ("span", "reply", "size"),
    [
        ((0, 10), part("bytes 0-9/25", 10), 25),
        ((0, 10), part("bytes 0-9/10", 10), 10),
        ((0, 10), part("bytes 0-6/7", 7), 7),
        ((20, 30), part("bytes 20-24/25", 5), 25),
        ((0, 10), whole(10, 10), 10),
        ((0, 10), whole(7, 7), 7),
        ((0, 10), whole(0, 0), 0),
    ],
)
def test_the_part_that_was_asked_for_is_accepted(span: tuple[int, int], reply: Reply, size: int) -> None:
    """GIVEN a reply with these bytes, or all up to the end THEN they are returned with the size of the object."""
    bucket = OneReply(reply)

    found = ranged_get(cast("Bucket", bucket), "key", span, "look up x", {"If-Match": "A"})

    assert (found.data, found.size_bytes, found.encoding) == (reply.body, size, None)
    assert bucket.asked == [("key", (span[0], span[1] - 1), {"If-Match": "A"})]


@pytest.mark.parametrize(
    ("span", "reply"),
    [
        ((10, 20), part("bytes 0-9/25", 10)),
        ((10, 20), part("bytes 11-20/25", 10)),
        ((0, 10), part("bytes 5-14/25", 10)),
        ((10, 20), part("bytes 10-14/25", 5)),
        ((0, 10), part("bytes 0-19/25", 20)),
        ((0, 10), part("bytes 0-9/25", 9)),
        ((0, 10), part("bytes 0-9/*", 10)),
        ((0, 10), part("bytes */25", 10)),
        ((0, 10), part("", 10)),
        ((20, 30), part("bytes 20-29/25", 10)),
        ((10, 20), whole(25, 25)),
        ((0, 10), whole(25, 25)),
        ((0, 10), whole(7, None)),
        ((0, 10), whole(7, 9)),
    ],
)
def test_another_part_is_an_error(span: tuple[int, int], reply: Reply) -> None:
    """GIVEN another part, a whole object in place of one, or another length than stated THEN the call fails."""
    with pytest.raises(UnavailableError, match="look up x: the reply is not the part of the object that was asked for"):
        ranged_get(cast("Bucket", OneReply(reply)), "key", span, "look up x")


@pytest.mark.parametrize(("stated", "encoding"), [("gzip", "gzip"), (" BR ", "BR"), ("Identity", None)])
def test_the_encoding_comes_with_the_bytes(stated: str, encoding: str | None) -> None:
    """GIVEN a Content-Encoding THEN the reader knows that the bytes are not the content; `identity` is none."""
    reply = Reply(200, b"x", {"Content-Length": "1", "Content-Encoding": stated})

    assert ranged_get(cast("Bucket", OneReply(reply)), "key", (0, 10), "look up x").encoding == encoding
