"""The stand-in for OSS, used by the real oss2."""

from __future__ import annotations

import time
from collections.abc import Callable

import oss2
import pytest
import requests

from alicloud_local import LocalCloud

OssSdk = Callable[..., oss2.Bucket]


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """(status, code) of oss2's exception."""
    with pytest.raises(oss2.exceptions.OssError) as caught:
        call()
    return caught.value.status, caught.value.code


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


def test_a_bucket_must_exist_before_a_test_uses_it(cloud: LocalCloud) -> None:
    """A typo in a test is told at once."""
    with pytest.raises(KeyError, match="create_bucket"):
        cloud.oss.put("recrods", "key", b"")


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

    bucket.put_object("key", b"first", headers=headers)
    bucket.put_object("key", b"second", headers=headers)

    assert cloud.oss.get("versioned", "key") == b"second"
    assert bucket.get_bucket_versioning().status == status
    assert bucket.get_bucket_info().versioning_status == status
    assert oss_sdk(cloud).get_bucket_versioning().status is None


@pytest.mark.parametrize("headers", [{"If-None-Match": "*"}, {"If-Match": "x"}, {"x-oss-copy-source": "/a/b"}])
def test_conditional_puts_are_not_implemented(cloud: LocalCloud, oss_sdk: OssSdk, headers: dict[str, str]) -> None:
    """OSS has no compare-and-swap, and says so; copying is beyond this stand-in."""
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


def test_buckets_can_be_created_and_described(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """CreateBucket, GetBucketInfo and GetBucketLocation, as a setup command would use them."""
    bucket = oss_sdk(cloud, "fresh")
    bucket.create_bucket()
    bucket.create_bucket()

    info = bucket.get_bucket_info()

    assert (info.name, info.location, info.acl.grant) == ("fresh", "oss-cn-shanghai", "private")
    assert bucket._do("HEAD", "fresh", "").headers["x-oss-bucket-region"] == "cn-shanghai"
    assert bucket.get_bucket_location().location == "oss-cn-shanghai"


@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: bucket.get_bucket_acl(),
        lambda bucket: bucket.delete_bucket(),
        lambda bucket: bucket.get_object_acl("key"),
        lambda bucket: bucket.init_multipart_upload("key"),
        lambda bucket: bucket.append_object("key", 0, b""),
        lambda bucket: bucket._do("PATCH", "records", "key"),
    ],
    ids=["bucket-acl", "delete-bucket", "object-acl", "multipart", "append", "patch"],
)
def test_what_it_cannot_do_is_refused(
    cloud: LocalCloud, oss_sdk: OssSdk, call: Callable[[oss2.Bucket], object]
) -> None:
    """Rather than answered wrongly."""
    assert refusal(lambda: call(oss_sdk(cloud))) == (501, "NotImplemented")


def test_listing_all_buckets_is_not_implemented(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """The signature of a call without a bucket is verified all the same."""
    bucket = oss_sdk(cloud)
    service = oss2.Service(bucket.auth, bucket.endpoint, region=bucket.region)

    assert refusal(service.list_buckets) == (501, "NotImplemented")


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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"auth": oss2.AuthV4("LTAI5tNobody", "x")}, (403, "InvalidAccessKeyId")),
        ({"auth": oss2.AnonymousAuth()}, (403, "AccessDenied")),
        ({"auth": oss2.AuthV2("LTAI5tNobody", "x")}, (403, "AccessDenied")),
        ({"region": "cn-beijing"}, (400, "InvalidArgument")),
    ],
    ids=["unknown-key", "anonymous", "signature-v2", "other-region"],
)
def test_wrong_authorization_is_refused(
    cloud: LocalCloud, oss_sdk: OssSdk, settings: dict[str, object], expected: tuple[int, str]
) -> None:
    """Each with OSS's status and code."""
    assert refusal(lambda: oss_sdk(cloud, **settings).put_object("key", b"")) == expected
    assert cloud.oss.keys("records") == []


def test_a_wrong_secret_does_not_match(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Also on HEAD, whose code comes in a header."""
    auth = oss2.AuthV4(cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], "guessed")

    assert refusal(lambda: oss_sdk(cloud, auth=auth).put_object("key", b"")) == (403, "SignatureDoesNotMatch")
    assert refusal(lambda: oss_sdk(cloud, auth=auth).head_object("key")) == (403, "SignatureDoesNotMatch")


def test_signature_v1_is_refused_even_with_good_keys(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """As for every account since 2025: in the header and in a presigned URL."""
    environment = cloud.environment
    auth = oss2.Auth(environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    bucket = oss_sdk(cloud, auth=auth)

    with pytest.raises(oss2.exceptions.AccessDenied) as caught:
        bucket.put_object("key", b"")

    assert caught.value.ec == caught.value.headers["x-oss-ec"] == "0002-00000080"
    assert requests.get(bucket.sign_url("GET", "key", 60), timeout=60).status_code == 403


def test_temporary_keys_need_their_token(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """STS keys work with their token, and neither without it nor with another."""
    cloud.rotate(temporary=True)
    environment = cloud.environment
    keys = environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]

    oss_sdk(cloud).put_object("key", b"x")

    assert cloud.oss.keys("records") == ["key"]
    without = oss_sdk(cloud, auth=oss2.AuthV4(*keys))
    assert refusal(lambda: without.get_object("key")) == (403, "InvalidAccessKeyId")
    another = oss_sdk(cloud, auth=oss2.StsAuth(*keys, "another", auth_version=oss2.AUTH_VERSION_4))
    assert refusal(lambda: another.get_object("key")) == (403, "InvalidSecurityToken")


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_a_date_more_than_a_quarter_of_an_hour_off_is_skewed(oss_sdk: OssSdk, seconds: int) -> None:
    """Either way: the client's clock may be fast or slow."""
    with LocalCloud(clock=lambda: time.time() + seconds) as cloud:
        cloud.oss.create_bucket("records")
        assert refusal(lambda: oss_sdk(cloud).put_object("key", b"")) == (403, "RequestTimeTooSkewed")


def test_additional_headers_are_part_of_the_signature(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """A header that the client chose to sign must arrive as it was signed."""
    cloud.oss.put("records", "key", b"0123456789")
    url = oss_sdk(cloud).sign_url("GET", "key", 60, headers={"range": "bytes=0-1"}, additional_headers=["range"])

    assert requests.get(url, headers={"range": "bytes=0-1"}, timeout=60).content == b"01"
    assert requests.get(url, headers={"range": "bytes=0-9"}, timeout=60).status_code == 403


def test_presigned_urls_work_until_they_expire(oss_sdk: OssSdk) -> None:
    """Without any header; changed in the slightest, or too late, they are worth nothing."""
    now = [0.0]
    with LocalCloud(clock=lambda: time.time() + now[0]) as cloud:
        cloud.oss.create_bucket("records")
        cloud.oss.put("records", "a/key", b"x")
        url = oss_sdk(cloud).sign_url("GET", "a/key", 60, slash_safe=True)

        assert requests.get(url, timeout=60).content == b"x"
        assert "SignatureDoesNotMatch" in requests.get(url.replace("a/key", "a/kez"), timeout=60).text
        now[0] = 61
        assert "Request has expired." in requests.get(url, timeout=60).text


def test_a_presigned_url_lives_a_week_at_most(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """As documented for V4."""
    url = oss_sdk(cloud).sign_url("GET", "key", 8 * 24 * 3600)

    assert "<Code>InvalidArgument</Code>" in requests.get(url, timeout=60).text


def authorization(credential: str) -> dict[str, str]:
    return {
        "Authorization": f"OSS4-HMAC-SHA256 Credential={credential}, Signature=00",
        "x-oss-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }


@pytest.mark.parametrize(
    ("credential", "changes", "code"),
    [
        ("{id}/20250101/cn-shanghai/oss/aliyun_v4_request", {}, "InvalidArgument"),
        ("{id}/20250101/cn-shanghai/oss/abc", {}, "InvalidArgument"),
        ("{id}/20250101/cn-shanghai/oss/aliyun_v4_request", {"x-oss-date": "today"}, "AccessDenied"),
        ("", {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, "InvalidArgument"),
    ],
    ids=["other-date", "bad-suffix", "bad-date", "other-algorithm"],
)
def test_malformed_authorization_is_refused(
    cloud: LocalCloud, credential: str, changes: dict[str, str], code: str
) -> None:
    """What no SDK sends, but a hand-written client might."""
    key_id = cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    headers = {**authorization(credential.format(id=key_id)), **changes}

    reply = requests.get(f"{cloud.oss.endpoint}/records/key", headers=headers, timeout=60)

    assert f"<Code>{code}</Code>" in reply.text


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
