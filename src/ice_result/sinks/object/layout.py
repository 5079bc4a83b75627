"""Keys of records, manifests and parked events in an object store.

<prefix>/records/function_name=<F>/dt=<CreateTime's UTC day>/<job id>.json      Hive partitions
<prefix>/manifests/function_name=<F>/dt=<CreateTime's UTC day>/<job id>.json
<prefix>/contents/function_name=<F>/dt=<CreateTime's UTC day>/<job id>/<n>.json   and for captions <n>.srt and <n>.vtt
<prefix>/jobs/<job id>.json                                                    pointer to the record and the manifest
<prefix>/jobs-complete.json                                                    mark: every job has a pointer
<prefix>/parked/<reason, or dead>/<job id, or a hash of the event>.json
<prefix>/parked/listed-to.json                                                 position of the timer's listing
<prefix>/expected/<when it is due>-<job id>.json
<prefix>/notified/<job id>.json                                                what targets have acknowledged
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, TypeAlias
from urllib.parse import quote

from ice_result.core.json_text import dump
from ice_result.records.model import Record
from ice_result.sinks.parked_model import DEAD, Expected, Parked

LONGEST_PART = 180
"""Bytes of an encoded id or name. With its surroundings it stays below the 255 bytes of a file name."""
_HASH_LENGTH = 32
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""Hive's own text for a column without a value: jobs without a FunctionName or a CreateTime."""
Kind: TypeAlias = Literal["records", "manifests", "contents", "jobs", "parked", "expected", "notified"]
KINDS = ("records", "manifests", "parked", "expected")
"""Names of the folders by which a store is known. Folders of other things have the other names, too."""
MARK = "jobs-complete.json"
"""Name of the mark of a store in which every job has a pointer. It is not in `jobs/`, where a job may have any name."""
_DUE = "%Y%m%dT%H%M%SZ"
_CUT_ESCAPE = re.compile(r"%.?$")


@dataclass(frozen=True)
class Layout:
    """Keys below `prefix`, which has no slash at either end and may be empty."""

    prefix: str = ""

    def record(self, record: Record) -> str:
        """Return the key of a record."""
        return self.record_of(record.job_id, record.function_name, record.create_time)

    def record_of(self, job_id: str, function_name: str, create_time: datetime | None) -> str:
        """Return the key of the record of a job."""
        day = f"dt={create_time.astimezone(timezone.utc).date().isoformat() if create_time else NO_VALUE}"
        return self._key("records", function_partition(function_name), day, file_name(job_id))

    def manifest(self, record: Record) -> str:
        """Return the key of the manifest that belongs to `record`, in the same partition."""
        return self.manifest_of(self.record(record))

    def manifest_of(self, record_key: str) -> str:
        """Return the key of the manifest that belongs to the record under `record_key`."""
        return f"{self.folder('manifests')}{record_key.removeprefix(self.folder('records'))}"

    def contents_of(self, record_key: str) -> str:
        """Return the folder of the contents that belong to the record under `record_key`; it ends in a slash."""
        partition = record_key.removeprefix(self.folder("records")).removesuffix(".json")
        return f"{self.folder('contents')}{partition}/"

    def pointer(self, job_id: str) -> str:
        """Return the key of the pointer to a job."""
        return self._key("jobs", file_name(job_id))

    def pointer_beside(self, record_key: str) -> str:
        """Return the key of the pointer to the job whose record is under `record_key`."""
        return self._key("jobs", record_key.rpartition("/")[2])

    def mark(self) -> str:
        """Return the key of the mark."""
        return self._key(MARK)

    def below_prefix(self, key: str) -> str:
        """Return a key without the prefix, as pointers have it."""
        return key.removeprefix(self._key(""))

    def parked(self, parked: Parked) -> str:
        """Return the key of a parked event: the same event, parked for the same reason, has the same key."""
        name = part(parked.job_id) if parked.job_id else _digest(dump(parked.event))
        return self._key("parked", part(DEAD if parked.dead else parked.reason), f"{name}.json")

    def position(self) -> str:
        """Return the key of the position in the listing of parked events. It is in no folder of a reason."""
        return self._key("parked", "listed-to.json")

    def expected(self, note: Expected) -> str:
        """Return the key of a note: sorted by name, the first to be due comes first."""
        due = note.due_at.astimezone(timezone.utc).strftime(_DUE)
        return self._key("expected", f"{due}-{file_name(note.job_id)}")

    def notified(self, job_id: str) -> str:
        """Return the key of what targets have acknowledged of a job."""
        return self._key("notified", file_name(job_id))

    def folder(self, kind: Kind, *partition: str) -> str:
        """Return the start of all keys of a kind, or of a partition such as `function_name=Cover`; it ends in /."""
        return self._key(kind, *partition, "")

    def _key(self, *parts: str) -> str:
        return "/".join((self.prefix, *parts) if self.prefix else parts)


def due_of(key: str) -> datetime | None:
    """Return the time at which the note under `key` is due; None when it is not ours."""
    due, dash, _ = key.rpartition("/")[2].partition("-")
    try:
        return datetime.strptime(due, _DUE).replace(tzinfo=timezone.utc) if dash else None
    except ValueError:
        return None


def function_partition(function_name: str) -> str:
    """Return the outer folder of a function's jobs."""
    return f"function_name={part(function_name) if function_name else NO_VALUE}"


def file_name(job_id: str) -> str:
    """Return the name of a job's files within their partitions."""
    return f"{part(job_id)}.json"


def part(text: str) -> str:
    """Return `text` as one part of a key: percent-encoded; when too long, cut, with `+` and a hash to distinguish it.

    A plus sign never comes out of the encoding, so no two texts become the same part.
    """
    encoded = quote(text, safe="", errors="surrogatepass")
    if len(encoded) <= LONGEST_PART:
        return encoded
    kept = _CUT_ESCAPE.sub("", encoded[: LONGEST_PART - _HASH_LENGTH - 1])
    return f"{kept}+{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_LENGTH]
