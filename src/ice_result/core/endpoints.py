"""Regions, and the endpoints of services, in the forms people write them."""

from __future__ import annotations

import re

_ENDPOINT = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+(?::\d{1,5})?)/?")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
# What people write around a region: the name of a service, a network, or a letter that makes a zone of it.
_SERVICES = "oss|ots|ice|mns|mts|ims|vod|imm|fc|log|sls|eventbridge|sts|ecs"
_BEFORE_A_REGION = re.compile(rf"(vpc\d*-)?(s3-)?({_SERVICES})-|vpc\d*-")
_BEHIND_A_REGION = re.compile(rf"(-(internal|vpc|{_SERVICES})|(?<=\d)[a-z]|-[a-z])$")
_ALIBABA_CLOUD = ".aliyuncs.com"
# The host of OSS itself, behind the name of a bucket if there is one: by region, accelerated, or dual stack.
_OSS_HOST = re.compile(
    r"(?:(?P<bucket>.+?)\.)??(?:s3\.)?"
    r"(?:(?:vpc\d+-)?oss-[a-z0-9-]+|(?:cn|ap|us|eu|me|na|sa|rg)-[a-z0-9-]+\.oss|oss)\.aliyuncs\.com"
)
_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?")


def parse_endpoint(text: str) -> str:
    """`scheme://host[:port]` of `host`, `host:port` or `http(s)://host[:port]`; https unless it says otherwise.

    Raises ValueError for anything else.
    """
    match = _ENDPOINT.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an endpoint: a host, host:port, or http(s)://host:port without a path")
    return f"{match[1] or 'https'}://{match[2]}"


def parse_object_endpoint(text: str) -> str:
    """The same, of OSS or S3. Raises ValueError for one that names a bucket too: that comes with each request."""
    endpoint = parse_endpoint(text)
    host = _host(endpoint)
    match = _OSS_HOST.fullmatch(host) or _S3_HOST.fullmatch(host)
    if match and (bucket := match["bucket"]) and "vpce" not in host:
        raise ValueError(f"holds the bucket {bucket!r}: expected {host[len(bucket) + 1 :]}, without it")
    return endpoint


def instance_of(endpoint: str) -> str | None:
    """The instance that an endpoint of Tablestore belongs to; None where its host does not say."""
    host = _host(endpoint)
    return host.partition(".")[0] if host.endswith((".ots.aliyuncs.com", ".tablestore.aliyuncs.com")) else None


def parse_region(text: str) -> str:
    """The id of a region. Raises ValueError for anything else, with the region that was meant where that is clear."""
    meant = _region_meant(text)
    if meant == text:
        return text
    expected = f"did you mean {meant}?" if meant else "expected cn-shanghai or the like"
    raise ValueError(f"{text!r} is not a region id: {expected}")


def _region_meant(text: str) -> str | None:
    """The region named by a text that may be an endpoint, or another spelling."""
    host = _host(text.lower().replace("_", "-").strip("/"))
    labels = host.removesuffix(_ALIBABA_CLOUD).split(".") if host.endswith(_ALIBABA_CLOUD) else [host]
    for label in reversed(labels):
        before = _BEFORE_A_REGION.match(label)
        region = label[before.end() :] if before else label
        while behind := _BEHIND_A_REGION.search(region):
            region = region[: behind.start()]
        if _REGION.fullmatch(region):
            return region
    return None


def _host(endpoint: str) -> str:
    authority = endpoint.partition("://")[2] if "://" in endpoint else endpoint
    return authority.partition(":")[0].lower().rstrip(".")
