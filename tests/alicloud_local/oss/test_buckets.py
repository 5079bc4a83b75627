"""Buckets, by the real oss2."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

OssSdk = Callable[..., oss2.Bucket]


def test_a_bucket_must_exist_before_a_test_uses_it(cloud: LocalCloud) -> None:
    """A typo in a test is told at once."""
    with pytest.raises(KeyError, match="create_bucket"):
        cloud.oss.put("recrods", "key", b"")


def test_buckets_can_be_created_and_described(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """CreateBucket, GetBucketInfo and GetBucketLocation, as a setup command would use them."""
    bucket = oss_sdk(cloud, "fresh")
    bucket.create_bucket()
    bucket.create_bucket()

    info = bucket.get_bucket_info()

    assert (info.name, info.location, info.acl.grant) == ("fresh", "oss-cn-shanghai", "private")
    assert bucket._do("HEAD", "fresh", "").headers["x-oss-bucket-region"] == "cn-shanghai"
    assert bucket.get_bucket_location().location == "oss-cn-shanghai"


def service_of(bucket: oss2.Bucket) -> oss2.Service:
    """The client for all buckets, with the settings of one."""
    return oss2.Service(bucket.auth, bucket.endpoint, region=bucket.region)


def test_buckets_are_listed_by_name(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN buckets WHEN they are listed THEN they come in order, page by page, by prefix or tag."""
    for name in ("media-b", "media-a", "other"):
        cloud.oss.create_bucket(name)
    tags = oss2.models.TaggingRule()
    tags.add("team", "video")
    oss_sdk(cloud, "other").put_bucket_tagging(oss2.models.Tagging(tags))
    service = service_of(oss_sdk(cloud))

    everything = [each.name for each in oss2.BucketIterator(service, max_keys=1)]
    tagged = service.list_buckets(params={"tag-key": "team", "tag-value": "video"}).buckets
    first = service.list_buckets(prefix="media-").buckets[0]

    assert everything == sorted(everything)
    assert {"media-a", "media-b", "other", "records"} <= set(everything)
    assert [each.name for each in service.list_buckets(prefix="media-").buckets] == ["media-a", "media-b"]
    assert [each.name for each in tagged] == ["other"]
    assert (first.location, first.storage_class) == ("oss-cn-shanghai", "Standard")
    assert oss_sdk(cloud, "media-a", endpoint=first.extranet_endpoint).get_bucket_location().status == 200


def test_a_bucket_is_removed_when_it_is_empty(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a bucket with an object, then with parts WHEN it is removed THEN OSS refuses until both are gone."""
    bucket = oss_sdk(cloud)
    bucket.put_object("key", b"x")
    upload_id = bucket.init_multipart_upload("key").upload_id
    bucket.upload_part("key", upload_id, 1, b"x")

    assert refusal(bucket.delete_bucket) == (409, "BucketNotEmpty")
    bucket.delete_object("key")
    assert refusal(bucket.delete_bucket) == (409, "BucketNotEmpty")
    bucket.abort_multipart_upload("key", upload_id)
    assert bucket.delete_bucket().status == 204
    assert refusal(bucket.get_bucket_info) == (404, "NoSuchBucket")
    with pytest.raises(KeyError, match="create_bucket"):
        cloud.oss.keys("records")


def test_a_bucket_is_made_with_a_class_and_an_acl(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a bucket for archives WHEN an object is put THEN it is archived; the ACL can be changed."""
    bucket = oss_sdk(cloud, "archives")
    bucket.create_bucket("public-read", oss2.models.BucketCreateConfig("IA", "ZRS"))
    bucket.put_object("key", b"x")

    info = bucket.get_bucket_info()

    assert (info.storage_class, info.data_redundancy_type, info.acl.grant) == ("IA", "ZRS", "public-read")
    assert bucket.head_object("key").headers["x-oss-storage-class"] == "IA"
    bucket.put_bucket_acl("private")
    assert bucket.get_bucket_acl().acl == "private"
    assert refusal(lambda: bucket.put_bucket_acl("secret")) == (400, "InvalidArgument")


@pytest.mark.parametrize("name", ["ab", "Upper", "under_score", "-dash"])
def test_a_bucket_needs_a_valid_name(cloud: LocalCloud, oss_sdk: OssSdk, name: str) -> None:
    """GIVEN a name that OSS does not allow WHEN a bucket is made THEN it is refused."""
    assert refusal(lambda: oss_sdk(cloud)._do("PUT", name, "")) == (400, "InvalidBucketName")


def test_settings_are_stored_and_given_back(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a lifecycle rule WHEN it is put, read and removed THEN OSS answers with it, and then with its absence."""
    bucket = oss_sdk(cloud)
    rule = oss2.models.LifecycleRule("rule", "a/", expiration=oss2.models.LifecycleExpiration(days=7))

    assert refusal(bucket.get_bucket_lifecycle) == (404, "NoSuchLifecycle")
    bucket.put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))
    assert [(each.id, each.expiration.days) for each in bucket.get_bucket_lifecycle().rules] == [("rule", 7)]
    bucket.delete_bucket_lifecycle()
    assert refusal(bucket.get_bucket_lifecycle) == (404, "NoSuchLifecycle")
    assert refusal(lambda: bucket.put_bucket_cors("<no xml")) == (400, "MalformedXML")
    assert bucket.get_bucket_tagging().tag_set.len() == 0


def test_the_content_of_a_bucket_is_counted(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN two objects and an upload WHEN GetBucketStat asks THEN it has their number and size."""
    bucket = oss_sdk(cloud)
    bucket.put_object("a", b"12345")
    bucket.put_object("b", b"123", headers={"x-oss-storage-class": "IA"})
    bucket.init_multipart_upload("c")

    stat = bucket.get_bucket_stat()

    assert (stat.object_count, stat.storage_size_in_bytes, stat.multi_part_upload_count) == (2, 8, 1)
    assert (stat.standard_storage, stat.infrequent_access_storage) == (5, 3)


@pytest.mark.parametrize(("acl", "reads", "writes"), [("public-read", True, False), ("public-read-write", True, True)])
def test_a_public_bucket_needs_no_signature(
    cloud: LocalCloud, oss_sdk: OssSdk, acl: str, *, reads: bool, writes: bool
) -> None:
    """GIVEN a public bucket WHEN a request has no signature THEN its ACL decides; listing stays private."""
    bucket = oss_sdk(cloud)
    bucket.put_bucket_acl(acl)
    bucket.put_object("key", b"x")
    bucket.put_object("private", b"x", headers={"x-oss-object-acl": "private"})
    anonymous = oss_sdk(cloud, auth=oss2.AnonymousAuth())

    assert (anonymous.get_object("key").read() == b"x") is reads
    assert refusal(lambda: anonymous.get_object("private")) == (403, "AccessDenied")
    assert refusal(anonymous.list_objects) == (403, "AccessDenied")
    if writes:
        assert anonymous.put_object("other", b"y").status == 200
    else:
        assert refusal(lambda: anonymous.put_object("other", b"y")) == (403, "AccessDenied")


def test_there_are_no_live_channels(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN the local OSS WHEN live channels are listed THEN there are none."""
    assert list(oss2.LiveChannelIterator(oss_sdk(cloud))) == []


def test_a_forbidden_bucket_refuses_every_call(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Reads and writes, on the bucket and what is in it."""
    cloud.oss.forbid("records")
    bucket = oss_sdk(cloud)

    assert refusal(lambda: bucket.put_object("key", b"")) == (403, "AccessDenied")
    assert refusal(lambda: bucket.head_object("key")) == (403, "AccessDenied")
    assert refusal(bucket.get_bucket_versioning) == (403, "AccessDenied")


def test_a_bucket_of_another_region_names_its_endpoint(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """With OSS's own message, by which people find the mistake."""
    cloud.oss.create_bucket("far-away", region="cn-beijing")

    with pytest.raises(oss2.exceptions.AccessDenied) as caught:
        oss_sdk(cloud, "far-away").put_object("key", b"")

    assert caught.value.message.startswith("The bucket you are attempting to access must be addressed using")
    assert caught.value.details["Endpoint"] == "oss-cn-beijing.aliyuncs.com"


def test_a_bucket_in_the_host_name_is_the_same_bucket(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Virtual-host style, sent through the server as a proxy, as the name leads nowhere here."""
    bucket = oss_sdk(
        cloud,
        endpoint="http://oss-cn-shanghai.aliyuncs.com",
        is_path_style=False,
        proxies={"http": cloud.environment["ICE_RESULT_OSS_ENDPOINT"]},
    )

    bucket.put_object("a/key", b"x")

    assert cloud.oss.keys("records") == ["a/key"]
    assert [found.key for found in bucket.list_objects_v2().object_list] == ["a/key"]
    assert cloud.oss.calls[0].target == "records/a/key"
