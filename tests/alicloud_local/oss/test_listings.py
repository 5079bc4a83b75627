"""Listings of objects, by the real oss2."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

OssSdk = Callable[..., oss2.Bucket]


@pytest.mark.parametrize("iterator", [oss2.ObjectIterator, oss2.ObjectIteratorV2])
def test_listing_pages_through_everything(
    cloud: LocalCloud, oss_sdk: OssSdk, iterator: type[oss2.ObjectIterator]
) -> None:
    """Both versions of the API, two keys a page, folded at the delimiter, odd characters and all."""
    keys = ["a/1", "a/2", "b c+&.json", "z/<片头>", "b/x/y"]
    for key in keys:
        cloud.oss.put("records", key, key.encode())
    bucket = oss_sdk(cloud)

    everything = [(found.key, found.size) for found in iterator(bucket, max_keys=2)]
    folded = [(found.key, found.is_prefix()) for found in iterator(bucket, max_keys=2, delimiter="/")]
    inside = [found.key for found in iterator(bucket, prefix="b/", delimiter="/")]

    assert everything == [(key, len(key.encode())) for key in sorted(keys)]
    assert folded == [("a/", True), ("b c+&.json", False), ("b/", True), ("z/", True)]
    assert inside == ["b/x/"]


def test_listing_starts_after_a_key(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """V1 by `marker`, V2 by `start-after`; without encoding too."""
    for key in ("a", "b", "c"):
        cloud.oss.put("records", key, b"")
    bucket = oss_sdk(cloud)

    assert [found.key for found in bucket.list_objects(marker="a").object_list] == ["b", "c"]
    assert [found.key for found in bucket.list_objects_v2(start_after="b", encoding_type="").object_list] == ["c"]
    assert b"<MaxKeys>100</MaxKeys>" in bucket._do("GET", "records", "").read()


@pytest.mark.parametrize("arguments", [{"max_keys": 1001}, {"max_keys": 0}, {"continuation_token": "§"}])
def test_bad_listing_arguments_are_invalid(cloud: LocalCloud, oss_sdk: OssSdk, arguments: dict[str, object]) -> None:
    """At most a thousand keys a page, and tokens only as they were given out."""
    assert refusal(lambda: oss_sdk(cloud).list_objects_v2(**arguments)) == (400, "InvalidArgument")
