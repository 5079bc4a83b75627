"""The sinks of a chaos run, and the comparison of their content."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from alicloud_local import LocalCloud
from ice_result.app import assemble
from ice_result.core.credentials import Credentials, Keys
from ice_result.notify.documents import recorded_id
from ice_result.probe import PartialFile, probe
from ice_result.probe.model import FIRST_BYTES
from ice_result.processing.batch import Pipeline
from ice_result.records.model import Manifest, Record
from ice_result.settings import Settings
from ice_result.sinks.table.schema import TABLES
from support import callback_requests

CONCURRENCY = 16
Stored: TypeAlias = dict[str, list[object]]
"""Objects and rows of one job, by where they are stored."""
_POSITION = "ice/parked/listed-to.json"  # no envelope: it may outlast the envelopes when a listing was cut short


class Place:
    """Three sinks of a run: objects, wide columns, and a database file."""

    def __init__(self, cloud: LocalCloud, folder: Path, name: str, notify: Mapping[str, str]) -> None:
        """`notify` are the settings of the targets that are told of each job."""
        self.name = name
        self._cloud = cloud
        self._database = folder / f"{name}.db"
        cloud.oss.create_bucket(name)
        sinks = (f"oss://{name}/ice", f"ots://ice-{name}", f"sqlite:{self._database}")
        self.environment = {
            **cloud.environment,
            "ICE_RESULT_SINKS": ",".join(sinks),
            "ICE_RESULT_CONCURRENCY": str(CONCURRENCY),
            "ICE_RESULT_CALLBACK_URL": callback_requests.URL,
            "ICE_RESULT_CALLBACK_KEYS": ",".join(callback_requests.KEYS),
            **notify,
        }
        with closing(self.pipeline()) as pipeline:
            for sink in pipeline.stores.sinks:
                if sink.capabilities.keeps == "tables":
                    sink.prepare(dry_run=False)

    def pipeline(self) -> Pipeline:
        """Make a pipeline of this process for the sinks."""
        credentials = Credentials()
        ((key_id, secret),) = self._cloud.credentials.items()
        credentials.use(Keys(key_id, secret))
        return assemble(Settings.from_environment(self.environment), credentials)

    def keys(self, kind: str) -> list[str]:
        """Return the keys of objects of a kind, such as `parked`."""
        return [key for key in self._keys() if key.startswith(f"ice/{kind}/")]

    def stored(self, key: str) -> bytes:
        """Return the content of an object."""
        return self._cloud.oss.get(self.name, key)

    def requests_for(self, uri: str) -> int:
        """Return the number of requests that the media of a file takes."""
        bucket, key = uri.removeprefix("oss://").split("/", 1)
        if key not in self._cloud.oss.keys(bucket):
            return 1
        data, seconds = self._cloud.oss.get(bucket, key), list[bytes]()

        def read_part(start: int, end: int) -> bytes:
            seconds.append(data[start:end])
            return seconds[-1]

        probe(key, PartialFile(len(data), data[:FIRST_BYTES], read_part))
        return 1 + len(seconds)

    def by_job(self) -> dict[str, Stored]:
        """Return everything that is stored, by job, but what targets have acknowledged.

        A target may be told although the store could not keep its acknowledgement.
        """
        found: dict[str, Stored] = defaultdict(lambda: defaultdict(list))
        oss, ots, instance = self._cloud.oss, self._cloud.ots, f"ice-{self.name}"
        acknowledged = {*self.keys("notified")}
        for key in self._keys():
            if key in acknowledged:
                continue
            found[key.rpartition("/")[2].removesuffix(".json")][f"object {key}"].append(oss.get(self.name, key))
        for name in ots.tables(instance):
            for row in ots.rows(instance, name):
                found[str(row["job_id"])][f"Tablestore {name}"].append(row)
        with closing(sqlite3.connect(self._database)) as database:
            for table in TABLES:
                for values in database.execute(f"SELECT job_id, * FROM {table.name} ORDER BY 1, 2, 3"):  # noqa: S608  our own names
                    found[values[0]][f"SQLite {table.name}"].append(values)
        return found

    def notification_ids(self) -> dict[str, str]:
        """Return the id of the notification of what the first sink has, by job."""
        ids = {}
        for key in self.keys("records"):
            record = Record.model_validate_json(self.stored(key))
            manifest = Manifest.model_validate_json(self.stored(key.replace("/records/", "/manifests/", 1)))
            ids[str(record.job_id)] = recorded_id(record, manifest)
        return ids

    def acknowledged(self) -> dict[str, dict[str, str]]:
        """Return the id that each target has acknowledged last, as the first sink has it, by job."""
        documents = [json.loads(self.stored(key)) for key in self.keys("notified")]
        return {document["job_id"]: document["targets"] for document in documents}

    def _keys(self) -> list[str]:
        return [key for key in self._cloud.oss.keys(self.name) if key != _POSITION]


def difference(found: Stored, expected: Stored) -> str:
    """Describe the first difference between a stored job and the expected one; empty without a difference."""
    for where in sorted({*found, *expected}):
        if text := _difference(repr(found.get(where)), repr(expected.get(where))):
            return f"{where} {text}"
    return ""


def _difference(found: str, expected: str) -> str:
    if found == expected:
        return ""
    pairs = zip(found, expected, strict=False)
    at = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(found), len(expected)))
    shown = slice(max(0, at - 40), at + 80)
    return f"has …{found[shown]}…, and not …{expected[shown]}…"


def is_unseen(stored: Stored) -> bool:
    """Return True for a manifest with a file that could not be looked up."""
    return any(code in repr(contents) for contents in stored.values() for code in ('"unreachable"', '"forbidden"'))
