"""Multipart uploads to the local OSS, by the real oss2."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import oss2
import pytest

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

pytestmark = pytest.mark.usefixtures("unread_replies")

OssSdk = Callable[..., oss2.Bucket]

SMALLEST = 100 * 1024


def upload(bucket: oss2.Bucket, key: str, parts: dict[int, bytes]) -> tuple[str, list[oss2.models.PartInfo]]:
    """Begin an upload and send its parts; return its id and its parts by number."""
    upload_id = bucket.init_multipart_upload(key).upload_id
    etags = {number: bucket.upload_part(key, upload_id, number, data).etag for number, data in parts.items()}
    return upload_id, [oss2.models.PartInfo(number, etags[number]) for number in sorted(etags)]


def test_an_object_is_made_of_its_parts(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN parts sent in any order WHEN the upload is completed THEN the object is there, and not before."""
    bucket, key = oss_sdk(cloud), "a/片头 &.mp4"
    headers = {"Content-Type": "video/mp4", "x-oss-meta-job": "1", "x-oss-storage-class": "IA"}
    upload_id = bucket.init_multipart_upload(key, headers=headers).upload_id
    first, last = b"a" * SMALLEST, b"b"
    parts = [oss2.models.PartInfo(7, bucket.upload_part(key, upload_id, 7, last).etag)]
    parts.insert(0, oss2.models.PartInfo(2, bucket.upload_part(key, upload_id, 2, first).etag))
    assert cloud.oss.keys("records") == []

    done = bucket.complete_multipart_upload(key, upload_id, parts)

    head = bucket.head_object(key)
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in (first, last))
    assert bucket.get_object(key).read() == first + last
    assert (head.object_type, head.content_type, head.headers["x-oss-meta-job"]) == ("Multipart", "video/mp4", "1")
    assert head.headers["x-oss-storage-class"] == "IA"
    assert done.etag == head.etag == f"{hashlib.md5(digests, usedforsecurity=False).hexdigest().upper()}-2"
    assert refusal(lambda: bucket.list_parts(key, upload_id)) == (404, "NoSuchUpload")


def test_a_part_that_comes_again_replaces_the_first(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a part sent twice WHEN the upload is completed with all parts THEN the second one counts."""
    bucket = oss_sdk(cloud)
    upload_id, _ = upload(bucket, "key", {1: b"old"})
    bucket.upload_part("key", upload_id, 1, b"new")

    bucket.complete_multipart_upload("key", upload_id, None, headers={"x-oss-complete-all": "yes"})

    assert cloud.oss.get("records", "key") == b"new"


def test_parts_are_copied_from_other_objects(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object WHEN ranges of it become parts THEN they are as if they had been sent."""
    data = bytes(range(256)) * 800
    cloud.oss.put("records", "source", data)
    bucket = oss_sdk(cloud)
    upload_id = bucket.init_multipart_upload("key").upload_id
    ranges = [(0, SMALLEST - 1), (SMALLEST, None)]
    parts = [
        oss2.models.PartInfo(number, bucket.upload_part_copy("records", "source", span, "key", upload_id, number).etag)
        for number, span in enumerate(ranges, start=1)
    ]

    bucket.complete_multipart_upload("key", upload_id, parts)

    assert cloud.oss.get("records", "key") == data


def test_an_upload_is_aborted(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an upload WHEN it is aborted THEN its parts are gone, and it can be neither completed nor aborted again."""
    bucket = oss_sdk(cloud)
    upload_id, parts = upload(bucket, "key", {1: b"x"})

    assert bucket.abort_multipart_upload("key", upload_id).status == 204
    assert refusal(lambda: bucket.abort_multipart_upload("key", upload_id)) == (404, "NoSuchUpload")
    assert refusal(lambda: bucket.complete_multipart_upload("key", upload_id, parts)) == (404, "NoSuchUpload")
    assert refusal(lambda: bucket.upload_part("key", upload_id, 2, b"")) == (404, "NoSuchUpload")


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ([(2, "ETAG"), (1, "ETAG")], "InvalidPartOrder"),
        ([(1, "ETAG"), (3, "ETAG")], "InvalidPart"),
        ([(1, "0" * 32)], "InvalidPart"),
        ([(1, "ETAG"), (2, "ETAG")], "EntityTooSmall"),
        ([], "MalformedXML"),
    ],
    ids=["order", "missing", "etag", "too-small", "none"],
)
def test_an_upload_that_cannot_be_completed(
    cloud: LocalCloud, oss_sdk: OssSdk, chosen: list[tuple[int, str]], code: str
) -> None:
    """GIVEN a list of parts that does not fit WHEN the upload is completed THEN it is refused and goes on."""
    bucket = oss_sdk(cloud)
    upload_id, parts = upload(bucket, "key", {1: b"x", 2: b"x"})
    listed = (f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in chosen)
    body = f"<CompleteMultipartUpload>{''.join(listed)}</CompleteMultipartUpload>".replace("ETAG", parts[0].etag)

    # Not with the SDK's own function, which sorts the parts.
    call = lambda: bucket._do("POST", "records", "key", data=body, params={"uploadId": upload_id})  # noqa: E731
    assert refusal(call) == (400, code)
    assert [each.upload_id for each in bucket.list_multipart_uploads().upload_list] == [upload_id]


@pytest.mark.parametrize("number", [0, 10_001, "one"])
def test_part_numbers_are_from_1_to_10000(cloud: LocalCloud, oss_sdk: OssSdk, number: object) -> None:
    """GIVEN another number WHEN a part is sent THEN it is refused."""
    bucket = oss_sdk(cloud)
    upload_id = bucket.init_multipart_upload("key").upload_id

    assert refusal(lambda: bucket.upload_part("key", upload_id, number, b"")) == (400, "InvalidArgument")


def test_a_part_is_checked_against_its_digest(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a Content-MD5 of other data WHEN a part is sent THEN it is refused."""
    bucket = oss_sdk(cloud)
    upload_id = bucket.init_multipart_upload("key").upload_id
    headers = {"Content-MD5": oss2.utils.content_md5(b"other")}

    assert refusal(lambda: bucket.upload_part("key", upload_id, 1, b"x", headers=headers)) == (400, "InvalidDigest")


def test_a_sequential_upload_takes_parts_one_after_the_other(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a sequential upload WHEN part 2 comes first THEN it is refused; the object has an MD5 in the end."""
    bucket = oss_sdk(cloud)
    upload_id = bucket.init_multipart_upload("key", params={"sequential": ""}).upload_id

    assert refusal(lambda: bucket.upload_part("key", upload_id, 2, b"x")) == (400, "PartNotSequential")
    etag = bucket.upload_part("key", upload_id, 1, b"x").etag
    bucket.complete_multipart_upload("key", upload_id, [oss2.models.PartInfo(1, etag)])
    assert bucket.get_object("key").headers["Content-MD5"] == oss2.utils.content_md5(b"x")


def test_parts_and_uploads_are_listed(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN uploads WHEN they are listed THEN they come by key and id, page by page, folded at a delimiter."""
    bucket = oss_sdk(cloud)
    upload_id, parts = upload(bucket, "b/片 +", {1: b"x", 3: b"yy", 10: b"zzz"})
    ids = sorted(bucket.init_multipart_upload("a").upload_id for _ in range(3))
    bucket.init_multipart_upload("c/x/1")
    bucket.init_multipart_upload("c/y")

    listed = [
        (each.part_number, each.size, each.etag) for each in oss2.PartIterator(bucket, "b/片 +", upload_id, max_parts=1)
    ]
    folded = [each.key for each in oss2.MultipartUploadIterator(bucket, delimiter="/", max_uploads=2)]
    of_key = [each.upload_id for each in oss2.ObjectUploadIterator(bucket, "a", max_uploads=2)]
    inside = [each.key for each in oss2.MultipartUploadIterator(bucket, prefix="c/")]

    assert listed == [(part.part_number, size, part.etag) for part, size in zip(parts, (1, 2, 3), strict=True)]
    assert sorted(folded) == ["a", "a", "a", "b/", "c/"]
    assert of_key == ids
    assert inside == ["c/x/1", "c/y"]


def test_the_sdk_uploads_and_downloads_in_parts(cloud: LocalCloud, oss_sdk: OssSdk, tmp_path: Path) -> None:
    """GIVEN a file of several parts WHEN the SDK's resumable functions carry it there and back THEN it is the same."""
    path, copy = tmp_path / "file", tmp_path / "copy"
    path.write_bytes(bytes(range(256)) * 2000)
    store = oss2.ResumableStore(root=str(tmp_path))

    oss2.resumable_upload(
        oss_sdk(cloud), "key", str(path), store=store, multipart_threshold=1, part_size=SMALLEST, num_threads=3
    )
    oss2.resumable_download(
        oss_sdk(cloud),
        "key",
        str(copy),
        store=oss2.ResumableDownloadStore(root=str(tmp_path)),
        multiget_threshold=1,
        part_size=SMALLEST,
        num_threads=3,
    )

    assert copy.read_bytes() == path.read_bytes()
    assert oss_sdk(cloud).head_object("key").object_type == "Multipart"
