"""Reading whole objects from OSS, within a number of bytes."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from alicloud_local import LocalCloud
from alicloud_local.service import CallEvent, CallObserver
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import NotFoundError, RejectedError, TooLargeError
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import OssClient
from ice_result.sinks.object.oss_reader import open_reader

PICTURE = ObjectAddress("example-output", "cover/智能-00001.png")
MOST_BYTES = 100_000
BOMB = gzip.compress(bytes(50_000_000))


def put(context: SinkContext, data: bytes, encoding: str) -> None:
    """Put the picture with a Content-Encoding, as a client of OSS does."""
    headers = {"Content-Encoding": encoding}
    OssClient(context).call_bucket(
        "put", PICTURE.bucket, lambda bucket: bucket.put_object(PICTURE.key, data, headers=headers)
    )


def requests(cloud: LocalCloud) -> list[str]:
    """The methods of the requests for the picture."""
    return [call.operation for call in cloud.oss.calls if call.target == f"{PICTURE.bucket}/{PICTURE.key}"]


@pytest.mark.parametrize("size", [0, 1, MOST_BYTES])
def test_an_object_is_read_whole(cloud: LocalCloud, context: SinkContext, size: int) -> None:
    """Up to the number of bytes that are read; nothing is asked for that is not there."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, b"x" * size)

    assert open_reader(context, MOST_BYTES).read(PICTURE) == b"x" * size
    assert requests(cloud) == (["HEAD", "GET"] if size else ["HEAD"])


def test_a_larger_object_is_not_sent_for(cloud: LocalCloud, context: SinkContext) -> None:
    """Its size is known before."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, bytes(MOST_BYTES + 1))

    with pytest.raises(TooLargeError, match=f"^{PICTURE.uri}: 100001 bytes, at most 100000 are read$"):
        open_reader(context, MOST_BYTES).read(PICTURE)

    assert requests(cloud) == ["HEAD"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "x-gzip", "gzip, identity"])
def test_an_object_with_an_encoding_is_refused(cloud: LocalCloud, context: SinkContext, encoding: str) -> None:
    """How large it would become is not known: it is not sent for."""
    put(context, BOMB, encoding)

    with pytest.raises(RejectedError, match=f"the object has the Content-Encoding {encoding}; only objects without"):
        open_reader(context, MOST_BYTES).read(PICTURE)

    assert requests(cloud) == ["PUT", "HEAD"]


def test_identity_is_no_encoding(cloud: LocalCloud, context: SinkContext) -> None:
    """The bytes are as they are stored."""
    put(context, b"content", "identity")

    assert open_reader(context, MOST_BYTES).read(PICTURE) == b"content"
    assert requests(cloud) == ["PUT", "HEAD", "GET"]


def test_an_object_that_is_replaced_while_it_is_read_stays_within_the_limit(
    cloud: LocalCloud, context: SinkContext, watchers: list[CallObserver]
) -> None:
    """GIVEN a bomb in its place after the first request THEN it is refused, and not decompressed."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, bytes(len(BOMB)))

    def replace(event: CallEvent) -> None:
        if (event.moment, event.operation) == ("answered", "HEAD"):
            put(context, BOMB, "gzip")

    watchers.append(replace)
    tracemalloc.start()
    try:
        with pytest.raises(RejectedError, match="the object has the Content-Encoding gzip; only objects without one"):
            open_reader(context, MOST_BYTES).read(PICTURE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert sorted(requests(cloud)) == ["GET", "HEAD", "PUT"]
    assert peak < 10_000_000


def test_a_missing_object_is_an_error(context: SinkContext, cloud: LocalCloud) -> None:
    """The same as for any other call."""
    with pytest.raises(NotFoundError, match=f"read {PICTURE.uri}: 404 NoSuchKey"):
        open_reader(context, MOST_BYTES).read(PICTURE)

    assert requests(cloud) == ["HEAD"]
