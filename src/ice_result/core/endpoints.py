"""Regions and endpoints of services, parsed from the forms that people write."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from typing_extensions import override

_ENDPOINT = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+(?::\d{1,5})?)/?")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
# People write more around a region: the name of a service, a network, or the letter of a zone.
_SERVICES = "oss|ots|ice|mns|mts|ims|vod|imm|fc|log|sls|eventbridge|sts|ecs"
_BEFORE_A_REGION = re.compile(rf"(vpc\d*-)?(s3-)?({_SERVICES})-|vpc\d*-")
_AFTER_A_REGION = re.compile(rf"(-(internal|vpc|{_SERVICES})|(?<=\d)[a-z]|-[a-z])$")
_ALIBABA_CLOUD = ".aliyuncs.com"
# OSS has three kinds of hosts: by region, accelerated, and dual stack. A bucket's name may stand before each.
_OSS_HOST = (
    r"(?:(?P<bucket>.+?)\.)??(?:s3\.)?"
    r"(?:(?:vpc\d+-)?oss-[a-z0-9-]+|(?:cn|ap|us|eu|me|na|sa|rg)-[a-z0-9-]+\.oss|oss)\.aliyuncs\.com"
)
_S3_HOST = r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?"


class Endpoint(NamedTuple):
    """Address of a service. `authority` is `host[:port]` as written; `str()` gives `scheme://host[:port]`."""

    scheme: Literal["http", "https"]
    authority: str

    @override
    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def host(self) -> str:
        """Name of the host in lower case, without a port or a final dot."""
        return self.authority.partition(":")[0].lower().rstrip(".")

    @property
    def is_alibaba_cloud(self) -> bool:
        """True for a host of Alibaba Cloud."""
        return self.host.endswith(_ALIBABA_CLOUD)

    @property
    def tablestore_instance(self) -> str | None:
        """Instance named by a host of Tablestore; None for any other host."""
        of_tablestore = self.host.endswith((".ots.aliyuncs.com", ".tablestore.aliyuncs.com"))
        return self.host.partition(".")[0] if of_tablestore else None


def parse_endpoint(text: str) -> Endpoint:
    """Parse `host`, `host:port` or `http(s)://host[:port]`; the scheme is https unless the text names http.

    Raises ValueError for any other form.
    """
    match = _ENDPOINT.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an endpoint: a host, host:port, or http(s)://host:port without a path")
    return Endpoint(cast("Literal['http', 'https']", match[1] or "https"), match[2])


def oss_endpoint(region: str, *, internal: bool = False) -> Endpoint:
    """Return the endpoint of OSS in a region: the public one, or the one inside Alibaba Cloud's network [documented].

    The internal one is reached from the same region only. Its traffic is not billed, and it has no access from outside.
    """
    return Endpoint("https", f"oss-{region}{'-internal' if internal else ''}.aliyuncs.com")


def parse_object_endpoint(text: str) -> Endpoint:
    """Parse an endpoint of OSS or S3. Raises ValueError also for one with a bucket, which each request names itself."""
    endpoint = parse_endpoint(text)
    host = endpoint.host
    match = re.fullmatch(_OSS_HOST, host) or re.fullmatch(_S3_HOST, host)
    if match and (bucket := match["bucket"]) and "vpce" not in host:
        raise ValueError(f"contains the bucket {bucket!r}: expected {host[len(bucket) + 1 :]}, without it")
    return endpoint


def parse_region(text: str) -> str:
    """Check the id of a region. Raises ValueError, which suggests a region when the text contains one."""
    meant = _region_in(text)
    if meant == text:
        return text
    expected = f"did you mean {meant}?" if meant else "expected cn-shanghai or the like"
    raise ValueError(f"{text!r} is not a region id: {expected}")


def _region_in(text: str) -> str | None:
    """Find the region in a text that may be an endpoint, or a region in another spelling."""
    authority = text.lower().replace("_", "-").strip("/").rpartition("://")[2]
    host = authority.partition(":")[0].rstrip(".")
    labels = host.removesuffix(_ALIBABA_CLOUD).split(".") if host.endswith(_ALIBABA_CLOUD) else [host]
    for label in reversed(labels):
        before = _BEFORE_A_REGION.match(label)
        region = label[before.end() :] if before else label
        while after := _AFTER_A_REGION.search(region):
            region = region[: after.start()]
        if _REGION.fullmatch(region):
            return region
    return None
