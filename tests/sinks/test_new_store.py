"""A store that is added by one module and one line: the example of CONTRIBUTING.md, run from end to end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ice_result.core.types import JobId
from ice_result.function import Function
from ice_result.sinks import SinkContext, open_parking_store, open_sink
from ice_result.sinks import object as object_stores
from ice_result.sinks.base import OBJECTS, JobFilter
from ice_result.sinks.registry import STORES, StoreType, check_path_url
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

MODULE = '''
"""Objects in a file of the standard library's dbm, behind `dbm:./jobs`."""

import dbm.dumb
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import ObjectStore
from ice_result.sinks.parked_model import Listed
from ice_result.sinks.registry import SinkUrl


class DbmStore(ObjectStore):
    """Bytes under keys in one file."""

    def __init__(self, path: str) -> None:
        self._file = dbm.dumb.open(path)
        self._lock = threading.Lock()  # jobs are written by several threads

    def address(self, key: str, /) -> str:
        return f"dbm:{key}"

    def put(self, key: str, data: bytes, /) -> str:
        with self._lock:
            self._file[key] = data
            self._file.sync()
        return self.address(key)

    def get(self, key: str, /) -> bytes | None:
        return self._file.get(key)

    def delete(self, key: str, /) -> None:
        if key in self._file:
            del self._file[key]

    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        keys = sorted(key.decode() for key in self._file.keys())
        now = datetime.now(timezone.utc)
        yield [Listed(key, now) for key in keys if key.startswith(folder) and key > after]

    def children(self, folder: str, /) -> Iterator[str]:
        inside = (key.decode().removeprefix(folder) for key in self._file.keys() if key.decode().startswith(folder))
        yield from sorted({rest.partition("/")[0] for rest in inside if "/" in rest})


def open_dbm(url: SinkUrl, context: SinkContext) -> ObjectStoreSink:
    return ObjectStoreSink(url.text, DbmStore(url.path), Layout())
'''


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of such a store, which the registry knows by its line."""
    (tmp_path / "dbm.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(object_stores, "__path__", [*object_stores.__path__, str(tmp_path)])
    monkeypatch.setitem(STORES, "dbm", StoreType(check_path_url, "ice_result.sinks.object.dbm:open_dbm", OBJECTS))
    yield f"dbm:{tmp_path}/jobs"
    sys.modules.pop("ice_result.sinks.object.dbm", None)
    vars(object_stores).pop("dbm", None)


def test_a_new_store_takes_a_job_a_parked_event_and_a_question(url: str) -> None:
    """GIVEN one module and one line WHEN jobs come THEN they are recorded, parked, found, listed and checked there."""
    environment = {
        "ICE_RESULT_SINKS": url,
        "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
        "ICE_RESULT_REGION": "cn-shanghai",
        "ICE_RESULT_VERIFY_OUTPUTS": "off",
    }
    with closing(Function(environment)) as function:
        reply = function.handle(b'{"JobIds": ["cover-0001", "no-such-job"]}', PlatformContext())
    assert (reply["recorded"], reply["parked"]) == (1, 1)

    sink = open_sink(url, SinkContext())
    found = sink.find(JobId("cover-0001"))
    assert found is not None
    assert found.manifest is not None
    assert [line.job_id for line in sink.jobs(JobFilter())] == ["cover-0001"]
    parking_store = open_parking_store(url, SinkContext())
    assert list(parking_store.reasons()) == ["not_found"]

    for arguments, expected in (
        (["parked", "list", "--json"], "no-such-job"),
        (["doctor", "--json"], "wrote dbm:parked/ice-result-doctor.json"),
        (["redecode", "--json"], "unchanged"),
    ):
        assert expected in ice_result(*arguments, **environment).stdout
    (shown,) = ice_result("show", "cover-0001", "--json", **environment).documents
    assert shown["manifest"]
