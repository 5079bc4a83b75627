from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.addresses import ObjectAddress, is_not_saved, parse_address

buckets = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
regions = st.sampled_from(["cn-shanghai", "cn-beijing", "us-west-1", "ap-southeast-1"])
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(buckets, keys.map(lambda key: f"{key}."))
def test_a_uri_is_read_back_as_the_same_address(bucket: str, key: str) -> None:
    """GIVEN any key, percent signs and question marks included WHEN its uri is parsed THEN it is the same object."""
    address = ObjectAddress(bucket, key)
    assert parse_address(address.uri) == address


@given(buckets, keys, regions, st.sampled_from(["http", "https", "HTTPS"]), st.sampled_from(["", "-internal"]))
def test_a_url_with_an_encoded_key_is_the_object_itself(
    bucket: str, key: str, region: str, scheme: str, suffix: str
) -> None:
    """The key of an http(s) URL is percent-decoded, and its query is no part of it."""
    url = f"{scheme}://{bucket}.oss-{region}{suffix}.aliyuncs.com/{quote(key, safe='/')}?Expires=1&Signature=x"
    assert parse_address(url) == ObjectAddress(bucket, key, region)


@given(st.text(max_size=80) | st.text("osshttp:/.aliyuncs-com?#@%b1 ", max_size=80))
def test_any_text_is_an_address_or_none(text: str) -> None:
    """Parsing never raises, and what it finds is a bucket OSS could have."""
    found = parse_address(text)
    assert found is None or 3 <= len(found.bucket) <= 63


@pytest.mark.parametrize(
    ("text", "bucket", "key", "region"),
    [
        ("oss://bucket/a/b.mp4", "bucket", "a/b.mp4", None),
        ("OSS://bucket/a%20b?c#d", "bucket", "a%20b?c#d", None),
        ("oss://bucket//a", "bucket", "/a", None),
        ("oss://bucket", "bucket", "", None),
        ("oss://bucket.oss-cn-shanghai.aliyuncs.com/a", "bucket", "a", "cn-shanghai"),
        (" http://bucket.oss-cn-shanghai.aliyuncs.com/a.mp4 ", "bucket", "a.mp4", "cn-shanghai"),
        ("http://Bucket.OSS-cn-shanghai.aliyuncs.com:80/a", "bucket", "a", "cn-shanghai"),
        ("https://bucket.oss-cn-beijing-internal.aliyuncs.com/a", "bucket", "a", "cn-beijing"),
        ("https://bucket.oss-accelerate.aliyuncs.com/a", "bucket", "a", None),
        ("https://bucket.oss-accelerate-overseas.aliyuncs.com/a", "bucket", "a", None),
        ("https://bucket.cn-hangzhou.oss.aliyuncs.com/a", "bucket", "a", "cn-hangzhou"),
        ("https://bucket.s3.oss-cn-hangzhou.aliyuncs.com/a", "bucket", "a", "cn-hangzhou"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com/%e5%89%af%E6%AD%8C.mp3#t=1", "bucket", "副歌.mp3", "cn-hangzhou"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com", "bucket", "", "cn-hangzhou"),
    ],
)
def test_every_form_ice_writes_is_read(text: str, bucket: str, key: str, region: str | None) -> None:
    """Documented and seen forms of an OSS address, the sample's trailing blank included."""
    assert parse_address(text) == ObjectAddress(bucket, key, region)


@pytest.mark.parametrize(
    "text",
    [
        *("", "bucket/a", "a/b.mp4", "s3://bucket/a", "oss:/bucket/a", "oss:///a", "file:///etc/passwd"),
        *("oss://UPPER/a", "oss://ab/a", "oss://-bucket/a", "oss://bucket-/a", "oss://" + "b" * 64 + "/a"),
        *("https://example.com/a", "https://oss-cn-shanghai.aliyuncs.com/bucket/a"),
        *("https://user:pass@bucket.oss-cn-shanghai.aliyuncs.com/a", "oss://user@bucket/a"),
        *("https://bucket.oss-cn-shanghai.aliyuncs.com.evil.example/a", "https://ab.oss-cn-shanghai.aliyuncs.com/a"),
        "oss fail to save the image in the given bucket",
    ],
)
def test_what_is_not_an_oss_address_is_none(text: str) -> None:
    """Other hosts, names no bucket can have, and a user in the host are refused."""
    assert parse_address(text) is None


def test_the_text_in_place_of_a_path_is_known() -> None:
    """ICE writes a sentence where a path should be when it could not write the file."""
    assert is_not_saved(" Oss fail to save the image in the given bucket ")
    assert not is_not_saved("oss fail to save the image in the given bucket/a.jpg")
