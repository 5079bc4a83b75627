"""Endpoints of services and ids of regions, in the forms that people write."""

from __future__ import annotations

import pytest

from ice_result.core.endpoints import Endpoint, parse_endpoint, parse_object_endpoint, parse_region


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
    """GIVEN no scheme THEN the endpoint is called over TLS."""
    assert str(parse_endpoint(text)) == endpoint


def test_an_endpoint_is_a_value() -> None:
    """SDKs ask for the scheme and `host:port`; rules about hosts read the name of the host alone."""
    endpoint = parse_endpoint("http://OSS.Example.:8080")
    assert endpoint == Endpoint("http", "OSS.Example.:8080")
    assert (endpoint.scheme, endpoint.authority, endpoint.host) == ("http", "OSS.Example.:8080", "oss.example")
    assert f"{endpoint}" == "http://OSS.Example.:8080"


@pytest.mark.parametrize(
    ("text", "is_alibaba_cloud"),
    [
        ("oss-cn-shanghai.aliyuncs.com:443", True),
        ("OSS-CN-Shanghai.aliyuncs.com.", True),
        ("aliyuncs.com.example", False),
    ],
)
def test_hosts_of_alibaba_cloud_are_known_by_their_domain(text: str, is_alibaba_cloud: bool) -> None:
    """Its own keys and policies hold for such hosts, also behind S3's protocol."""
    assert parse_endpoint(text).is_alibaba_cloud is is_alibaba_cloud


@pytest.mark.parametrize("text", ["", "ftp://host", "host/path", "user:pw@host", "host:port", "host:1:2", "a b"])
def test_other_forms_are_refused(text: str) -> None:
    """A path, credentials or another scheme would be dropped silently, so each is an error."""
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
    """GIVEN an id from the documentation, from an SDK's list of endpoints, or a new one THEN it is taken."""
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
def test_another_spelling_of_a_region_is_refused_with_a_suggestion(text: str, meant: str) -> None:
    """Zones, networks, endpoints, and the spelling of other tools."""
    with pytest.raises(ValueError, match=f"is not a region id: did you mean {meant}\\?$"):
        parse_region(text)


@pytest.mark.parametrize("text", ["shanghai", "x", "上海", "cn shanghai", "-"])
def test_a_text_without_a_region_is_refused_with_an_example(text: str) -> None:
    """GIVEN no hint of a region THEN the message shows the form."""
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
    """Requests would go to the bucket of a bucket; the message gives the endpoint to use."""
    with pytest.raises(ValueError, match=f"^contains the bucket 'my-records': expected {without}, without it$"):
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
    """GIVEN a host of another store THEN nothing in it is taken for a bucket."""
    assert parse_object_endpoint(host) == Endpoint("https", host)


@pytest.mark.parametrize(
    ("endpoint", "instance"),
    [
        ("https://my-instance.cn-shanghai.ots.aliyuncs.com", "my-instance"),
        ("my-instance.cn-shanghai.vpc.tablestore.aliyuncs.com", "my-instance"),
        ("http://127.0.0.1:8080", None),
    ],
)
def test_an_endpoint_of_tablestore_names_its_instance(endpoint: str, instance: str | None) -> None:
    """GIVEN a host outside Alibaba Cloud THEN the instance is unknown."""
    assert parse_endpoint(endpoint).tablestore_instance == instance
