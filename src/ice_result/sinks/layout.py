"""Where things lie in an object store: the keys of records, manifests and parked events.

<prefix>/records/function_name=<F>/dt=<CreateTime's UTC day>/<job id>.json      Hive partitions
<prefix>/manifests/function_name=<F>/dt=<CreateTime's UTC day>/<job id>.json
<prefix>/parked/<reason>/<job id, or a hash of the event>.json
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal
from urllib.parse import quote

from ice_result.jsontext import dump
from ice_result.records.model import Record
from ice_result.sinks.model import Parked

LONGEST_PART = 180
"""Bytes of an encoded id or name. With what is put around it, it stays below the 255 bytes of a file name."""
_HASH_LENGTH = 32
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_CUT_ESCAPE = re.compile(r"%.?$")


@dataclass(frozen=True)
class Layout:
    """The keys below `prefix`, which has no slash at either end and may be empty."""

    prefix: str = ""

    def record(self, record: Record) -> str:
        """The key of a record."""
        return self._of_job("records", record)

    def manifest(self, record: Record) -> str:
        """The key of the manifest that belongs to `record`: it lies in the same partition."""
        return self._of_job("manifests", record)

    def parked(self, parked: Parked) -> str:
        """The key of a parked event: the same event, parked for the same reason, has the same key."""
        name = part(parked.job_id) if parked.job_id else _digest(dump(parked.event))
        return self._key("parked", part(parked.reason), f"{name}.json")

    def _of_job(self, kind: Literal["records", "manifests"], record: Record) -> str:
        function = part(record.function_name) if record.function_name else _NO_VALUE
        day = _utc_day(record.create_time) if record.create_time else _NO_VALUE
        return self._key(kind, f"function_name={function}", f"dt={day}", f"{part(record.job_id)}.json")

    def _key(self, *parts: str) -> str:
        return "/".join((self.prefix, *parts) if self.prefix else parts)


def part(text: str) -> str:
    """`text` as one part of a key: percent-encoded; when too long, cut and told apart by `+` and a hash.

    A plus sign never comes out of the encoding, so no two texts become the same part.
    """
    encoded = quote(text, safe="", errors="surrogatepass")
    if len(encoded) <= LONGEST_PART:
        return encoded
    kept = _CUT_ESCAPE.sub("", encoded[: LONGEST_PART - _HASH_LENGTH - 1])
    return f"{kept}+{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_LENGTH]


def _utc_day(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).date().isoformat()
