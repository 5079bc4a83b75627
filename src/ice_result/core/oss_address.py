"""Addresses of objects in OSS: one reader for the many ways to write a bucket and a key.

The SDKs build addresses and read none, so no library serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias
from unicodedata import normalize
from urllib.parse import unquote

from ice_result.core.redaction import REDACTED, redact, without_query, without_signed_query

Host: TypeAlias = Literal["none", "oss", "other"]
"""Host in an object's name: none (the name is a path), one of OSS, or another one."""

_ADDRESS = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?//(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)
_REGIONS = (
    r"(?:cn-(?:hangzhou|shanghai|nanjing|fuzhou|wuhan|zhengzhou|qingdao|beijing|zhangjiakou|huhehaote|wulanchabu|shenzhen"
    r"|heyuan|guangzhou|chengdu|zhongwei|hongkong|north|south|east)|(?:ap|us|eu|me|na)-(?:north|south|east|west|central))"
)
# The hosts of OSS: the dual-stack form; then public, internal and VPC endpoints, acceleration, static websites, the S3
# form, and the oldest form without a region. A single label before `.oss.aliyuncs.com` is a bucket (`us-videos`) unless
# it begins like a region that exists.
_OSS_HOSTS = (
    re.compile(
        rf"(?:(?P<bucket>[a-z0-9-]+)\.|(?={_REGIONS}))(?P<region>(?:cn|ap|us|eu|me|na)-[a-z]{{4,}}[a-z0-9-]*)"
        r"\.oss\.aliyuncs\.com(?::\d+)?"
    ),
    re.compile(
        r"(?:(?P<bucket>(?!s3\.)[a-z0-9-]+)\.)?(?:s3\.)?(?:vpc\d*-)?oss(?:-(?:website-)?(?P<region>[a-z0-9-]+))?"
        r"\.aliyuncs\.com(?::\d+)?"
    ),
)
_NOT_REGIONS = {"", "accelerate", "accelerate-overseas", "internal"}
# An access point takes the place of a bucket, but its alias is not the name of a bucket. [documented]
_ALIAS_ENDINGS = ("-ossalias", "-opapalias")
_NOT_SAVED = "oss fail to save"
# The URL authentication of Alibaba Cloud CDN, types B and C: a time in minutes and an MD5 before the path, or an MD5
# and a time in hexadecimal seconds. [documented] The last form is left after a secret was removed.
_PATH_SIGNATURE = re.compile(
    r"/(?P<signature>20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d/[0-9a-f]{32}"
    r"|[0-9a-f]{32}/[0-9A-Fa-f]{8}"
    rf"|{re.escape(REDACTED)})(?P<rest>/.*)",
    re.DOTALL,
)
_LONGEST_WRITTEN_KEY = 5 * 1023  # a key has at most 1,023 bytes [documented]; encoded twice, each takes five characters
_MOST_CUTS = 8


class ObjectAddress(NamedTuple):
    """An object in OSS. `key` is the key that OSS stores, never percent-encoded; only some hosts name the `region`."""

    bucket: str
    key: str
    region: str | None = None

    @property
    def uri(self) -> str:
        """Address as `oss://bucket/key`, the form in records and manifests: without secrets, unlike the key itself."""
        return f"oss://{self.bucket}/{redact(self.key)}"


@dataclass(eq=False, repr=False)
class ObjectName:
    """The parts of a text that names an object.

    `bucket` is None if the text does not name it. `written` is the key as it was sent: the rest of the address with
    its query, percent-encoded unless `literal`.
    """

    host: Host
    bucket: str | None
    region: str | None
    written: str
    literal: bool

    @cached_property
    def is_not_saved(self) -> bool:
        """True for ICE's error text in place of the path of a file that it could not write, also inside an address.

        The job still says Success. [measured: the output bucket was in another region than the job, and the text was
        `oss fail to save the image in the given bucket`; the same beginning for other functions is inferred]
        """
        return _decoded(self.key).lstrip("\ufeff /").lower().startswith(_NOT_SAVED)

    @cached_property
    def key(self) -> str:
        """Key as OSS reads it: in the path of an http(s) URL, `+` is a space. [inferred from public reports]"""
        return self.plain if self.literal else _key(_decoded(without_query(self.written).replace("+", " ")))

    @cached_property
    def plain(self) -> str:
        """Key with `+` unchanged: percent-decoded once, or a path as it is."""
        return _key(without_signed_query(self.written)) if self.literal else _key(_decoded(without_query(self.written)))

    def readings(self) -> Iterator[str]:
        """Yield every key that the text may mean: first the plain one, then those of a wrong or missing encoding."""
        yield self.plain
        for written in self._cuts():
            once, spaced = _decoded(written), _decoded(written.replace("+", " "))
            yield from map(_key, (once, spaced, _decoded(once), _decoded(once.replace("+", " ")), written))
            for text in (written, once):
                chinese = _decoded_as("gb18030", text)
                if chinese is not None:
                    yield _key(chinese)
        behind = self._behind_host()
        if behind is not None:
            yield from behind.readings()

    def signed_path(self) -> tuple[str, ObjectName] | None:
        """Split a CDN's signature off the start of a path. OSS's own hosts have none."""
        if self.host == "none":
            behind = self._behind_host()
            return behind.signed_path() if behind else None
        match = _PATH_SIGNATURE.fullmatch(self.written) if self.host == "other" else None
        if match is None:
            return None
        return match["signature"], ObjectName("other", None, None, match["rest"], self.literal)

    def _cuts(self) -> Iterator[str]:
        """Yield the path alone, then the path up to each later `?` or `#`, which may belong to the key."""
        marks = [match.start() for match, _ in zip(re.finditer(r"[?#]", self.written), range(_MOST_CUTS), strict=False)]
        for end in (*marks, len(self.written)):
            if end <= _LONGEST_WRITTEN_KEY:
                yield self.written[:end]

    def _behind_host(self) -> ObjectName | None:
        """Remove the first part of a path if it may be a host."""
        host, _, rest = self.written.partition("/")
        if self.host != "none" or not _DOMAIN.fullmatch(host):
            return None
        return ObjectName("other", None, None, f"/{rest}", literal=False)


class KnownKeys:
    """Keys of known objects, found also by other spellings of them."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._similar: dict[str, set[str]] | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def match(self, name: ObjectName) -> str | None:
        """Find the known key that `name` means: its first reading that is known, else the only similar key.

        A signature in the path is skipped only before a known key.
        """
        signed = name.signed_path()
        names = [name, signed[1]] if signed else [name]
        for each in names:
            for reading in each.readings():
                if reading in self._keys:
                    return reading
        for each in names:
            similar = self._all_similar().get(_normalised(each.plain), set())
            if len(similar) == 1:
                return next(iter(similar))
        return None

    def path_signature(self, url: str) -> str | None:
        """Find a CDN's signature in the path of `url`: `time/hash` or `hash/time`, as it is written there.

        None for a URL that OSS itself serves, for a path of another shape, and before an unknown key.
        """
        name = read_name(url)
        signed = name.signed_path()
        if signed is None or any(reading in self._keys for reading in name.readings()):
            return None
        signature, behind = signed
        return signature if self.match(behind) is not None else None

    def _all_similar(self) -> dict[str, set[str]]:
        """Index the known keys without any encoding, also up to a `?` or `#` of their own."""
        if self._similar is None:
            self._similar = {}
            for key in self._keys:
                for text in (key, without_query(key)):
                    self._similar.setdefault(_normalised(text), set()).add(key)
        return self._similar


def read_name(text: str, bucket: str | None = None) -> ObjectName:
    """Take an object's name apart: an address of any form, or a path in `bucket`.

    An access point leads to `bucket` too: its alias does not name the bucket behind it.
    """
    text = text.strip()
    address = _ADDRESS.fullmatch(text)
    scheme, host, rest = (address["scheme"], address["host"], address["rest"]) if address else (None, "", "")
    if scheme is None:
        if address is None:
            host = re.split(r"[/?#]", text, maxsplit=1)[0]
            rest = text[len(host) :]
        if not _on_oss(host) and not (address and _DOMAIN.fullmatch(host.rpartition("@")[2])):
            return ObjectName("none", bucket, None, text.lstrip("/"), literal=True)
    literal = (scheme or "").lower() == "oss"
    on_oss = _on_oss(host)
    if on_oss:
        return _served_by_oss(on_oss, rest, bucket, literal=literal)
    if literal and _BUCKET.fullmatch(host):
        return ObjectName("oss", bucket if host.endswith(_ALIAS_ENDINGS) else host, None, rest, literal)
    return ObjectName("other", None, None, rest, literal)


def parse_address(text: str) -> ObjectAddress | None:
    """Read bucket and key of `oss://bucket/key`, `oss://bucket.oss-<region>.aliyuncs.com/key` or an http(s) OSS URL.

    The bucket may also be in the path of OSS's own host, and the scheme before a host of OSS may be missing. The query
    and fragment of an http(s) URL are dropped and its path is decoded as OSS does; an `oss:` key is taken literally.
    No key begins with `/` or ends in blanks. None where no bucket is named: other hosts, access points,
    user:password@host, names that no bucket can have.
    """
    name = read_name(text)
    return ObjectAddress(name.bucket, name.key, name.region) if name.bucket else None


def is_not_saved(text: str) -> bool:
    """Recognise ICE's error text in place of the path of a file that it could not write."""
    return read_name(text).is_not_saved


def _on_oss(host: str) -> re.Match[str] | None:
    """Match a host of OSS itself."""
    host = host.lower()
    if "aliyuncs" not in host:  # most names are paths
        return None
    return _OSS_HOSTS[0].fullmatch(host) or _OSS_HOSTS[1].fullmatch(host)


def _served_by_oss(host: re.Match[str], rest: str, bucket: str | None, *, literal: bool) -> ObjectName:
    """Read a name behind a host of OSS: the bucket is the host's first label, else the first part of the path."""
    label, region = host["bucket"], (host["region"] or "").removesuffix("-internal")
    if label is None:
        label, slash, behind = rest.lstrip("/").partition("/")
        rest = slash + behind
    if not label.endswith(_ALIAS_ENDINGS):
        bucket = label if _BUCKET.fullmatch(label) else None
    return ObjectName("oss", bucket, None if region in _NOT_REGIONS else region, rest, literal)


def _key(text: str) -> str:
    """Strip what no key has: OSS allows no `/` at the start, and ICE writes no blanks at the end."""
    return text.lstrip("/").rstrip()


def _decoded(text: str) -> str:
    """Percent-decode `text`: as UTF-8, else as GBK, else with U+FFFD for bytes of neither."""
    if "%" not in text:
        return text
    for encoding in ("utf-8", "gb18030"):
        decoded = _decoded_as(encoding, text)
        if decoded is not None:
            return decoded
    return unquote(text, errors="replace")


def _decoded_as(encoding: str, text: str) -> str | None:
    try:
        return unquote(text, encoding, errors="strict")
    except UnicodeDecodeError:
        return None


def _normalised(key: str) -> str:
    """Decode `key` until it no longer changes, with spaces for `+`, composed characters, and no blanks around it."""
    for _ in range(3):
        key = _decoded(key.replace("+", " "))
    return normalize("NFC", _key(key.replace("+", " ")).lstrip())
