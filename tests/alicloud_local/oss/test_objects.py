"""Objects in the local OSS, by the real oss2."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

OssSdk = Callable[..., oss2.Bucket]


def test_an_object_comes_back_as_it_was_put(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Bytes, type, metadata and encryption survive; oss2 itself compares the CRC-64 both ways."""
    bucket = oss_sdk(cloud)
    key = "a folder/片头 +&?#%.json"
    headers = {
        "Content-Type": "application/json",
        "x-oss-meta-job": "job-1",
        "x-oss-server-side-encryption": "AES256",
        "Cache-Control": "no-store",
    }

    put = bucket.put_object(key, b"hello", headers=headers)
    got = bucket.get_object(key)

    assert got.read() == b"hello"
    assert (put.etag, put.headers["x-oss-server-side-encryption"]) == ("5D41402ABC4B2A76B9719D911017C592", "AES256")
    assert {name: got.headers[name] for name in headers} == headers
    assert got.etag == put.etag
    assert put.crc == got.server_crc == got.client_crc
    assert (cloud.oss.get("records", key), cloud.oss.keys("records")) == (b"hello", [key])


def test_an_object_put_by_the_test_is_served(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """`put` without a type makes a plain byte stream, `head_object` sees its size."""
    cloud.oss.put("records", "plain", b"12345")
    cloud.oss.put("records", "typed", b"{}", content_type="application/json")

    head = oss_sdk(cloud).head_object("plain")

    assert (head.content_length, head.content_type) == (5, "application/octet-stream")
    assert oss_sdk(cloud).head_object("typed").content_type == "application/json"
    assert oss_sdk(cloud).get_object_meta("plain").content_length == 5


def test_an_object_deleted_by_the_test_is_gone(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """As when a lifecycle rule removes it; one that is not there is no mistake."""
    cloud.oss.put("records", "key", b"12345")

    cloud.oss.delete("records", "key")
    cloud.oss.delete("records", "key")

    assert refusal(lambda: oss_sdk(cloud).get_object("key")) == (404, "NoSuchKey")


def test_what_is_missing_is_not_found(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """With OSS's codes, also on HEAD, where oss2 reads them from a header."""
    assert refusal(lambda: oss_sdk(cloud).get_object("nothing")) == (404, "NoSuchKey")
    assert refusal(lambda: oss_sdk(cloud).head_object("nothing")) == (404, "NoSuchKey")
    assert refusal(lambda: oss_sdk(cloud, "nowhere").get_object("nothing")) == (404, "NoSuchBucket")
    assert not oss_sdk(cloud).object_exists("nothing")


def test_delete_is_silent_about_what_is_not_there(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """204 either way, as OSS does it."""
    cloud.oss.put("records", "key", b"x")

    assert oss_sdk(cloud).delete_object("key").status == 204
    assert oss_sdk(cloud).delete_object("key").status == 204
    assert cloud.oss.keys("records") == []


def test_forbid_overwrite_keeps_the_first(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """The second PUT is refused with 409, and changes nothing."""
    bucket = oss_sdk(cloud)
    headers = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("key", b"first", headers=headers)

    assert refusal(lambda: bucket.put_object("key", b"second", headers=headers)) == (409, "FileAlreadyExists")
    assert cloud.oss.get("records", "key") == b"first"


@pytest.mark.parametrize(("versioning", "status"), [(True, "Enabled"), ("Suspended", "Suspended")])
def test_forbid_overwrite_means_nothing_with_versioning(
    cloud: LocalCloud, oss_sdk: OssSdk, versioning: bool, status: str
) -> None:
    """OSS ignores it silently there: what relies on it must look at GetBucketVersioning first."""
    cloud.oss.create_bucket("versioned", versioning=versioning)
    bucket = oss_sdk(cloud, "versioned")
    headers = {"x-oss-forbid-overwrite": "true"}

    written = [bucket.put_object("key", data, headers=headers) for data in (b"first", b"second")]

    assert all(each.versionid if status == "Enabled" else each.versionid == "null" for each in written)
    assert oss_sdk(cloud).put_object("key", b"first").versionid is None
    assert cloud.oss.get("versioned", "key") == b"second"
    assert bucket.get_bucket_versioning().status == status
    assert bucket.get_bucket_info().versioning_status == status
    assert oss_sdk(cloud).get_bucket_versioning().status is None


@pytest.mark.parametrize("headers", [{"If-None-Match": "*"}, {"If-Match": "x"}])
def test_conditional_puts_are_not_implemented(cloud: LocalCloud, oss_sdk: OssSdk, headers: dict[str, str]) -> None:
    """OSS has no compare-and-swap, and says so."""
    assert refusal(lambda: oss_sdk(cloud).put_object("key", b"x", headers=headers)) == (501, "NotImplemented")


def test_a_wrong_digest_is_refused(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Content-MD5 is checked against the body, and a right one passes."""
    bucket = oss_sdk(cloud)

    wrong = {"Content-MD5": oss2.utils.content_md5(b"another body")}
    assert refusal(lambda: bucket.put_object("key", b"x", headers=wrong)) == (400, "InvalidDigest")
    assert bucket.put_object("key", b"x", headers={"Content-MD5": oss2.utils.content_md5(b"x")}).status == 200


@pytest.mark.parametrize(
    ("wanted", "behaviour", "expected"),
    [
        ((2, 4), None, (206, b"234", "bytes 2-4/10")),
        ((7, None), None, (206, b"789", "bytes 7-9/10")),
        ((None, 3), None, (206, b"789", "bytes 7-9/10")),
        ((5, 20), None, (200, b"0123456789", None)),
        ((5, 20), "standard", (206, b"56789", "bytes 5-9/10")),
    ],
)
def test_ranges(
    cloud: LocalCloud,
    oss_sdk: OssSdk,
    wanted: tuple[int | None, int | None],
    behaviour: str | None,
    expected: tuple[int, bytes, str | None],
) -> None:
    """A range beyond the end is ignored, unless the standard behaviour is asked for."""
    cloud.oss.put("records", "key", b"0123456789")
    headers = {"x-oss-range-behavior": behaviour} if behaviour else {}

    got = oss_sdk(cloud).get_object("key", byte_range=wanted, headers=headers)

    assert (got.status, got.read(), got.headers.get("Content-Range")) == expected


def test_a_range_behind_the_end_cannot_be_satisfied(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """With the standard behaviour; and what is no range at all is ignored."""
    cloud.oss.put("records", "key", b"0123456789")
    bucket = oss_sdk(cloud)
    standard = {"x-oss-range-behavior": "standard"}

    assert refusal(lambda: bucket.get_object("key", byte_range=(10, 12), headers=standard)) == (416, "InvalidRange")
    assert bucket.get_object("key", headers={"Range": "lines=1-2"}).status == 200


@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: bucket.get_object("key", params={"versionId": "1"}),
        lambda bucket: bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled")),
        lambda bucket: bucket.get_object("key", process="image/info"),
        lambda bucket: bucket.create_live_channel("channel", oss2.models.LiveChannelInfo()),
        lambda bucket: bucket._do("PATCH", "records", "key"),
    ],
    ids=["version", "versioning", "process", "live-channel", "patch"],
)
def test_what_it_cannot_do_is_refused(
    cloud: LocalCloud, oss_sdk: OssSdk, call: Callable[[oss2.Bucket], object]
) -> None:
    """Rather than answered wrongly."""
    assert refusal(lambda: call(oss_sdk(cloud))) == (501, "NotImplemented")


def test_the_log_has_the_bytes_of_each_reply(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object of 1,000 bytes THEN the whole, a range and HEAD have sent 1,000, 100 and none."""
    bucket = oss_sdk(cloud)
    bucket.put_object("key", b"x" * 1000)
    bucket.get_object("key").read()
    bucket.get_object("key", byte_range=(0, 99)).read()
    bucket.head_object("key")
    assert [call.body_bytes for call in cloud.oss.calls] == [0, 1000, 100, 0]


def test_calls_are_logged(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """By method and by what they are about."""
    bucket = oss_sdk(cloud)
    bucket.put_object("a/key", b"")
    bucket.get_bucket_versioning()
    bucket.list_objects_v2()
    bucket.list_objects_v2(prefix="a/")
    refusal(lambda: bucket.get_object("nothing"))

    assert [(call.operation, call.target, call.status) for call in cloud.oss.calls] == [
        ("PUT", "records/a/key", 200),
        ("GET", "records/?versioning", 200),
        ("GET", "records/", 200),
        ("GET", "records/?prefix=a/", 200),
        ("GET", "records/nothing", 404),
    ]
