"""Which URLs are stores, and what is said of those that are not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ice_result.errors import SettingsError
from ice_result.sinks import (
    SinkContext,
    capabilities_of,
    open_parking_store,
    open_sink,
    parking_schemes,
    parse_sink_url,
)
from ice_result.sinks.object.oss import OssClient

IN_SHANGHAI = SinkContext(region="cn-shanghai")


@pytest.mark.parametrize(
    ("url", "scheme", "authority", "path"),
    [
        ("file:./out", "file", None, "./out"),
        ("file:out@1/x", "file", None, "out@1/x"),
        ("file:/srv/out", "file", None, "/srv/out"),
        ("file:///srv/out", "file", "", "/srv/out"),
        (" oss://records ", "oss", "records", ""),
        ("oss://records/a/b/", "oss", "records", "/a/b/"),
        ("oss://a-1/团队", "oss", "a-1", "/团队"),
    ],
)
def test_urls_are_taken_apart(url: str, scheme: str, authority: str | None, path: str) -> None:
    """A known URL gives its scheme, bucket and path, as they are written."""
    parts = parse_sink_url(url)

    assert (parts.scheme, parts.authority, parts.path) == (scheme, authority, path)


@pytest.mark.parametrize(
    ("url", "explanation"),
    [
        ("gopher://hole", "gopher: is not a known kind of store; expected one of file:, oss:"),
        ("OSS://records", "OSS: is not a known kind of store"),
        ("", "not a URL such as file:./out"),
        ("./out", "not a URL such as file:./out"),
        ("file:", "has no path; write file:./out"),
        ("file://", "has no path"),
        ("file://host/out", "contains a host"),
        ("file:out\x00", "control characters"),
        ("oss:", "has no bucket; write oss://bucket/prefix"),
        ("oss:///prefix", "has no bucket"),
        ("oss:records/prefix", "has no bucket"),
        ("oss://Records", "'Records' is not a bucket's name"),
        ("oss://ab", "is not a bucket's name"),
        ("oss://records-", "is not a bucket's name"),
        ("oss://records.oss-cn-shanghai.aliyuncs.com/x", "is not a bucket's name"),
        ("oss://records/a//b", "must not have an empty part"),
        ("oss://records/../b", "must not have an empty part, `.`, `..` or a backslash"),
        ("oss://records/a\\b", "`..` or a backslash"),
        ("oss://records/" + "x" * 513, "must not be longer than 512 bytes"),
        ("oss://records/x?endpoint=y", "must not contain a query"),
        ("oss://records/a*", "a prefix must not contain `*`"),
        ("s3://records/a/*/b", "a prefix must not contain `*`"),
        ("oss://rec*rds/a", "'rec*rds' is not a bucket's name"),
        ("ots://rec*rds", "'rec*rds' is not an instance's name"),
        ("file:out#1", "or a fragment"),
    ],
)
def test_what_is_wrong_with_a_url_is_explained(url: str, explanation: str) -> None:
    """A wrong URL names the variable it came from and says what would be right."""
    with pytest.raises(SettingsError) as caught:
        parse_sink_url(url)

    assert [name for name, _ in caught.value.problems] == ["ICE_RESULT_SINKS"]
    assert explanation in caught.value.problems[0][1]


@pytest.mark.parametrize(
    "url", ["oss://LTAI:hunter2@records/x", "oss://LTAI:hun/ter2@records", "oss://records/x?Signature=hunter2"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    """The explanation says where keys come from, and shows none."""
    with pytest.raises(SettingsError) as caught:
        parse_sink_url(url)

    assert "hun" not in str(caught.value)
    assert "LTAI" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:./out", "oss://records/a"])
def test_a_sink_knows_its_url(url: str) -> None:
    """The URL is what logs and parked events name a sink by; opening it touches nothing."""
    assert open_sink(url, IN_SHANGHAI).url == url


def test_oss_needs_a_region() -> None:
    """Signatures name the region, so its absence shows when the sink is opened, not at the first job."""
    with pytest.raises(SettingsError, match="ICE_RESULT_REGION: not set"):
        open_sink("oss://records", SinkContext())


def test_a_sink_opens_from_its_parsed_url() -> None:
    """GIVEN a URL that the settings have parsed THEN it is not parsed again, and shows as it is written."""
    url = parse_sink_url("file:./out")
    assert open_sink(url, IN_SHANGHAI).url == str(url) == f"{url}" == "file:./out"


def test_the_default_endpoint_is_the_public_one_of_the_region() -> None:
    """It works from everywhere; the internal one, free of charge within the region, is a setting."""
    assert str(OssClient(IN_SHANGHAI).endpoint()) == "https://oss-cn-shanghai.aliyuncs.com"


def test_parked_events_can_go_to_every_store_but_tablestore() -> None:
    """The schemes of stores that keep parked events are known to the settings."""
    assert parking_schemes() == ["file:", "oss:", "s3:", "sqlite:"]
    for url in ("file:./out", "oss://records", "s3://records", "sqlite:./jobs.db"):
        assert open_parking_store(url, IN_SHANGHAI).url == url


@pytest.mark.parametrize("url", ["file:./out", "oss://records", "s3://records", "sqlite:./jobs.db", "ots://instance"])
def test_capabilities_are_known_before_a_store_is_opened(url: str) -> None:
    """GIVEN a URL THEN the registry and the open store declare the same value, and parked events are where it says."""
    sink = open_sink(url, IN_SHANGHAI)

    assert sink.capabilities == capabilities_of(parse_sink_url(url))
    assert sink.capabilities.parks == (sink.parking is not None)


def test_parked_events_cannot_go_into_tablestore() -> None:
    """It is said by the variable that asked for it."""
    with pytest.raises(SettingsError, match=r"ICE_RESULT_PARK_URL: ots://instance: keeps no parked events"):
        open_parking_store("ots://instance", IN_SHANGHAI)


def test_opening_a_sink_imports_no_sdk() -> None:
    """The SDK costs a third of a second, which is paid when OSS is first called."""
    script = (
        "import sys; from ice_result.sinks import SinkContext, open_sink\n"
        "from ice_result.sinks.object.oss import open_inspector\n"
        "context = SinkContext(region='cn-shanghai')\n"
        "open_sink('oss://records', context); open_inspector(context)\n"
        "sys.exit(' '.join({'oss2', 'requests', 'urllib3'} & set(sys.modules)))\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}

    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert ended.stderr.strip() == ""
