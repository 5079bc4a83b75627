"""Conditional reads, copies and batch deletes in the local OSS, by the real oss2."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest
import requests

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

pytestmark = pytest.mark.usefixtures("unread_replies")

OssSdk = Callable[..., oss2.Bucket]

ETAG = '"9DD4E461268C8034F5C8564E155C67A6"'  # the MD5 of `x`
OTHER = '"00000000000000000000000000000000"'
WRITTEN = 1_772_000_000.5
BEFORE, THEN, AFTER = (oss2.utils.http_date(int(WRITTEN) + seconds) for seconds in (-1, 0, 1))


@pytest.mark.parametrize("method", ["get_object", "head_object"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": ETAG}, 200),
        ({"If-Match": OTHER}, 412),
        ({"If-Match": f"{OTHER}, {ETAG}"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": OTHER}, 200),
        ({"If-Modified-Since": BEFORE}, 200),
        ({"If-Modified-Since": THEN}, 304),
        ({"If-Unmodified-Since": THEN}, 200),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": OTHER, "If-Modified-Since": AFTER}, 200),
    ],
)
def test_conditional_reads(
    cloud: LocalCloud, oss_sdk: OssSdk, method: str, headers: dict[str, str], status: int
) -> None:
    """GIVEN an object WHEN it is read under a condition THEN it comes, or 304, or 412 (documented)."""
    cloud.oss.put("records", "key", b"x", modified=WRITTEN)
    read = getattr(oss_sdk(cloud), method)

    if status == 200:
        assert read("key", headers=headers).status == 200
    else:
        assert refusal(lambda: read("key", headers=headers))[0] == status


def test_a_copy_has_data_and_metadata_of_its_source(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object WHEN it is copied into another bucket THEN the copy is equal, unless REPLACE asks for other."""
    cloud.oss.create_bucket("copies")
    source, target = oss_sdk(cloud), oss_sdk(cloud, "copies")
    source.put_object("a/片头 +?.txt", b"x", headers={"x-oss-meta-job": "1", "x-oss-tagging": "k=v"})

    copied = target.copy_object("records", "a/片头 +?.txt", "same")
    target.copy_object(
        "records",
        "a/片头 +?.txt",
        "other",
        headers={"x-oss-metadata-directive": "REPLACE", "x-oss-meta-job": "2", "x-oss-tagging-directive": "REPLACE"},
    )

    same, other = target.head_object("same").headers, target.head_object("other").headers
    assert (copied.etag, cloud.oss.get("copies", "same")) == (ETAG.strip('"'), b"x")
    assert (same["Content-Type"], same["x-oss-meta-job"], same["x-oss-tagging-count"]) == ("text/plain", "1", "1")
    assert (other["x-oss-meta-job"], "x-oss-tagging-count" in other) == ("2", False)
    assert same["x-oss-hash-crc64ecma"] == other["x-oss-hash-crc64ecma"]


def test_metadata_is_changed_by_a_copy_to_the_same_place(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object WHEN its metadata is updated THEN data stays and metadata is new."""
    bucket = oss_sdk(cloud)
    bucket.put_object("key", b"x", headers={"x-oss-meta-old": "1"})

    bucket.update_object_meta("key", {"Content-Type": "a/b", "x-oss-meta-new": "2"})

    headers = bucket.get_object("key").headers
    assert (headers["Content-Type"], headers["x-oss-meta-new"], "x-oss-meta-old" in headers) == ("a/b", "2", False)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"if-match": OTHER}, (412, "PreconditionFailed")),
        ({"if-none-match": ETAG}, (304, "")),
        ({"if-modified-since": THEN}, (304, "")),
        ({"if-unmodified-since": BEFORE}, (412, "PreconditionFailed")),
    ],
)
def test_conditional_copies(
    cloud: LocalCloud, oss_sdk: OssSdk, condition: dict[str, str], expected: tuple[int, str]
) -> None:
    """GIVEN a condition on the source that fails WHEN it is copied THEN nothing is written."""
    cloud.oss.put("records", "key", b"x", modified=WRITTEN)
    headers = {f"x-oss-copy-source-{name}": value for name, value in condition.items()}

    status, code = refusal(lambda: oss_sdk(cloud).copy_object("records", "key", "copy", headers=headers))

    assert status == expected[0]
    assert not expected[1] or code == expected[1]
    assert cloud.oss.keys("records") == ["key"]


def test_a_source_must_be_there(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN no such source WHEN it is copied THEN OSS names what is missing."""
    bucket = oss_sdk(cloud)

    assert refusal(lambda: bucket.copy_object("records", "nothing", "copy")) == (404, "NoSuchKey")
    assert refusal(lambda: bucket.copy_object("nowhere", "key", "copy")) == (404, "NoSuchBucket")
    versions = {"x-oss-copy-source": "/records/key?versionId=1"}
    assert refusal(lambda: bucket.put_object("copy", b"", headers=versions)) == (501, "NotImplemented")


def test_many_objects_are_deleted_at_once(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN keys with odd characters WHEN they are deleted together THEN each is reported, the missing one too."""
    keys = ["a", "<b>&", "片头\f.txt", "100%41"]
    for key in keys:
        cloud.oss.put("records", key, b"")
    bucket = oss_sdk(cloud)

    assert bucket.batch_delete_objects([*keys, "missing"]).deleted_keys == [*keys, "missing"]
    assert cloud.oss.keys("records") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<Delete>", "MalformedXML"),
        ("<Other/>", "MalformedXML"),
        ("<Delete></Delete>", "MalformedXML"),
        ("<Delete>" + "<Object><Key>k</Key></Object>" * 1001 + "</Delete>", "MalformedXML"),
    ],
    ids=["cut", "other-root", "empty", "too-many"],
)
def test_malformed_batch_deletes(cloud: LocalCloud, oss_sdk: OssSdk, body: str, expected: str) -> None:
    """GIVEN a body that is no list of 1 to 1,000 keys WHEN it is sent THEN it is refused."""
    call = lambda: oss_sdk(cloud)._do("POST", "records", "", data=body, params={"delete": ""})  # noqa: E731

    assert refusal(call) == (400, expected)


def test_a_quiet_batch_delete_reports_nothing(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN Quiet WHEN objects are deleted THEN the reply is empty."""
    cloud.oss.put("records", "k", b"")
    body = "<Delete><Quiet>true</Quiet><Object><Key>k</Key></Object></Delete>"

    reply = oss_sdk(cloud)._do("POST", "records", "", data=body, params={"delete": ""})

    assert (reply.read(), cloud.oss.keys("records")) == (b"", [])


def test_a_presigned_url_puts_with_the_type_it_was_signed_for(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a URL signed for PUT and a type WHEN it is used THEN that type passes, and no other does."""
    bucket = oss_sdk(cloud)
    url = bucket.sign_url("PUT", "a/key", 60, slash_safe=True, headers={"Content-Type": "text/plain"})

    assert requests.put(url, b"x", headers={"Content-Type": "text/html"}, timeout=60).status_code == 403
    assert requests.put(url, b"x", headers={"Content-Type": "text/plain"}, timeout=60).status_code == 200
    assert bucket.head_object("a/key").content_type == "text/plain"


def test_a_presigned_url_overwrites_only_if_it_may(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a URL signed with forbid-overwrite WHEN it is used twice THEN the second PUT is refused."""
    headers = {"x-oss-forbid-overwrite": "true"}
    url = oss_sdk(cloud).sign_url("PUT", "key", 60, headers=headers)

    statuses = [requests.put(url, b"x", headers=headers, timeout=60).status_code for _ in range(2)]

    assert statuses == [200, 409]


def test_a_presigned_url_overrides_the_headers_of_the_reply(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN response-content-type in a URL WHEN the object is read THEN its type is that, and ranges work."""
    cloud.oss.put("records", "key", b"0123456789")
    url = oss_sdk(cloud).sign_url("GET", "key", 60, params={"response-content-type": "image/png"})

    whole = requests.get(url, timeout=60)
    part = requests.get(url, headers={"Range": "bytes=2-4"}, timeout=60)

    assert (whole.headers["Content-Type"], part.status_code, part.content) == ("image/png", 206, b"234")


def test_text_is_compressed_where_the_client_takes_it(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a text of 1 KB or more WHEN a client takes gzip THEN it comes compressed, in chunks (documented)."""
    cloud.oss.put("records", "key", b"x" * 2000, content_type="text/plain")
    cloud.oss.put("records", "short", b"x", content_type="text/plain")
    bucket = oss_sdk(cloud)

    long, short = (bucket.get_object(key, headers={"Accept-Encoding": "gzip"}) for key in ("key", "short"))

    assert (long.headers["Content-Encoding"], long.headers["Transfer-Encoding"]) == ("gzip", "chunked")
    assert (long.read(), short.read()) == (b"x" * 2000, b"x")
    assert "Content-Encoding" not in short.headers
