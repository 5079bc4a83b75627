"""OSS's signatures in headers and in presigned URLs, by the real oss2."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import oss2
import pytest
import requests

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

OssSdk = Callable[..., oss2.Bucket]


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


@pytest.fixture
def v1_cloud() -> Iterator[tuple[LocalCloud, list[float]]]:
    """A cloud that takes signature V1, with the bucket `records`, and how many seconds its clock is ahead."""
    ahead = [0.0]
    with LocalCloud(oss_v1=True, clock=lambda: time.time() + ahead[0]) as cloud:
        cloud.oss.create_bucket("records")
        yield cloud, ahead


def v1_keys(cloud: LocalCloud) -> oss2.ProviderAuth:
    """The cloud's keys for signature V1."""
    environment = cloud.environment
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
    return oss2.ProviderAuth(oss2.credentials.StaticCredentialsProvider(*(environment.get(name, "") for name in names)))


@pytest.mark.parametrize("temporary", [False, True])
def test_signature_v1_is_accepted_on_demand(
    v1_cloud: tuple[LocalCloud, list[float]], oss_sdk: OssSdk, *, temporary: bool
) -> None:
    """GIVEN a cloud that takes V1 WHEN oss2 signs with it, in headers and URLs THEN it is checked as V4 is."""
    cloud, ahead = v1_cloud
    cloud.rotate(temporary=temporary)
    bucket = oss_sdk(cloud, auth=v1_keys(cloud))

    bucket.put_object("a/片 +", b"x", headers={"x-oss-meta-name": "片".encode()})
    assert [found.key for found in bucket.list_objects(prefix="a/").object_list] == ["a/片 +"]
    url = bucket.sign_url("GET", "a/片 +", 60)
    assert requests.get(url, timeout=60).content == b"x"
    assert "SignatureDoesNotMatch" in requests.get(url.replace("Signature=", "Signature=x"), timeout=60).text
    assert oss_sdk(cloud).get_bucket_info().name == "records"
    ahead[0] = 61
    assert "Request has expired." in requests.get(url, timeout=60).text
    ahead[0] = 16 * 60
    assert refusal(lambda: bucket.get_object("a/片 +")) == (403, "RequestTimeTooSkewed")


def test_signature_v1_needs_a_date(v1_cloud: tuple[LocalCloud, list[float]], oss_sdk: OssSdk) -> None:
    """GIVEN a cloud that takes V1 WHEN a secret is wrong, or a date is no date THEN the request is refused."""
    cloud, _ = v1_cloud
    key_id = cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    headers = {"Authorization": f"OSS {key_id}:x", "Date": "today"}

    assert refusal(lambda: oss_sdk(cloud, auth=oss2.Auth(key_id, "guessed")).get_object("key"))[1] == (
        "SignatureDoesNotMatch"
    )
    assert "valid Date" in requests.get(f"{cloud.oss.endpoint}/records/key", headers=headers, timeout=60).text
