"""Buckets and objects in memory."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

VersioningStatus: TypeAlias = Literal["Enabled", "Suspended"]

_CRC64_POLYNOMIAL = 0x142F0E1EBA9EA3693
_ALL_ONES = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class StoredObject:
    """An object. `headers` are those of its PUT that OSS keeps and sends back; `modified` is in seconds since 1970."""

    data: bytes
    content_type: str
    headers: Mapping[str, str]
    modified: float
    etag: str
    crc64: str

    @classmethod
    def of(cls, data: bytes, content_type: str, headers: Mapping[str, str], modified: float) -> StoredObject:
        """The object made of `data`, with the checksums OSS computes: MD5 as ETag, and CRC-64/ECMA."""
        etag = f'"{md5(data).hex().upper()}"'
        return cls(data, content_type, headers, modified, etag, str(_crc64_function()(data)))


@dataclass
class Bucket:
    """A bucket and what is in it. Versions are not kept: `versioning` only changes what OSS promises."""

    name: str
    region: str
    created: float
    versioning: VersioningStatus | None = None
    forbidden: bool = False
    objects: dict[str, StoredObject] = field(default_factory=dict)


class Store:
    """All buckets, safe to use from many threads; a PUT is there entirely or not at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def create(self, bucket: Bucket) -> None:
        """Add a bucket; one of the same name stays as it is."""
        with self._lock:
            self._buckets.setdefault(bucket.name, bucket)

    def find(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    def bucket(self, name: str) -> Bucket:
        """Raises KeyError, with what to do, when there is none."""
        bucket = self.find(name)
        if bucket is None:
            raise KeyError(f"no bucket {name!r} in the local OSS: create_bucket() it first")
        return bucket

    def put(self, bucket: Bucket, key: str, stored: StoredObject, *, replace: bool = True) -> bool:
        """Whether it was put: not when `replace` is False and the key is taken."""
        with self._lock:
            if not replace and key in bucket.objects:
                return False
            bucket.objects[key] = stored
            return True

    def delete(self, bucket: Bucket, key: str) -> None:
        with self._lock:
            bucket.objects.pop(key, None)

    def entries(self, bucket: Bucket) -> list[tuple[str, StoredObject]]:
        """Every key and object, in OSS's order: that of the keys' UTF-8 bytes."""
        with self._lock:
            return sorted(bucket.objects.items(), key=lambda item: item[0])


def md5(data: bytes) -> bytes:
    """The MD5 of `data`, a checksum in OSS's protocol and nothing more."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def content_md5(data: bytes) -> str:
    """The value of the Content-MD5 header for `data`."""
    return base64.b64encode(md5(data)).decode()


@cache
def _crc64_function() -> Callable[[bytes], int]:
    from crcmod import mkCrcFun  # type: ignore[import-untyped]  # noqa: PLC0415  comes with oss2; only a PUT needs it

    function: Callable[[bytes], int] = mkCrcFun(_CRC64_POLYNOMIAL, initCrc=0, rev=True, xorOut=_ALL_ONES)
    return function
