"""Where a service is called, and regions, in the forms that people write."""

from __future__ import annotations

import pytest

from ice_result.core.endpoints import instance_of, parse_endpoint, parse_object_endpoint, parse_region


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("oss-cn-shanghai.aliyuncs.com", "https://oss-cn-shanghai.aliyuncs.com"),
        ("127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" https://oss.example/ ", "https://oss.example"),
    ],
)
def test_endpoints_come_in_four_forms(text: str, endpoint: str) -> None:
    """Without a scheme the endpoint is called over TLS."""
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize("text", ["", "ftp://host", "host/path", "user:pw@host", "host:port", "host:1:2", "a b"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    """Paths, credentials and other schemes would be dropped silently, so they are errors."""
    with pytest.raises(ValueError, match="not an endpoint"):
        parse_endpoint(text)


@pytest.mark.parametrize(
    "region",
    [
        *("cn-hangzhou", "cn-shanghai", "cn-wulanchabu", "cn-hongkong", "ap-southeast-1", "us-west-1", "eu-central-1"),
        *(
            "me-central-1",
            "na-south-1",
            "rg-china-mainland",
            "cn-shanghai-finance-1",
            "cn-north-2-gov-1",
            "cn-wuhan-lr",
        ),
        *("cn-heyuan-acdr-1", "cn-hzfinance", "cn-shanghai-finance-1-pub", "cn-zhengzhou-jva", "cn-hangzhou-bj-b01"),
        *("cn-hangzhou-internal-test-1", "ap-northeast-2-pop", "cn-qingdao-nebula", "cn-a-region-of-tomorrow"),
    ],
)
def test_regions_are_known_by_their_form(region: str) -> None:
    """Those of Alibaba Cloud's documentation and of its SDKs' lists of endpoints, and new ones."""
    assert parse_region(region) == region


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # The first three are reported: aliyun/alibabacloud-oss-go-sdk-v2#85, kahing/goofys#743, aliyun/aliyun-cli#585.
        ("oss-cn-shanghai", "cn-shanghai"),
        ("cn-shanghai-internal", "cn-shanghai"),
        ("CN-Shanghai", "cn-shanghai"),
        ("cn_shanghai", "cn-shanghai"),
        ("cn-shanghai-b", "cn-shanghai"),
        ("us-west-1a", "us-west-1"),
        ("cn-shanghai-finance-1k", "cn-shanghai-finance-1"),
        ("oss-cn-shanghai-internal", "cn-shanghai"),
        ("oss-rg-china-mainland", "rg-china-mainland"),
        ("cn-hangzhou-vpc", "cn-hangzhou"),
        ("vpc-cn-shanghai", "cn-shanghai"),
        ("vpc100-oss-cn-shanghai", "cn-shanghai"),
        ("mts-cn-shanghai", "cn-shanghai"),
        ("cn-shanghai-oss", "cn-shanghai"),
        ("https://ice.cn-shanghai.aliyuncs.com.", "cn-shanghai"),
        ("https://oss-cn-shanghai-internal.aliyuncs.com", "cn-shanghai"),
        ("my-records.oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        ("cn-shanghai.oss.aliyuncs.com", "cn-shanghai"),
        ("ice.cn-shanghai.aliyuncs.com", "cn-shanghai"),
        ("my-instance.cn-hangzhou.vpc.ots.aliyuncs.com", "cn-hangzhou"),
    ],
)
def test_what_is_no_region_is_refused_with_the_one_that_was_meant(text: str, meant: str) -> None:
    """Zones, networks, endpoints, and the spelling of other tools."""
    with pytest.raises(ValueError, match=f"is not a region id: did you mean {meant}\\?$"):
        parse_region(text)


@pytest.mark.parametrize("text", ["shanghai", "x", "上海", "cn shanghai", "-"])
def test_what_names_no_region_at_all_is_refused_with_an_example(text: str) -> None:
    """Nobody can tell which one was meant."""
    with pytest.raises(ValueError, match="expected cn-shanghai or the like"):
        parse_region(text)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        # The first is reported: farion1231/cc-switch#5565.
        ("https://my-records.oss-cn-shanghai.aliyuncs.com", "oss-cn-shanghai.aliyuncs.com"),
        ("my-records.oss-cn-shanghai-internal.aliyuncs.com:443", "oss-cn-shanghai-internal.aliyuncs.com"),
        ("my-records.vpc100-oss-cn-beijing.aliyuncs.com", "vpc100-oss-cn-beijing.aliyuncs.com"),
        ("my-records.oss-accelerate.aliyuncs.com", "oss-accelerate.aliyuncs.com"),
        ("My-Records.OSS-CN-Shanghai.aliyuncs.com", "oss-cn-shanghai.aliyuncs.com"),
        ("https://my-records.oss-cn-shanghai.aliyuncs.com.", "oss-cn-shanghai.aliyuncs.com"),
        ("my-records.cn-shanghai.oss.aliyuncs.com", "cn-shanghai.oss.aliyuncs.com"),
        ("my-records.oss.aliyuncs.com", "oss.aliyuncs.com"),
        ("my-records.s3.oss-cn-shanghai.aliyuncs.com", "s3.oss-cn-shanghai.aliyuncs.com"),
        ("my-records.s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"),
        ("my-records.s3-us-west-2.amazonaws.com", "s3-us-west-2.amazonaws.com"),
        ("my-records.s3.cn-north-1.amazonaws.com.cn", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_an_endpoint_that_holds_a_bucket_is_refused(text: str, without: str) -> None:
    """Requests would go to the bucket of a bucket; the message says what is expected."""
    with pytest.raises(ValueError, match=f"^holds the bucket 'my-records': expected {without}, without it$"):
        parse_object_endpoint(text)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "oss-cn-shanghai.aliyuncs.com",
            "oss-cn-shanghai-internal.aliyuncs.com",
            "vpc100-oss-cn-beijing.aliyuncs.com",
        ),
        *("cn-shanghai.oss.aliyuncs.com", "oss-accelerate.aliyuncs.com", "s3.oss-cn-shanghai.aliyuncs.com"),
        *("s3.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com", "bucket.vpce-1a.s3.us-east-1.vpce.amazonaws.com"),
        *("127.0.0.1:9000", "minio.example.com", "my-account.r2.cloudflarestorage.com"),
    ],
)
def test_endpoints_without_a_bucket_are_taken(host: str) -> None:
    """Among them those of other stores, whose hosts say nothing of buckets."""
    assert parse_object_endpoint(host) == f"https://{host}"


@pytest.mark.parametrize(
    ("endpoint", "instance"),
    [
        ("https://my-instance.cn-shanghai.ots.aliyuncs.com", "my-instance"),
        ("my-instance.cn-shanghai.vpc.tablestore.aliyuncs.com", "my-instance"),
        ("http://127.0.0.1:8080", None),
        ("", None),
    ],
)
def test_an_endpoint_of_tablestore_names_its_instance(endpoint: str, instance: str | None) -> None:
    """Where it is one of Alibaba Cloud's."""
    assert instance_of(endpoint) == instance
