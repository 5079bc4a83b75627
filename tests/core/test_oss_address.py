from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.core.oss_address import KnownKeys, ObjectAddress, is_not_saved, parse_address, read_name

buckets = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
regions = st.sampled_from(["cn-shanghai", "cn-beijing", "us-west-1", "ap-southeast-1"])
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: text.lstrip("/").rstrip())


@given(buckets, keys)
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
        ("oss://bucket//a", "bucket", "a", None),
        ("oss://bucket/a//b/", "bucket", "a//b/", None),
        ("oss://bucket/a%20 \n", "bucket", "a%20", None),
        ("oss://bucket/a?Expires=1&OSSAccessKeyId=x&Signature=y", "bucket", "a", None),
        ("oss://bucket/a?b?Expires=1&Signature=[redacted]", "bucket", "a?b", None),
        ("oss://bucket", "bucket", "", None),
        ("oss://bucket.oss-cn-shanghai.aliyuncs.com/a", "bucket", "a", "cn-shanghai"),
        (" http://bucket.oss-cn-shanghai.aliyuncs.com/a.mp4 ", "bucket", "a.mp4", "cn-shanghai"),
        ("http://Bucket.OSS-cn-shanghai.aliyuncs.com:80/a", "bucket", "a", "cn-shanghai"),
        ("https://bucket.oss-cn-beijing-internal.aliyuncs.com/a", "bucket", "a", "cn-beijing"),
        ("https://bucket.oss-accelerate.aliyuncs.com/a", "bucket", "a", None),
        ("https://bucket.oss-accelerate-overseas.aliyuncs.com/a", "bucket", "a", None),
        ("https://bucket.cn-hangzhou.oss.aliyuncs.com/a", "bucket", "a", "cn-hangzhou"),
        ("https://bucket.cn-hangzhou-internal.oss.aliyuncs.com/a", "bucket", "a", "cn-hangzhou"),
        ("https://cn-hangzhou.oss.aliyuncs.com/bucket/a", "bucket", "a", "cn-hangzhou"),
        ("http://bucket.vpc100-oss-cn-beijing.aliyuncs.com/a", "bucket", "a", "cn-beijing"),
        ("oss://bucket.vpc100-oss-cn-beijing.aliyuncs.com/a", "bucket", "a", "cn-beijing"),
        ("http://bucket.oss.aliyuncs.com/a", "bucket", "a", None),
        ("http://us-videos.oss.aliyuncs.com/input/a.mp4", "us-videos", "input/a.mp4", None),
        ("http://cn-archive.oss.aliyuncs.com/a", "cn-archive", "a", None),
        ("https://us-videos.ap-southeast-5.oss.aliyuncs.com/a", "us-videos", "a", "ap-southeast-5"),
        ("https://us-west-1.oss.aliyuncs.com/us-videos/a", "us-videos", "a", "us-west-1"),
        ("http://bucket.oss-internal.aliyuncs.com/a", "bucket", "a", None),
        ("http://bucket.oss-website-cn-beijing.aliyuncs.com/a", "bucket", "a", "cn-beijing"),
        ("https://bucket.oss-cn-shanghai-finance-1.aliyuncs.com/a", "bucket", "a", "cn-shanghai-finance-1"),
        ("https://bucket.oss-cn-north-2-gov-1-internal.aliyuncs.com/a", "bucket", "a", "cn-north-2-gov-1"),
        ("https://bucket.oss-rg-china-mainland.aliyuncs.com/a", "bucket", "a", "rg-china-mainland"),
        ("https://oss-cn-shanghai.aliyuncs.com/bucket/a/b", "bucket", "a/b", "cn-shanghai"),
        ("https://OSS-cn-shanghai.aliyuncs.com:443//bucket//a", "bucket", "a", "cn-shanghai"),
        ("https://oss-cn-shanghai.aliyuncs.com/bucket", "bucket", "", "cn-shanghai"),
        ("https://s3.oss-cn-shanghai-internal.aliyuncs.com/bucket/a", "bucket", "a", "cn-shanghai"),
        ("https://oss-accelerate.aliyuncs.com/bucket/a", "bucket", "a", None),
        ("oss://oss-cn-shanghai.aliyuncs.com/bucket/a%20", "bucket", "a%20", "cn-shanghai"),
        ("bucket.oss-cn-shanghai.aliyuncs.com/a%20b?c", "bucket", "a b", "cn-shanghai"),
        ("//bucket.oss-cn-shanghai.aliyuncs.com/a%20b?c", "bucket", "a b", "cn-shanghai"),
        ("oss-cn-shanghai.aliyuncs.com/bucket/a", "bucket", "a", "cn-shanghai"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com/a+b%2Bc", "bucket", "a b+c", "cn-hangzhou"),
        ("oss://bucket.oss-cn-hangzhou.aliyuncs.com/a+b", "bucket", "a+b", "cn-hangzhou"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com/%2F/a%20%20", "bucket", "a", "cn-hangzhou"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com/%D7%D6.srt", "bucket", "字.srt", "cn-hangzhou"),
        ("https://bucket.oss-cn-hangzhou.aliyuncs.com/%FF.srt", "bucket", "\ufffd.srt", "cn-hangzhou"),
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
        *("https://example.com/a", "https://oss-cn-shanghai.aliyuncs.com/BUCKET/a", "//example.com/a"),
        *("https://oss-cn-shanghai.aliyuncs.com/", "https://oss-cn-shanghai.aliyuncs.com/?prefix=a"),
        *("https://ap-01-ossalias.oss-cn-shanghai.aliyuncs.com/a", "oss://ap-01-ossalias/a"),
        *("https://oss-cn-shanghai.aliyuncs.com/fc-ap-01-opapalias/a", "https://vpc-oss.example.com/bucket/a"),
        *(
            "https://oss-cn-shanghai.aliyuncs.com.evil.example/bucket/a",
            "https://xoss-cn-shanghai.aliyuncs.com/bucket/a",
        ),
        *("https://user:pass@bucket.oss-cn-shanghai.aliyuncs.com/a", "oss://user@bucket/a"),
        *("https://bucket.oss-cn-shanghai.aliyuncs.com.evil.example/a", "https://ab.oss-cn-shanghai.aliyuncs.com/a"),
        "oss fail to save the image in the given bucket",
    ],
)
def test_what_is_not_an_oss_address_is_none(text: str) -> None:
    """Other hosts, names no bucket can have, and a user in the host are refused."""
    assert parse_address(text) is None


@pytest.mark.parametrize(
    "name", ["http://ap-01-ossalias.oss-cn-shanghai.aliyuncs.com/a", "oss://ap-01-ossalias/a", "/a"]
)
def test_an_access_point_leads_to_the_bucket_that_is_given(name: str) -> None:
    """Its alias stands where a bucket's name would, and is none; a path lies in that bucket too."""
    found = read_name(name, "bucket")
    assert (found.bucket, found.key) == ("bucket", "a")


@pytest.mark.parametrize(
    "text",
    [
        " Oss fail to save the image in the given bucket ",
        "oss fail to save the image in the given bucket.",
        "OSS FAIL TO SAVE the video",
        "oss fail to save the image in the given bucket/a.jpg",
        "/oss fail to save it",
        " oss fail to save it: http://bucket.oss-cn-shanghai.aliyuncs.com/a.jpg",
        "oss://bucket/oss fail to save it",
        "http://bucket.oss-cn-shanghai.aliyuncs.com/oss%20fail%20to%20save%20it?Expires=1",
    ],
)
def test_the_text_in_place_of_a_path_is_known_by_its_beginning(text: str) -> None:
    """ICE writes a sentence where a path should be when it could not write the file, and may make a URL of it."""
    assert is_not_saved(text)


@pytest.mark.parametrize("text", ["", "out/oss fail to save it", "oss failed", "oss fail to sav", "oss://bucket/a"])
def test_other_texts_are_no_news_of_a_file_that_was_not_saved(text: str) -> None:
    """What stands in a folder, or begins with other words, is a path."""
    assert not is_not_saved(text)


@pytest.mark.parametrize(
    ("path", "signature"),
    [
        ("201508150800/9044548ef1527deadafa49a890a377f0/4/a.mp3", "201508150800/9044548ef1527deadafa49a890a377f0"),
        ("a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/4/a.mp3", "a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100"),
        ("a37fa50a5fb8f71214b1e7c95ec7a1bd/55ce8100/4/%61.mp3?x=1", "a37fa50a5fb8f71214b1e7c95ec7a1bd/55ce8100"),
        ("201513150800/9044548ef1527deadafa49a890a377f0/4/a.mp3", None),  # no month 13
        ("20150815080/9044548ef1527deadafa49a890a377f0/4/a.mp3", None),
        ("201508150800/9044548EF1527DEADAFA49A890A377F0/4/a.mp3", None),
        ("201508150800/9044548ef1527deadafa49a890a377f/4/a.mp3", None),
        ("a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE810/4/a.mp3", None),
        ("x/a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/4/a.mp3", None),
        ("a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/5/a.mp3", None),
        ("4/a.mp3", None),
    ],
)
def test_a_signature_of_a_cdn_is_known_by_its_shape(path: str, signature: str | None) -> None:
    """Types B and C of Alibaba Cloud CDN, with the documented examples, before the key `4/a.mp3`."""
    known = KnownKeys(["4/a.mp3", "b.mp3"])
    assert known.path_signature(f"https://cdn.example.com/{path}") == signature
    assert known.path_signature(f"//cdn.example.com/{path}") == signature
    assert known.path_signature(f"cdn.example.com/{path}") == signature
    assert known.path_signature(f"https://bucket.oss-cn-shanghai.aliyuncs.com/{path}") is None
    assert known.path_signature(path) is None


@pytest.mark.parametrize("text", ["?" * 300_000, "%25" * 100_000, "#%D7" * 75_000, "a." * 150_000, "/" * 300_000])
def test_matching_is_linear(text: str) -> None:
    """GIVEN a long text made to be slow WHEN it is compared with known keys THEN it takes seconds of CPU, not hours."""
    began = time.process_time()
    for prefix in (
        "http://bucket.oss-cn-shanghai.aliyuncs.com/",
        "https://cdn.example.com/",
        "oss://bucket/",
        "//",
        "",
    ):
        name = read_name(prefix + text)
        assert KnownKeys(["a", "b c", text]).match(name) in (None, text)
    assert time.process_time() - began < 60
