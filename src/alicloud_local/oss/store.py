"""Buckets, objects and multipart uploads in memory."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from alicloud_local.http_server import http_date

VersioningStatus: TypeAlias = Literal["Enabled", "Suspended"]
ObjectType: TypeAlias = Literal["Normal", "Multipart", "Appendable", "Symlink"]

STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")

_CRC64_POLYNOMIAL = 0x142F0E1EBA9EA3693
_ALL_ONES = 0xFFFFFFFFFFFFFFFF


class Restoration(NamedTuple):
    """A readable copy of an archived object, from one time to another in seconds since 1970."""

    begins: float
    ends: float

    def info(self, now: float) -> str:
        """Return the value of x-oss-restore."""
        if now < self.begins:
            return 'ongoing-request="true"'
        return f'ongoing-request="false", expiry-date="{http_date(int(self.ends))}"'


@dataclass(frozen=True)
class StoredObject:
    """An object.

    `headers` are those of its PUT that OSS keeps and sends back. `modified` is in seconds since 1970. `target` is the
    key that a symlink leads to.
    """

    modified: float
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    etag: str = ""
    crc64: str = "0"
    type: ObjectType = "Normal"
    storage_class: str = "Standard"
    acl: str = "default"
    tags: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    restoration: Restoration | None = None


class Part(NamedTuple):
    """A part of a multipart upload."""

    data: bytes
    etag: str
    crc64: str
    modified: float


@dataclass
class Upload:
    """A multipart upload; `model` is the object that it will make, still without data."""

    id: str
    key: str
    model: StoredObject
    initiated: float
    sequential: bool = False
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket and what is in it. No versions are kept: `versioning` only changes what OSS promises.

    `settings` are documents by subresource (`cors`, `lifecycle`, …), which are stored and have no effect.
    """

    name: str
    region: str
    created: float
    versioning: VersioningStatus | None = None
    storage_class: str = "Standard"
    redundancy: str = "LRS"
    acl: str = "private"
    forbidden: bool = False
    settings: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)


class Store:
    """The buckets by name; a thread that reads or changes them has acquired `lock`.

    `denied_keys` are the ids of keys of KMS that no caller may use.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.buckets: dict[str, Bucket] = {}
        self.denied_keys: set[str] = set()

    def bucket(self, name: str) -> Bucket:
        """Return a bucket. Raises KeyError, which says what to do, when there is none."""
        bucket = self.buckets.get(name)
        if bucket is None:
            raise KeyError(f"no bucket {name!r} in the local OSS: create_bucket() it first")
        return bucket


def with_data(model: StoredObject, data: bytes) -> StoredObject:
    """Return an object with this data and the checksums that OSS computes: MD5 as ETag, and CRC-64/ECMA."""
    return replace(model, data=data, etag=etag_of(data), crc64=crc64_of(data))


def md5(data: bytes) -> bytes:
    """Return the MD5, a checksum in OSS's protocol and nothing more."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def etag_of(data: bytes) -> str:
    """Return the ETag of an object that came in one piece."""
    return f'"{md5(data).hex().upper()}"'


def content_md5(data: bytes) -> str:
    """Return the value of the Content-MD5 header."""
    return base64.b64encode(md5(data)).decode()


def crc64_of(data: bytes) -> str:
    """Return the CRC-64/ECMA as OSS writes it."""
    return str(_crc64_function()(data))


@cache
def _crc64_function() -> Callable[[bytes], int]:
    from crcmod import mkCrcFun  # type: ignore[import-untyped]  # noqa: PLC0415  comes with oss2; only a PUT needs it

    function: Callable[[bytes], int] = mkCrcFun(_CRC64_POLYNOMIAL, initCrc=0, rev=True, xorOut=_ALL_ONES)
    return function
